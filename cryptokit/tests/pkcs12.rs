//! PKCS#12: what other programs wrote is opened, what is written here is what was asked for, and what is hostile is
//! refused before it costs anything. That other programs open ours is judged by tests/interop/bundle.sh.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::path::Path;

use cryptokit::key_format::{KeyType, PrivateKey};
use cryptokit::pkcs12::{
    Encryption, ITERATIONS, Identity, LEGACY_ITERATIONS, MAX_PKCS12_BYTES, Outline, Pkcs12, Pkcs12Error,
    TrustedCertificate, write_identity, write_trust_store,
};
use cryptokit::secret::SecretString;
use cryptokit::sign::P256SigningKey;
use cryptokit::x509::{
    Certificate, CertificateAuthority, DistinguishedName, LeafProfile, LeafRequest, SubjectAlternativeName,
};
use time::OffsetDateTime;

/// The password of the files of other programs, and one that takes more than a byte in each encoding.
const PASSWORD: &str = "Fußnote";

/// OpenSSL 3.0.19, Java 17, NSS 3.87 and GnuTLS 3.7.9 wrote these.
fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/pkcs12");
    std::fs::read(folder.join(name)).unwrap()
}

fn secret(text: &str) -> SecretString {
    SecretString::new(text.into())
}

struct Pki {
    root: Certificate,
    issuing: Certificate,
    leaf: Certificate,
    key: PrivateKey,
}

fn pki() -> Pki {
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let root = CertificateAuthority::new_root(&DistinguishedName::new("Root").unwrap(), now).unwrap();
    let issuing = root
        .issue_intermediate(&DistinguishedName::new("Issuing").unwrap(), now)
        .unwrap();
    let name = SubjectAlternativeName::parse("dns:api.example").unwrap();
    let (leaf, key) = issuing
        .issue_leaf(&LeafRequest::new(LeafProfile::Server, vec![name]), now)
        .unwrap();
    Pki {
        root: root.certificate().clone(),
        issuing: issuing.certificate().clone(),
        leaf: leaf.certificate().clone(),
        key: PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret()).unwrap(),
    }
}

impl Pki {
    fn identity<'a>(&'a self, name: &'a str, chain: &'a [Certificate]) -> Identity<'a> {
        Identity {
            name,
            key: &self.key,
            certificate: &self.leaf,
            chain,
        }
    }

    fn write(&self, encryption: Encryption, password: &str) -> Vec<u8> {
        let chain = [self.issuing.clone()];
        write_identity(&self.identity("api", &chain), encryption, &secret(password)).unwrap()
    }
}

