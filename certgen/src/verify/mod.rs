//! Looking at a chain: whether it leads to a trusted certificate, and for every path why not.
//!
//! What decides is [`cryptokit::x509::explain_chain`]. Here the question is put together, the leaf is found in a file of
//! any order, and the answer becomes one [`Verdict`] and words for people.
//!
//! ```
//! use certgen::verify::{Purpose, Verdict, VerifyRequest, verify};
//! use cryptokit::x509::{CertificateAuthority, DistinguishedName, LeafProfile, LeafRequest, TrustAnchors};
//!
//! # let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! let root = CertificateAuthority::new_root(&DistinguishedName::new("Example root CA")?, now)?;
//! let request = LeafRequest::new(LeafProfile::Server, vec!["dns:api.example".parse()?]);
//! let (issued, _key) = root.issue_leaf(&request, now)?;
//!
//! let anchors = TrustAnchors::from_certificates(vec![root.certificate().clone()])?;
//! let mut request = VerifyRequest::new(issued.chain_der(), anchors, Purpose::Server, now);
//! request.names = vec!["dns:other.example".parse()?];
//! assert_eq!(verify(&request)?.verdict, Verdict::Name);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod leaf;
mod verdict;
mod words;

use std::borrow::Cow;

use cryptokit::x509::{
    Certificate, CertificateDer, CertificateError, ChainError, ChainExplanation, ChainPolicy, ExplainedCertificate,
    PathFailure, RevocationDepth, RevocationList, RevocationPolicy, SubjectAlternativeName, TrustAnchors,
    UnknownStatus, explain_chain,
};
use time::OffsetDateTime;

use crate::explain::Explain;

pub use verdict::Verdict;
pub use words::{code, name_of, words};

/// What is asked of a chain.
#[derive(Debug)]
pub struct VerifyRequest {
    /// The certificates as presented: the leaf first or in any order, see [`Note::LeafIsNotFirst`].
    pub chain: Vec<CertificateDer<'static>>,
    /// Further certificates that may be on the way.
    pub untrusted: Vec<CertificateDer<'static>>,
    /// Where a path must end.
    pub anchors: TrustAnchors,
    /// What the leaf is for.
    pub purpose: Purpose,
    /// Names that the leaf must have, all of them.
    pub names: Vec<SubjectAlternativeName>,
    /// Lists in which certificates are looked up.
    pub revocation_lists: Vec<RevocationList>,
    /// Which certificates must be on record as not revoked.
    pub revocation: RequiredStatus,
    /// When.
    pub time: OffsetDateTime,
}

/// What a leaf is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// TLS server authentication.
    Server,
    /// TLS client authentication.
    Client,
    /// Whatever it is for.
    Any,
}

impl Purpose {
    /// As it is written on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Any => "any",
        }
    }
}

/// Of which certificates it must be known that they are not revoked. Lists that are at hand are used in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredStatus {
    /// Of none.
    Nothing,
    /// Of the leaf.
    Leaf,
    /// Of all but the trust anchor.
    Chain,
}

impl VerifyRequest {
    /// Asks for a purpose and nothing else.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        anchors: TrustAnchors,
        purpose: Purpose,
        time: OffsetDateTime,
    ) -> Self {
        Self {
            chain,
            untrusted: Vec::new(),
            anchors,
            purpose,
            names: Vec::new(),
            revocation_lists: Vec::new(),
            revocation: RequiredStatus::Nothing,
            time,
        }
    }

    fn policy(&self) -> Result<ChainPolicy<'_>, VerifyError> {
        let policy = match self.purpose {
            Purpose::Server => ChainPolicy::server(),
            Purpose::Client => ChainPolicy::client(),
            Purpose::Any => ChainPolicy::any_purpose(),
        };
        let policy = self.names.iter().try_fold(policy, |policy, name| {
            let name_text = name.to_string();
            policy
                .with_name(name.clone())
                .map_err(|_| VerifyError::Wildcard { name: name_text })
        })?;
        let lists = &self.revocation_lists[..];
        Ok(match self.revocation {
            RequiredStatus::Nothing if lists.is_empty() => policy,
            RequiredStatus::Nothing => policy.with_revocation(RevocationPolicy::new(
                lists,
                RevocationDepth::WholeChain,
                UnknownStatus::Accept,
            )),
            RequiredStatus::Leaf => policy.with_revocation(RevocationPolicy::new(
                lists,
                RevocationDepth::Leaf,
                UnknownStatus::Refuse,
            )),
            RequiredStatus::Chain => policy.with_revocation(RevocationPolicy::strict(lists)),
        })
    }
}

