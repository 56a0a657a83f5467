//! Private keys on their way in and out.

use std::fmt;

use zeroize::Zeroizing;

use super::error::KeyFormatError;
use super::pbes2;
use super::private_der::{self, DerForm, PrivateParts};
use super::public_key::{KeyType, PublicKey, PublicParts};
use crate::encoding::pem::{self, PemBlocks, PemSyntaxError};
use crate::provider::{EcdsaEncoding, Provider, RsaScheme};
use crate::secret::{SecretBytes, SecretString};

/// Longest DER read, in bytes. An RSA-4096 key has 2,400.
pub const MAX_KEY_DER_BYTES: usize = 16 * 1024;

/// A private key of a known kind whose halves belong together.
///
/// Whatever form it was read from, it is kept as unencrypted PKCS#8 of version 1: RSA as PKCS#1 inside (RFC 8017
/// appendix A.1.2), EC as SEC1 inside with its public half (RFC 5915), Ed25519 as its seed (RFC 8410 §7). Attributes are
/// dropped.
///
/// It is shown and serialized only when asked for by name:
///
/// ```compile_fail,E0277
/// # use cryptokit::key_format::PrivateKey;
/// fn misuse(key: &PrivateKey) {
///     println!("{key}");
/// }
/// ```
pub struct PrivateKey {
    pkcs8: SecretBytes,
    public: PublicKey,
}

const LABELS: &str = "PRIVATE KEY, ENCRYPTED PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY";

impl PrivateKey {
    /// Reads unencrypted DER: PKCS#8, PKCS#1 or SEC1, told apart by their structure.
    ///
    /// # Errors
    ///
    /// [`KeyFormatError::Encrypted`] for an encrypted key, or another [`KeyFormatError`] with the cause.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyFormatError> {
        check_size(der)?;
        Self::from_form(DerForm::of(der)?, der)
    }

    /// Reads unencrypted PKCS#8 in DER (RFC 5958) and nothing else.
    ///
    /// # Errors
    ///
    /// As [`Self::from_der`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyFormatError> {
        check_size(der)?;
        match DerForm::of(der)? {
            form @ (DerForm::Pkcs8 | DerForm::EncryptedPkcs8) => Self::from_form(form, der),
            DerForm::Pkcs1 | DerForm::Sec1 => Err(KeyFormatError::Malformed),
        }
    }

    /// Reads encrypted PKCS#8 in DER (RFC 5958 §3). Costs what the file asks for, within the bounds of this module:
    /// 0.1 s for 600,000 iterations, seconds at most.
    ///
    /// # Errors
    ///
    /// [`KeyFormatError::Passphrase`] for a wrong passphrase and for a damaged file alike; [`KeyFormatError::TooCostly`]
    /// before anything is computed; [`KeyFormatError::NotEncrypted`]; or another [`KeyFormatError`] with the cause.
    pub fn from_encrypted_der(der: &[u8], passphrase: &SecretString) -> Result<Self, KeyFormatError> {
        check_size(der)?;
        match DerForm::of(der)? {
            DerForm::EncryptedPkcs8 => Self::decrypt(der, passphrase),
            _ => Err(KeyFormatError::NotEncrypted),
        }
    }

    /// Reads the one unencrypted block that the text must be: `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`, with
    /// the contents that its label promises.
    ///
    /// # Errors
    ///
    /// [`KeyFormatError::Encrypted`] for an encrypted key, or another [`KeyFormatError`] with the cause.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyFormatError> {
        let (form, der) = read_block(text)?;
        Self::from_form(form, &der)
    }

    /// Reads the one `ENCRYPTED PRIVATE KEY` block that the text must be. Costs as [`Self::from_encrypted_der`].
    ///
    /// # Errors
    ///
    /// As [`Self::from_encrypted_der`]; [`KeyFormatError::TraditionalEncryption`] for `Proc-Type: 4,ENCRYPTED`.
    pub fn from_encrypted_pem(text: &[u8], passphrase: &SecretString) -> Result<Self, KeyFormatError> {
        match read_block(text)? {
            (DerForm::EncryptedPkcs8, der) => Self::decrypt(&der, passphrase),
            _ => Err(KeyFormatError::NotEncrypted),
        }
    }

    /// The kind of key.
    pub fn key_type(&self) -> KeyType {
        self.public.key_type()
    }

    /// Its public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The key as unencrypted PKCS#8 DER: what every key type of this crate reads.
    pub fn pkcs8(&self) -> &SecretBytes {
        &self.pkcs8
    }

    /// The key as unencrypted PKCS#8 DER, without a copy.
    pub fn into_pkcs8(self) -> SecretBytes {
        self.pkcs8
    }

    /// The key as unencrypted PEM, label `PRIVATE KEY`.
    pub fn to_pem(&self) -> SecretString {
        pem::encode("PRIVATE KEY", self.pkcs8.expose_secret()).into()
    }

    /// The key as PKCS#8 DER, encrypted with PBES2: PBKDF2-HMAC-SHA-256 with [`PBKDF2_ITERATIONS`] iterations and a fresh
    /// 16-byte salt, AES-256-CBC. Takes 0.1 s. The passphrase's UTF-8 bytes are used as they are.
    ///
    /// The form does not authenticate: a passphrase of high entropy protects the key's secrecy, not the file.
    ///
    /// [`PBKDF2_ITERATIONS`]: super::PBKDF2_ITERATIONS
    ///
    /// # Errors
    ///
    /// [`KeyFormatError::EmptyPassphrase`].
    pub fn to_encrypted_der(&self, passphrase: &SecretString) -> Result<Vec<u8>, KeyFormatError> {
        pbes2::encrypt(Provider::default(), self.pkcs8.expose_secret(), passphrase)
    }

    /// As [`Self::to_encrypted_der`], in PEM, label `ENCRYPTED PRIVATE KEY`.
    ///
    /// # Errors
    ///
    /// [`KeyFormatError::EmptyPassphrase`].
    pub fn to_encrypted_pem(&self, passphrase: &SecretString) -> Result<String, KeyFormatError> {
        Ok(pem::encode("ENCRYPTED PRIVATE KEY", &self.to_encrypted_der(passphrase)?).to_string())
    }

    /// Takes the parts of a key once the default provider has found that they belong together.
    pub(super) fn from_parts(parts: PrivateParts) -> Result<Self, KeyFormatError> {
        if loaded_public_half(&parts)? != parts.public.0 {
            return Err(KeyFormatError::Inconsistent);
        }
        Ok(Self {
            pkcs8: parts.pkcs8.into(),
            public: parts.public,
        })
    }

    fn from_form(form: DerForm, der: &[u8]) -> Result<Self, KeyFormatError> {
        Self::from_parts(match form {
            DerForm::Pkcs8 => private_der::read_pkcs8(der)?,
            DerForm::Pkcs1 => private_der::read_pkcs1(der)?,
            DerForm::Sec1 => private_der::read_sec1(der)?,
            DerForm::EncryptedPkcs8 => return Err(pbes2::refusal(der).unwrap_or(KeyFormatError::Encrypted)),
        })
    }

    fn decrypt(der: &[u8], passphrase: &SecretString) -> Result<Self, KeyFormatError> {
        let pkcs8 = pbes2::decrypt(Provider::default(), der, passphrase)?;
        // A wrong passphrase gives well-padded garbage once in 256 times.
        if DerForm::of(&pkcs8) != Ok(DerForm::Pkcs8) {
            return Err(KeyFormatError::Passphrase);
        }
        match Self::from_form(DerForm::Pkcs8, &pkcs8) {
            Err(KeyFormatError::Malformed) => Err(KeyFormatError::Passphrase),
            result => result,
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, [redacted])", self.key_type())
    }
}

