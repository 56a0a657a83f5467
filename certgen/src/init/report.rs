//! What was made, and where it is.

use std::borrow::Cow;
use std::path::PathBuf;

use cryptokit::x509::{Certificate, LeafProfile, NameConstraints, TrustDomain};

/// What was made. All paths begin with the directory of the request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InitReport {
    /// The directory.
    pub directory: PathBuf,
    /// The root.
    pub root: AuthorityFiles,
    /// The intermediate.
    pub intermediate: AuthorityFiles,
    /// The trust bundle, where a SPIFFE trust domain was asked for.
    pub spiffe_bundle_file: Option<PathBuf>,
    /// The SPIFFE trust domain, where one was asked for.
    pub trust_domain: Option<TrustDomain>,
    /// What the names of the services are limited to.
    pub name_limits: NameConstraints,
    /// The services, in the order of the request.
    pub leaves: Vec<LeafFiles>,
    /// What its owner should know, one sentence each.
    pub warnings: Vec<Cow<'static, str>>,
}

/// The files of an authority.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorityFiles {
    /// Its certificate, PEM.
    pub certificate_file: PathBuf,
    /// Its key, PKCS#8 PEM, mode 0600.
    pub key_file: PathBuf,
    /// Whether the key is encrypted under a passphrase.
    pub key_is_encrypted: bool,
    /// The certificate itself.
    pub certificate: Certificate,
}

/// The files of a service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LeafFiles {
    /// Its name.
    pub name: String,
    /// Its profile.
    pub profile: LeafProfile,
    /// Its certificate alone, PEM.
    pub certificate_file: PathBuf,
    /// The intermediate, PEM: what it presents besides its certificate, for programs that want the two apart.
    pub chain_file: PathBuf,
    /// Certificate and intermediate, PEM: what it presents.
    pub fullchain_file: PathBuf,
    /// Its key, PKCS#8 PEM, not encrypted, mode 0600.
    pub key_file: PathBuf,
    /// The root, PEM: what its peers are verified against.
    pub ca_file: PathBuf,
    /// The certificate itself.
    pub certificate: Certificate,
}
