//! Deciding whether a chain of certificates leads to a trust anchor (RFC 5280 §6), and saying why not.
//!
//! Every path that names allow is looked at, and every certificate on it, the trust anchor included. A path is
//! accepted when it passes all checks here and `webpki` agrees. Certificate policies (RFC 5280 §6.1.2 (a) to (g)) are
//! not processed: a critical extension about them refuses the path.

use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use super::certificate::Certificate;
use super::chain_error::ChainError;
use super::chain_policy::ChainPolicy;
use super::path::{Candidate, candidates};
use super::path_checks::{Failures, Question};
use super::path_failure::PathFailure;
use super::signature::SignatureFailure;
use super::subject_alternative_name::SubjectAlternativeName;
use super::trust_anchors::TrustAnchors;

/// Most certificates looked at in one chain, the leaf included.
pub(super) const MAX_CHAIN_CERTIFICATES: usize = 16;

/// A peer whose chain was verified; made by [`verify_client_chain`], [`verify_server_chain`] and [`verify_chain`] only.
///
/// The chain says who the peer is. That it holds the key, the TLS handshake has to show.
#[derive(Clone, Debug)]
pub struct PeerCertificate {
    leaf: Certificate,
    issuer_spki_sha256: [u8; 32],
}

impl PeerCertificate {
    /// SHA-256 of the SubjectPublicKeyInfo of the certificate that issued the leaf in the verified path: what
    /// [`Certificate::spki_sha256`] says of that CA certificate.
    pub fn issuer_spki_sha256(&self) -> [u8; 32] {
        self.issuer_spki_sha256
    }

    /// The leaf's names.
    pub fn subject_alternative_names(&self) -> &[SubjectAlternativeName] {
        self.leaf.subject_alternative_names()
    }

    /// The leaf's serial number, as [`Certificate::serial`].
    pub fn serial(&self) -> &[u8] {
        self.leaf.serial()
    }

    /// First second in which the leaf is valid.
    pub fn not_before(&self) -> OffsetDateTime {
        self.leaf.not_before()
    }

    /// Last second in which the leaf is valid.
    pub fn not_after(&self) -> OffsetDateTime {
        self.leaf.not_after()
    }

    /// The leaf.
    pub fn certificate(&self) -> &Certificate {
        &self.leaf
    }
}

/// A chain that was verified: the path from the leaf to the trust anchor.
#[derive(Clone, Debug)]
pub struct VerifiedChain {
    path: Vec<Certificate>,
}

impl VerifiedChain {
    /// The path, leaf first and trust anchor last.
    pub fn path(&self) -> &[Certificate] {
        &self.path
    }

    /// The peer that the leaf names.
    pub fn peer(&self) -> PeerCertificate {
        PeerCertificate {
            leaf: self.path[0].clone(),
            issuer_spki_sha256: self.path[1].spki_sha256(),
        }
    }
}

/// What came of every path: [`explain_chain`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChainExplanation {
    /// The first path that is good, if any.
    pub accepted: Option<VerifiedChain>,
    /// The paths that are not, those that reach a trust anchor first.
    pub rejected: Vec<RejectedPath>,
    /// Whether there may be further paths that were not looked at.
    pub truncated: bool,
}

impl ChainExplanation {
    /// The failure that stands for all, and the certificate it was found at: that of the path that came furthest, as
    /// [`verify_chain`] chooses it. `None` when a path is good.
    pub fn decisive(&self) -> Option<(&Certificate, &PathFailure)> {
        if self.accepted.is_some() {
            return None;
        }
        let failures = |path: &RejectedPath| path.certificates.iter().map(|one| one.failures.len()).sum::<usize>();
        let furthest = self
            .rejected
            .iter()
            .min_by_key(|path| (!path.reaches_anchor, failures(path)))?;
        let found = furthest.certificates.iter().flat_map(|one| {
            let failures = one.failures.iter();
            failures.map(|failure| (&one.certificate, failure))
        });
        found.min_by_key(|(_, failure)| failure.rank())
    }
}

/// A path that is not good.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RejectedPath {
    /// Its certificates, leaf first.
    pub certificates: Vec<ExplainedCertificate>,
    /// Whether the last certificate is a trust anchor.
    pub reaches_anchor: bool,
}

