//! What there is to do, and why. A plan is a value: making it reads nothing and changes nothing.

use std::fmt;

use cryptokit::x509::RevocationReason;
use time::{Duration, OffsetDateTime};

use crate::duration::in_words;

/// What there is to do to bring a home into agreement with a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// What there is to do, in this order.
    pub steps: Vec<Step>,
    /// What is as it should be.
    pub unchanged: Vec<String>,
    /// What its reader should know; nothing is done about it.
    pub notes: Vec<Note>,
    /// What would have to be done and will not be. With any of these nothing is done at all.
    pub refusals: Vec<Refusal>,
}

impl Plan {
    /// Whether the home is as the manifest wants it.
    pub fn agrees(&self) -> bool {
        self.steps.is_empty() && self.refusals.is_empty()
    }

    /// How many keys it takes.
    pub fn key_count(&self) -> usize {
        let keys = self.steps.iter().map(|step| match step.action {
            // `intermediate` is made with it, and has a step of its own.
            Action::MakeHome | Action::MakeIssuing => 1,
            Action::Issue {
                key: KeyChoice::New, ..
            } => 1,
            _ => 0,
        });
        keys.sum()
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// To what: `root`, the name of an authority or a service.
    pub subject: String,
    /// What.
    pub action: Action,
    /// Why; never empty.
    pub reasons: Vec<Reason>,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Make the directory, the root and the issuing authority `intermediate`.
    MakeHome,
    /// Make another issuing authority.
    MakeIssuing,
    /// Issue a certificate to a service.
    Issue {
        /// For which key.
        key: KeyChoice,
        /// Serial number of the certificate that it takes the place of.
        replaces: Option<String>,
    },
    /// Write a service's files again around the certificate that it has.
    Rewrite,
    /// Revoke a certificate.
    Revoke {
        /// Its serial number.
        serial: String,
        /// The reason on the revocation list.
        reason: RevocationReason,
    },
    /// Sign a new revocation list.
    Publish,
}

/// The key of a certificate to issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChoice {
    /// The one that the service has.
    Keep,
    /// A new one.
    New,
}

impl Step {
    /// What is done, in words.
    pub fn verb(&self) -> &'static str {
        let is_renewal = self
            .reasons
            .iter()
            .all(|reason| matches!(reason, Reason::Due { .. } | Reason::Expired { .. }));
        match &self.action {
            Action::MakeHome | Action::MakeIssuing => "make",
            Action::Issue { replaces: None, .. } => "issue",
            Action::Issue {
                key: KeyChoice::Keep, ..
            } if is_renewal => "renew",
            Action::Issue {
                key: KeyChoice::New, ..
            } if is_renewal => "renew with a new key",
            Action::Issue {
                key: KeyChoice::Keep, ..
            } => "reissue",
            Action::Issue {
                key: KeyChoice::New, ..
            } => "reissue with a new key",
            Action::Rewrite => "repair",
            Action::Revoke { .. } => "revoke",
            Action::Publish => "publish revocation list",
        }
    }

    /// The same for programs.
    pub fn action_name(&self) -> &'static str {
        match &self.action {
            Action::MakeHome | Action::MakeIssuing => "make",
            Action::Issue { .. } => "issue",
            Action::Rewrite => "repair",
            Action::Revoke { .. } => "revoke",
            Action::Publish => "publish",
        }
    }
}

