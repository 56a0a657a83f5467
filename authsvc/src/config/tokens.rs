//! Settings of tokens.

use std::time::Duration;

use authsvc_core::domain::AudienceName;
use authsvc_core::service::TokenPolicy;

use super::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>) -> TokenPolicy {
    TokenPolicy {
        issuer: issuer(reader),
        default_audience: reader.optional::<AudienceName>("tokens.default_audience"),
        access_token_ttl: reader.seconds("tokens.access_token_ttl_seconds", 1..=3600),
        leeway: reader.seconds("tokens.leeway_seconds", 0..=60),
        verified_cache_entries: reader.number("tokens.verified_cache_entries", 0..=1_000_000) as usize,
        state_age: Duration::from_millis(reader.number("tokens.state_age_ms", 0..=1000)),
    }
}

/// RFC 8414 §2: https, without query or fragment.
fn issuer(reader: &mut Reader<'_>) -> String {
    let issuer: String = reader.parsed("issuer", String::new());
    let host = issuer.strip_prefix("https://").unwrap_or_default();
    let plain = issuer.bytes().all(|b| b.is_ascii_graphic()) && !issuer.contains(['?', '#', '"', '\\']);
    if host.is_empty() || host.starts_with('/') || !plain {
        reader
            .errors
            .push("issuer is not an https URL without query and fragment".to_owned());
    }
    issuer
}
