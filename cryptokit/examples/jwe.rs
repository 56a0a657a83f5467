//! Encrypts and decrypts JWE files: the smallest program around `cryptokit::jwe`, and the one that other JOSE libraries
//! are tried against (`tests/interop/jwe.sh`).
//!
//! ```text
//! jwe keygen BITS PRIVATE.der PUBLIC.jwk
//! jwe encrypt compact|json PLAINTEXT MESSAGE PUBLIC.jwk...
//! jwe decrypt compact|json MESSAGE PLAINTEXT PRIVATE.der...
//! jwe sign-encrypt PLAINTEXT MESSAGE SENDER-PRIVATE.der PUBLIC.jwk
//! ```
//!
//! Exits with 1 and a line on standard error when something is refused. Private keys are unencrypted PKCS#8: fit for
//! trying things out, not for keeping.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use cryptokit::encrypt::RsaDecryptionKey;
use cryptokit::jwe::{JweDecrypter, JweEncrypter, Recipient, SignedEncrypter};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretBytes;
use cryptokit::sign::{RsaKeySize, RsaSigningKey};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["keygen", bits, private, public] => keygen(bits, private, public),
        ["encrypt", form, plaintext, message, public @ ..] => encrypt(form, plaintext, message, public),
        ["decrypt", form, message, plaintext, private @ ..] => decrypt(form, message, plaintext, private),
        ["sign-encrypt", plaintext, message, sender, public] => sign_encrypt(plaintext, message, sender, public),
        _ => Err("usage: see the top of examples/jwe.rs".into()),
    }
}

fn keygen(bits: &str, private: &str, public: &str) -> Result<(), Box<dyn Error>> {
    let size = match bits {
        "2048" => RsaKeySize::Bits2048,
        "3072" => RsaKeySize::Bits3072,
        "4096" => RsaKeySize::Bits4096,
        _ => return Err("2048, 3072 or 4096 bits".into()),
    };
    let key = RsaDecryptionKey::generate(size)?;
    // Created new, readable by its owner alone.
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(private)?;
    file.write_all(key.pkcs8().expose_secret())?;
    fs::write(public, Recipient::new(key.encryption_key()?).to_jwk())?;
    Ok(())
}

fn encrypt(form: &str, plaintext: &str, message: &str, public: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut recipients = public.iter().map(|path| recipient(path));
    let first = recipients.next().ok_or("no recipient")??;
    let encrypter = recipients.try_fold(JweEncrypter::new(first), |encrypter, next| {
        Ok::<_, Box<dyn Error>>(encrypter.and(next?))
    })?;
    let plaintext = fs::read(plaintext)?;
    let sealed = match form {
        "compact" => encrypter.encrypt_compact(&plaintext)?,
        _ => encrypter.encrypt_json(&plaintext)?,
    };
    Ok(fs::write(message, sealed)?)
}

fn decrypt(form: &str, message: &str, plaintext: &str, private: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut keys = private.iter().map(|path| decryption_key(path));
    let mut keyset = Keyset::new("jwe", keys.next().ok_or("no key")??);
    for key in keys {
        keyset.add(key?);
    }
    let decrypter = JweDecrypter::new(keyset);
    let message = fs::read_to_string(message)?;
    let opened = match form {
        "compact" => decrypter.decrypt_compact(&message)?,
        _ => decrypter.decrypt_json(&message)?,
    };
    Ok(fs::write(plaintext, opened.plaintext.expose_secret())?)
}

fn sign_encrypt(plaintext: &str, message: &str, sender: &str, public: &str) -> Result<(), Box<dyn Error>> {
    let sender = RsaSigningKey::from_pkcs8(SecretBytes::new(fs::read(sender)?))?;
    let encrypter = SignedEncrypter::new(sender, JweEncrypter::new(recipient(public)?))?;
    Ok(fs::write(message, encrypter.encrypt_compact(&fs::read(plaintext)?)?)?)
}

fn recipient(path: &str) -> Result<Recipient, Box<dyn Error>> {
    Ok(Recipient::from_jwk(&fs::read(path)?)?)
}

fn decryption_key(path: &str) -> Result<RsaDecryptionKey, Box<dyn Error>> {
    Ok(RsaDecryptionKey::from_pkcs8(SecretBytes::new(fs::read(path)?))?)
}
