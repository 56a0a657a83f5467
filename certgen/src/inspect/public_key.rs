//! Public keys and algorithm identifiers, of kinds that certgen takes and of others.

use cryptokit::hash::sha256;
use cryptokit::x509::PublicKey;
use serde_json::{Value, json};

use super::asn1::{BIT_STRING, Broken, INTEGER, OID, Reader, bits, constructed, oid_text};
use super::oid;
use super::pin::{colon_hex_sha256, spki_pin};
use crate::text::hex;

/// An AlgorithmIdentifier (RFC 5280 §4.1.1.2).
#[derive(Clone, Debug)]
pub(super) struct Algorithm {
    pub(super) oid: String,
    pub(super) name: String,
    contents: Vec<u8>,
}

impl Algorithm {
    pub(super) fn read(mut fields: Reader<'_>) -> Result<Self, Broken> {
        let contents = fields.rest.to_vec();
        let oid = oid_text(fields.expect(OID)?.contents);
        let name = match oid.as_str() {
            RSASSA_PSS => pss_name(fields).unwrap_or_else(|_| "RSASSA-PSS".to_owned()),
            _ => oid::short(&oid).to_owned(),
        };
        Ok(Self { oid, name, contents })
    }

    /// Whether it can be forged: of a hash for which collisions are made.
    pub(super) fn is_broken(&self) -> bool {
        ["MD2", "MD5", "SHA-1"].iter().any(|hash| self.name.ends_with(hash))
    }

    pub(super) fn json(&self) -> Value {
        json!({"name": self.name, "oid": self.oid})
    }
}

impl PartialEq for Algorithm {
    fn eq(&self, other: &Self) -> bool {
        self.contents == other.contents
    }
}

const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";
const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const DSA: &str = "1.2.840.10040.4.1";

/// RFC 4055 §3.1: the hash is [0], SHA-1 when it is left out.
fn pss_name(mut fields: Reader<'_>) -> Result<String, Broken> {
    let mut parameters = fields.sequence()?;
    let hash = match parameters.optional(constructed(0))? {
        Some(hash) => Algorithm::read(hash.inside().sequence()?)?.name,
        None => "SHA-1".to_owned(),
    };
    Ok(format!("RSASSA-PSS with {hash}"))
}

/// A SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
#[derive(Clone, Debug)]
pub(super) struct ShownKey {
    /// Such as `ECDSA P-256`, `RSA 1024`.
    pub(super) name: String,
    oid: String,
    bits: Option<usize>,
    exponent: Option<u64>,
    pub(super) spki: Vec<u8>,
    /// Why certgen takes no such key.
    pub(super) refused: Option<String>,
}

impl ShownKey {
    pub(super) fn read(spki: &[u8]) -> Result<Self, Broken> {
        let mut whole = Reader::new(spki);
        let mut fields = whole.sequence()?;
        let mut algorithm = fields.sequence()?;
        let oid = oid_text(algorithm.expect(OID)?.contents);
        let (key, _) = bits(fields.expect(BIT_STRING)?.contents)?;
        let mut shown = Self {
            name: oid::short(&oid).to_owned(),
            bits: None,
            exponent: None,
            spki: spki.to_vec(),
            refused: PublicKey::from_spki_der(spki).err().map(|error| error.to_string()),
            oid,
        };
        // What a key says of itself that cannot be read is left out; the reason is in `refused`.
        let _ = match shown.oid.as_str() {
            RSA | RSASSA_PSS => shown.rsa(key),
            EC => shown.curve(algorithm),
            DSA => shown.dsa(algorithm),
            _ => Ok(()),
        };
        Ok(shown)
    }

    /// RFC 8017 §A.1.1.
    fn rsa(&mut self, key: &[u8]) -> Result<(), Broken> {
        let mut fields = Reader::new(key).sequence()?;
        let modulus = bit_length(fields.expect(INTEGER)?.contents);
        let kind = if self.oid == RSA { "RSA" } else { "RSASSA-PSS" };
        self.bits = Some(modulus);
        self.name = format!("{kind} {modulus}");
        self.exponent = super::asn1::small(fields.expect(INTEGER)?.contents).ok();
        Ok(())
    }

    /// RFC 5480 §2.1.1: the curve by its name; parameters that spell a curve out are not compared.
    fn curve(&mut self, mut parameters: Reader<'_>) -> Result<(), Broken> {
        self.name = "ECDSA on a curve without a name".to_owned();
        let curve = oid_text(parameters.expect(OID)?.contents);
        self.name = format!("ECDSA {}", oid::short(&curve));
        self.bits = match oid::short(&curve) {
            "P-192" => Some(192),
            "P-224" => Some(224),
            "P-256" | "secp256k1" | "brainpoolP256r1" | "SM2" => Some(256),
            "P-384" | "brainpoolP384r1" => Some(384),
            "brainpoolP512r1" => Some(512),
            "P-521" => Some(521),
            _ => None,
        };
        Ok(())
    }

    fn dsa(&mut self, mut parameters: Reader<'_>) -> Result<(), Broken> {
        let prime = bit_length(parameters.sequence()?.expect(INTEGER)?.contents);
        self.bits = Some(prime);
        self.name = format!("DSA {prime}");
        Ok(())
    }

    /// The name, and what is unusual.
    pub(super) fn described(&self) -> String {
        match self.exponent {
            None | Some(65537) => self.name.clone(),
            Some(exponent) => format!("{}, exponent {exponent}", self.name),
        }
    }

    pub(super) fn sha256(&self) -> [u8; 32] {
        sha256(&self.spki)
    }

    /// Lines for people: the two ways in which its fingerprint is written.
    pub(super) fn fingerprints(&self) -> [(&'static str, String); 2] {
        [
            ("key SHA-256", colon_hex_sha256(&self.spki)),
            ("key pin", spki_pin(&self.spki)),
        ]
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "algorithm": self.name,
            "oid": self.oid,
            "bits": self.bits,
            "exponent": self.exponent,
            "spki_sha256": hex(&self.sha256()),
            "pin": spki_pin(&self.spki),
            "refused": self.refused,
        })
    }
}

/// Bits of a positive INTEGER.
pub(super) fn bit_length(contents: &[u8]) -> usize {
    let zeros = contents.iter().take_while(|octet| **octet == 0).count();
    match contents.get(zeros) {
        Some(first) => (contents.len() - zeros) * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}
