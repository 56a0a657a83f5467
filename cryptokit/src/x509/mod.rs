//! X.509 certificates (RFC 5280): making them by profile, reading them, verifying chains.
//!
//! A certificate is made in one way only: a [`CertificateAuthority`] signs it by a [`Profile`], and the result is
//! read back, checked against that profile and verified against its chain before the caller gets it. Names are
//! types ([`SubjectAlternativeName`], [`DistinguishedName`]); the time is an argument; nothing here does I/O.
//!
//! A chain is trusted in one way only: [`verify_client_chain`] or [`verify_server_chain`]. Reading a [`Certificate`]
//! proves nothing about who made it.
//!
//! ```
//! use cryptokit::x509::{
//!     CertificateAuthority, DistinguishedName, LeafProfile, LeafRequest, SubjectAlternativeName, TrustAnchors,
//!     verify_client_chain,
//! };
//!
//! let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! let root = CertificateAuthority::new_root(&DistinguishedName::new("Example root CA")?, now)?;
//! let issuing = root.issue_intermediate(&DistinguishedName::new("Example issuing CA")?, now)?;
//! let request = LeafRequest::new(LeafProfile::Client, vec![SubjectAlternativeName::parse("dns:worker.example")?]);
//! let (issued, _key) = issuing.issue_leaf(&request, now)?;
//!
//! let anchors = TrustAnchors::from_certificates(vec![root.certificate().clone()])?;
//! let peer = verify_client_chain(&issued.chain_der(), &anchors, now)?;
//! assert_eq!(peer.subject_alternative_names()[0].to_string(), "dns:worker.example");
//! assert_eq!(peer.issuer_spki_sha256(), issuing.certificate().spki_sha256());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authority;
mod authority_request;
mod certificate;
mod certification_request;
mod chain;
mod chain_error;
mod chain_policy;
mod der;
mod directory_name;
mod distinguished_name;
mod encode;
mod extensions;
mod issuance_policy;
mod issue_error;
mod key;
mod key_identifier;
mod leaf_request;
mod name_constraints;
mod path;
mod path_checks;
mod path_failure;
mod pem;
mod profile;
mod public_key;
mod raw_extension;
mod revocation_list;
mod revocation_request;
mod second_opinion;
mod signature;
mod subject_alternative_name;
mod trust_anchors;
mod trust_domain;
mod validity;

pub use authority::{CertificateAuthority, CrossConstraints};
pub use authority_request::AuthorityRequest;
pub use certificate::{Certificate, CertificateError};
pub use certification_request::{AskedExtension, CertificationRequest, CertificationRequestError};
pub use chain::{
    ChainExplanation, ExplainedCertificate, PeerCertificate, RejectedPath, VerifiedChain, explain_chain, verify_chain,
    verify_client_chain, verify_server_chain,
};
pub use chain_error::ChainError;
pub use chain_policy::{ChainPolicy, RevocationDepth, RevocationPolicy, UnknownStatus};
pub use distinguished_name::{DistinguishedName, DistinguishedNameError};
pub use extensions::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
pub use issuance_policy::{AllowedNames, Asked, Decision, GrantedRequest, IssuancePolicy, RequestReview, ReviewItem};
pub use issue_error::IssueError;
pub use key::{CertificateKey, KeyKind, UnknownKeyKind};
pub use key_identifier::KeyIdentifierMethod;
pub use leaf_request::{IssuedCertificate, LeafRequest};
pub use name_constraints::{DirectorySubtree, EmailSubtree, HostSubtree, IpNetwork, NameConstraints, Subtree};
pub use path_failure::PathFailure;
pub use pem::{
    MAX_PEM_BYTES, MAX_PEM_CERTIFICATES, PemError, certificate_to_pem, certificates_from_pem, certificates_to_pem,
};
pub use profile::{LeafProfile, Profile, ProfileViolation};
pub use public_key::{KeyAlgorithm, PublicKey, PublicKeyError};
pub use revocation_list::{
    CrlNumber, RevocationList, RevocationListError, RevocationReason, RevocationScope, RevokedCertificate,
};
pub use revocation_request::RevocationListRequest;
pub use rustls_pki_types::CertificateDer;
pub use subject_alternative_name::{DnsName, EmailAddress, NameError, SubjectAlternativeName, Uri};
pub use trust_anchors::{TrustAnchorError, TrustAnchors};
pub use trust_domain::TrustDomain;
