//! What the readers of PEM and DER accept, and that nothing makes them panic. PEM: RFC 7468.

use cryptokit::key_format::PrivateKey;
use cryptokit::secret::SecretString;
use cryptokit::sign::P256SigningKey;
use cryptokit::x509::{
    Certificate, CertificateError, LeafProfile, MAX_PEM_BYTES, MAX_PEM_CERTIFICATES, PemError, certificate_to_pem,
    certificates_from_pem, certificates_to_pem,
};
use proptest::prelude::*;
use rcgen::{DnType, SanType};

use crate::support::*;
use crate::untrusted::read_whatever_it_is;

fn a_certificate() -> Certificate {
    let texts = ["a.example", "10.0.0.1", "::1", "https://a.example/x", "ops@a.example"];
    leaf(&intermediate(&root()), LeafProfile::Server, &texts)
        .certificate()
        .clone()
}

fn key_pem() -> SecretString {
    let key = P256SigningKey::generate().unwrap();
    PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret())
        .unwrap()
        .to_pem()
}

fn pem_error(pem: &str) -> PemError {
    certificates_from_pem(pem.as_bytes()).expect_err("refused")
}

#[test]
fn refuses_an_extension_whose_identifier_is_under_another_tag() {
    let issued = leaf(&intermediate(&root()), LeafProfile::Server, &["a.example"]);
    let der = issued.certificate().der().to_vec();
    let names = [0x06, 0x03, 0x55, 0x1d, 17];
    let at = der.windows(names.len()).position(|window| window == names).unwrap();
    // An ObjectDescriptor and an OCTET STRING of the same octets.
    for tag in [0x07, 0x04] {
        let mut altered = der.clone();
        altered[at] = tag;
        assert!(Certificate::from_der(&altered).is_err(), "tag {tag}");
    }
}

#[test]
fn refuses_fields_under_another_tag() {
    let issued = leaf(&intermediate(&root()), LeafProfile::Server, &["a.example"]);
    let der = issued.certificate().der().to_vec();
    let places: [(&str, &[u8], usize); 3] = [
        // Up to the tag of the value: the identifier of subjectAltName.
        ("extnValue", &[0x06, 0x03, 0x55, 0x1d, 17], 5),
        ("attribute type", &[0x06, 0x03, 0x55, 0x04, 3], 0),
        // id-ecPublicKey and the curve follow.
        ("key algorithm", &[0x06, 0x07, 0x2a, 0x86, 0x48], 0),
    ];
    for (field, before, offset) in places {
        let at = der.windows(before.len()).position(|window| window == before).unwrap() + offset;
        for other in [0x44, 0x84, 0x0c] {
            let mut altered = der.clone();
            altered[at] = other;
            assert!(Certificate::from_der(&altered).is_err(), "{field} under {other:#04x}");
        }
    }
}

#[test]
fn refuses_pem_that_is_not_certificates_from_end_to_end() {
    let good = certificate_to_pem(a_certificate().der());
    let lines = good.lines().count();
    let relabelled = good.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let key = key_pem();
    let cases = [
        (
            String::new(),
            PemError::Missing {
                expected: "CERTIFICATE",
            },
        ),
        (
            " \n\r\n\t\n".to_owned(),
            PemError::Missing {
                expected: "CERTIFICATE",
            },
        ),
        (format!("# comment\n{good}"), PemError::Garbage { line: 1 }),
        (format!("{good}trailing"), PemError::Garbage { line: lines + 1 }),
        (format!("{good}\0"), PemError::Garbage { line: lines + 1 }),
        (
            format!("{good}{good}# between\n{good}"),
            PemError::Garbage { line: 2 * lines + 1 },
        ),
        (format!(" {good}"), PemError::Garbage { line: 1 }),
        (
            relabelled,
            PemError::UnexpectedLabel {
                line: 1,
                expected: "CERTIFICATE",
            },
        ),
        (
            format!("{good}{}", key.expose_secret()),
            PemError::UnexpectedLabel {
                line: lines + 1,
                expected: "CERTIFICATE",
            },
        ),
        (
            good.replace("-----END CERTIFICATE-----\n", ""),
            PemError::Unfinished { line: 1 },
        ),
        (
            good.replace("END CERTIFICATE", "END PRIVATE KEY"),
            PemError::Unfinished { line: 1 },
        ),
        (good.replacen("MII", "M I", 1), PemError::Base64 { line: 1 }),
        (good.replacen('M', "!", 1), PemError::Base64 { line: 1 }),
        (good.replace("-----END", "====\n-----END"), PemError::Base64 { line: 1 }),
        (
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".to_owned(),
            PemError::Certificate {
                number: 1,
                source: CertificateError::Malformed,
            },
        ),
        (
            "x".repeat(MAX_PEM_BYTES + 1),
            PemError::TooLarge {
                bytes: MAX_PEM_BYTES + 1,
            },
        ),
        (good.repeat(MAX_PEM_CERTIFICATES + 1), PemError::TooManyCertificates),
    ];
    for (pem, error) in cases {
        assert_eq!(pem_error(&pem), error, "{:.200}", pem);
    }
}

