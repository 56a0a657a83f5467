//! Why an authority's key was not exchanged, and what to do about it.

use std::borrow::Cow;

use cryptokit::key_format::KeyFormatError;
use cryptokit::sign::SignError;
use cryptokit::x509::IssueError;

use crate::explain::Explain;
use crate::home::HomeError;
use crate::leaf::issue_hint;

/// Why nothing was exchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotationError {
    /// The directory refused.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Another exchange has not been finished.
    #[error("the exchange of `{name}` is not finished")]
    UnderWay {
        /// Whose key is being exchanged.
        name: String,
    },
    /// More than one exchange can be meant.
    #[error("several exchanges are under way: {}", names.join(", "))]
    Several {
        /// Of which authorities.
        names: Vec<String>,
    },
    /// Certificates hang on the old key.
    #[error("{} in use still on the old key: {}", are(*count), .services.join(", "))]
    Hanging {
        /// How many.
        count: usize,
        /// Whose they are.
        services: Vec<String>,
    },
    /// The root allows only one authority below it, so that it cannot sign a root that has others below.
    #[error("the root's path length leaves no room for another root below it")]
    NoRoom,
    /// The subject is one that no new authority can be given.
    #[error("the subject of `{name}` is not one that certgen writes")]
    Subject {
        /// The authority.
        name: String,
    },
    /// No certificate came out.
    #[error("no certificate for the new `{name}`")]
    Issue {
        /// The authority.
        name: String,
        /// Why.
        source: IssueError,
    },
    /// No key could be made.
    #[error("no key could be made")]
    Key(#[from] SignError),
    /// A key could not be encrypted or written in its form.
    #[error("the key could not be encrypted")]
    Encryption(#[source] KeyFormatError),
}

fn are(count: usize) -> String {
    if count == 1 {
        "1 certificate is".to_owned()
    } else {
        format!("{count} certificates are")
    }
}

impl Explain for RotationError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Home(error) => error.hint(),
            Self::UnderWay { name } => {
                let option = if name == "root" {
                    "--root".to_owned()
                } else {
                    format!("--issuing {name}")
                };
                format!("finish it first: certgen rotate-ca finish {option}").into()
            }
            Self::Several { names } => {
                let name = names.first().map_or("", String::as_str);
                format!("finish one at a time: certgen rotate-ca finish --issuing {name}").into()
            }
            Self::Hanging { .. } => {
                "renew or rekey each, give the services their files, then finish; or give up on them \
                with --force"
                    .into()
            }
            Self::NoRoom => {
                "make a new authority with `certgen init`, let services trust both roots, then move them".into()
            }
            Self::Subject { .. } => "make a new authority with `certgen init`".into(),
            Self::Issue { source, .. } => issue_hint(source).into(),
            Self::Key(_) => "run it again; if it fails again, this is a fault of certgen".into(),
            Self::Encryption(_) => "give a passphrase that is not empty".into(),
        }
    }
}
