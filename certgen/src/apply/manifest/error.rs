//! Why a manifest is refused, and where in it.

use std::borrow::Cow;

use cryptokit::x509::{DistinguishedNameError, NameError, ProfileViolation};

use crate::explain::Explain;

/// Why a manifest is refused, with the place in its text.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ManifestError {
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: ManifestProblem,
}

/// What is wrong with a manifest. Text of the manifest in it is escaped and cut to a readable length.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestProblem {
    /// Larger than [`super::Manifest::MAX_BYTES`].
    #[error("the manifest is larger than {max_bytes} bytes")]
    TooLarge {
        /// The bound.
        max_bytes: usize,
    },
    /// Not UTF-8, hence not TOML.
    #[error("this is not UTF-8 text")]
    NotText,
    /// Not TOML, a key that the format does not have, or a value of another type.
    #[error("{message}")]
    Document {
        /// What the parser said.
        message: String,
    },
    /// No `version`, or one that this program does not know.
    #[error("`version` is {found}, and this program reads version 1")]
    Version {
        /// What there is.
        found: String,
    },
    /// More services than [`super::Manifest::MAX_SERVICES`], or names of one than [`super::Manifest::MAX_NAMES`].
    #[error("there are more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// A directory that leads elsewhere.
    #[error("`directory` is `{found}`, which is not a directory below that of the manifest")]
    Directory {
        /// What there is.
        found: String,
    },
    /// A name that cannot be a directory's.
    #[error("`{name}` cannot be the name of {what}")]
    Name {
        /// Of what.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two names that are one directory where upper and lower case are the same, or one that a file of the authority
    /// has.
    #[error("the name `{name}` is already taken")]
    Taken {
        /// The name.
        name: String,
    },
    /// Name, organization, unit or country of the authority.
    #[error("{source}")]
    Subject {
        /// What is wrong with it.
        source: DistinguishedNameError,
    },
    /// A value of a closed list.
    #[error("`{found}` is no {what}")]
    Choice {
        /// What it was to be.
        what: &'static str,
        /// What there is.
        found: String,
        /// What there can be.
        choices: &'static str,
    },
    /// Not a length of time, or one out of bounds.
    #[error("`{found}` is not a lifetime of at most {max_days} days")]
    Lifetime {
        /// What there is.
        found: String,
        /// The bound, in days.
        max_days: i64,
    },
    /// Not a point in a certificate's life.
    #[error("`{found}` is not a point in a certificate's life")]
    RenewalPoint {
        /// What there is.
        found: String,
    },
    /// A point that a new certificate has already reached: every run would issue again.
    #[error("with `renew` at `{point}` a certificate of {lifetime} is due from its first second")]
    AlwaysDue {
        /// The point.
        point: String,
        /// The lifetime.
        lifetime: String,
    },
    /// A trust domain or SPIFFE id.
    #[error("`{found}` is no trust domain")]
    TrustDomain {
        /// What there is.
        found: String,
    },
    /// A name that no certificate may have.
    #[error("`{found}` cannot stand in a certificate: {source}")]
    AlternativeName {
        /// What there is.
        found: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// A name constraint.
    #[error("`{found}` is no name constraint: {why}")]
    Constraint {
        /// What there is.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// Names that the profile does not have.
    #[error("the names of `{service}` do not fit its profile: {source}")]
    Profile {
        /// The service.
        service: String,
        /// The rule broken.
        source: ProfileViolation,
    },
    /// A name outside the manifest's own constraints.
    #[error("`{name}` is outside the authority's own `permit` and `exclude`")]
    OutsideConstraints {
        /// The name.
        name: String,
    },
    /// A service below an authority that the manifest does not have.
    #[error("there is no issuing authority `{name}`")]
    UnknownIssuer {
        /// Its name.
        name: String,
    },
    /// An entry of `revoked` with both or none of the two ways to say what is revoked.
    #[error("an entry of `revoked` has either `serial` or `service`")]
    RevokedWhat,
    /// Not a serial number.
    #[error("`{found}` is not a serial number in hexadecimal")]
    Serial {
        /// What there is.
        found: String,
    },
    /// A service that is to have a certificate and to have none.
    #[error("`{name}` is in `services` and in `revoked`")]
    RevokedService {
        /// The service.
        name: String,
    },
    /// A certificate revoked twice.
    #[error("`{what}` is in `revoked` twice")]
    RevokedTwice {
        /// Serial number or service.
        what: String,
    },
}

impl Explain for ManifestError {
    fn hint(&self) -> Cow<'static, str> {
        match &self.problem {
            ManifestProblem::TooLarge { .. } | ManifestProblem::TooMany { .. } => {
                "split it into several manifests, each with its authority".into()
            }
            ManifestProblem::NotText => "save it as UTF-8".into(),
            ManifestProblem::Document { .. } => "see `certgen apply --example` for every key with its form".into(),
            ManifestProblem::Version { .. } => "begin the manifest with the line `version = 1`".into(),
            ManifestProblem::Directory { .. } => {
                "write a path below the manifest such as `pki`, or name any other directory with --ca".into()
            }
            ManifestProblem::Name { .. } => {
                "use 1 to 64 letters, digits, dots, dashes and underscores, beginning and ending with a letter or digit"
                    .into()
            }
            ManifestProblem::Taken { .. } => "give each service and issuing authority a name of its own".into(),
            ManifestProblem::Subject { source } => match source {
                DistinguishedNameError::Country => "write `DE`, `GB`, `US` …; the United Kingdom's is `GB`".into(),
                _ => "shorten or correct it; the authority's name may have 40 characters".into(),
            },
            ManifestProblem::Choice { choices, .. } => format!("write one of {choices}").into(),
            ManifestProblem::Lifetime { .. } => "write a number with its unit: `24h`, `90d` or `520w`".into(),
            ManifestProblem::RenewalPoint { .. } => {
                "write the share of its life that has passed (`2/3`, `75%`) or the time that is left (`30d`)".into()
            }
            ManifestProblem::AlwaysDue { .. } => "lengthen `lifetime`, or renew later".into(),
            ManifestProblem::TrustDomain { .. } => {
                "write it without scheme and path: lower-case letters, digits, dots, dashes and underscores".into()
            }
            ManifestProblem::AlternativeName { .. } => {
                "correct the name, or say what kind it is: `dns:NAME`, `ip:ADDRESS`, `uri:URI` or `email:ADDRESS`"
                    .into()
            }
            ManifestProblem::Constraint { .. } => {
                "write `dns:svc.internal`, `ip:10.0.0.0/8`, `email:svc.internal` or `uri:svc.internal`".into()
            }
            ManifestProblem::Profile { .. } => "correct `names` or `profile` of this service".into(),
            ManifestProblem::OutsideConstraints { .. } => {
                "take the name out; another constraint would need another root (`certgen rotate-ca`)".into()
            }
            ManifestProblem::UnknownIssuer { name } => {
                format!("add a table `[issuing.{name}]`, or take `issuer` out: it is `intermediate` then").into()
            }
            ManifestProblem::RevokedWhat => {
                "write `serial = \"…\"` for one certificate, or `service = \"…\"` for all of a service".into()
            }
            ManifestProblem::Serial { .. } => {
                "copy it from `certgen inspect`: an even number of hexadecimal digits, 40 at most".into()
            }
            ManifestProblem::RevokedService { .. } => {
                "take the service out of `services`, or revoke one certificate of it by its serial number".into()
            }
            ManifestProblem::RevokedTwice { .. } => "take one of the two out".into(),
        }
    }
}

/// Text of the manifest for an error message: nothing that moves a terminal's cursor or turns its letters around.
pub(super) fn shown(text: &str) -> String {
    escaped(text, 80)
}

/// The same for what a parser says of the manifest, which may list what there could be.
pub(super) fn shown_message(text: &str) -> String {
    escaped(text, 300)
}

fn escaped(text: &str, max_characters: usize) -> String {
    let mut shown = String::new();
    for character in text.chars().take(max_characters) {
        match character {
            // These do no harm, and escaped they would be harder to find in the manifest.
            '"' | '\'' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    if text.chars().nth(max_characters).is_some() {
        shown.push('…');
    }
    shown
}
