//! `certgen bundle`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cryptokit::key_format::PrivateKey;
use cryptokit::pkcs12::Encryption;
use cryptokit::secret::SecretString;
use cryptokit::x509::{Certificate, certificates_from_pem};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Context, Output};
use crate::bundle::{BundleError, Contents, Profile, is_password_of_java};
use crate::cli::BundleArguments;
use crate::explain::{Explain, Failure};
use crate::home::{HomeError, HomeView, layout};
use crate::input;
use crate::key_file::KeyFile;
use crate::new_file::Target;
use crate::passphrase;
use crate::printable::printable;
use crate::text::{hex, timestamp};

pub(super) fn run(arguments: &BundleArguments, context: &Context) -> Result<Output, Failure> {
    check_usage(arguments)?;
    let source = Source::open(arguments)?;
    let out = source.out(arguments)?;
    // What is in the way is told before anybody types a password.
    let target = if arguments.force {
        Target::replacing_key(&out)
    } else {
        Target::key(&out)
    };
    let target = target.map_err(BundleError::from)?;
    let alias = source.alias(arguments);
    let certificates = source.certificates(arguments)?;
    let key = match arguments.profile {
        Profile::JavaTrust => None,
        Profile::Modern | Profile::Legacy => Some(source.key(arguments)?),
    };
    let encryption = match arguments.profile {
        Profile::Legacy => Encryption::Legacy,
        Profile::Modern | Profile::JavaTrust => Encryption::Modern,
    };
    let contents = match &key {
        None => Contents::trust_store(&alias, &certificates)?,
        Some(key) => Contents::identity(&alias, key, &certificates, arguments.with_root, encryption)?,
    };
    let password = passphrase::new(passphrase::BUNDLE, arguments.password.source().as_ref())?;
    let file = contents.write(&password)?;
    target.put(&file).map_err(BundleError::from)?;

    let mut warnings = warnings(arguments.profile, &contents, &password, context.now);
    if key.is_some() && source.is_revoked() {
        warnings.push("the certificate of this service is revoked".into());
    }
    let report = Report {
        out: &out,
        profile: arguments.profile,
        contents: &contents,
        key: key.as_ref(),
    };
    if context.json {
        return Ok(Output::done(format!("{}\n", report.json(&warnings))));
    }
    let mut output = Output::done(report.text());
    output.warnings = warnings;
    Ok(output)
}

/// Where key and certificates come from.
enum Source<'a> {
    Service {
        view: HomeView,
        name: &'a str,
    },
    Roots {
        view: HomeView,
    },
    Files {
        certificate: &'a Path,
        key: Option<&'a Path>,
    },
}

impl<'a> Source<'a> {
    fn open(arguments: &'a BundleArguments) -> Result<Self, BundleError> {
        if let Some(certificate) = &arguments.certificate {
            let key = arguments.key.as_deref();
            return Ok(Self::Files { certificate, key });
        }
        let view = HomeView::open(&arguments.home.directory())?;
        match &arguments.name {
            None => Ok(Self::Roots { view }),
            Some(name) if view.inventory().knows_service(name) => Ok(Self::Service { view, name }),
            Some(name) => Err(HomeError::UnknownService {
                name: name.escape_debug().to_string(),
            }
            .into()),
        }
    }

    /// Of what is not in an inventory nobody here knows.
    fn is_revoked(&self) -> bool {
        matches!(self, Self::Service { view, name } if view.inventory().service(name).is_none())
    }

    fn out(&self, arguments: &BundleArguments) -> Result<PathBuf, Failure> {
        if let Some(out) = &arguments.out {
            return Ok(out.clone());
        }
        match self {
            Self::Service { view, name } if arguments.profile == Profile::JavaTrust => {
                Ok(view.path_of(&layout::file_of(name, layout::TRUST_STORE)))
            }
            Self::Service { view, name } => Ok(view.path_of(&layout::bundle_of(name))),
            Self::Roots { view } => Ok(view.path_of(layout::TRUST_STORE)),
            Self::Files { .. } => Err(UsageError::NoOut.into()),
        }
    }

