//! What each fuzz target asserts about a parser of outside input.
//!
//! A body takes any bytes. It panics when a promise of the parser is broken and for no other reason, so that a panic,
//! wherever it comes from, is a finding. The functions are plain: libFuzzer calls them from `fuzz/fuzz_targets`, and
//! `tests/replay.rs` runs the seed corpus through them on stable Rust.

mod administration_request;
mod audit_file;
mod backup;
mod certificate;
mod certification_request;
mod document;
mod encrypted_stream;
mod import_line;
mod inspection;
mod inventory;
mod jwe;
mod jwks;
mod jwt_verifier;
mod keyset_json;
mod login_request;
mod manifest;
mod password_hash;
mod password_request;
mod pkcs12;
mod private_key;
mod request_headers;
mod revocation_delta;
mod revocation_list;
mod second_factor_request;
mod session_request;
mod settings_file;
mod shown;
mod stored_row;
mod token_question;

pub use administration_request::administration_request;
pub use audit_file::audit_file;
pub use backup::backup;
pub use certificate::certificate;
pub use certification_request::certification_request;
pub use document::document;
pub use encrypted_stream::encrypted_stream;
pub use import_line::import_line;
pub use inspection::inspection;
pub use inventory::inventory;
pub use jwe::{jwe_compact, jwe_json};
pub use jwks::jwks;
pub use jwt_verifier::jwt_verifier;
pub use keyset_json::keyset_json;
pub use login_request::login_request;
pub use manifest::manifest;
pub use password_hash::password_hash;
pub use password_request::password_request;
pub use pkcs12::pkcs12;
pub use private_key::private_key;
pub use request_headers::request_headers;
pub use revocation_delta::revocation_delta;
pub use revocation_list::revocation_list;
pub use second_factor_request::second_factor_request;
pub use session_request::session_request;
pub use settings_file::settings_file;
pub use stored_row::stored_row;
pub use token_question::token_question;
