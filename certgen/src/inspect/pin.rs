//! The ways in which a SHA-256 is written: for people, for `curl`, for OAuth.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cryptokit::hash::sha256;

use crate::printable::colon_hex;

/// `AB:CD:…`, as `openssl x509 -fingerprint -sha256` prints it.
pub fn colon_hex_sha256(bytes: &[u8]) -> String {
    colon_hex(&sha256(bytes))
}

/// The pin of a SubjectPublicKeyInfo as `curl --pinnedpubkey` takes it (RFC 7469 §2.4, without its header).
pub fn spki_pin(spki: &[u8]) -> String {
    format!("sha256//{}", STANDARD.encode(sha256(spki)))
}

/// The SHA-256 in unpadded base64url: of a certificate, what RFC 8705 §3.1 calls `x5t#S256`.
pub fn base64url_sha256(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(sha256(bytes))
}
