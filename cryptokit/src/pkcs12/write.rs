//! Writing a PKCS#12 file.

use der::asn1::BmpString;
use der::{Encode, Tag};
use rustls_pki_types::CertificateDer;

use super::asn1;
use super::encryption::Encryption;
use super::error::Pkcs12Error;
use super::mac;
use super::object_identifier::{
    ANY_EXTENDED_KEY_USAGE, CERT_BAG, DATA, ENCRYPTED_DATA, FRIENDLY_NAME, LOCAL_KEY_ID, PKCS8_SHROUDED_KEY_BAG,
    TRUSTED_KEY_USAGE, X509_CERTIFICATE,
};
use super::password::Password;
use super::structure::VERSION;
use crate::key_format::PrivateKey;
use crate::provider::Provider;
use crate::random;
use crate::secret::SecretString;
use crate::x509::Certificate;

/// A private key and what proves whose it is.
#[derive(Debug)]
pub struct Identity<'a> {
    /// What it is called where it is imported: the alias in Java, the nickname in NSS.
    pub name: &'a str,
    /// The key.
    pub key: &'a PrivateKey,
    /// Its certificate.
    pub certificate: &'a Certificate,
    /// The issuers of that, in order; the root only if those who import the file shall have it.
    pub chain: &'a [Certificate],
}

/// A certificate that Java shall trust.
#[derive(Clone, Copy, Debug)]
pub struct TrustedCertificate<'a> {
    /// The alias, for which Java ignores case.
    pub name: &'a str,
    /// The certificate, in practice a root.
    pub certificate: &'a Certificate,
}

/// Writes a key with its certificates. Takes 0.15 s, when [`Encryption::Legacy`] less.
///
/// # Errors
///
/// [`Pkcs12Error::EmptyPassword`], [`Pkcs12Error::KeyMismatch`], [`Pkcs12Error::Name`] or [`Pkcs12Error::TooMany`].
pub fn write_identity(
    identity: &Identity<'_>,
    encryption: Encryption,
    password: &SecretString,
) -> Result<Vec<u8>, Pkcs12Error> {
    let writer = Writer::new(encryption, password)?;
    if identity.key.public_key().to_spki_der() != identity.certificate.spki_der() {
        return Err(Pkcs12Error::KeyMismatch);
    }
    check_count(identity.chain.len() + 1)?;
    // RFC 2985 §5.5.2: anything that a key and its certificate have in common and other pairs have not.
    let local_key_id = local_key_id(identity.certificate);
    let name = friendly_name(identity.name)?;
    let leaf = certificate_bag(identity.certificate.der(), vec![name.clone(), local_key_id.clone()]);
    let chain = identity
        .chain
        .iter()
        .map(|issuer| certificate_bag(issuer.der(), Vec::new()));
    let certificates: Vec<_> = std::iter::once(leaf).chain(chain).collect();
    let key = writer.shrouded_key_bag(identity.key, vec![name, local_key_id]);
    Ok(writer.finish(&[writer.encrypted_part(&certificates.concat()), plain_part(&key)]))
}

/// Writes a trust store for Java, encrypted as [`Encryption::Modern`]. Other programs find certificates in it and no
/// statement that they are trusted.
///
/// # Errors
///
/// [`Pkcs12Error::EmptyPassword`], [`Pkcs12Error::Name`], [`Pkcs12Error::NameTwice`] or [`Pkcs12Error::TooMany`].
pub fn write_trust_store(
    certificates: &[TrustedCertificate<'_>],
    password: &SecretString,
) -> Result<Vec<u8>, Pkcs12Error> {
    let writer = Writer::new(Encryption::Modern, password)?;
    check_count(certificates.len())?;
    let mut names = std::collections::HashSet::new();
    let mut bags = Vec::new();
    for TrustedCertificate { name, certificate } in certificates {
        if !names.insert(name.to_lowercase()) {
            return Err(Pkcs12Error::NameTwice);
        }
        let trusted = attribute(
            &TRUSTED_KEY_USAGE,
            asn1::write_object_identifier(&ANY_EXTENDED_KEY_USAGE),
        );
        bags.extend(certificate_bag(certificate.der(), vec![friendly_name(name)?, trusted]));
    }
    Ok(writer.finish(&[writer.encrypted_part(&bags)]))
}

struct Writer<'a> {
    provider: Provider,
    encryption: Encryption,
    password: Password<'a>,
}

