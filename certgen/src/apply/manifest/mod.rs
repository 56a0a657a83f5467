//! What is wanted: a TOML file, read into types that cannot hold anything else.
//!
//! Nothing in it is taken on trust: its size, the number of services and names are bounded, names that become
//! directories are made of a few plain characters, and every value is refused with its line and column and what to
//! write instead. Secrets have no place in it.

mod document;
mod error;
mod read;

use std::path::PathBuf;

use cryptokit::x509::{
    DistinguishedName, DistinguishedNameError, KeyKind, LeafProfile, NameConstraints, RevocationReason,
    SubjectAlternativeName, TrustDomain,
};
use time::Duration;

pub use error::{ManifestError, ManifestProblem};

use crate::renewal_point::RenewalPoint;

/// What is wanted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Manifest {
    /// Where the authority is kept, relative to the manifest.
    pub directory: PathBuf,
    /// The root, and what holds for all below it.
    pub authority: WantedAuthority,
    /// The issuing authorities, `intermediate` among them.
    pub issuing: Vec<WantedIssuing>,
    /// The services, in the order of the manifest.
    pub services: Vec<WantedService>,
    /// What is to be revoked.
    pub revoked: Vec<WantedRevocation>,
    /// The revocation lists; `None` to make them where something is revoked only.
    pub crl: Option<WantedCrl>,
}

impl Manifest {
    /// Largest manifest.
    pub const MAX_BYTES: usize = 1 << 20;
    /// Most services.
    pub const MAX_SERVICES: usize = 10_000;
    /// Most names of one service, most constraints, most entries of `revoked`.
    pub const MAX_NAMES: usize = 1000;

    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] for the first thing that is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        read::manifest(text)
    }
}

/// The root.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WantedAuthority {
    /// What it is called.
    pub name: String,
    /// Organization in the subjects.
    pub organization: Option<String>,
    /// Organizational unit in the subjects.
    pub organizational_unit: Option<String>,
    /// Country in the subjects.
    pub country: Option<String>,
    /// Its key.
    pub key: KeyKind,
    /// How long it lives.
    pub lifetime: Duration,
    /// Which names there may be below it.
    pub constraints: NameConstraints,
    /// The SPIFFE trust domain.
    pub trust_domain: Option<TrustDomain>,
}

impl WantedAuthority {
    /// The subject of the root up to the end that tells roots of one name apart, as
    /// [`cryptokit::x509::Certificate::subject_text`] has it.
    pub(super) fn subject_without_end(&self) -> String {
        let subject = read::subject(self, "root CA");
        subject.map(|subject| format!("{subject} ")).unwrap_or_default()
    }

    /// The subject of one more issuing authority, with this end.
    pub(super) fn issuing_subject(&self, end: &str) -> Result<DistinguishedName, DistinguishedNameError> {
        read::subject(self, &format!("issuing CA {end}"))
    }
}

/// An issuing authority.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WantedIssuing {
    /// Its name, which becomes its files'.
    pub name: String,
    /// Its key.
    pub key: KeyKind,
    /// How long it lives.
    pub lifetime: Duration,
}

/// A service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WantedService {
    /// Its name, which becomes its directory's.
    pub name: String,
    /// Its profile.
    pub profile: LeafProfile,
    /// The names that its certificate is valid for.
    pub names: Vec<SubjectAlternativeName>,
    /// Which authority issues for it.
    pub issuer: String,
    /// The key that is made for it; `None` where its key is elsewhere and only its certificate is here.
    pub key: Option<KeyKind>,
    /// How long a certificate lives.
    pub lifetime: Duration,
    /// When it is renewed.
    pub renew: RenewalPoint,
    /// Whether a renewal makes a new key.
    pub rotate_key: bool,
}

/// What is to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WantedRevocation {
    /// Which certificates.
    pub what: RevocationTarget,
    /// Why.
    pub reason: RevocationReason,
}

/// Which certificates are to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationTarget {
    /// The one with this serial number, in lower-case hexadecimal.
    Serial(String),
    /// All that a service has.
    Service(String),
}

/// Revocation lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WantedCrl {
    /// From its issue until the next one is due at the latest (`nextUpdate`).
    pub lifetime: Duration,
    /// The same for the root, whose key is best kept elsewhere and seldom brought back.
    pub root_lifetime: Duration,
    /// When the next is made.
    pub renew: RenewalPoint,
}

impl Default for WantedCrl {
    /// 30 days and a year, made anew when a third of that is left.
    fn default() -> Self {
        Self {
            lifetime: Duration::days(30),
            root_lifetime: Duration::days(365),
            renew: RenewalPoint::default(),
        }
    }
}