/// Loads the key, which makes the backend check it, and says what public half it has then.
fn loaded_public_half(parts: &PrivateParts) -> Result<PublicParts, KeyFormatError> {
    let backend = Provider::default().backend();
    let refused = |_| KeyFormatError::Inconsistent;
    Ok(match &parts.public.0 {
        PublicParts::Rsa { .. } => {
            let signer = backend
                .rsa_signer(RsaScheme::Pkcs1Sha256, &parts.pkcs8)
                .map_err(refused)?;
            // ring finds wrong CRT values only by what comes out, which it checks before it hands it over.
            signer.sign(b"trial").map_err(refused)?;
            let (n, e) = signer.public_components();
            PublicParts::Rsa { n, e }
        }
        PublicParts::Ec { curve, .. } => {
            let signer = backend
                .ec_signer(*curve, EcdsaEncoding::Asn1, &parts.pkcs8)
                .map_err(refused)?;
            PublicParts::Ec {
                curve: *curve,
                point: signer.public_point().to_vec(),
            }
        }
        PublicParts::Ed25519(_) => {
            let signer = backend.ed25519_signer(&parts.pkcs8).map_err(refused)?;
            PublicParts::Ed25519(signer.public_key())
        }
    })
}

fn check_size(der: &[u8]) -> Result<(), KeyFormatError> {
    if der.len() > MAX_KEY_DER_BYTES {
        return Err(KeyFormatError::TooLarge { bytes: der.len() });
    }
    Ok(())
}

/// The only block of a PEM text, whose contents must be what its label says.
fn read_block(text: &[u8]) -> Result<(DerForm, Zeroizing<Vec<u8>>), KeyFormatError> {
    let (label, der) = only_block(text, |label| form_of_label(label).is_some(), LABELS)?;
    check_size(&der)?;
    let form = form_of_label(label).ok_or(KeyFormatError::Malformed)?;
    if DerForm::of(&der)? != form {
        return Err(KeyFormatError::Malformed);
    }
    Ok((form, der))
}

/// RFC 7468 §10 and §11, and the labels of OpenSSL's traditional forms.
fn form_of_label(label: &[u8]) -> Option<DerForm> {
    match label {
        b"PRIVATE KEY" => Some(DerForm::Pkcs8),
        b"ENCRYPTED PRIVATE KEY" => Some(DerForm::EncryptedPkcs8),
        b"RSA PRIVATE KEY" => Some(DerForm::Pkcs1),
        b"EC PRIVATE KEY" => Some(DerForm::Sec1),
        _ => None,
    }
}

/// The label and contents of the one block that a PEM text must be.
pub(super) fn only_block<'a>(
    text: &'a [u8],
    is_expected: impl Fn(&[u8]) -> bool,
    expected: &'static str,
) -> Result<(&'a [u8], Zeroizing<Vec<u8>>), KeyFormatError> {
    let mut blocks = PemBlocks::new(text)?;
    let label = blocks.next_label()?.ok_or(KeyFormatError::NoBlock)?;
    if !is_expected(label.text) {
        let line = label.line;
        return Err(KeyFormatError::UnexpectedLabel { line, expected });
    }
    let contents = blocks.contents(&label).map_err(|error| match error {
        PemSyntaxError::Headers { .. } => KeyFormatError::TraditionalEncryption,
        error => error.into(),
    })?;
    match blocks.next_label()? {
        None => Ok((label.text, contents)),
        Some(second) => Err(KeyFormatError::SecondBlock { line: second.line }),
    }
}