impl<'a> Writer<'a> {
    fn new(encryption: Encryption, password: &'a SecretString) -> Result<Self, Pkcs12Error> {
        if password.is_empty() {
            return Err(Pkcs12Error::EmptyPassword);
        }
        Ok(Self {
            provider: Provider::default(),
            encryption,
            password: Password::new(password),
        })
    }

    /// RFC 7292 §4.2.2, with EncryptedPrivateKeyInfo (RFC 5958 §3) inside.
    fn shrouded_key_bag(&self, key: &PrivateKey, attributes: Vec<Vec<u8>>) -> Vec<u8> {
        let (scheme, ciphertext) = self
            .encryption
            .encrypt(self.provider, &self.password, key.pkcs8().expose_secret());
        let info = asn1::write_sequence(&[&scheme, &asn1::write_octets(&ciphertext)]);
        safe_bag(&PKCS8_SHROUDED_KEY_BAG, &info, attributes)
    }

    /// ContentInfo with EncryptedData (RFC 2315 §13) around SafeContents.
    fn encrypted_part(&self, bags: &[u8]) -> Vec<u8> {
        let safe_contents = asn1::write_sequence(&[bags]);
        let (scheme, ciphertext) = self.encryption.encrypt(self.provider, &self.password, &safe_contents);
        let info = asn1::write_sequence(&[
            &asn1::write_object_identifier(&DATA),
            &scheme,
            &asn1::write_implicit_octets(&ciphertext),
        ]);
        let data = asn1::write_sequence(&[&asn1::write_integer(0), &info]);
        content_info(&ENCRYPTED_DATA, &data)
    }

    /// PFX (RFC 7292 §4).
    fn finish(&self, parts: &[Vec<u8>]) -> Vec<u8> {
        let safe = asn1::write_sequence(&[&parts.concat()]);
        let mut salt = vec![0; self.encryption.salt_len()];
        random::fill(self.provider, &mut salt);
        let mac = mac::write(
            self.provider,
            self.encryption.mac_hash(),
            &self.password,
            &salt,
            self.encryption.iterations(),
            &safe,
        );
        asn1::write_sequence(&[
            &asn1::write_integer(VERSION),
            &content_info(&DATA, &asn1::write_octets(&safe)),
            &mac,
        ])
    }
}

fn check_count(certificates: usize) -> Result<(), Pkcs12Error> {
    if certificates > asn1::MAX_ELEMENTS {
        return Err(Pkcs12Error::TooMany);
    }
    Ok(())
}

/// ContentInfo with SafeContents as they are.
fn plain_part(bags: &[u8]) -> Vec<u8> {
    content_info(&DATA, &asn1::write_octets(&asn1::write_sequence(&[bags])))
}

fn content_info(content_type: &der::asn1::ObjectIdentifier, content: &[u8]) -> Vec<u8> {
    let content_type = asn1::write_object_identifier(content_type);
    asn1::write_sequence(&[&content_type, &asn1::write_explicit(content)])
}

/// RFC 7292 §4.2.3.
fn certificate_bag(der: &CertificateDer<'_>, attributes: Vec<Vec<u8>>) -> Vec<u8> {
    let bag = asn1::write_sequence(&[
        &asn1::write_object_identifier(&X509_CERTIFICATE),
        &asn1::write_explicit(&asn1::write_octets(der)),
    ]);
    safe_bag(&CERT_BAG, &bag, attributes)
}

fn safe_bag(bag_type: &der::asn1::ObjectIdentifier, value: &[u8], attributes: Vec<Vec<u8>>) -> Vec<u8> {
    let bag_type = asn1::write_object_identifier(bag_type);
    let value = asn1::write_explicit(value);
    if attributes.is_empty() {
        return asn1::write_sequence(&[&bag_type, &value]);
    }
    asn1::write_sequence(&[&bag_type, &value, &asn1::write_set(attributes)])
}

fn attribute(kind: &der::asn1::ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    asn1::write_sequence(&[&asn1::write_object_identifier(kind), &asn1::write_set(vec![value])])
}

/// RFC 2985 §5.5.1: a BMPString.
fn friendly_name(name: &str) -> Result<Vec<u8>, Pkcs12Error> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(Pkcs12Error::Name);
    }
    let name = BmpString::from_utf8(name).map_err(|_| Pkcs12Error::Name)?;
    Ok(attribute(&FRIENDLY_NAME, name.to_der()?))
}

fn local_key_id(certificate: &Certificate) -> Vec<u8> {
    attribute(&LOCAL_KEY_ID, asn1::element(Tag::OctetString, &certificate.sha256()))
}