#[test]
fn accepts_several_certificates_with_white_space_and_either_line_end() {
    let certificate = a_certificate();
    let pem = certificate_to_pem(certificate.der());
    let two = [certificate.clone(), certificate.clone()];
    let read = |pem: &str| certificates_from_pem(pem.as_bytes()).unwrap();
    assert_eq!(read(&format!("\n\n{pem}  \n{pem}\n")), two);
    assert_eq!(read(&format!("{pem}{pem}").replace('\n', "\r\n")), two);
    assert_eq!(read(pem.trim_end()), [certificate]);
    assert_eq!(read(&pem.repeat(MAX_PEM_CERTIFICATES)).len(), MAX_PEM_CERTIFICATES);
}

#[test]
fn writes_64_columns_and_line_feeds() {
    let pem = certificates_to_pem([&a_certificate(), &a_certificate()]);
    assert!(!pem.contains('\r'));
    assert!(pem.ends_with("-----END CERTIFICATE-----\n"));
    let longest = pem.lines().map(str::len).max();
    assert_eq!(longest, Some(64));
}

#[test]
fn refuses_der_that_does_not_end_where_it_should() {
    let der = a_certificate().der().to_vec();
    for length in 0..der.len() {
        assert!(Certificate::from_der(&der[..length]).is_err(), "first {length} bytes");
    }
    let longer = [der.as_slice(), &[0]].concat();
    assert_eq!(Certificate::from_der(&longer), Err(CertificateError::TrailingData));
    let bytes = Certificate::MAX_DER_BYTES + 1;
    assert_eq!(
        Certificate::from_der(&vec![0x30; bytes]),
        Err(CertificateError::TooLarge { bytes })
    );
}

#[test]
fn refuses_versions_without_extensions() {
    let mut der = a_certificate().der().to_vec();
    // [0] EXPLICIT INTEGER 2, that is version 3 (RFC 5280 §4.1.2.1).
    let version = der.windows(5).position(|window| window == [0xa0, 3, 2, 1, 2]).unwrap() + 4;
    der[version] = 1;
    assert_eq!(Certificate::from_der(&der), Err(CertificateError::Version));
}

#[test]
fn refuses_signature_algorithms_that_differ() {
    let mut der = a_certificate().der().to_vec();
    // ecdsa-with-SHA256, 1.2.840.10045.4.3.2: once inside the signed part, once outside.
    let oid = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let outside = der.windows(oid.len()).rposition(|window| window == oid).unwrap();
    der[outside + 7] = 3;
    assert_eq!(
        Certificate::from_der(&der),
        Err(CertificateError::SignatureAlgorithmMismatch)
    );
}

#[test]
fn a_malformed_name_beside_good_ones_counts_as_unusable() {
    let key = P256SigningKey::generate().unwrap();
    let mut params = raw_server_params(&key);
    for text in ["under_score.example", "nul\0.example", "*", ""] {
        params
            .subject_alt_names
            .push(SanType::DnsName(text.try_into().unwrap()));
    }
    let certificate = raw_self_sign(&params, &key);
    assert_eq!(certificate.subject_alternative_names(), names(&["server.example"]));
    assert_eq!(certificate.unusable_name_count(), 4);
}

#[test]
fn a_subject_cannot_pretend_to_be_another_or_steer_a_terminal() {
    let key = P256SigningKey::generate().unwrap();
    let mut params = raw_authority_params(&key, "a, O=Bank\u{1b}[2J\u{202e}\n");
    params.distinguished_name.push(DnType::CustomDnType(vec![1, 2, 3]), "x");
    let certificate = raw_self_sign(&params, &key);
    assert_eq!(
        certificate.subject_text(),
        "CN=a\\, O\\=Bank\\u{1b}[2J\\u{202e}\\u{a}, 1.2.3=x"
    );
}

#[test]
fn no_flipped_bit_of_a_certificate_makes_a_reader_panic() {
    for certificate in [a_certificate(), root().certificate().clone()] {
        for index in 0..certificate.der().len() {
            for bit in 0..8 {
                let mut der = certificate.der().to_vec();
                der[index] ^= 1 << bit;
                read_whatever_it_is(&der);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_whatever_it_is(&bytes);
    }

    #[test]
    fn no_contents_of_a_pem_block_make_a_reader_panic(
        contents in proptest::collection::vec(any::<u8>(), 0..300),
        label in "(CERTIFICATE|PRIVATE KEY)",
    ) {
        let pem = certificate_to_pem(&contents.into());
        read_whatever_it_is(pem.replace("CERTIFICATE", &label).as_bytes());
    }

    #[test]
    fn no_splice_of_two_certificates_makes_a_reader_panic(cut in 0_usize..800, paste in 0_usize..800) {
        let (a, b) = (a_certificate(), root().certificate().clone());
        let (cut, paste) = (cut.min(a.der().len()), paste.min(b.der().len()));
        read_whatever_it_is(&[&a.der()[..cut], &b.der()[paste..]].concat());
    }
}