/// The answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verification {
    /// In one word.
    pub verdict: Verdict,
    /// Every path, with what is wrong with each certificate on it.
    pub explanation: ChainExplanation,
    /// What is to be said of the file, whatever the verdict.
    pub notes: Vec<Note>,
}

/// What is to be said of the file that the chain was in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The first certificate is an authority's, and exactly one other is none: that was taken for the leaf.
    LeafIsNotFirst {
        /// Its number in the file, from 1.
        number: usize,
    },
    /// An issuer comes before what it issued; TLS before 1.3 wants each to certify the one before it.
    Order,
    /// A trust anchor is in the file, where it proves nothing.
    AnchorIncluded {
        /// Its subject.
        subject: String,
    },
    /// A certificate cannot be read and was passed over.
    Unreadable {
        /// Its number in the file, from 1; further certificates are counted after those of the file.
        number: usize,
        /// Why.
        error: CertificateError,
    },
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LeafIsNotFirst { number } => write!(
                f,
                "certificate {number} was taken for the leaf: it is the only one that is no authority's; TLS wants it \
                 first (RFC 8446 §4.4.2)"
            ),
            Self::Order => f.write_str(
                "the certificates are not in the order in which each certifies the one before it; some TLS peers need \
                 that (RFC 5246 §7.4.2)",
            ),
            Self::AnchorIncluded { subject } => write!(
                f,
                "the trusted certificate {subject} is in the chain too; peers have their own and ignore it (RFC 8446 \
                 §4.4.2)"
            ),
            Self::Unreadable { number, error } => write!(f, "certificate {number} was passed over: {error}"),
        }
    }
}

/// Answers.
///
/// # Errors
///
/// [`VerifyError`], when there is no chain to look at or the question makes no sense.
pub fn verify(request: &VerifyRequest) -> Result<Verification, VerifyError> {
    let policy = request.policy()?;
    let (number, mut notes) = leaf::find(&request.chain, &request.anchors)?;
    let mut bag: Vec<CertificateDer<'_>> = Vec::new();
    let others = request
        .chain
        .iter()
        .enumerate()
        .filter(|(index, _)| *index + 1 != number);
    bag.push(request.chain[number - 1].clone());
    bag.extend(others.map(|(_, one)| one.clone()));
    bag.extend(request.untrusted.iter().cloned());
    for (index, one) in request.chain.iter().chain(&request.untrusted).enumerate() {
        if let Err(error) = Certificate::from_der(one) {
            let number = index + 1;
            notes.push(Note::Unreadable { number, error });
        }
    }
    let explanation = explain_chain(&bag, &request.anchors, &policy, request.time).map_err(|error| match error {
        ChainError::Empty => VerifyError::Empty,
        ChainError::TooManyCertificates { found } => VerifyError::TooMany { found },
        ChainError::Malformed(source) => VerifyError::Leaf { number, source },
        other => VerifyError::Chain(other),
    })?;
    let mut verdict = verdict_of(&explanation);
    // What could not be read may be what is missing.
    if verdict == Verdict::NotTrusted && notes.iter().any(|note| matches!(note, Note::Unreadable { .. })) {
        verdict = Verdict::Malformed;
    }
    Ok(Verification {
        verdict,
        explanation,
        notes,
    })
}

fn verdict_of(explanation: &ChainExplanation) -> Verdict {
    if explanation.accepted.is_some() {
        return Verdict::Trusted;
    }
    let Some((certificate, failure)) = explanation.decisive() else {
        return Verdict::NotTrusted;
    };
    let is_decisive = |one: &&ExplainedCertificate| one.certificate == *certificate && one.failures.contains(failure);
    let mut explained = explanation.rejected.iter().flat_map(|path| &path.certificates);
    // A bad signature and another key identifier: the issuer is another authority of the same name.
    let other_key = explained
        .find(is_decisive)
        .is_some_and(|one| one.failures.contains(&PathFailure::KeyIdentifier));
    let at_leaf = explanation
        .rejected
        .first()
        .and_then(|path| path.certificates.first())
        .is_some_and(|leaf| leaf.certificate == *certificate);
    match failure {
        PathFailure::Signature if other_key => Verdict::NotTrusted,
        failure => Verdict::of(failure, at_leaf),
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// No certificate at all.
    #[error("there is no certificate to verify")]
    Empty,
    /// More than are looked at.
    #[error("{found} certificates; at most 16 are looked at in one chain")]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// The leaf cannot be read.
    #[error("certificate {number}, the leaf, cannot be read")]
    Leaf {
        /// Its number in the file, from 1.
        number: usize,
        /// Why.
        #[source]
        source: CertificateError,
    },
    /// Nobody is reached under a wildcard.
    #[error("{name} is a wildcard, and nobody is reached under one")]
    Wildcard {
        /// The name.
        name: String,
    },
    /// Anything else.
    #[error("the chain cannot be looked at")]
    Chain(#[source] ChainError),
}

impl Explain for VerifyError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Empty => "give a file with the leaf's certificate in it, such as fullchain.pem".into(),
            Self::TooMany { .. } => "give one chain, leaf to intermediate, and no bundle of roots".into(),
            Self::Leaf { .. } => "certgen lint says what is wrong with it, section by section".into(),
            Self::Wildcard { .. } => "ask for a name that it covers, such as a.example.com for *.example.com".into(),
            Self::Chain(_) => "certgen lint says what is wrong with each certificate".into(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Leaf { .. } => Verdict::Malformed.exit_code(),
            _ => crate::explain::FAILED,
        }
    }
}

