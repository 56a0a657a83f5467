//! Settings of the proxies in front of the service.

use super::reader::Reader;
use crate::transport::http::forwarded::{ForwardedHeader, InvalidNetwork, TrustedProxies};

pub(super) fn read(reader: &mut Reader<'_>) -> TrustedProxies {
    let listed: String = reader.optional("trusted_proxies").unwrap_or_default();
    let networks = listed.split(',').map(str::trim).filter(|text| !text.is_empty());
    TrustedProxies {
        networks: networks
            .map(|text| text.parse())
            .collect::<Result<_, InvalidNetwork>>()
            .unwrap_or_else(|error| {
                reader.errors.push(format!("trusted_proxies: {error}"));
                Vec::new()
            }),
        header: reader.parsed("trusted_proxies_header", ForwardedHeader::default()),
    }
}
