//! Why a manifest was not applied.

use std::borrow::Cow;
use std::path::PathBuf;

use cryptokit::key_format::KeyFormatError;
use cryptokit::sign::SignError;
use cryptokit::x509::{DistinguishedNameError, IssueError};

use super::manifest::ManifestError;
use super::plan::Refusal;
use crate::explain::Explain;
use crate::home::HomeError;
use crate::init_error::InitError;
use crate::input::InputError;
use crate::leaf::issue_hint;
use crate::lifecycle::LifecycleError;

/// Why a manifest was not applied. Nothing was changed, unless a new home had been made already: then the next run goes
/// on with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The manifest cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The manifest is refused.
    #[error("`{}`", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong, and where.
        source: ManifestError,
    },
    /// The authority's directory is refused, or refused a change.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The new authority could not be made.
    #[error(transparent)]
    Init(#[from] InitError),
    /// A key could not be used, or no revocation list came out.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// Something that the manifest wants is not done unasked.
    #[error("{}", refusals_text(refusals))]
    Refused {
        /// All of it.
        refusals: Vec<Refusal>,
    },
    /// A certificate was refused.
    #[error("no certificate for `{name}`")]
    Issue {
        /// The service or authority.
        name: String,
        /// Why.
        source: IssueError,
    },
    /// The subject of an authority was refused.
    #[error("the subject of the authority is not acceptable")]
    Subject(#[source] DistinguishedNameError),
    /// The system or the backend gave no key.
    #[error("no key could be made")]
    Key(#[source] SignError),
    /// A key could not be encrypted.
    #[error("the key could not be encrypted")]
    Encryption(#[source] KeyFormatError),
    /// Files changed while the manifest was applied.
    #[error("the files of `{service}` changed meanwhile")]
    Changed {
        /// The service.
        service: String,
    },
}

impl Explain for ApplyError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Input(InputError::TooLarge { .. }) => {
                "split it into several manifests, each with its authority".into()
            }
            Self::Input(_) => "name a manifest; `certgen apply --example` prints one".into(),
            Self::Manifest { source, .. } => source.hint(),
            Self::Home(error) => error.hint(),
            Self::Init(error) => error.hint(),
            Self::Lifecycle(error) => error.hint(),
            Self::Refused { refusals } => refusals.first().map_or_else(String::new, Refusal::hint).into(),
            Self::Issue { source, .. } => issue_hint(source).into(),
            Self::Subject(_) => "shorten or correct the name in the manifest".into(),
            Self::Key(_) | Self::Encryption(_) | Self::Changed { .. } => "run it again".into(),
        }
    }
}

fn refusals_text(refusals: &[Refusal]) -> String {
    let texts: Vec<_> = refusals.iter().map(ToString::to_string).collect();
    format!("nothing was changed: {}", texts.join("; "))
}
