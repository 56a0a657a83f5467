//! The next authority of a name: like the one before, with another key.

use cryptokit::random;
use cryptokit::x509::{
    AuthorityRequest, Certificate, CertificateAuthority, CertificateKey, DistinguishedName, DistinguishedNameError,
    KeyKind, PublicKey, TrustDomain,
};
use time::OffsetDateTime;

use super::error::RotationError;

/// A root like this one.
pub(super) fn root(old: &Certificate, name: &str, now: OffsetDateTime) -> Result<CertificateAuthority, RotationError> {
    let request = like(AuthorityRequest::root(subject(old, name)?), old);
    CertificateAuthority::create_root(&request, key(old)?, now).map_err(|source| RotationError::Issue {
        name: name.to_owned(),
        source,
    })
}

/// An issuing authority like this one, below a root.
pub(super) fn issuing(
    old: &Certificate,
    name: &str,
    root: &CertificateAuthority,
    now: OffsetDateTime,
) -> Result<CertificateAuthority, RotationError> {
    let request = like(AuthorityRequest::intermediate(subject(old, name)?), old);
    root.issue_authority(&request, key(old)?, now)
        .map_err(|source| RotationError::Issue {
            name: name.to_owned(),
            source,
        })
}

/// Path length, limits on names and trust domain stay; the lifetime is that of its kind.
fn like(mut request: AuthorityRequest, old: &Certificate) -> AuthorityRequest {
    let path_length = old.basic_constraints().and_then(|constraints| constraints.path_length);
    if let Some(path_length) = path_length.and_then(|length| u8::try_from(length).ok()) {
        request = request.with_path_length(path_length);
    }
    if let Some(constraints) = old.name_constraints() {
        request = request.with_name_constraints(constraints.clone());
    }
    if let Some(domain) = TrustDomain::of(old) {
        request = request.with_trust_domain(&domain);
    }
    request
}

fn key(old: &Certificate) -> Result<CertificateKey, RotationError> {
    let algorithm = PublicKey::from_spki_der(old.spki_der()).map(|key| key.algorithm());
    let kind = algorithm.ok().and_then(KeyKind::of).unwrap_or_default();
    Ok(CertificateKey::generate(kind)?)
}

fn subject(old: &Certificate, name: &str) -> Result<DistinguishedName, RotationError> {
    let refused = || RotationError::Subject { name: name.to_owned() };
    let old = DistinguishedName::of(old).ok_or_else(refused)?;
    next_subject(&old).map_err(|_| refused())
}

/// RFC 5280 §4.1.2.6 wants a subject to belong to one authority, and verifiers look for issuers by their subjects: the
/// end that `certgen init` gave it is exchanged for another.
fn next_subject(old: &DistinguishedName) -> Result<DistinguishedName, DistinguishedNameError> {
    let is_end = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let stem = match old.common_name().rsplit_once(' ') {
        Some((stem, end)) if is_end(end) => stem,
        _ => old.common_name(),
    };
    let most = DistinguishedName::MAX_CHARACTERS - 9;
    let stem: String = stem.chars().take(most).collect();
    let end = u32::from_be_bytes(random::bytes());
    let mut subject = DistinguishedName::new(&format!("{} {end:08x}", stem.trim_end()))?;
    if let Some(organization) = old.organization() {
        subject = subject.with_organization(organization)?;
    }
    if let Some(unit) = old.organizational_unit() {
        subject = subject.with_organizational_unit(unit)?;
    }
    if let Some(country) = old.country() {
        subject = subject.with_country(country)?;
    }
    Ok(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_subject_keeps_all_but_the_end() {
        let old = DistinguishedName::new("demo root CA 0123abcd")
            .and_then(|subject| subject.with_organization("Acme"))
            .and_then(|subject| subject.with_country("DE"))
            .unwrap();
        let new = next_subject(&old).unwrap();
        assert!(new.common_name().starts_with("demo root CA "), "{new}");
        assert_eq!(new.common_name().len(), old.common_name().len());
        assert_ne!(new.common_name(), old.common_name());
        assert_eq!((new.organization(), new.country()), (Some("Acme"), Some("DE")));
        for name in ["root", "a b", &"x".repeat(64), &"ä".repeat(64)] {
            let new = next_subject(&DistinguishedName::new(name).unwrap()).unwrap();
            assert!(new.common_name().chars().count() <= DistinguishedName::MAX_CHARACTERS);
            let start: String = name.chars().take(50).collect();
            assert!(new.common_name().starts_with(&start), "{new}");
        }
    }
}