/// A certificate of a rejected path.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExplainedCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// What is wrong with it on this path; nothing for many.
    pub failures: Vec<PathFailure>,
}

/// Verifies a client's chain, leaf first, further certificates in any order.
///
/// The leaf must carry the extended key usage clientAuth; which names are welcome is for the caller to decide.
/// Costs two signature checks per certificate of the path; revocation is not looked at.
///
/// # Errors
///
/// [`ChainError`], for the candidate path that came furthest.
pub fn verify_client_chain(
    chain: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
    now: OffsetDateTime,
) -> Result<PeerCertificate, ChainError> {
    verify_chain(chain, anchors, &ChainPolicy::client(), now).map(|chain| chain.peer())
}

/// Verifies a server's chain, leaf first, and that it is valid for `name`, a DNS name or an IP address.
///
/// The leaf must carry the extended key usage serverAuth. The common name is never looked at (RFC 9525 §2).
///
/// # Errors
///
/// [`ChainError`], for the candidate path that came furthest.
pub fn verify_server_chain(
    chain: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
    name: &SubjectAlternativeName,
    now: OffsetDateTime,
) -> Result<PeerCertificate, ChainError> {
    // A question that cannot be answered is refused before any signature is looked at.
    if !matches!(name, SubjectAlternativeName::Dns(_) | SubjectAlternativeName::Ip(_)) {
        return Err(ChainError::NameKind);
    }
    let policy = ChainPolicy::server().with_name(name.clone())?;
    verify_chain(chain, anchors, &policy, now).map(|chain| chain.peer())
}

/// Verifies a chain, leaf first, further certificates in any order, by a policy of the caller's.
///
/// Looks at the paths one after the other, up to the first that is good; at most 64, with at most 100 signatures.
///
/// # Errors
///
/// [`ChainError`], for the candidate path that came furthest. [`explain_chain`] says more.
pub fn verify_chain(
    chain: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
    policy: &ChainPolicy<'_>,
    now: OffsetDateTime,
) -> Result<VerifiedChain, ChainError> {
    let (leaf, others, unreadable) = read(chain)?;
    let found = candidates(&leaf, &others, anchors.certificates());
    let mut question = Question::new(policy, anchors, now);
    let mut furthest: Option<((bool, usize), Failures)> = None;
    for candidate in &found.paths {
        let failures = question.failures(candidate);
        if failures.is_empty() {
            return Ok(verified(candidate));
        }
        // A path to an anchor says more than a dead end, and one with few failures is more likely the one meant.
        let distance = (!candidate.reaches_anchor(), failures.len());
        if furthest.as_ref().is_none_or(|(least, _)| distance < *least) {
            furthest = Some((distance, failures));
        }
    }
    let error = furthest
        .and_then(|(_, failures)| failures.into_iter().min_by_key(|(_, failure)| failure.rank()))
        .map_or(ChainError::UnknownIssuer, |(position, failure)| {
            ChainError::from_failure(&failure, position == 0)
        });
    // What could not be read may have been what was missing.
    match unreadable {
        Some(unreadable) if error == ChainError::UnknownIssuer => Err(unreadable.into()),
        _ => Err(error),
    }
}