#[test]
fn opens_what_openssl_nss_and_gnutls_write() {
    for name in [
        "openssl-modern.p12",
        "openssl-3des.p12",
        "openssl-sha512.p12",
        "openssl-without-mac.p12",
        "openssl-unencrypted.p12",
        "nss-ber.p12",
        "gnutls.p12",
    ] {
        let opened = Pkcs12::open(&file(name), &secret(PASSWORD)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(Pkcs12::is_pkcs12(&file(name)), "{name}");
        let [key] = &opened.keys[..] else {
            panic!("{name}: {opened:?}");
        };
        let [certificate] = &opened.certificates[..] else {
            panic!("{name}: {opened:?}");
        };
        assert_eq!(key.name.as_deref(), Some("seed"), "{name}");
        assert_eq!(key.local_key_id, certificate.local_key_id, "{name}");
        assert!(key.local_key_id.is_some(), "{name}");
        assert!(!certificate.trusted, "{name}");
        let key = key.key.as_ref().unwrap();
        assert_eq!(key.key_type(), KeyType::P256, "{name}");
        let certificate = Certificate::from_der(&certificate.der).unwrap();
        assert_eq!(key.public_key().to_spki_der(), certificate.spki_der(), "{name}");
    }
}

#[test]
fn opens_trust_stores_of_java() {
    for (name, password) in [
        // Java's PBES2 takes passwords of printable ASCII only.
        ("java-trust-store.p12", "changeit"),
        // Java 18 and later write their own trust store so: neither encrypted nor protected from changes.
        ("java-without-password.p12", ""),
    ] {
        let opened = Pkcs12::open(&file(name), &secret(password)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(opened.keys.is_empty(), "{name}");
        let [certificate] = &opened.certificates[..] else {
            panic!("{name}: {opened:?}");
        };
        assert!(certificate.trusted, "{name}");
        assert_eq!(certificate.name.as_deref(), Some("Seed"), "{name}");
        assert_eq!(opened.outline.integrity.is_some(), !password.is_empty(), "{name}");
    }
}

#[test]
fn opens_files_under_an_empty_password() {
    let opened = Pkcs12::open(&file("openssl-empty-password.p12"), &secret("")).unwrap();
    assert_eq!(opened.keys.len(), 1);
    assert_eq!(
        Pkcs12::open(&file("openssl-modern.p12"), &secret("")).err(),
        Some(Pkcs12Error::Password)
    );
}

#[test]
fn what_is_broken_or_unknown_is_refused_by_name() {
    for (name, scheme) in [
        ("openssl-rc2.p12", "PKCS#12 encryption (RC2)"),
        ("openssl-sha384.p12", "integrity by HMAC-SHA-384"),
    ] {
        let refusal = Some(Pkcs12Error::Unsupported { scheme });
        assert_eq!(Pkcs12::open(&file(name), &secret(PASSWORD)).err(), refusal, "{name}");
        assert_eq!(Outline::read(&file(name)).err(), refusal, "{name}");
        assert!(Pkcs12::is_pkcs12(&file(name)), "{name}");
    }
}

#[test]
fn an_outline_needs_no_password() {
    let outline = Outline::read(&file("openssl-3des.p12")).unwrap();
    let integrity = outline.integrity.as_ref().unwrap();
    assert_eq!(
        (integrity.scheme.as_str(), integrity.iterations),
        ("HMAC-SHA-1", Some(2))
    );
    let encryption: Vec<_> = outline
        .encryption
        .iter()
        .map(|protection| (protection.scheme.as_str(), protection.iterations))
        .collect();
    assert_eq!(encryption, [("SHA-1, 3DES-CBC", Some(2)); 2]);
    assert_eq!(outline.work(), 2 + 6 + 6);

    let outline = Outline::read(&file("openssl-unencrypted.p12")).unwrap();
    assert_eq!((outline.plain_keys, outline.plain_certificates), (1, 1));
    assert!(outline.encryption.is_empty());
}

#[test]
fn written_identities_hold_what_was_asked_for() {
    let pki = pki();
    for (encryption, scheme, mac, iterations) in [
        (
            Encryption::Modern,
            "PBKDF2-HMAC-SHA-256, AES-256-CBC",
            "HMAC-SHA-256",
            ITERATIONS,
        ),
        (Encryption::Legacy, "SHA-1, 3DES-CBC", "HMAC-SHA-1", LEGACY_ITERATIONS),
    ] {
        // Of one, two, three and four bytes in UTF-8, the last beyond the plane that a BMPString has.
        let password = "pä€\u{1f511}";
        let file = pki.write(encryption, password);
        let opened = Pkcs12::open(&file, &secret(password)).unwrap();
        let key = opened.keys[0].key.as_ref().unwrap();
        assert!(key.pkcs8().ct_eq(pki.key.pkcs8().expose_secret()));
        let certificates: Vec<_> = opened.certificates.iter().map(|entry| entry.der.to_vec()).collect();
        assert_eq!(certificates, [pki.leaf.der().to_vec(), pki.issuing.der().to_vec()]);
        assert_eq!(opened.certificates[0].name.as_deref(), Some("api"));
        assert_eq!(opened.certificates[0].local_key_id, opened.keys[0].local_key_id);
        assert_eq!(opened.certificates[1].local_key_id, None);
        assert!(opened.certificates.iter().all(|entry| !entry.trusted));

        let integrity = opened.outline.integrity.unwrap();
        assert_eq!(
            (integrity.scheme.as_str(), integrity.iterations),
            (mac, Some(iterations))
        );
        for protection in &opened.outline.encryption {
            assert_eq!(
                (protection.scheme.as_str(), protection.iterations),
                (scheme, Some(iterations))
            );
        }
        assert_eq!(opened.outline.encryption.len(), 2);
        assert_eq!(Pkcs12::open(&file, &secret("pä€")).err(), Some(Pkcs12Error::Password));
    }
}

#[test]
fn two_files_of_one_key_share_no_salt() {
    let pki = pki();
    assert_ne!(
        pki.write(Encryption::Legacy, PASSWORD),
        pki.write(Encryption::Legacy, PASSWORD)
    );
}

#[test]
fn written_trust_stores_mark_their_certificates() {
    let pki = pki();
    let entry = |name, certificate| TrustedCertificate { name, certificate };
    let file = write_trust_store(
        &[entry("Root", &pki.root), entry("Prüfer", &pki.issuing)],
        &secret(PASSWORD),
    )
    .unwrap();
    let opened = Pkcs12::open(&file, &secret(PASSWORD)).unwrap();
    assert!(opened.keys.is_empty());
    let entries: Vec<_> = opened
        .certificates
        .iter()
        .map(|entry| (entry.name.as_deref().unwrap(), entry.trusted))
        .collect();
    assert_eq!(entries, [("Root", true), ("Prüfer", true)]);

    let twice = [entry("root", &pki.root), entry("ROOT", &pki.issuing)];
    assert_eq!(
        write_trust_store(&twice, &secret(PASSWORD)),
        Err(Pkcs12Error::NameTwice)
    );
}

#[test]
fn refuses_to_write_what_nobody_could_use() {
    let pki = pki();
    let write = |name: &str, key: &PrivateKey, password: &str| {
        let identity = Identity {
            name,
            key,
            certificate: &pki.leaf,
            chain: &[],
        };
        write_identity(&identity, Encryption::Modern, &secret(password)).err()
    };
    assert_eq!(write("api", &pki.key, ""), Some(Pkcs12Error::EmptyPassword));
    let other = P256SigningKey::generate().unwrap();
    let other = PrivateKey::from_pkcs8_der(other.pkcs8().expose_secret()).unwrap();
    assert_eq!(write("api", &other, PASSWORD), Some(Pkcs12Error::KeyMismatch));
    for name in ["", "a\nb", "\u{1f511}"] {
        assert_eq!(write(name, &pki.key, PASSWORD), Some(Pkcs12Error::Name), "{name:?}");
    }
    assert_eq!(
        write_trust_store(&[], &secret("")).err(),
        Some(Pkcs12Error::EmptyPassword)
    );
}

#[test]
fn every_changed_byte_is_noticed() {
    let original = file("openssl-modern.p12");
    for at in 0..original.len() {
        let mut changed = original.clone();
        changed[at] ^= 1;
        // Two bytes of the iteration count may ask for more than this test has time for.
        if Outline::read(&changed).is_ok_and(|outline| outline.work() > 100_000) {
            continue;
        }
        let refused = Pkcs12::open(&changed, &secret(PASSWORD)).err();
        assert!(refused.is_some(), "byte {at}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let original = file("nss-ber.p12");
    for length in 0..original.len() {
        let error = Outline::read(&original[..length]).err();
        assert_eq!(error, Some(Pkcs12Error::Malformed), "{length} bytes");
    }
    let long = [&original[..], b"\n"].concat();
    assert_eq!(Outline::read(&long).err(), Some(Pkcs12Error::Malformed));
}

#[test]
fn costly_files_are_refused_before_anything_is_computed() {
    // INTEGER 2, the last element of the file, becomes 2^31 - 1; the lengths around it grow by three.
    let mut costly = file("openssl-modern.p12");
    let end = costly.len() - 3;
    assert_eq!(costly[end..], [2, 1, 2]);
    costly.splice(end.., [2, 4, 0x7f, 0xff, 0xff, 0xff]);
    let length = u16::from_be_bytes([costly[2], costly[3]]) + 3;
    costly[2..4].copy_from_slice(&length.to_be_bytes());
    // MacData: a SEQUENCE of less than 128 bytes, which starts with that of DigestInfo and of SHA-256's identifier.
    let mac = costly
        .windows(6)
        .rposition(|bytes| bytes[0] == 0x30 && bytes[2..6] == [0x30, 0x31, 0x30, 0x0d])
        .unwrap();
    costly[mac + 1] += 3;
    let outline = Outline::read(&costly).unwrap();
    assert_eq!(outline.integrity.unwrap().iterations, Some(i32::MAX as u32));
    assert_eq!(
        Pkcs12::open(&costly, &secret(PASSWORD)).err(),
        Some(Pkcs12Error::TooCostly)
    );

    let large = vec![0x30; MAX_PKCS12_BYTES + 1];
    let bytes = large.len();
    assert_eq!(Outline::read(&large).err(), Some(Pkcs12Error::TooLarge { bytes }));
}

#[test]
fn other_files_are_no_key_stores() {
    let pki = pki();
    for (what, other) in [
        ("nothing", Vec::new()),
        ("a certificate", pki.leaf.der().to_vec()),
        ("a key", pki.key.pkcs8().expose_secret().to_vec()),
        ("an encrypted key", pki.key.to_encrypted_der(&secret(PASSWORD)).unwrap()),
        ("text", b"-----BEGIN CERTIFICATE-----\n".to_vec()),
    ] {
        assert!(!Pkcs12::is_pkcs12(&other), "{what}");
        assert_eq!(
            Pkcs12::open(&other, &secret(PASSWORD)).err(),
            Some(Pkcs12Error::Malformed),
            "{what}"
        );
    }
}

#[test]
fn debug_texts_hold_no_key() {
    let pki = pki();
    let file = pki.write(Encryption::Legacy, PASSWORD);
    let opened = Pkcs12::open(&file, &secret(PASSWORD)).unwrap();
    assert!(format!("{:?}", opened.keys).contains("[redacted]"));
}
