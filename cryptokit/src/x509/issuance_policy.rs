//! What a certification request asks for, and what of it is granted.
//!
//! A request is the requester's wish. Nothing in it reaches a certificate by being copied: the profile decides the
//! usages, the policy decides which names, and everything that is not given is reported, so that nobody has to guess
//! where an extension went.

use time::{Duration, OffsetDateTime};

use super::authority::CertificateAuthority;
use super::certification_request::{AskedExtension, CertificationRequest};
use super::extensions::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use super::issue_error::IssueError;
use super::leaf_request::{IssuedCertificate, LeafRequest};
use super::profile::{LeafProfile, Profile, ProfileViolation};
use super::public_key::{KeyAlgorithm, PublicKey};
use super::subject_alternative_name::SubjectAlternativeName;

/// What may be granted: a profile, and names.
///
/// ```
/// # use cryptokit::x509::{
/// #     AllowedNames, CertificateAuthority, CertificateKey, CertificationRequest, Decision, DistinguishedName,
/// #     IssuancePolicy, KeyKind, LeafProfile, LeafRequest,
/// # };
/// # let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
/// # let root = CertificateAuthority::new_root(&DistinguishedName::new("Example root CA")?, now)?;
/// # let authority = root.issue_intermediate(&DistinguishedName::new("Example issuing CA")?, now)?;
/// // The service:
/// let key = CertificateKey::generate(KeyKind::P256)?;
/// let names = vec!["dns:api.example".parse()?, "dns:admin.example".parse()?];
/// let csr = CertificationRequest::create(&LeafRequest::new(LeafProfile::Server, names), &key)?.to_pem();
///
/// // The authority:
/// let request = CertificationRequest::from_pem(csr.as_bytes())?;
/// let policy = IssuancePolicy::new(LeafProfile::Server, AllowedNames::Listed(vec!["dns:api.example".parse()?]));
/// let review = policy.review(&request);
/// assert!(!review.is_as_asked());
/// let denied = review.items().iter().find(|item| matches!(item.decision, Decision::Denied { .. })).expect("one name");
/// assert_eq!(denied.asked.to_string(), "name dns:admin.example");
/// let issued = authority.issue_granted(&review.grant()?, now)?;
/// assert_eq!(issued.certificate().subject_alternative_names().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct IssuancePolicy {
    profile: LeafProfile,
    names: AllowedNames,
}

/// Which names a requester may have.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AllowedNames {
    /// These, each as a whole.
    Listed(Vec<SubjectAlternativeName>),
    /// Whatever is asked for: somebody has looked at the request, or the authority is constrained.
    WhateverIsAsked,
}

impl AllowedNames {
    fn allow(&self, name: &SubjectAlternativeName) -> bool {
        match self {
            Self::Listed(names) => names.contains(name),
            Self::WhateverIsAsked => true,
        }
    }
}

impl IssuancePolicy {
    /// Grants this profile's usages, and of the names asked for those that are allowed.
    pub fn new(profile: LeafProfile, names: AllowedNames) -> Self {
        Self { profile, names }
    }

    /// Compares what is asked for with what may be granted.
    pub fn review(&self, request: &CertificationRequest) -> RequestReview {
        let mut items = vec![ReviewItem {
            asked: Asked::Key(request.public_key().algorithm()),
            decision: Decision::Granted,
        }];
        let mut granted: Vec<SubjectAlternativeName> = Vec::new();
        for name in request.subject_alternative_names() {
            let decision = self.decide_name(name, &granted);
            if decision == Decision::Granted {
                granted.push(name.clone());
            }
            items.push(ReviewItem {
                asked: Asked::Name(name.clone()),
                decision,
            });
        }
        if request.unusable_name_count() > 0 {
            items.push(ReviewItem {
                asked: Asked::UnusableNames {
                    count: request.unusable_name_count(),
                },
                decision: Decision::Denied {
                    reason: "names are DNS names, addresses, URIs and e-mail addresses, well-formed",
                },
            });
        }
        items.extend(self.usages(request));
        items.extend(never_granted(request));
        let request_of_leaf = LeafRequest::new(self.profile, granted);
        items.extend(subject(request, &request_of_leaf));
        RequestReview {
            items,
            leaf: request_of_leaf,
            public_key: request.public_key().clone(),
        }
    }

    fn decide_name(&self, name: &SubjectAlternativeName, granted: &[SubjectAlternativeName]) -> Decision {
        if granted.contains(name) {
            Decision::Denied {
                reason: "asked for twice",
            }
        } else if self.names.allow(name) {
            Decision::Granted
        } else {
            Decision::Denied {
                reason: "this name is not allowed to this requester",
            }
        }
    }

    fn usages(&self, request: &CertificationRequest) -> Vec<ReviewItem> {
        let profile = Profile::Leaf(self.profile);
        let key_usage = request.key_usage().map(|asked| ReviewItem {
            asked: Asked::KeyUsage(asked),
            decision: replaced_unless(asked == profile.key_usage(), || profile.key_usage().to_string()),
        });
        let extended = request.extended_key_usage().map(|asked| ReviewItem {
            asked: Asked::ExtendedKeyUsage(asked),
            decision: replaced_unless(asked == self.profile.extended_key_usage(), || {
                self.profile.extended_key_usage().to_string()
            }),
        });
        key_usage.into_iter().chain(extended).collect()
    }
}

/// What was asked for, item by item, with the decision on each.
#[derive(Clone, Debug)]
pub struct RequestReview {
    items: Vec<ReviewItem>,
    leaf: LeafRequest,
    public_key: PublicKey,
}

impl RequestReview {
    /// Every item of the request, in the order key, names, usages, extensions, subject.
    pub fn items(&self) -> &[ReviewItem] {
        &self.items
    }