/// Looks at every path, leaf first, further certificates in any order, and says of each certificate on each what is
/// wrong with it. For people: [`verify_chain`] decides the same.
///
/// ```
/// # use cryptokit::x509::{
/// #     CertificateAuthority, ChainPolicy, DistinguishedName, LeafProfile, LeafRequest, PathFailure, TrustAnchors,
/// #     explain_chain,
/// # };
/// # let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
/// # let root = CertificateAuthority::new_root(&DistinguishedName::new("Example root CA")?, now)?;
/// # let request = LeafRequest::new(LeafProfile::Server, vec!["dns:api.example".parse()?]);
/// # let (issued, _key) = root.issue_leaf(&request, now)?;
/// # let anchors = TrustAnchors::from_certificates(vec![root.certificate().clone()])?;
/// let explained = explain_chain(&issued.chain_der(), &anchors, &ChainPolicy::client(), now)?;
/// assert!(explained.accepted.is_none());
/// let leaf = &explained.rejected[0].certificates[0];
/// assert_eq!(leaf.failures, [PathFailure::ExtendedKeyUsage { needed: "clientAuth" }]);
/// assert_eq!(leaf.failures[0].section(), "RFC 5280 §4.2.1.12");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ChainError::Empty`], [`ChainError::TooManyCertificates`] and [`ChainError::Malformed`], when there is no path to
/// look at.
pub fn explain_chain(
    chain: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
    policy: &ChainPolicy<'_>,
    now: OffsetDateTime,
) -> Result<ChainExplanation, ChainError> {
    let (leaf, others, _) = read(chain)?;
    let found = candidates(&leaf, &others, anchors.certificates());
    let mut question = Question::new(policy, anchors, now);
    let mut explanation = ChainExplanation {
        accepted: None,
        rejected: Vec::new(),
        truncated: found.truncated,
    };
    for candidate in &found.paths {
        let failures = question.failures(candidate);
        if !failures.is_empty() {
            explanation.rejected.push(rejected(candidate, failures));
        } else if explanation.accepted.is_none() {
            explanation.accepted = Some(verified(candidate));
        }
    }
    Ok(explanation)
}

/// As [`verify_server_chain`], for each name of the leaf under which a server can be reached; with `client_as_well`, also as
/// [`verify_client_chain`].
pub(super) fn verify_server_chain_for_own_names(
    chain: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
    client_as_well: bool,
    now: OffsetDateTime,
) -> Result<PeerCertificate, ChainError> {
    let policy = if client_as_well {
        ChainPolicy::peer()
    } else {
        ChainPolicy::server()
    };
    let peer = verify_chain(chain, anchors, &policy, now)?.peer();
    for name in peer.subject_alternative_names() {
        if !super::second_opinion::is_for(&peer.leaf, &a_host_of(name)) {
            return Err(ChainError::Name);
        }
    }
    Ok(peer)
}

/// Verifies that `issuer`'s key signed `certificate`; names and validity are the caller's to compare.
pub(super) fn verify_own_signature(certificate: &Certificate, issuer: &Certificate) -> Result<(), ChainError> {
    certificate
        .verify_signature(issuer.spki_der())
        .map_err(|failure| match failure {
            SignatureFailure::Unsupported { .. } => ChainError::UnsupportedSignatureAlgorithm,
            SignatureFailure::Bad => ChainError::BadSignature,
        })
}

type ReadChain = (Certificate, Vec<Certificate>, Option<super::CertificateError>);

/// The leaf, the others that are readable, and why another one is not.
fn read(chain: &[CertificateDer<'_>]) -> Result<ReadChain, ChainError> {
    let (leaf, others) = chain.split_first().ok_or(ChainError::Empty)?;
    if chain.len() > MAX_CHAIN_CERTIFICATES {
        return Err(ChainError::TooManyCertificates { found: chain.len() });
    }
    let leaf = Certificate::from_der(leaf)?;
    let mut readable = Vec::new();
    let mut unreadable = None;
    for other in others {
        match Certificate::from_der(other) {
            Ok(certificate) => readable.push(certificate),
            Err(error) => unreadable = Some(error),
        }
    }
    Ok((leaf, readable, unreadable))
}

fn verified(candidate: &Candidate<'_>) -> VerifiedChain {
    VerifiedChain {
        path: candidate.certificates.iter().copied().cloned().collect(),
    }
}

fn rejected(candidate: &Candidate<'_>, failures: Failures) -> RejectedPath {
    let of = |position: usize| {
        let found = failures.iter().filter(move |(at, _)| *at == position);
        found.map(|(_, failure)| failure.clone()).collect()
    };
    RejectedPath {
        reaches_anchor: candidate.reaches_anchor(),
        certificates: candidate
            .certificates
            .iter()
            .enumerate()
            .map(|(position, certificate)| ExplainedCertificate {
                certificate: (*certificate).clone(),
                failures: of(position),
            })
            .collect(),
    }
}

/// For `*.example.com`, a host that a client would ask for; any other name is itself.
fn a_host_of(name: &SubjectAlternativeName) -> SubjectAlternativeName {
    name.value()
        .strip_prefix("*.")
        .and_then(|parent| SubjectAlternativeName::parse(&format!("dns:a.{parent}")).ok())
        .unwrap_or_else(|| name.clone())
}
