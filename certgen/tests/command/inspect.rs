//! `certgen inspect` and `certgen fingerprint`: keys in every form, streams, and bytes that mean harm.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use certgen::inspect::{FingerprintFormat, Inspection};
use cryptokit::key_format::PrivateKey;
use cryptokit::pkcs12::{Encryption, Identity, write_identity};
use cryptokit::secret::SecretString;
use cryptokit::sign::P256SigningKey;
use cryptokit::x509::certificates_from_pem;
use serde_json::Value;
use time::OffsetDateTime;

use crate::support::{CERTGEN, certgen, stderr, stdout};

const SAMPLES: &str = "tests/cmd/inspect.in";

fn some_time() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

/// Every form in which an inspection is printed.
fn printed(bytes: &[u8]) -> [String; 3] {
    let found = Inspection::of("sample", bytes, None);
    let json = found.to_json(some_time()).into_iter().collect::<Value>();
    [
        found.to_text(some_time()),
        found.to_short(some_time()),
        certgen::printable::printable_json(&json),
    ]
}

fn samples() -> Vec<Vec<u8>> {
    let files = fs::read_dir(SAMPLES).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| fs::read(file).unwrap()).collect()
}

fn is_safe(text: &str) -> bool {
    text.chars().all(|character| {
        character == '\n'
            || matches!(character, '…' | '§')
            || character.is_alphanumeric()
            || (' '..='~').contains(&character)
    })
}

#[test]
fn whatever_is_shown_cannot_steer_a_terminal() {
    let mut random = 0x5eed_u64;
    let mut next = move |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % below
    };
    for sample in samples() {
        for text in printed(&sample) {
            assert!(is_safe(&text), "{text:?}");
        }
        let der = pem_contents(&sample).unwrap_or(sample);
        for _ in 0..400 {
            let mut changed = der.clone();
            for _ in 0..=next(3) {
                if !changed.is_empty() {
                    let place = next(changed.len());
                    changed[place] = u8::try_from(next(256)).unwrap();
                }
            }
            changed.truncate(changed.len() - next(2) * next(changed.len().max(1)));
            for text in printed(&changed) {
                assert!(is_safe(&text), "{text:?}");
            }
        }
    }
}

/// The contents of the first block.
fn pem_contents(text: &[u8]) -> Option<Vec<u8>> {
    let mut blocks = cryptokit::encoding::pem::PemBlocks::new(text).ok()?;
    let label = blocks.next_label().ok()??;
    Some(blocks.contents(&label).ok()?.to_vec())
}

fn secret(text: &str) -> SecretString {
    zeroize::Zeroizing::new(text.to_owned()).into()
}

#[test]
fn a_key_is_told_by_its_public_half_in_every_form() {
    let key = PrivateKey::from_pkcs8_der(P256SigningKey::generate().unwrap().pkcs8().expose_secret()).unwrap();
    let pin = certgen::inspect::spki_pin(&key.public_key().to_spki_der());
    let clear = key.to_pem();
    let [text, _, _] = printed(clear.expose_secret().as_bytes());
    assert!(text.contains(&pin) && text.contains("ECDSA P-256"), "{text}");
    assert!(text.contains("none: whoever reads the file has the key"), "{text}");

    let passphrase = secret("correct horse");
    let encrypted = key.to_encrypted_pem(&passphrase).unwrap();
    let [closed, _, json] = printed(encrypted.as_bytes());
    assert!(
        closed.contains("PBES2: PBKDF2 with HMAC-SHA-256, 600000 iterations; AES-256-CBC"),
        "{closed}"
    );
    assert!(
        closed.contains("not seen without the passphrase") && !closed.contains(&pin),
        "{closed}"
    );
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json[0]["encrypted"], &json[0]["public_key"]),
        (&Value::Bool(true), &Value::Null)
    );

    let opened = Inspection::of("key.pem", encrypted.as_bytes(), Some(&passphrase)).to_text(some_time());
    assert!(opened.contains(&pin), "{opened}");
    let wrong = Inspection::of("key.pem", encrypted.as_bytes(), Some(&secret("wrong")));
    assert!(
        wrong
            .to_text(some_time())
            .contains("wrong passphrase, or a damaged file")
    );

    for text in [&text, &closed, &opened] {
        let pem = clear.expose_secret().lines().filter(|line| !line.starts_with("-----"));
        pem.for_each(|line| assert!(!text.contains(line), "{text}"));
    }
}

