//! What there is: a home as plain values, so that a plan can be made of any home that can be thought of.

use std::collections::{BTreeMap, BTreeSet};

use cryptokit::x509::{NameConstraints, TrustDomain};
use time::{Duration, OffsetDateTime};

/// A home as the planner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The root that issues now.
    pub root: AuthorityState,
    /// The issuing authorities in use, by name.
    pub issuing: BTreeMap<String, AuthorityState>,
    /// Authorities that are or were exchanged and may still have something to list, by name.
    pub former: BTreeMap<String, AuthorityState>,
    /// Certificates of authorities that are revoked.
    pub revoked_authorities: Vec<RevokedAuthority>,
    /// Every certificate that was issued to somebody who is no authority, oldest first.
    pub issued: Vec<IssuedState>,
    /// What is in the directories of services, by name.
    pub services: BTreeMap<String, ServiceState>,
    /// Revocation lists in place, by name of the authority.
    pub lists: BTreeMap<String, ListState>,
}

/// An authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityState {
    /// Its key identifier: tells the keys of one name apart.
    pub key_id: String,
    /// Its subject, as `C=DE, O=Acme, CN=acme root CA 0a1b2c3d`.
    pub subject: String,
    /// Kind of key, such as `ECDSA P-256`.
    pub key: String,
    /// Which names there may be below it.
    pub constraints: NameConstraints,
    /// Its SPIFFE trust domain.
    pub trust_domain: Option<TrustDomain>,
    /// Last second of its validity.
    pub not_after: OffsetDateTime,
    /// Whether it is revoked.
    pub is_revoked: bool,
    /// Whether its key is where it can be used.
    pub key_is_here: bool,
}

/// A certificate of an authority that is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedAuthority {
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// Key identifier of the authority that lists it.
    pub issuer_key_id: String,
    /// Last second of its validity.
    pub not_after: OffsetDateTime,
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedState {
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// Whose it is; `None` for one that was given away.
    pub service: Option<String>,
    /// What its issuer was called.
    pub issuer: String,
    /// The issuer's key identifier.
    pub issuer_key_id: String,
    /// Its profile.
    pub profile: String,
    /// Its names.
    pub names: BTreeSet<String>,
    /// Kind of key.
    pub key: String,
    /// SHA-256 of its public key.
    pub spki_sha256: String,
    /// First second of its validity.
    pub not_before: OffsetDateTime,
    /// Last second of its validity.
    pub not_after: OffsetDateTime,
    /// The lifetime that was asked for.
    pub lifetime: Duration,
    /// Why it was revoked, if it was.
    pub revoked: Option<String>,
}

/// What is in the directory of a service, compared with its newest certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceState {
    /// `certificate.pem`.
    pub certificate: CertificateFile,
    /// `key.pem`.
    pub key: KeyFile,
    /// Serial number of the certificate that `fullchain.pem` begins with, if it is one of ours.
    pub spare: Option<String>,
    /// Which other files are not what they should be.
    pub stale: Vec<&'static str>,
}

impl ServiceState {
    /// An empty directory, or none.
    pub const NOTHING: Self = Self {
        certificate: CertificateFile::Missing,
        key: KeyFile::Missing,
        spare: None,
        stale: Vec::new(),
    };
}

/// What is in the place of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateFile {
    /// Nothing.
    Missing,
    /// No certificate, or more than one.
    Damaged,
    /// One that this authority issued to this service.
    Ours {
        /// Its serial number.
        serial: String,
    },
    /// One that this authority did not issue to this service.
    Foreign {
        /// Who says to have issued it.
        issuer: String,
    },
}

/// What is in the place of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFile {
    /// Nothing.
    Missing,
    /// No key, or a file that others can use.
    Unusable {
        /// What is wrong.
        why: String,
    },
    /// A key that only its passphrase opens: whose it is cannot be told.
    Encrypted,
    /// A key.
    Key {
        /// SHA-256 of its public half.
        spki_sha256: String,
    },
}

/// A revocation list in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListState {
    /// Whether both files hold the list that was signed last.
    pub in_place: bool,
    /// When it was made.
    pub this_update: OffsetDateTime,
    /// When the next one is due.
    pub next_update: OffsetDateTime,
    /// The serial numbers on it.
    pub revoked: BTreeSet<String>,
}
