//! JWK thumbprints (RFC 7638).

use crate::encoding::base64url;
use crate::hash;

/// SHA-256 over the required members of a JWK (RFC 7638 §3), as base64url. The members must be in the order of their
/// names, and their values base64url or registered names: nothing is escaped.
pub(crate) fn jwk_thumbprint(members: &[(&str, &str)]) -> String {
    debug_assert!(members.is_sorted(), "RFC 7638 §3.3: in lexicographic order");
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!(r#""{name}":"{value}""#))
        .collect();
    let canonical = format!("{{{}}}", members.join(","));
    base64url::encode(&hash::sha256(canonical.as_bytes()))
}
