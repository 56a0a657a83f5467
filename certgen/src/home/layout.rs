//! What the files of a home are called.
//!
//! ```text
//! HOME/                     0700
//!   inventory.jsonl         0600  what was issued, revoked and listed; see `event`
//!   .lock                   0600  held by the one process that may change the rest
//!   root.pem root.key.pem         certificates are 0644, keys 0600
//!   intermediate.pem intermediate.key.pem      the issuing authority that is used unless another one is named
//!   spiffe-bundle.json      0644  the roots as a JWK Set, where there is a SPIFFE trust domain
//!   NAME/                   0700  one per service: see `service_files`
//!   retired/                0700  authorities whose place another key has taken
//!   .pending-…/ .pending/   0700  changes being prepared; changes being put into place
//! ```

/// The inventory.
pub const INVENTORY: &str = "inventory.jsonl";
/// Where a torn last line of the inventory is kept.
pub const TORN: &str = "inventory.torn";
/// The lock.
pub const LOCK: &str = ".lock";
/// Where authorities go whose place another key has taken.
pub const RETIRED: &str = "retired";
/// The trust bundle of the authority's SPIFFE trust domain.
pub const SPIFFE_BUNDLE: &str = "spiffe-bundle.json";
/// The root's name.
pub const ROOT: &str = "root";
/// Name of the issuing authority that is used unless another one is named.
pub const INTERMEDIATE: &str = "intermediate";

/// Changes being put into place: everything in it is certain to be.
pub(super) const PENDING: &str = ".pending";
/// Changes being prepared, or the remains of changes that are in place: nobody's, once the lock is held.
pub(super) const PENDING_PREFIX: &str = ".pending-";
/// In either: what else there is to do.
pub(super) const COMMIT: &str = ".commit";
/// In either: lines for the inventory.
pub(super) const RECORDS: &str = ".records";

/// A service's certificate alone.
pub const CERTIFICATE: &str = "certificate.pem";
/// A service's key.
pub const KEY: &str = "key.pem";
/// The certificates between a service's and the root.
pub const CHAIN: &str = "chain.pem";
/// What a service presents: its certificate and the chain.
pub const FULLCHAIN: &str = "fullchain.pem";
/// What a service verifies its peers against.
pub const CA: &str = "ca.pem";

/// A service's key and certificates as PKCS#12, where `certgen bundle` puts them.
pub fn bundle_of(service: &str) -> String {
    file_of(service, &format!("{service}.p12"))
}

/// What a Java trust store is called, where `certgen bundle` puts one.
pub const TRUST_STORE: &str = "truststore.p12";

/// The files of a service.
pub const SERVICE_FILES: [&str; 5] = [CERTIFICATE, KEY, CHAIN, FULLCHAIN, CA];

/// Longest name of a service or an authority, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// The certificate of an authority.
pub fn certificate_of(authority: &str) -> String {
    format!("{authority}.pem")
}

/// The key of an authority.
pub fn key_of(authority: &str) -> String {
    format!("{authority}.key.pem")
}

/// A file of a service.
pub fn file_of(service: &str, file: &str) -> String {
    format!("{service}/{file}")
}

/// Whether an authority of this name is out of use.
pub fn is_retired(authority: &str) -> bool {
    authority
        .strip_prefix(RETIRED)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// What an authority is called while another key takes over its name.
pub fn outgoing(authority: &str) -> String {
    format!("{authority}{OUTGOING}")
}

/// Whether an authority of this name issues nothing any more, though what it issued is still in use.
pub fn is_outgoing(authority: &str) -> bool {
    authority.ends_with(OUTGOING)
}

/// What a root's certificate that another root signed is called.
pub fn cross(root: &str) -> String {
    format!("{root}{CROSS}")
}

/// The end of such a name.
pub const OUTGOING: &str = ".old";
const CROSS: &str = ".cross";

/// Whether a text can name a service or an authority: 1 to [`MAX_NAME_BYTES`] letters, digits, dots, dashes and
/// underscores with a letter or digit at both ends, so that it leads nowhere else and hides nothing.
pub fn is_name(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= MAX_NAME_BYTES
        && bytes.iter().all(|&byte| is_good(byte))
        && is_end(bytes.first())
        && is_end(bytes.last())
}

/// Whether a service's directory may not be called so: it would stand where a file of the home is or may come to be, or
/// be taken for an authority where either may be named. Upper and lower case count as the same: on some file systems
/// they are.
pub fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [INVENTORY, TORN, RETIRED, SPIFFE_BUNDLE, TRUST_STORE, ROOT, INTERMEDIATE].contains(&name.as_str())
        || name.ends_with(".pem")
        || name.ends_with(".der")
}

/// Whether a new authority may not be called so: its files would stand in the place of others.
pub fn is_reserved_authority(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = [".key", ".crl", CROSS, OUTGOING, ".pem", ".der"];
    [ROOT, "crl", RETIRED].contains(&name.as_str()) || ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else_and_take_no_file_of_the_home() {
        for name in ["api", "API-1", "a", "a.b_c-d", &"a".repeat(64)] {
            assert!(is_name(name) && !is_reserved(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "/a",
            ".a",
            "a.",
            "-a",
            "a b",
            "a\n",
            "ä",
            "a\0b",
            &"a".repeat(65),
        ] {
            assert!(!is_name(name), "{name:?}");
        }
        for name in [
            "root.pem",
            "Retired",
            "root",
            "Intermediate",
            "truststore.p12",
            "inventory.jsonl",
            "intermediate.crl.der",
            "other.key.pem",
            "x.PEM",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in [
            "root",
            "Root",
            "crl",
            "a.key",
            "a.crl",
            "root.old",
            "root.cross",
            "a.pem",
        ] {
            assert!(is_reserved_authority(name), "{name}");
        }
        assert!(!is_reserved_authority("payments") && !is_reserved_authority("v1.2"));
        assert!(is_retired("retired/root-01") && !is_retired("retired") && !is_retired("root"));
    }
}
