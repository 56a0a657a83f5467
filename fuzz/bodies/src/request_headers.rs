use std::net::IpAddr;

use authsvc::transport::http::forwarded::{ForwardedHeader, TrustedProxies};
use authsvc::transport::http::inherited_deadline;
use http::{HeaderMap, HeaderValue};

/// `Grpc-Timeout`, and lines of `X-Forwarded-For` and `Forwarded`, one of each a line.
///
/// Whatever they say, there is a source: the peer's own unless it is a listed proxy, and then never another proxy's
/// while the peer could say something else.
///
/// # Panics
///
/// When one of these promises is broken.
pub fn request_headers(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        // Eight digits of hours at most.
        let longest = std::time::Duration::from_secs(99_999_999 * 3600);
        assert!(inherited_deadline::parse(text).is_none_or(|timeout| timeout <= longest));
    }
    let proxy = IpAddr::from([10, 0, 0, 1]);
    let stranger = IpAddr::from([203, 0, 113, 9]);
    for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
        let name = match header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for line in data.split(|byte| *byte == b'\n').take(32) {
            if let Ok(value) = HeaderValue::from_bytes(line) {
                headers.append(name, value);
            }
        }
        let proxies = TrustedProxies {
            networks: ["10.0.0.0/8", "2001:db8::/32"]
                .into_iter()
                .filter_map(|text| text.parse().ok())
                .collect(),
            header,
        };
        assert_eq!(proxies.source(stranger, &headers), stranger, "nobody else is believed");
        let source = proxies.source(proxy, &headers);
        assert_eq!(source, source.to_canonical());
        assert_eq!(source, proxies.source(proxy, &headers));
        // What the nearest proxy has written is what counts: an address to the right of everything else.
        headers.append(
            name,
            HeaderValue::from_static(match header {
                ForwardedHeader::XForwardedFor => "203.0.113.9",
                ForwardedHeader::Forwarded => "for=203.0.113.9",
            }),
        );
        assert_eq!(proxies.source(proxy, &headers), stranger);
    }
}
