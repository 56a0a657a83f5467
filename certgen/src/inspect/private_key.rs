//! Private keys: what kind, how protected, which public half. Nothing of the key itself is kept or printed.

use cryptokit::key_format::{KeyFormatError, PrivateKey};
use cryptokit::secret::SecretString;
use serde_json::{Value, json};

use super::asn1::{Broken, INTEGER, OCTET_STRING, OID, Reader, constructed, oid_text, small};
use super::oid;
use super::public_key::ShownKey;

/// The forms of private keys in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Pkcs8,
    EncryptedPkcs8,
    Pkcs1,
    Sec1,
    /// OpenSSL's own form of DSA keys.
    Dsa,
    /// OpenSSL's old encryption by PEM headers.
    Traditional,
    /// In a PKCS#12 file, which was opened.
    Pkcs12,
}

impl Form {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PKCS#8",
            Self::EncryptedPkcs8 => "encrypted PKCS#8",
            Self::Pkcs1 => "PKCS#1",
            Self::Sec1 => "SEC1",
            Self::Dsa => "traditional DSA",
            Self::Traditional => "traditional PEM, encrypted",
            Self::Pkcs12 => "PKCS#12",
        }
    }
}

/// What is shown of a private key.
#[derive(Clone, Debug)]
pub(super) struct ShownPrivateKey {
    form: Form,
    /// How it is encrypted, in words.
    pub(super) encryption: Option<String>,
    /// Of what kind it says to be, where the public half is not known.
    pub(super) kind: Option<String>,
    /// Its public half.
    pub(super) public: Option<ShownKey>,
    pub(super) notes: Vec<String>,
}

impl ShownPrivateKey {
    /// Reads unencrypted DER, and encrypted DER as far as it shows without a passphrase or opens with this one.
    pub(super) fn read(form: Form, der: &[u8], passphrase: Option<&SecretString>) -> Self {
        let mut shown = Self::new(form);
        let key = match (form, passphrase) {
            (Form::EncryptedPkcs8, passphrase) => {
                shown.encryption = Some(encryption(der).unwrap_or_else(|_| "unknown".to_owned()));
                match passphrase {
                    None => return shown,
                    Some(passphrase) => PrivateKey::from_encrypted_der(der, passphrase),
                }
            }
            _ => PrivateKey::from_der(der),
        };
        match key {
            Ok(key) => shown.public = ShownKey::read(&key.public_key().to_spki_der()).ok(),
            Err(error) => {
                shown.kind = claimed_kind(form, der).ok();
                shown.notes.push(format!("certgen does not take this key: {error}"));
            }
        }
        shown
    }

    /// A key encrypted by PEM headers, of which only those are read.
    pub(super) fn traditional(cipher: &str) -> Self {
        let mut shown = Self::new(Form::Traditional);
        shown.encryption = Some(format!(
            "{}, its key from one MD5 of the passphrase",
            crate::printable::printable(cipher)
        ));
        shown.notes.push(
            "certgen does not take this key; convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000"
                .to_owned(),
        );
        shown
    }

    /// A key of a PKCS#12 file.
    pub(super) fn in_pkcs12(key: Result<&PrivateKey, &KeyFormatError>) -> Self {
        let mut shown = Self::new(Form::Pkcs12);
        shown.encryption = Some("as its file".to_owned());
        match key {
            Ok(key) => shown.public = ShownKey::read(&key.public_key().to_spki_der()).ok(),
            Err(error) => shown.notes.push(format!("certgen does not take this key: {error}")),
        }
        shown
    }

    fn new(form: Form) -> Self {
        Self {
            form,
            encryption: None,
            kind: None,
            public: None,
            notes: Vec::new(),
        }
    }

    pub(super) fn form(&self) -> &'static str {
        self.form.name()
    }

    /// What kind of key, as far as it is known.
    pub(super) fn kind(&self) -> Option<String> {
        let public = self.public.as_ref().map(ShownKey::described);
        public.or_else(|| self.kind.clone())
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "type": "private_key",
            "form": self.form(),
            "encrypted": self.encryption.is_some(),
            "encryption": self.encryption,
            "algorithm": self.kind(),
            "public_key": self.public.as_ref().map(ShownKey::json),
            "notes": self.notes,
        })
    }
}

/// `PBES2: PBKDF2 with HMAC-SHA-256, 600000 iterations; AES-256-CBC` (RFC 8018 appendix A.4, RFC 7914 §7).
fn encryption(der: &[u8]) -> Result<String, Broken> {
    let mut algorithm = Reader::new(der).sequence()?.sequence()?;
    let scheme = oid_text(algorithm.expect(OID)?.contents);
    if oid::short(&scheme) != "PBES2" {
        return Ok(oid::short(&scheme).to_owned());
    }
    let mut parameters = algorithm.sequence()?;
    let mut derivation = parameters.sequence()?;
    let cipher = oid_text(parameters.sequence()?.expect(OID)?.contents);
    let function = oid_text(derivation.expect(OID)?.contents);
    let mut costs = derivation.sequence()?;
    costs.next()?;
    let mut cost = || small(costs.expect(INTEGER)?.contents);
    let derived = match oid::short(&function) {
        "PBKDF2" => {
            let iterations = cost()?;
            costs.optional(INTEGER)?;
            // RFC 8018 appendix A.2: HMAC-SHA-1 when it is left out.
            let hash = match costs.is_empty() {
                true => "HMAC-SHA-1".to_owned(),
                false => oid::short(&oid_text(costs.sequence()?.expect(OID)?.contents)).to_owned(),
            };
            format!("PBKDF2 with {hash}, {iterations} iterations")
        }
        "scrypt" => format!("scrypt with N = {}, r = {}, p = {}", cost()?, cost()?, cost()?),
        other => other.to_owned(),
    };
    Ok(format!("PBES2: {derived}; {}", oid::short(&cipher)))
}

/// What kind of key a form says to hold, for those that certgen does not take.
fn claimed_kind(form: Form, der: &[u8]) -> Result<String, Broken> {
    let mut fields = Reader::new(der).sequence()?;
    let named = |mut algorithm: Reader<'_>| {
        let kind = oid_text(algorithm.expect(OID)?.contents);
        let curve = algorithm.optional(OID)?.map(|curve| oid_text(curve.contents));
        Ok(match curve {
            Some(curve) => format!("{} {}", oid::short(&kind), oid::short(&curve)),
            None => oid::short(&kind).to_owned(),
        })
    };
    match form {
        Form::Pkcs8 => {
            fields.expect(INTEGER)?;
            let algorithm = fields.sequence()?;
            let name = named(algorithm)?;
            if name != "RSA" {
                return Ok(name);
            }
            claimed_kind(Form::Pkcs1, fields.expect(OCTET_STRING)?.contents)
        }
        Form::Pkcs1 => {
            fields.expect(INTEGER)?;
            let modulus = fields.expect(INTEGER)?.contents;
            Ok(format!("RSA {}", super::public_key::bit_length(modulus)))
        }
        Form::Sec1 => {
            fields.expect(INTEGER)?;
            fields.expect(OCTET_STRING)?;
            let curve = fields.expect(constructed(0))?.inside().expect(OID)?;
            Ok(format!("EC {}", oid::short(&oid_text(curve.contents))))
        }
        Form::Dsa => Ok("DSA".to_owned()),
        Form::EncryptedPkcs8 | Form::Traditional | Form::Pkcs12 => Err(Broken::Value),
    }
}
