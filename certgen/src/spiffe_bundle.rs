//! The trust bundle of a SPIFFE trust domain: its roots as a JWK Set (SPIFFE Trust Domain and Bundle §4).

use cryptokit::key_format::{Jwk, JwkMetadata, KeyFormatError, PublicKey};
use cryptokit::x509::{Certificate, certificate_to_pem};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// How often its readers are told to look again, in seconds: a day.
pub const REFRESH_HINT_SECONDS: u32 = 86_400;

/// The bundle of these roots, as it is at this time. One that is made later has a higher sequence number.
///
/// # Errors
///
/// [`KeyFormatError`] for a root whose key is of no kind that certificates are made with.
pub fn bundle(roots: &[Certificate], now: OffsetDateTime) -> Result<String, KeyFormatError> {
    let keys = roots.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let set = json!({
        "keys": keys,
        "spiffe_refresh_hint": REFRESH_HINT_SECONDS,
        "spiffe_sequence": now.unix_timestamp(),
    });
    Ok(format!("{set:#}\n"))
}

/// X509-SVID §6.1: `use` is `x509-svid`, there is no `kid`, `x5c` is the one certificate.
fn entry(root: &Certificate) -> Result<Value, KeyFormatError> {
    let jwk = Jwk {
        key: PublicKey::from_spki_der(root.spki_der())?,
        metadata: JwkMetadata {
            public_key_use: Some("x509-svid".to_owned()),
            ..JwkMetadata::default()
        },
    };
    let mut entry: Value = serde_json::from_str(&jwk.to_json()).expect("a JWK is JSON");
    entry["x5c"] = json!([base64(root)]);
    Ok(entry)
}

/// RFC 7517 §4.7: base64, not base64url: what stands between the lines of PEM.
fn base64(certificate: &Certificate) -> String {
    let pem = certificate_to_pem(certificate.der());
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptokit::sign::RsaKeySize;
    use cryptokit::x509::{
        AuthorityRequest, CertificateAuthority, CertificateKey, DistinguishedName, KeyKind, TrustDomain,
        certificates_from_pem,
    };

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
    }

    fn root(kind: KeyKind) -> Certificate {
        let domain = TrustDomain::parse("td.internal").unwrap();
        let request = AuthorityRequest::root(DistinguishedName::new("Root").unwrap()).with_trust_domain(&domain);
        let key = CertificateKey::generate(kind).unwrap();
        let root = CertificateAuthority::create_root(&request, key, now()).unwrap();
        root.certificate().clone()
    }

    #[test]
    fn each_root_is_one_entry_with_its_certificate() {
        for (kind, kty, members) in [
            (KeyKind::P256, "EC", 6),
            (KeyKind::P384, "EC", 6),
            (KeyKind::Ed25519, "OKP", 5),
            (KeyKind::Rsa(RsaKeySize::Bits2048), "RSA", 5),
        ] {
            let roots = [root(kind), root(KeyKind::P256)];
            let set: Value = serde_json::from_str(&bundle(&roots, now()).unwrap()).unwrap();
            assert_eq!(set["spiffe_sequence"], 1_800_000_000);
            assert_eq!(set["keys"].as_array().unwrap().len(), 2);
            let entry = &set["keys"][0];
            assert_eq!(
                (entry["kty"].as_str(), entry["use"].as_str()),
                (Some(kty), Some("x509-svid"))
            );
            assert_eq!(
                entry.as_object().unwrap().len(),
                members,
                "nothing else, no kid: {entry}"
            );
            assert_eq!(entry["x5c"].as_array().unwrap().len(), 1);
            let lines: String = entry["x5c"][0]
                .as_str()
                .unwrap()
                .as_bytes()
                .chunks(64)
                .map(|line| format!("{}\n", std::str::from_utf8(line).unwrap()))
                .collect();
            let pem = format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n");
            assert_eq!(certificates_from_pem(pem.as_bytes()).unwrap()[0].der(), roots[0].der());
        }
    }

    #[test]
    fn what_is_made_later_has_a_higher_sequence_number() {
        let sequence = |at| {
            let set: Value = serde_json::from_str(&bundle(&[root(KeyKind::P256)], at).unwrap()).unwrap();
            set["spiffe_sequence"].as_i64().unwrap()
        };
        assert!(sequence(now()) < sequence(now() + time::Duration::SECOND));
    }
}
