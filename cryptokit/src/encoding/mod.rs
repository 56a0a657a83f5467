//! Strict codecs for input that an outsider may have written.

pub mod base64url;
pub mod json;
pub mod pem;