    /// Whether the certificate will be what was asked for.
    pub fn is_as_asked(&self) -> bool {
        self.items.iter().all(|item| item.decision == Decision::Granted)
    }

    /// The names that are granted.
    pub fn granted_names(&self) -> &[SubjectAlternativeName] {
        self.leaf.subject_alternative_names()
    }

    /// Agrees to what is granted, whatever else was asked.
    ///
    /// # Errors
    ///
    /// [`ProfileViolation`] when the granted names do not fit the profile, as when there are none.
    pub fn grant(self) -> Result<GrantedRequest, ProfileViolation> {
        self.leaf.profile().check_names(self.granted_names())?;
        Ok(GrantedRequest {
            leaf: self.leaf,
            public_key: self.public_key,
        })
    }
}

/// Something asked for, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewItem {
    /// What was asked for.
    pub asked: Asked,
    /// What is done about it.
    pub decision: Decision,
}

/// Something that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked {
    /// A certificate for a key of this kind.
    Key(KeyAlgorithm),
    /// A name.
    Name(SubjectAlternativeName),
    /// Names of other kinds, or malformed ones.
    UnusableNames {
        /// How many.
        count: usize,
    },
    /// A keyUsage.
    KeyUsage(KeyUsage),
    /// An extKeyUsage.
    ExtendedKeyUsage(ExtendedKeyUsage),
    /// A basicConstraints.
    BasicConstraints(BasicConstraints),
    /// Some other extension.
    Extension(AskedExtension),
    /// An attribute that is no extension, by its identifier in dotted form.
    Attribute(String),
    /// A subject, in text form.
    Subject(String),
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(algorithm) => write!(f, "key {algorithm}"),
            Self::Name(name) => write!(f, "name {name}"),
            Self::UnusableNames { count } => write!(f, "{count} other names"),
            Self::KeyUsage(usage) => write!(f, "keyUsage {usage}"),
            Self::ExtendedKeyUsage(usage) => write!(f, "extKeyUsage {usage}"),
            Self::BasicConstraints(constraints) => {
                let ca = if constraints.ca { "TRUE" } else { "FALSE" };
                write!(f, "basicConstraints CA:{ca}")
            }
            Self::Extension(extension) => write!(f, "extension {}", extension.oid),
            Self::Attribute(oid) => write!(f, "attribute {oid}"),
            Self::Subject(subject) => write!(f, "subject {subject}"),
        }
    }
}

/// What is done about something asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It will be in the certificate.
    Granted,
    /// The certificate will say this instead.
    Replaced {
        /// What it will say.
        by: String,
        /// Why.
        reason: &'static str,
    },
    /// It will not be in the certificate.
    Denied {
        /// Why.
        reason: &'static str,
    },
}

/// A review that was agreed to: what [`CertificateAuthority::issue_granted`] makes a certificate of.
#[derive(Clone, Debug)]
pub struct GrantedRequest {
    leaf: LeafRequest,
    public_key: PublicKey,
}

impl GrantedRequest {
    /// As [`LeafRequest::with_lifetime`].
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self {
            leaf: self.leaf.with_lifetime(lifetime),
            ..self
        }
    }

    /// As [`LeafRequest::with_validity`].
    #[must_use]
    pub fn with_validity(self, not_before: OffsetDateTime, not_after: OffsetDateTime) -> Self {
        Self {
            leaf: self.leaf.with_validity(not_before, not_after),
            ..self
        }
    }
}

impl CertificateAuthority {
    /// Makes the certificate that a reviewed request was granted.
    ///
    /// # Errors
    ///
    /// As [`Self::issue_leaf_for_key`].
    pub fn issue_granted(
        &self,
        granted: &GrantedRequest,
        now: OffsetDateTime,
    ) -> Result<IssuedCertificate, IssueError> {
        self.issue_leaf_for_key(&granted.leaf, &granted.public_key, now)
    }
}

fn replaced_unless(same: bool, by: impl FnOnce() -> String) -> Decision {
    if same {
        Decision::Granted
    } else {
        Decision::Replaced {
            by: by(),
            reason: "usages come from the profile",
        }
    }
}

fn never_granted(request: &CertificationRequest) -> Vec<ReviewItem> {
    let constraints = request.basic_constraints().map(|constraints| ReviewItem {
        asked: Asked::BasicConstraints(constraints),
        decision: if constraints.ca || constraints.path_length.is_some() {
            Decision::Denied {
                reason: "a request never makes an authority",
            }
        } else {
            Decision::Granted
        },
    });
    let extensions = request.unknown_extensions().iter().map(|extension| ReviewItem {
        asked: Asked::Extension(extension.clone()),
        decision: Decision::Denied {
            reason: "the profile does not have this extension",
        },
    });
    let attributes = request.other_attributes().iter().map(|oid| ReviewItem {
        asked: Asked::Attribute(oid.clone()),
        decision: Decision::Denied {
            reason: "only extension requests have a meaning here",
        },
    });
    constraints.into_iter().chain(extensions).chain(attributes).collect()
}

/// The subject is made from the granted names: one that was asked for vouches for nothing.
fn subject(request: &CertificationRequest, leaf: &LeafRequest) -> Option<ReviewItem> {
    let asked = request.subject_text();
    if asked.is_empty() {
        return None;
    }
    let by = leaf.subject_text();
    let decision = if by == asked {
        Decision::Granted
    } else {
        Decision::Replaced {
            by: if by.is_empty() { "none".to_owned() } else { by },
            reason: "the subject is made from the granted names",
        }
    };
    Some(ReviewItem {
        asked: Asked::Subject(asked.to_owned()),
        decision,
    })
}