    fn alias(&self, arguments: &BundleArguments) -> String {
        if let Some(alias) = &arguments.alias {
            return alias.clone();
        }
        let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        match self {
            Self::Service { .. } | Self::Roots { .. } if arguments.profile == Profile::JavaTrust => {
                layout::ROOT.to_owned()
            }
            Self::Service { name, .. } => (*name).to_owned(),
            Self::Roots { .. } => layout::ROOT.to_owned(),
            // The name of what is made is chosen for a purpose; that of what is read is often fullchain.pem.
            Self::Files { certificate, .. } => arguments
                .out
                .as_deref()
                .and_then(stem)
                .or_else(|| stem(certificate))
                .unwrap_or_default(),
        }
    }

    fn certificates(&self, arguments: &BundleArguments) -> Result<Vec<Certificate>, BundleError> {
        match self {
            Self::Service { view, .. } | Self::Roots { view } if arguments.profile == Profile::JavaTrust => {
                Ok(view.roots()?)
            }
            Self::Roots { view } => Ok(view.roots()?),
            Self::Service { view, name } => {
                let relative = layout::file_of(name, layout::FULLCHAIN);
                let pem = view.read_file(&relative)?.ok_or_else(|| BundleError::NoChain {
                    name: (*name).to_owned(),
                })?;
                let mut chain = certificates_from_pem(&pem).map_err(|source| HomeError::Certificate {
                    path: view.path_of(&relative),
                    source,
                })?;
                if arguments.with_root
                    && let Some(last) = chain.last()
                {
                    let root = view
                        .roots()?
                        .into_iter()
                        .find(|root| root.subject_der() == last.issuer_der());
                    chain.extend(root);
                }
                Ok(chain)
            }
            Self::Files { certificate, .. } => Ok(input::certificates(certificate)?),
        }
    }

    fn key(&self, arguments: &BundleArguments) -> Result<PrivateKey, Failure> {
        let source = arguments.key_passphrase.source();
        match self {
            Self::Service { view, name } => {
                let relative = layout::file_of(name, layout::KEY);
                if !view.is_key_encrypted(&relative)? {
                    return Ok(view.read_key(&relative, None)?);
                }
                let passphrase = passphrase::existing(passphrase::KEY, source.as_ref())?;
                Ok(view.read_key(&relative, Some(&passphrase))?)
            }
            Self::Files { key: Some(key), .. } => Ok(super::private_key(&KeyFile::read(key)?, source.as_ref())?),
            Self::Files { key: None, .. } => Err(UsageError::NoKey.into()),
            Self::Roots { .. } => Err(UsageError::RootsHaveNoKey.into()),
        }
    }
}

/// What keytool insists on.
const SHORTEST_PASSWORD_OF_KEYTOOL: usize = 6;

fn warnings(
    profile: Profile,
    contents: &Contents<'_>,
    password: &SecretString,
    now: OffsetDateTime,
) -> Vec<Cow<'static, str>> {
    let mut warnings: Vec<Cow<'static, str>> = Vec::new();
    if profile == Profile::Legacy {
        warnings.push(
            format!(
                "legacy protects with 3DES and SHA-1, {} iterations: whoever gets the file can try passwords a hundred \
                 times as fast as with modern. Give it a long random password of its own, and delete it after the import",
                profile.iterations()
            )
            .into(),
        );
    }
    if !is_password_of_java(password) {
        warnings.push("the password is not ASCII throughout: Java will not open the file".into());
    }
    if profile == Profile::JavaTrust && password.len() < SHORTEST_PASSWORD_OF_KEYTOOL {
        warnings.push("keytool changes no store whose password has less than six characters".into());
    }
    for certificate in contents.certificates() {
        if certificate.not_after() < now {
            let name = name_of(certificate);
            warnings.push(format!("{name} expired on {}", certificate.not_after().date()).into());
        }
    }
    warnings
}

struct Report<'a> {
    out: &'a Path,
    profile: Profile,
    contents: &'a Contents<'a>,
    key: Option<&'a PrivateKey>,
}