#[test]
fn standard_input_is_read_for_a_dash_and_a_passphrase_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let key = PrivateKey::from_pkcs8_der(P256SigningKey::generate().unwrap().pkcs8().expose_secret()).unwrap();
    let encrypted = key.to_encrypted_pem(&secret("correct horse")).unwrap();
    let file = folder.path().join("passphrase");
    fs::write(&file, "correct horse\n").unwrap();
    restrict(&file);
    let mut child = Command::new(CERTGEN)
        .args(["inspect", "-", "--passphrase-file"])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(encrypted.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = stdout(&output);
    assert!(said.contains("standard input"), "{said}");
    assert!(
        said.contains(&certgen::inspect::spki_pin(&key.public_key().to_spki_der())),
        "{said}"
    );
}

#[cfg(unix)]
fn restrict(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn restrict(_file: &Path) {}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in [
        &["inspect", "tests/cmd/inspect.in/openssl.pem"][..],
        &["inspect", "--json", "tests/cmd/inspect.in/openssl.pem"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(CERTGEN)
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(stderr(&output), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_bundle_of_a_system_is_shown_whole() {
    let one = fs::read(Path::new(SAMPLES).join("authority.pem")).unwrap();
    let output = certgen(&["inspect", "tests/cmd/inspect.in/authority.pem", "--json"]);
    let certificate: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(certificate["objects"][0]["public_key"]["bits"], 256);
    let found = Inspection::of("bundle", &one.repeat(150), None);
    assert!(found.is_whole());
    assert_eq!(found.to_json(some_time()).len(), 150);
    let too_many = Inspection::of("bundle", &one.repeat(2001), None);
    assert!(!too_many.is_whole());
    assert!(too_many.to_short(some_time()).contains("not read: 1 more objects"));
}

#[test]
fn a_pkcs12_file_is_outlined_and_opens_with_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let pki = folder.path().join("pki");
    certgen(&["init", "--out", pki.to_str().unwrap(), "--client", "worker"]);
    let read = |name: &str| fs::read(pki.join("worker").join(name)).unwrap();
    let chain = certificates_from_pem(&read("fullchain.pem")).unwrap();
    let key = PrivateKey::from_pem(&read("key.pem")).unwrap();
    let identity = Identity {
        name: "worker",
        key: &key,
        certificate: &chain[0],
        chain: &chain[1..],
    };
    let file = write_identity(&identity, Encryption::Modern, &secret("correct horse")).unwrap();
    let [closed, _, json] = printed(&file);
    assert!(closed.contains("PBKDF2-HMAC-SHA-256, AES-256-CBC"), "{closed}");
    assert!(
        closed.contains("nothing without the password") && !closed.contains("worker"),
        "{closed}"
    );
    assert!(json.contains(r#""type":"pkcs12""#), "{json}");
    let closed = Inspection::of("worker.p12", &file, None);
    let refused = closed.fingerprints(FingerprintFormat::Hex, false).unwrap_err();
    assert_eq!(refused.reason, "the PKCS#12 file is closed");

    let wrong = Inspection::of("worker.p12", &file, Some(&secret("wrong"))).to_text(some_time());
    assert!(
        wrong.contains("it was not opened: wrong password, or a damaged file"),
        "{wrong}"
    );

    let opened = Inspection::of("worker.p12", &file, Some(&secret("correct horse")));
    let text = opened.to_text(some_time());
    assert!(
        text.contains("it is called `worker` in the file") && text.contains("dns:worker"),
        "{text}"
    );
    let fingerprints = opened.fingerprints(FingerprintFormat::Pin, false).unwrap();
    assert_eq!(fingerprints.len(), 3, "key, certificate, issuer");
    assert_eq!(
        fingerprints[0].value, fingerprints[1].value,
        "the certificate is for the key"
    );
    assert!(!text.contains(&String::from_utf8(read("key.pem")).unwrap()[30..60]));
}
