//! Bodies: the right type, in time, no larger than they may be.

use authsvc_core::audit::{Reason, reasons};
use axum::body::Body;
use cryptokit::secret::SecretBytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::HttpState;
use super::problem::Refusal;
use crate::transport::status::Problem;

/// Reads the body of a JSON request.
pub(super) async fn read(state: &HttpState, request: Request<Body>) -> Result<SecretBytes, Refusal> {
    if let Some(refusal) = fault_before_body(&request) {
        return Err(refusal);
    }
    let headers = request.headers();
    if !is_json(headers) {
        return Err(Refusal::new(
            Problem::UnsupportedMediaType,
            reasons::request::UNSUPPORTED_MEDIA_TYPE,
        ));
    }
    // Refused before a byte is read where the client says how much there is.
    if declared_length(headers).is_some_and(|length| length > state.max_body_bytes as u64) {
        return Err(too_large());
    }
    let reading = Limited::new(request.into_body(), state.max_body_bytes).collect();
    match tokio::time::timeout(state.body_timeout, reading).await {
        Err(_) => Err(Refusal::new(Problem::RequestTimeout, reasons::request::REQUEST_TIMEOUT)),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => {
            let reason = Reason::new(reasons::request::MALFORMED_REQUEST, "the body broke off".to_owned());
            Err(Refusal::new(Problem::MalformedRequest, reason))
        }
        Ok(Ok(collected)) => Ok(SecretBytes::new(collected.to_bytes().to_vec())),
    }
}

/// What is wrong with a request to an operation before its body, if it has one, is looked at.
pub(super) fn fault_before_body(request: &Request<Body>) -> Option<Refusal> {
    if request.uri().query().is_some() {
        return Some(Refusal::new(
            Problem::QueryNotAllowed,
            reasons::request::QUERY_NOT_ALLOWED,
        ));
    }
    if !accepts_json(request.headers()) {
        return Some(Refusal::new(Problem::NotAcceptable, reasons::request::NOT_ACCEPTABLE));
    }
    None
}

fn too_large() -> Refusal {
    Refusal::new(Problem::BodyTooLarge, reasons::request::BODY_TOO_LARGE)
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `application/json`, alone or with `charset=utf-8` (RFC 8259 §11 defines no other parameter).
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let Ok(text) = value.to_str() else { return false };
    let (kind, parameter) = text
        .split_once(';')
        .map_or((text, None), |(kind, rest)| (kind, Some(rest.trim())));
    kind.trim().eq_ignore_ascii_case("application/json")
        && parameter.is_none_or(|text| text.eq_ignore_ascii_case("charset=utf-8"))
}

/// Whether any range in `Accept` covers JSON. Weights are not compared: there is only one thing to offer.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return true;
    }
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            !refused && matches!(kind.as_str(), "*/*" | "application/*" | "application/json")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), http::HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_json_is_json() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=UTF-8",
        ] {
            assert!(is_json(&headers(CONTENT_TYPE, &[good])), "{good}");
        }
        for bad in [
            "",
            "text/json",
            "application/jsonp",
            "application/json; charset=utf-16",
            "text/plain, application/json",
        ] {
            assert!(!is_json(&headers(CONTENT_TYPE, &[bad])), "{bad}");
        }
        assert!(!is_json(&HeaderMap::new()));
        assert!(!is_json(&headers(CONTENT_TYPE, &["application/json", "text/plain"])));
    }

    #[test]
    fn accept_is_honoured() {
        assert!(accepts_json(&HeaderMap::new()));
        for good in ["*/*", "application/*;q=0.1", "text/html, application/json;q=0.5"] {
            assert!(accepts_json(&headers(ACCEPT, &[good])), "{good}");
        }
        for bad in ["text/html", "application/xml", "application/json;q=0", ""] {
            assert!(!accepts_json(&headers(ACCEPT, &[bad])), "{bad}");
        }
    }
}
