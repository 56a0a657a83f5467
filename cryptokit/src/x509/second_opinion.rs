//! The only door to `webpki`: a second verifier, which must agree on every path.
//!
//! It does not know constraints on URIs, e-mail addresses and directory names and refuses whatever they could apply
//! to. On those alone this crate's own checks decide.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, DnsName, IpAddr, ServerName, UnixTime};
use time::OffsetDateTime;
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage};

use super::certificate::Certificate;
use super::chain_error::ChainError;
use super::chain_policy::Purpose;
use super::path_checks::Question;
use super::subject_alternative_name::SubjectAlternativeName;
use crate::provider::Provider;

/// Asks whether this path, leaf first and anchor last, is good.
pub(super) fn ask(path: &[&Certificate], question: &Question<'_>) -> Result<(), ChainError> {
    let purpose = question.policy.purpose;
    let (leaf, issuers) = path.split_first().ok_or(ChainError::Empty)?;
    let (anchor, intermediates) = issuers.split_last().ok_or(ChainError::UnknownIssuer)?;
    let anchor = question.anchors.anchor_of(anchor).ok_or(ChainError::UnknownIssuer)?;
    let intermediates: Vec<CertificateDer<'_>> = intermediates.iter().map(|one| one.der().clone()).collect();
    let verified = EndEntityCert::try_from(leaf.der()).and_then(|leaf| {
        leaf.verify_for_usage(
            Provider::default().backend().certificate_signature_algorithms(),
            std::slice::from_ref(anchor),
            &intermediates,
            unix_time(question.now),
            purpose,
            None,
            None,
        )
        .map(|_| ())
    });
    let exceeds = |issuer: &&Certificate| {
        issuer
            .name_constraints()
            .is_some_and(|constraints| constraints.exceeds_webpki())
    };
    match verified {
        Ok(()) => Ok(()),
        Err(webpki::Error::NameConstraintViolation) if issuers.iter().any(exceeds) => Ok(()),
        Err(error) => Err(from_webpki(error, purpose)),
    }
}

/// Whether the leaf is for this name. The common name is never looked at (RFC 9525 §2).
pub(super) fn is_for(leaf: &Certificate, name: &SubjectAlternativeName) -> bool {
    match server_name(name) {
        Some(name) => EndEntityCert::try_from(leaf.der())
            .and_then(|leaf| leaf.verify_is_valid_for_subject_name(&name))
            .is_ok(),
        None => leaf.subject_alternative_names().contains(name),
    }
}

fn server_name(name: &SubjectAlternativeName) -> Option<ServerName<'static>> {
    match name {
        SubjectAlternativeName::Dns(name) => DnsName::try_from(name.as_str().to_owned())
            .map(ServerName::DnsName)
            .ok(),
        SubjectAlternativeName::Ip(address) => Some(ServerName::IpAddress(IpAddr::from(*address))),
        SubjectAlternativeName::Uri(_) | SubjectAlternativeName::Email(_) => None,
    }
}

impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, mut purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        match self {
            Self::Client => KeyUsage::client_auth().validate(purposes),
            Self::Server => KeyUsage::server_auth().validate(purposes),
            Self::Peer => {
                let present = purposes
                    .map(|purpose| purpose.map(|purpose| purpose.to_decoded_oid()))
                    .collect::<Result<Vec<_>, _>>()?;
                // Without the extension a certificate is for everything; that a leaf has it is asked in path_checks.
                let has = |last| present.iter().any(|oid| *oid == [1, 3, 6, 1, 5, 5, 7, 3, last]);
                if present.is_empty() || (has(1) && has(2)) {
                    return Ok(());
                }
                Err(webpki::Error::RequiredEkuNotFoundContext(
                    webpki::RequiredEkuNotFoundContext {
                        required: KeyUsage::server_auth(),
                        present,
                    },
                ))
            }
            // Each must be readable all the same.
            Self::Any => purposes.try_for_each(|purpose| purpose.map(|_| ())),
        }
    }
}

/// Times before 1970 become 1970: no certificate is valid then.
fn unix_time(time: OffsetDateTime) -> UnixTime {
    let seconds = u64::try_from(time.unix_timestamp()).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn date_time(time: UnixTime) -> OffsetDateTime {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn from_webpki(error: webpki::Error, purpose: Purpose) -> ChainError {
    use webpki::Error;
    match error {
        Error::CertExpired { time, not_after } => ChainError::Expired {
            time: date_time(time),
            not_after: date_time(not_after),
        },
        Error::CertNotValidYet { time, not_before } => ChainError::NotYetValid {
            time: date_time(time),
            not_before: date_time(not_before),
        },
        Error::UnknownIssuer => ChainError::UnknownIssuer,
        Error::InvalidSignatureForPublicKey => ChainError::BadSignature,
        Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            ChainError::UnsupportedSignatureAlgorithm
        }
        Error::CaUsedAsEndEntity => ChainError::AuthorityAsLeaf,
        Error::EndEntityUsedAsCa => ChainError::IssuerNotAuthority,
        Error::PathLenConstraintViolated => ChainError::PathLength,
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => ChainError::ExtendedKeyUsage {
            required: purpose.name(),
        },
        Error::CertNotValidForName(_) => ChainError::Name,
        Error::NameConstraintViolation => ChainError::NameConstraint,
        Error::UnsupportedCriticalExtension => ChainError::UnsupportedCriticalExtension,
        other => ChainError::Rejected {
            reason: format!("{other:?}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::{
        CertificateAuthority, ChainPolicy, DistinguishedName, LeafProfile, LeafRequest, TrustAnchors, verify_chain,
    };

    #[test]
    fn a_peer_needs_both_purposes() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let root = CertificateAuthority::new_root(&DistinguishedName::new("Example root CA").unwrap(), now).unwrap();
        let anchors = TrustAnchors::from_certificates(vec![root.certificate().clone()]).unwrap();
        let policy = ChainPolicy::peer();
        for (profile, good) in [
            (LeafProfile::Server, false),
            (LeafProfile::Client, false),
            (LeafProfile::Peer, true),
        ] {
            let request = LeafRequest::new(profile, vec!["dns:api.example".parse().unwrap()]);
            let (issued, _) = root.issue_leaf(&request, now).unwrap();
            let path = [issued.certificate(), root.certificate()];
            let asked = ask(&path, &Question::new(&policy, &anchors, now));
            let verified = verify_chain(&issued.chain_der(), &anchors, &policy, now).map(|_| ());
            let expected = if good {
                Ok(())
            } else {
                Err(ChainError::ExtendedKeyUsage { required: "peer" })
            };
            assert_eq!(asked, expected, "{profile:?}");
            assert_eq!(verified, expected, "{profile:?}");
        }
    }
}
