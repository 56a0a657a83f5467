//! Opening a PKCS#12 file.

use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::asn1;
use super::ber;
use super::error::Pkcs12Error;
use super::outline::Outline;
use super::password::Password;
use super::structure::{self, Bag, Part, Pfx, SafeBag};
use crate::key_format::{KeyFormatError, PrivateKey};
use crate::provider::Provider;
use crate::secret::SecretString;

/// Longest file read, in bytes: the trust store of a Java installation has a fifth of it.
pub const MAX_PKCS12_BYTES: usize = 1 << 20;

/// Most iterations that are run to open one file, over its MAC and all that is encrypted in it: some seconds.
pub const MAX_PKCS12_ITERATIONS: u64 = 10_000_000;

/// What a PKCS#12 file holds.
///
/// How to look into a file that somebody else made:
///
/// 1. [`Pkcs12::is_pkcs12`] tells whether it is one, by its first elements;
/// 2. [`Outline::read`] shows without a password how it is protected, and why it cannot be opened, if so;
/// 3. [`Pkcs12::open`] opens it, also with an empty password. Nobody has looked at the certificates then, nor at names,
///    which may hold any character: [`Certificate::from_der`](crate::x509::Certificate::from_der) reads the former, and the
///    latter need escaping before they are shown.
#[derive(Debug)]
#[non_exhaustive]
pub struct Pkcs12 {
    /// In the order of the file.
    pub keys: Vec<KeyEntry>,
    /// In the order of the file.
    pub certificates: Vec<CertificateEntry>,
    /// Entries of other kinds: CRLs, secrets.
    pub others: usize,
    /// How it is protected. Where [`Outline::integrity`] is None, anybody may have changed it.
    pub outline: Outline,
}

/// A private key in a file.
#[derive(Debug)]
#[non_exhaustive]
pub struct KeyEntry {
    /// The key, or why this crate does not take it: other kinds and curves exist.
    pub key: Result<PrivateKey, KeyFormatError>,
    /// Its friendlyName: the alias in Java, the nickname in NSS.
    pub name: Option<String>,
    /// What its certificate carries as well.
    pub local_key_id: Option<Vec<u8>>,
}

/// A certificate in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateEntry {
    /// Its bytes, which may be anything.
    pub der: CertificateDer<'static>,
    /// Its friendlyName.
    pub name: Option<String>,
    /// What its key carries as well.
    pub local_key_id: Option<Vec<u8>>,
    /// Whether it carries the attribute by which Java knows trusted certificates.
    pub trusted: bool,
}

impl Pkcs12 {
    /// Whether this starts as a PKCS#12 file does: version 3, then a content type. Says nothing about the rest.
    pub fn is_pkcs12(file: &[u8]) -> bool {
        let shell = || {
            check_size(file)?;
            let file = ber::to_der(file)?;
            let fields = asn1::sequence(asn1::only(&file)?)?;
            let [version, safe, ..] = fields[..] else {
                return Err(Pkcs12Error::Malformed);
            };
            let content_type = *asn1::sequence(safe)?.first().ok_or(Pkcs12Error::Malformed)?;
            asn1::object_identifier(content_type)?;
            Ok(version.decode_as::<u32>()? == structure::VERSION)
        };
        shell() == Ok(true)
    }

    /// Opens a file, in DER or BER, within the bounds of this module: 0.15 s for one that [`write_identity`] made, some
    /// seconds at most.
    ///
    /// [`write_identity`]: super::write_identity
    ///
    /// # Errors
    ///
    /// [`Pkcs12Error::Password`] for a wrong password and for a damaged file alike, or another [`Pkcs12Error`] with the
    /// cause.
    pub fn open(file: &[u8], password: &SecretString) -> Result<Self, Pkcs12Error> {
        let outline = Outline::read(file)?;
        let mut opening = Opening {
            provider: Provider::default(),
            password: Password::new(password),
            work_left: MAX_PKCS12_ITERATIONS,
            authentic: false,
            opened: Self {
                keys: Vec::new(),
                certificates: Vec::new(),
                others: 0,
                outline,
            },
        };
        let file = ber::to_der(file)?;
        let pfx = Pfx::read(&file)?;
        opening.check_integrity(&pfx)?;
        let safe = ber::to_der(pfx.content)?;
        for part in structure::parts(&safe)? {
            opening.part(part)?;
        }
        Ok(opening.opened)
    }
}