/// Why something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It is in the manifest and not there.
    New,
    /// Its certificate is due for renewal.
    Due {
        /// What is left.
        left: Duration,
    },
    /// Its certificate has expired.
    Expired {
        /// For how long.
        ago: Duration,
    },
    /// A name of the manifest is not in its certificate.
    NameAdded(String),
    /// A name of its certificate is not in the manifest.
    NameRemoved(String),
    /// Something else of its certificate is not as in the manifest.
    Changed {
        /// What.
        what: &'static str,
        /// As it is.
        from: String,
        /// As it is wanted.
        to: String,
    },
    /// Another key issues under the name of its issuer now.
    IssuerReplaced(String),
    /// Its certificate is revoked.
    Revoked {
        /// The reason on the list.
        reason: String,
    },
    /// Its key is that of a certificate revoked for `keyCompromise`.
    KeyCompromised {
        /// Serial number of that certificate.
        serial: String,
    },
    /// A file is not there.
    Missing(&'static str),
    /// A file cannot be read as what it should be.
    Damaged(&'static str),
    /// A file is not what it should be.
    Differs(&'static str),
    /// A file is of an earlier certificate.
    Earlier(&'static str),
    /// A file that certgen did not write is overwritten because that was asked for.
    Forced(&'static str),
    /// The manifest says so.
    Listed,
    /// The manifest does not have its service, and `--prune` was given.
    Pruned,
    /// There is no revocation list yet.
    NoList,
    /// A certificate was revoked since.
    NewlyRevoked {
        /// How many were.
        count: usize,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("new"),
            Self::Due { left } => write!(f, "{} left", in_words(*left)),
            Self::Expired { ago } => write!(f, "expired {} ago", in_words(*ago)),
            Self::NameAdded(name) => write!(f, "name added {name}"),
            Self::NameRemoved(name) => write!(f, "name removed {name}"),
            Self::Changed { what, from, to } => write!(f, "{what} changed from {from} to {to}"),
            Self::IssuerReplaced(name) => write!(f, "its issuer `{name}` has another key now"),
            Self::Revoked { reason } => write!(f, "its certificate is revoked ({reason})"),
            Self::KeyCompromised { serial } => write!(f, "its key is that of {serial}, revoked for keyCompromise"),
            Self::Missing(file) => write!(f, "{file} is missing"),
            Self::Damaged(file) => write!(f, "{file} is damaged"),
            Self::Differs(file) => write!(f, "{file} is not what it should be"),
            Self::Earlier(file) => write!(f, "{file} is of an earlier certificate"),
            Self::Forced(file) => write!(f, "{file}, which certgen did not write, is overwritten as asked for"),
            Self::Listed => f.write_str("listed in `revoked`"),
            Self::Pruned => f.write_str("not in the manifest"),
            Self::NoList => f.write_str("none yet"),
            Self::NewlyRevoked { count: 1 } => f.write_str("1 certificate revoked since"),
            Self::NewlyRevoked { count } => write!(f, "{count} certificates revoked since"),
        }
    }
}

/// Something to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// About what.
    pub subject: String,
    /// What.
    pub text: NoteText,
}

/// What there is to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteText {
    /// A service of the home is not in the manifest.
    NotInManifest,
    /// The certificate that is replaced goes on to be accepted for what was taken away.
    StillAccepted {
        /// Its serial number.
        serial: String,
        /// Until when.
        until: OffsetDateTime,
        /// What for.
        what: String,
    },
    /// A certificate is due, and a new one would end at the same moment.
    EndsWithIssuer {
        /// The issuer.
        issuer: String,
        /// What is left.
        left: Duration,
    },
    /// A revocation list is to be made, and the key that signs it is not here.
    ListWithoutKey {
        /// Why it is to be made.
        why: String,
    },
    /// The key is elsewhere, and no certificate was made for a request yet.
    AwaitsRequest,
    /// A certificate is on hold.
    OnHold,
    /// Everything of a service is to be revoked, and it never had anything.
    NothingToRevoke,
    /// An authority of the home is not in the manifest.
    AuthorityNotInManifest,
    /// An authority that issues is revoked.
    AuthorityRevoked,
    /// An authority's key is being exchanged, and this is the old one.
    BeingExchanged,
}

impl fmt::Display for NoteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInManifest => f.write_str("not in the manifest; left as it is (--prune revokes its certificates)"),
            Self::StillAccepted { serial, until, what } => write!(
                f,
                "the certificate before, {serial}, is good for {what} until {}; to end that, put its serial under `revoked`",
                until.date()
            ),
            Self::EndsWithIssuer { issuer, left } => write!(
                f,
                "{} left, and a new certificate would not live longer: `{issuer}` ends then (certgen rotate-ca)",
                in_words(*left)
            ),
            Self::ListWithoutKey { why } => write!(
                f,
                "a revocation list is due ({why}), and the key is not here (--root-key brings a root's)"
            ),
            Self::AwaitsRequest => {
                f.write_str("its key is elsewhere; `certgen sign REQUEST --name` with its name makes its certificate")
            }
            Self::OnHold => f.write_str("its certificate is on hold; nothing is done until that is decided"),
            Self::NothingToRevoke => {
                f.write_str("nothing to revoke: no certificate was issued to a service of this name")
            }
            Self::BeingExchanged => f.write_str("being exchanged; `certgen rotate-ca finish` ends that"),
            Self::AuthorityRevoked => f.write_str(
                "revoked, and with it all that it issued; `certgen rotate-ca begin --issuing` with its name gives it a new key",
            ),
            Self::AuthorityNotInManifest => f.write_str("not in the manifest; left as it is"),
        }
    }
}

