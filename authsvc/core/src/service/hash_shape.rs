//! What checking a hash costs, as text that is stored beside it: the same hash with zeros for salt and tag. Nothing can be
//! guessed against it, and a check of it takes as long as one of the hash.

use cryptokit::password::{Cost, StoredHash};

use crate::domain::OWN_HASH;

/// The shape of a hash that another system made.
pub(super) fn of_imported(hash: &StoredHash) -> Option<String> {
    let text = hash.to_string();
    let mut fields: Vec<String> = text.split('$').map(str::to_owned).collect();
    // bcrypt's base64 begins with a full stop, and its salt and tag are one field.
    let (zero, secrets) = match hash.cost() {
        Cost::Bcrypt { .. } => ('.', 1),
        _ => ('A', 2),
    };
    for field in fields.iter_mut().rev().take(secrets) {
        *field = field.chars().map(|c| if c == '=' { c } else { zero }).collect();
    }
    let shape = fields.join("$");
    let read = StoredHash::parse(&shape).ok()?;
    (read.cost() == hash.cost()).then_some(shape)
}

/// The shape of a hash that this program made.
pub(super) fn of_own(hash: &StoredHash) -> Option<String> {
    of_imported(hash).map(|shape| format!("{OWN_HASH}{shape}"))
}

/// The hash to compute for a stored shape.
pub(super) fn parse(shape: &str) -> Option<StoredHash> {
    StoredHash::parse(shape.strip_prefix(OWN_HASH).unwrap_or(shape)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_costs_the_same_and_holds_neither_salt_nor_tag() {
        for text in [
            "$2b$04$yPqEimSXfB7LMMuimiF8AO6nLgcAao7ScSJVEoB2/o9XfOqZ9VCLy",
            "$bcrypt-hmac-sha256$keyid=AAECAwQFBgc$2b$10$yPqEimSXfB7LMMuimiF8AO6nLgcAao7ScSJVEoB2/o9XfOqZ9VCLy",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "$argon2id$v=19$m=19456,t=2,p=1,keyid=AAECAwQFBgc$c2FsdHNhbHRzYWx0c2FsdA$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        ] {
            let hash = StoredHash::parse(text).unwrap();
            let (imported, own) = (of_imported(&hash).unwrap(), of_own(&hash).unwrap());
            assert_ne!(imported, own);
            assert_eq!(imported.len(), text.len());
            for shape in [&imported, &own] {
                let read = parse(shape).unwrap();
                assert_eq!((read.cost(), read.pepper()), (hash.cost(), hash.pepper()));
                for secret in [
                    "c2FsdHNhbHRzYWx0c2FsdA",
                    "AAECAwQFBgcICQoL",
                    "yPqEimSXfB7LMMuimiF8AO",
                    "6nLgcAao7ScS",
                ] {
                    assert!(!shape.contains(secret), "{shape}");
                }
            }
        }
        assert!(parse("garbage").is_none() && parse(OWN_HASH).is_none());
    }
}
