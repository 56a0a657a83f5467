//! Authorities minted in the test, and `rcgen` without our checks for what they refuse to make.

use cryptokit::sign::{P256SigningKey, RsaKeySize};
use cryptokit::x509::{
    Certificate, CertificateAuthority, CertificateKey, DistinguishedName, IssuedCertificate, KeyKind, LeafProfile,
    LeafRequest, SubjectAlternativeName, TrustAnchors,
};
use rcgen::{
    CertificateParams, DistinguishedName as RawName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime};

/// Every kind of key but the RSA sizes that take long.
pub(crate) const KEY_KINDS: [KeyKind; 4] = [
    KeyKind::P256,
    KeyKind::P384,
    KeyKind::Ed25519,
    KeyKind::Rsa(RsaKeySize::Bits2048),
];

/// 2027-01-15T08:00:00Z.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

pub(crate) fn root() -> CertificateAuthority {
    CertificateAuthority::new_root(&DistinguishedName::new("Test root CA").unwrap(), now()).unwrap()
}

pub(crate) fn intermediate(root: &CertificateAuthority) -> CertificateAuthority {
    root.issue_intermediate(&DistinguishedName::new("Test issuing CA").unwrap(), now())
        .unwrap()
}

pub(crate) fn names(texts: &[&str]) -> Vec<SubjectAlternativeName> {
    texts
        .iter()
        .map(|text| SubjectAlternativeName::infer(text).unwrap())
        .collect()
}

pub(crate) fn request(profile: LeafProfile, texts: &[&str]) -> LeafRequest {
    LeafRequest::new(profile, names(texts))
}

pub(crate) fn leaf(authority: &CertificateAuthority, profile: LeafProfile, texts: &[&str]) -> IssuedCertificate {
    authority.issue_leaf(&request(profile, texts), now()).unwrap().0
}

pub(crate) fn trust(authority: &CertificateAuthority) -> TrustAnchors {
    TrustAnchors::from_certificates(vec![authority.certificate().clone()]).unwrap()
}

/// A key as `rcgen` has it.
pub(crate) fn raw_key(key: &impl Pkcs8) -> KeyPair {
    KeyPair::try_from(key.pkcs8_der()).unwrap()
}

/// Any of our private keys.
pub(crate) trait Pkcs8 {
    fn pkcs8_der(&self) -> &[u8];
}

impl Pkcs8 for P256SigningKey {
    fn pkcs8_der(&self) -> &[u8] {
        self.pkcs8().expose_secret()
    }
}

impl Pkcs8 for CertificateKey {
    fn pkcs8_der(&self) -> &[u8] {
        self.pkcs8().expose_secret()
    }
}

/// Parameters that satisfy the server profile in every point, for a test to spoil one.
pub(crate) fn raw_server_params(key: &impl Pkcs8) -> CertificateParams {
    let mut params = raw_params(key, "server.example");
    params.subject_alt_names = vec![SanType::DnsName("server.example".try_into().unwrap())];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// Parameters of an authority that verifiers accept, without path length.
pub(crate) fn raw_authority_params(key: &impl Pkcs8, common_name: &str) -> CertificateParams {
    let mut params = raw_params(key, common_name);
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn raw_params(key: &impl Pkcs8, common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = now() - Duration::minutes(5);
    params.not_after = now() + Duration::days(90);
    params.serial_number = Some(SerialNumber::from_slice(&[0x55; 20]));
    params.distinguished_name = RawName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    let digest = cryptokit::hash::sha256(raw_key(key).der_bytes());
    params.key_identifier_method = KeyIdMethod::PreSpecified(digest[..20].to_vec());
    params
}

/// Signs whatever the parameters say.
pub(crate) fn raw_sign(
    params: &CertificateParams,
    key: &impl Pkcs8,
    issuer_params: &CertificateParams,
    issuer_key: &impl Pkcs8,
) -> Certificate {
    let issuer = Issuer::from_params(issuer_params, raw_key(issuer_key));
    Certificate::from_der(params.signed_by(&raw_key(key), &issuer).unwrap().der()).unwrap()
}

pub(crate) fn raw_self_sign(params: &CertificateParams, key: &impl Pkcs8) -> Certificate {
    Certificate::from_der(params.self_signed(&raw_key(key)).unwrap().der()).unwrap()
}

/// The issuer's side of [`raw_sign`] for an authority of ours that has only a common name.
pub(crate) fn raw_issuer_params(authority: &CertificateAuthority) -> CertificateParams {
    let subject = authority.certificate().subject_text();
    raw_authority_params(authority.key(), subject.strip_prefix("CN=").unwrap())
}
