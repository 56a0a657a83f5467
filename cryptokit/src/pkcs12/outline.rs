//! What a PKCS#12 file shows without its password.

use zeroize::Zeroizing;

use super::ber;
use super::error::Pkcs12Error;
use super::read::check_size;
use super::structure::{self, Bag, Part, Pfx, SafeBag};

/// An algorithm that a password feeds, and how often it iterates.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protection {
    /// For example `PBKDF2-HMAC-SHA-256, AES-256-CBC` or `HMAC-SHA-256`.
    pub scheme: String,
    /// Iterations of its key derivation; None for scrypt.
    pub iterations: Option<u32>,
}

/// What a PKCS#12 file shows without its password. Nothing is computed to see it, and nothing of it is authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outline {
    /// The MAC; None where nothing protects the file from being changed.
    pub integrity: Option<Protection>,
    /// How encrypted parts and keys in unencrypted parts are encrypted, in the order of the file. Keys in encrypted parts
    /// are not seen.
    pub encryption: Vec<Protection>,
    /// Certificates in unencrypted parts.
    pub plain_certificates: usize,
    /// Keys that are not encrypted.
    pub plain_keys: usize,
    work: u64,
}

impl Outline {
    /// Reads the outline of a file, in DER or BER.
    ///
    /// # Errors
    ///
    /// [`Pkcs12Error`]; never [`Pkcs12Error::Password`].
    pub fn read(file: &[u8]) -> Result<Self, Pkcs12Error> {
        check_size(file)?;
        let file = ber::to_der(file)?;
        let pfx = Pfx::read(&file)?;
        let safe = ber::to_der(pfx.content)?;
        let mut outline = Self {
            integrity: pfx.mac.as_ref().map(|mac| mac.describe()),
            encryption: Vec::new(),
            plain_certificates: 0,
            plain_keys: 0,
            work: pfx.mac.as_ref().map_or(0, |mac| mac.work()),
        };
        for part in structure::parts(&safe)? {
            match part {
                Part::Encrypted { scheme, .. } => {
                    outline.encryption.push(scheme.describe());
                    outline.work += scheme.work();
                }
                Part::Plain(contents) => {
                    let contents: Zeroizing<Vec<u8>> = ber::to_der(contents)?;
                    outline.count(structure::bags(&contents)?);
                }
            }
        }
        Ok(outline)
    }

    /// What opening it costs at least, in iterations.
    pub fn work(&self) -> u64 {
        self.work
    }

    fn count(&mut self, bags: Vec<SafeBag<'_>>) {
        for bag in bags {
            match bag.contents {
                Bag::Key(_) => self.plain_keys += 1,
                Bag::ShroudedKey { scheme, .. } => {
                    self.encryption.push(scheme.describe());
                    self.work += scheme.work();
                }
                Bag::Certificate(_) => self.plain_certificates += 1,
                Bag::Nested(bags) => self.count(bags),
                Bag::Other => {}
            }
        }
    }
}
