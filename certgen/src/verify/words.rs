//! A failure in words, with what its reader would look up next: names, dates, the issuer that is missing.

use cryptokit::x509::{Certificate, PathFailure, RevocationListError};

use crate::duration::in_words;
use crate::text::timestamp;

/// What a certificate is called: its subject, or its first name when that is empty.
pub fn name_of(certificate: &Certificate) -> String {
    match certificate.subject_text() {
        "" => certificate
            .subject_alternative_names()
            .first()
            .map_or_else(|| "no name".to_owned(), ToString::to_string),
        subject => subject.to_owned(),
    }
}

/// What is wrong with a certificate.
pub fn words(certificate: &Certificate, failure: &PathFailure) -> String {
    match failure {
        PathFailure::NoIssuer if certificate.is_self_issued() => {
            "it is self-signed and not among the trusted certificates".to_owned()
        }
        PathFailure::NoIssuer => format!(
            "its issuer, {}, is neither in the chain nor trusted",
            certificate.issuer_text()
        ),
        PathFailure::Expired { time, not_after } => {
            format!("it expired on {}, {} before the time asked about", timestamp(*not_after), in_words(*time - *not_after))
        }
        PathFailure::NotYetValid { time, not_before } => format!(
            "it is valid from {} on, {} after the time asked about",
            timestamp(*not_before),
            in_words(*not_before - *time)
        ),
        PathFailure::KeyIdentifier => {
            "it names another key of its issuer: the issuer here is another authority of the same name, or has a new key"
                .to_owned()
        }
        PathFailure::Name { name } => format!("it is not for {name}, but for {}", names(certificate)),
        PathFailure::ExtendedKeyUsage { needed } => match certificate.extended_key_usage() {
            Some(usage) => format!("its extended key usage does not allow {needed}; it has {usage}"),
            None => format!("it has no extended key usage, and {needed} must be said"),
        },
        PathFailure::KeyUsage { needed } => match certificate.key_usage() {
            Some(usage) => format!("its key usage does not allow {needed}; it has {usage}"),
            None => format!("its key usage does not allow {needed}"),
        },
        PathFailure::AuthorityAsLeaf => "it is the certificate of an authority where a leaf belongs".to_owned(),
        PathFailure::NotAnAuthority => "it issued the one above it and is not the certificate of an authority".to_owned(),
        PathFailure::NameConstraint { name } => {
            format!("its name constraints do not allow {name}; {}", constraints(certificate))
        }
        PathFailure::Revoked {
            revocation_date,
            reason,
        } => format!("it was revoked on {}, reason {reason}", timestamp(*revocation_date)),
        PathFailure::UnknownRevocationStatus => {
            format!("no revocation list of {} is at hand", certificate.issuer_text())
        }
        PathFailure::RevocationList(RevocationListError::Expired { next_update }) => format!(
            "the revocation list of {} expired on {}",
            certificate.issuer_text(),
            timestamp(*next_update)
        ),
        PathFailure::RevocationList(RevocationListError::NotYetValid { this_update }) => format!(
            "the revocation list of {} is of {}, in the future",
            certificate.issuer_text(),
            timestamp(*this_update)
        ),
        other => other.to_string(),
    }
}

/// As programs know a failure.
pub const fn code(failure: &PathFailure) -> &'static str {
    match failure {
        PathFailure::NoIssuer => "no_issuer",
        PathFailure::TooLong => "too_long",
        PathFailure::Signature => "signature",
        PathFailure::SignatureAlgorithm { .. } => "signature_algorithm",
        PathFailure::SignatureNotVerified => "signature_not_verified",
        PathFailure::NotYetValid { .. } => "not_yet_valid",
        PathFailure::Expired { .. } => "expired",
        PathFailure::Key(_) => "key",
        PathFailure::CriticalExtension { .. } => "critical_extension",
        PathFailure::AuthorityAsLeaf => "authority_as_leaf",
        PathFailure::NotAnAuthority => "not_an_authority",
        PathFailure::KeyUsage { .. } => "key_usage",
        PathFailure::ExtendedKeyUsage { .. } => "extended_key_usage",
        PathFailure::PathLength { .. } => "path_length",
        PathFailure::NameConstraint { .. } => "name_constraint",
        PathFailure::NamesNotCompared => "names_not_compared",
        PathFailure::KeyIdentifier => "key_identifier",
        PathFailure::Name { .. } => "name",
        PathFailure::Spiffe { .. } => "spiffe",
        PathFailure::Revoked { .. } => "revoked",
        PathFailure::UnknownRevocationStatus => "revocation_unknown",
        PathFailure::RevocationList(_) => "revocation_list",
        PathFailure::SecondOpinion(_) => "second_verifier",
        _ => "other",
    }
}

fn names(certificate: &Certificate) -> String {
    let names: Vec<String> = certificate
        .subject_alternative_names()
        .iter()
        .map(ToString::to_string)
        .collect();
    if names.is_empty() {
        // RFC 9525 §2: the common name is not one of them.
        "no name at all: it has no subjectAltName, and the common name does not count".to_owned()
    } else {
        names.join(" ")
    }
}

fn constraints(certificate: &Certificate) -> String {
    let Some(constraints) = certificate.name_constraints() else {
        return String::new();
    };
    let list = |subtrees: &[cryptokit::x509::Subtree]| {
        let subtrees: Vec<String> = subtrees.iter().map(ToString::to_string).collect();
        subtrees.join(" ")
    };
    match (constraints.permitted(), constraints.excluded()) {
        (permitted, []) => format!("permitted: {}", list(permitted)),
        ([], excluded) => format!("excluded: {}", list(excluded)),
        (permitted, excluded) => format!("permitted: {}; excluded: {}", list(permitted), list(excluded)),
    }
}