impl Report<'_> {
    fn text(&self) -> String {
        let mut text = format!(
            "{}: {}, called {}\n",
            self.out.display(),
            self.profile.name(),
            printable(self.contents.alias())
        );
        let _ = writeln!(
            text,
            "  {}, {} iterations",
            self.profile.protection(),
            self.profile.iterations()
        );
        if let Some(key) = self.key {
            let _ = writeln!(text, "  key          {}", key.key_type());
        }
        for certificate in self.contents.certificates() {
            let _ = writeln!(
                text,
                "  certificate  {}, until {}",
                name_of(certificate),
                certificate.not_after().date()
            );
        }
        text.push_str("\nWho opens it:\n");
        let width = |of: fn(&crate::bundle::Reader) -> &'static str| {
            self.profile
                .readers()
                .iter()
                .map(|reader| of(reader).len())
                .max()
                .unwrap_or(0)
        };
        let (programs, answers) = (width(|reader| reader.program), width(|reader| reader.answer.in_words()));
        for reader in self.profile.readers() {
            let line = format!(
                "  {:<programs$}  {:<answers$}  {}",
                reader.program,
                reader.answer.in_words(),
                reader.note
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    fn json(&self, warnings: &[Cow<'static, str>]) -> Value {
        let certificates = self.contents.certificates();
        let certificates = certificates.iter().map(|certificate| {
            json!({
                "subject": name_of(certificate),
                "sha256": hex(&certificate.sha256()),
                "not_after": timestamp(certificate.not_after()),
            })
        });
        let readers =
            self.profile.readers().iter().map(
                |reader| json!({"program": reader.program, "opens": reader.answer.in_words(), "note": reader.note}),
            );
        json!({
            "file": self.out.to_string_lossy(),
            "profile": self.profile.name(),
            "protection": self.profile.protection(),
            "iterations": self.profile.iterations(),
            "alias": self.contents.alias(),
            "key": self.key.map(|key| key.key_type().to_string()),
            "certificates": certificates.collect::<Vec<_>>(),
            "readers": readers.collect::<Vec<_>>(),
            "warnings": warnings,
        })
    }
}

/// The subject, or the first name where there is none.
fn name_of(certificate: &Certificate) -> String {
    match certificate.subject_alternative_names().first() {
        Some(name) if certificate.subject_text().is_empty() => name.to_string(),
        _ => printable(certificate.subject_text()),
    }
}

fn check_usage(arguments: &BundleArguments) -> Result<(), UsageError> {
    if arguments.roots && arguments.profile != Profile::JavaTrust {
        return Err(UsageError::RootsHaveNoKey);
    }
    if arguments.key.is_some() && arguments.profile == Profile::JavaTrust {
        return Err(UsageError::KeyInTrustStore);
    }
    if arguments.certificate.is_some() && arguments.key.is_none() && arguments.profile != Profile::JavaTrust {
        return Err(UsageError::NoKey);
    }
    let reads_input =
        |source: Option<secret_input::SecretSource>| source.is_some_and(|source| source.is_standard_input());
    if reads_input(arguments.password.source()) && reads_input(arguments.key_passphrase.source()) {
        return Err(UsageError::OneInput);
    }
    Ok(())
}

/// Arguments that do not go together.
#[derive(Debug, thiserror::Error)]
enum UsageError {
    #[error("--certificate needs --out: there is no directory of a service to write into")]
    NoOut,
    #[error("--certificate needs --key, unless the profile is java-trust")]
    NoKey,
    #[error("--roots is for --profile java-trust: the keys of authorities are in no bundle")]
    RootsHaveNoKey,
    #[error("--profile java-trust takes no --key: a trust store holds certificates")]
    KeyInTrustStore,
    #[error("the password and the passphrase of the key cannot both be read from standard input")]
    OneInput,
}

impl Explain for UsageError {
    fn hint(&self) -> Cow<'static, str> {
        "see certgen bundle --help".into()
    }

    fn exit_code(&self) -> u8 {
        2
    }
}