pub(super) fn check_size(file: &[u8]) -> Result<(), Pkcs12Error> {
    if file.len() > MAX_PKCS12_BYTES {
        return Err(Pkcs12Error::TooLarge { bytes: file.len() });
    }
    Ok(())
}

/// A file on its way to being opened.
struct Opening<'a> {
    provider: Provider,
    password: Password<'a>,
    work_left: u64,
    authentic: bool,
    opened: Pkcs12,
}

impl Opening<'_> {
    fn check_integrity(&mut self, pfx: &Pfx<'_>) -> Result<(), Pkcs12Error> {
        let Some(mac) = &pfx.mac else {
            return Ok(());
        };
        self.spend(mac.work())?;
        self.authentic = mac.verify(self.provider, &self.password, pfx.content);
        if self.authentic {
            return Ok(());
        }
        let other = self.password.without_terminator().ok_or(Pkcs12Error::Password)?;
        self.spend(mac.work())?;
        self.authentic = mac.verify(self.provider, &other, pfx.content);
        self.password = other;
        self.authentic.then_some(()).ok_or(Pkcs12Error::Password)
    }

    fn part(&mut self, part: Part<'_>) -> Result<(), Pkcs12Error> {
        match part {
            Part::Plain(contents) => {
                let contents = ber::to_der(contents)?;
                self.bags(structure::bags(&contents)?)
            }
            Part::Encrypted { scheme, ciphertext } => {
                self.spend(scheme.work())?;
                let contents = scheme.decrypt(self.provider, &self.password, &ciphertext)?;
                let contents = ber::to_der(&contents).map_err(|error| self.blame(error))?;
                let bags = structure::bags(&contents).map_err(|error| self.blame(error))?;
                self.bags(bags)
            }
        }
    }

    fn bags(&mut self, bags: Vec<SafeBag<'_>>) -> Result<(), Pkcs12Error> {
        for SafeBag { contents, attributes } in bags {
            if self.opened.keys.len() + self.opened.certificates.len() == asn1::MAX_ELEMENTS {
                return Err(Pkcs12Error::TooMany);
            }
            let (name, local_key_id) = (attributes.name, attributes.local_key_id);
            match contents {
                Bag::Key(pkcs8) => self.key(&pkcs8, name, local_key_id),
                Bag::ShroudedKey { scheme, ciphertext } => {
                    self.spend(scheme.work())?;
                    let pkcs8: Zeroizing<Vec<u8>> = scheme.decrypt(self.provider, &self.password, ciphertext)?;
                    if asn1::only(&pkcs8).and_then(asn1::sequence).is_err() {
                        return Err(self.blame(Pkcs12Error::Malformed));
                    }
                    self.key(&pkcs8, name, local_key_id);
                }
                Bag::Certificate(der) => self.opened.certificates.push(CertificateEntry {
                    der: CertificateDer::from(der.to_vec()),
                    name,
                    local_key_id,
                    trusted: attributes.trusted,
                }),
                Bag::Nested(bags) => self.bags(bags)?,
                Bag::Other => self.opened.others += 1,
            }
        }
        Ok(())
    }

    fn key(&mut self, pkcs8: &[u8], name: Option<String>, local_key_id: Option<Vec<u8>>) {
        self.opened.keys.push(KeyEntry {
            key: PrivateKey::from_pkcs8_der(pkcs8),
            name,
            local_key_id,
        });
    }

    fn spend(&mut self, work: u64) -> Result<(), Pkcs12Error> {
        self.work_left = self.work_left.checked_sub(work).ok_or(Pkcs12Error::TooCostly)?;
        Ok(())
    }

    /// What does not decode after decryption was decrypted with a wrong password, unless the MAC says otherwise.
    fn blame(&self, error: Pkcs12Error) -> Pkcs12Error {
        if self.authentic { error } else { Pkcs12Error::Password }
    }
}
