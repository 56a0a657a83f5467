//! Public keys (RFC 3279 §2.3, RFC 5480, RFC 8410).

use cryptokit::x509::PublicKey;

use super::Findings;
use super::table;
use crate::der::{BIT_STRING, Element, INTEGER, OID, Reader, SEQUENCE, oid_text};

/// What a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Rsa,
    Ec,
    /// Ed25519 and Ed448.
    EdDsa,
    Other,
}

/// Reports what is wrong with a SubjectPublicKeyInfo, and says what kind of key it is.
pub(super) fn check(spki: Element<'_>, findings: &mut Findings) -> KeyKind {
    let mut fields = spki.inside();
    let (Ok(algorithm), Ok(bits)) = (fields.expect(SEQUENCE), fields.expect(BIT_STRING)) else {
        findings.add(&table::KEY_MALFORMED);
        return KeyKind::Other;
    };
    let mut algorithm = algorithm.inside();
    let name = algorithm
        .expect(OID)
        .map(|oid| oid_text(oid.contents))
        .unwrap_or_default();
    let parameters = algorithm.element().ok();
    let key = bits.contents.get(1..).unwrap_or_default();
    let before = findings.found.len();
    let kind = match name.as_str() {
        "1.2.840.113549.1.1.1" => {
            check_rsa(key, findings);
            KeyKind::Rsa
        }
        "1.2.840.10045.2.1" => {
            let is_named = parameters.is_some_and(|parameters| parameters.tag == OID);
            findings.add_if(&table::EC_PARAMETERS, !is_named);
            KeyKind::Ec
        }
        // RFC 8410 §3: 32 and 57 octets.
        "1.3.101.112" | "1.3.101.113" => {
            let length = if name.ends_with("112") { 32 } else { 57 };
            findings.add_if(&table::KEY_MALFORMED, key.len() != length || parameters.is_some());
            KeyKind::EdDsa
        }
        "1.2.840.10040.4.1" => {
            findings.add(&table::DSA_KEY);
            KeyKind::Other
        }
        _ => KeyKind::Other,
    };
    if findings.found.len() == before
        && let Err(error) = PublicKey::from_spki_der(spki.whole)
    {
        findings.add_at(&table::KEY_UNUSUAL, error.to_string());
    }
    kind
}

fn check_rsa(key: &[u8], findings: &mut Findings) {
    let mut whole = Reader::new(key);
    let numbers = whole.expect(SEQUENCE).and_then(|sequence| {
        let mut fields = sequence.inside();
        Ok((fields.expect(INTEGER)?.contents, fields.expect(INTEGER)?.contents))
    });
    let Ok((modulus, exponent)) = numbers else {
        findings.add(&table::KEY_MALFORMED);
        return;
    };
    let zeros = modulus.iter().take_while(|octet| **octet == 0).count();
    let significant = &modulus[zeros..];
    let leading = significant.first().map_or(0, |first| first.leading_zeros() as usize);
    let bits = significant.len() * 8 - leading;
    if bits < 2048 {
        findings.add_at(&table::RSA_SHORT, format!("{bits} bits"));
    }
    if exponent != [1, 0, 1] {
        let digits: String = exponent.iter().take(9).map(|octet| format!("{octet:02x}")).collect();
        findings.add_at(&table::RSA_EXPONENT, format!("0x{digits}"));
    }
}