#[cfg(test)]
mod tests {
    use cryptokit::x509::{
        AuthorityRequest, CertificateAuthority, CertificateKey, DistinguishedName, IssuedCertificate, KeyKind,
        LeafProfile, LeafRequest, NameConstraints, Subtree,
    };

    use super::*;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
    }

    fn root(name: &str) -> CertificateAuthority {
        CertificateAuthority::new_root(&DistinguishedName::new(name).unwrap(), now()).unwrap()
    }

    fn leaf(authority: &CertificateAuthority) -> IssuedCertificate {
        let request = LeafRequest::new(LeafProfile::Server, vec!["dns:api.example".parse().unwrap()]);
        authority.issue_leaf(&request, now()).unwrap().0
    }

    fn ask(chain: Vec<CertificateDer<'static>>, root: &CertificateAuthority) -> Verification {
        let anchors = TrustAnchors::from_certificates(vec![root.certificate().clone()]).unwrap();
        verify(&VerifyRequest::new(chain, anchors, Purpose::Server, now())).unwrap()
    }

    #[test]
    fn another_authority_of_the_same_name_is_not_a_bad_signature() {
        let issued = leaf(&root("Same name"));
        let answer = ask(issued.chain_der(), &root("Same name"));
        assert_eq!(answer.verdict, Verdict::NotTrusted);
        let mut altered = issued.chain_der();
        let mut der = altered[0].to_vec();
        *der.last_mut().unwrap() ^= 1;
        altered[0] = der.into();
        let signer = root("Another name");
        assert_eq!(ask(altered, &signer).verdict, Verdict::NotTrusted);
    }

    #[test]
    fn what_cannot_be_read_on_the_way_is_named_as_the_cause() {
        let root = root("Root");
        let authority = root
            .issue_intermediate(&DistinguishedName::new("Issuing").unwrap(), now())
            .unwrap();
        let mut chain = leaf(&authority).chain_der();
        assert_eq!(ask(chain.clone(), &root).verdict, Verdict::Trusted);
        chain[1] = chain[1][..100].to_vec().into();
        let answer = ask(chain, &root);
        assert_eq!(answer.verdict, Verdict::Malformed);
        let error = CertificateError::Malformed;
        assert_eq!(answer.notes, [Note::Unreadable { number: 2, error }]);
    }

    #[test]
    fn a_violated_name_constraint_is_shown_with_the_constraints() {
        let (free, strict) = (root("Free root"), {
            let only = NameConstraints::default()
                .permit([Subtree::parse("dns:other.example").unwrap()])
                .exclude([Subtree::parse("ip:10.0.0.0/8").unwrap()]);
            let request = AuthorityRequest::root(DistinguishedName::new("Strict root").unwrap());
            let key = CertificateKey::generate(KeyKind::P256).unwrap();
            CertificateAuthority::create_root(&request.with_name_constraints(only), key, now()).unwrap()
        });
        let authority = free
            .issue_intermediate(&DistinguishedName::new("Issuing").unwrap(), now())
            .unwrap();
        let cross = strict.cross_sign(authority.certificate(), now()).unwrap();
        let chain = vec![leaf(&authority).chain_der().remove(0), cross.der().clone()];
        let answer = ask(chain, &strict);
        assert_eq!(answer.verdict, Verdict::Constraint);
        let (certificate, failure) = answer.explanation.decisive().unwrap();
        assert_eq!(name_of(certificate), "CN=Strict root");
        assert_eq!(
            words(certificate, failure),
            "its name constraints do not allow dns:api.example; permitted: dns:other.example; excluded: ip:10.0.0.0/8"
        );
    }

    #[test]
    fn a_leaf_is_not_found_among_several() {
        let root = root("Root");
        let chain = vec![
            root.certificate().der().clone(),
            leaf(&root).chain_der().remove(0),
            leaf(&root).chain_der().remove(0),
        ];
        assert_eq!(
            ask(chain, &root).verdict,
            Verdict::Constraint,
            "the first was asked about"
        );
    }
}
