//! How long the caller will wait, in its own words.
//!
//! `Grpc-Timeout` is the one header for it that has a specification, and gRPC clients send it anyway: one to eight digits
//! and a unit (gRPC over HTTP/2, "Timeout"). It is obeyed where the caller is known or a listed proxy; it only ever
//! shortens what is allowed. What cannot be read is as good as absent.

use std::time::Duration;

use http::HeaderMap;
use http::header::HeaderName;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The time that the request's header grants, counted from its arrival.
pub(super) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let mut values = headers.get_all(GRPC_TIMEOUT).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    parse(value.to_str().ok()?)
}

/// Reads a time such as `1500m`: hours, minutes, seconds, and thousandths, millionths, billionths of one.
pub fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_grpc_writes_them_and_nothing_else_is() {
        assert_eq!(parse("1S"), Some(Duration::from_secs(1)));
        assert_eq!(parse("1500m"), Some(Duration::from_millis(1500)));
        assert_eq!(parse("00000000n"), Some(Duration::ZERO));
        assert_eq!(parse("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(
            (parse("2M"), parse("3u")),
            (Some(Duration::from_secs(120)), Some(Duration::from_micros(3)))
        );
        for bad in [
            "",
            "S",
            "1",
            "1s",
            "123456789S",
            "-1S",
            "+1S",
            " 1S",
            "1 S",
            "1.5S",
            "1SS",
            "1ü",
            "ü",
            "1e3S",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn two_headers_are_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(timeout(&headers), None);
        headers.append(GRPC_TIMEOUT, "2S".parse().unwrap());
        assert_eq!(timeout(&headers), Some(Duration::from_secs(2)));
        headers.append(GRPC_TIMEOUT, "1S".parse().unwrap());
        assert_eq!(timeout(&headers), None);
    }
}