/// Something that will not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {why}")]
#[non_exhaustive]
pub struct Refusal {
    /// About what.
    pub subject: String,
    /// Why.
    pub why: RefusalReason,
}

/// Why something will not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// Only another authority could be that.
    #[error("its {what} {} {from}, and the manifest wants {to}: that is another authority", if what.ends_with('s') { "are" } else { "is" })]
    AnotherAuthority {
        /// What differs.
        what: &'static str,
        /// As it is.
        from: String,
        /// As it is wanted.
        to: String,
    },
    /// An authority that has to issue is revoked.
    #[error("its issuer `{issuer}` is revoked")]
    IssuerRevoked {
        /// The issuer.
        issuer: String,
    },
    /// An authority that has to issue has expired.
    #[error("its issuer `{issuer}` has expired")]
    IssuerExpired {
        /// The issuer.
        issuer: String,
    },
    /// An authority has something to sign, and its key is not here.
    #[error("the key of `{authority}` is not here")]
    KeyElsewhere {
        /// The authority.
        authority: String,
    },
    /// A file that certgen did not write is in the way.
    #[error("{file} was not written by certgen and may be the only copy")]
    NotOurs {
        /// Which.
        file: &'static str,
    },
    /// A key cannot be read.
    #[error("key.pem cannot be used: {why}")]
    KeyUnusable {
        /// Why.
        why: String,
    },
    /// A service needs a new key, and its keys are made elsewhere.
    #[error("it needs a new certificate for a key that is not known here")]
    ServiceKeyElsewhere,
    /// A new key would be written in the clear in the place of an encrypted one.
    #[error("its key is encrypted, and a new one would not be")]
    KeyEncrypted,
    /// A serial number that was never given out.
    #[error("no certificate with this serial number was issued here")]
    UnknownSerial,
    /// Two names that differ by case only.
    #[error("there is a service `{other}` already, which differs by upper and lower case only")]
    DiffersByCase {
        /// The other.
        other: String,
    },
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let subject = &self.subject;
        match &self.why {
            RefusalReason::AnotherAuthority { .. } => {
                "put the manifest right, or exchange the authority step by step with `certgen rotate-ca`".to_owned()
            }
            RefusalReason::IssuerRevoked { issuer } | RefusalReason::IssuerExpired { issuer } => {
                format!("give it a new key with `certgen rotate-ca begin --issuing {issuer}`, then apply again")
            }
            RefusalReason::KeyElsewhere { authority } if authority == "root" => {
                "say where it is with --root-key FILE, or bring it back for this run".to_owned()
            }
            RefusalReason::KeyElsewhere { .. } => "bring the key file back for this run".to_owned(),
            RefusalReason::NotOurs { file } => {
                format!("move {subject}/{file} away, or overwrite it with --force")
            }
            RefusalReason::KeyUnusable { .. } => {
                format!("put {subject}/key.pem right, or let --force make a new key in its place")
            }
            RefusalReason::ServiceKeyElsewhere => {
                format!(
                    "have it make a request with `certgen csr`, and sign that: certgen sign REQUEST --name {subject}"
                )
            }
            RefusalReason::KeyEncrypted => format!("run `certgen rekey {subject}` with a passphrase for the new key"),
            RefusalReason::UnknownSerial => "compare it with `certgen tree`, or take it out of `revoked`".to_owned(),
            RefusalReason::DiffersByCase { other } => format!("write `{other}`, or choose another name"),
        }
    }
}
