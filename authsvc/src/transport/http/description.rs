//! The API description (OpenAPI 3.1): generated for review, and as committed for whoever asks the service.

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::{Shared, routes};

/// The API description of everything that is served, without blanks between its tokens.
///
/// It is the committed one, which a test holds equal to what the code generates: generating takes code that is a fifth of
/// a megabyte and runs once.
///
/// # Panics
///
/// Never: the source is text, and taking out blanks leaves it that.
pub fn openapi_json() -> &'static str {
    std::str::from_utf8(&COMPACT).expect("the committed description is text")
}

/// The API description that the code gives, as it is committed and reviewed.
///
/// # Panics
///
/// Never: the document is plain data.
pub fn generate_openapi() -> String {
    let mut text = described()
        .into_openapi()
        .to_pretty_json()
        .expect("an OpenAPI document is plain data");
    text.push('\n');
    text
}

#[derive(OpenApi)]
#[openapi(info(
    title = "authsvc",
    description = "Checks passwords, issues RS256 access tokens (RFC 9068), and tells registered services over mTLS \
                   whether a token is good. Errors are problem documents (RFC 9457). Unknown request fields are \
                   refused; clients must ignore unknown response fields.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
))]
struct Description;

fn described() -> OpenApiRouter<Shared> {
    let router = OpenApiRouter::with_openapi(Description::openapi());
    let router = routes::describe_public(router);
    let router = routes::describe_services(router);
    routes::describe_administrators(router)
}

const COMMITTED: &str = include_str!("../../../openapi.json");

const LENGTH: usize = without_blanks::<0>(COMMITTED.as_bytes()).1;

static COMPACT: [u8; LENGTH] = without_blanks(COMMITTED.as_bytes()).0;

/// The first `ROOM` bytes of the JSON `text` without blanks between its tokens, and how many there are in all.
const fn without_blanks<const ROOM: usize>(text: &[u8]) -> ([u8; ROOM], usize) {
    let mut kept = [0; ROOM];
    let mut length = 0;
    let (mut quoted, mut escaped) = (false, false);
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        at += 1;
        if !quoted && byte.is_ascii_whitespace() {
            continue;
        }
        if length < ROOM {
            kept[length] = byte;
        }
        length += 1;
        if escaped {
            escaped = false;
        } else if byte == b'"' {
            quoted = !quoted;
        } else {
            escaped = quoted && byte == b'\\';
        }
    }
    (kept, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_api_description_is_the_one_the_code_gives() {
        let generated = generate_openapi();
        if COMMITTED == generated {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "asked for by whoever runs this test")]
        let renew = std::env::var_os("RENEW_OPENAPI").is_some();
        if renew {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"), &generated).unwrap();
        }
        panic!("authsvc/openapi.json is out of date; running this test again with RENEW_OPENAPI=1 renews it");
    }

    #[test]
    fn every_route_is_named_in_the_closed_list_and_follows_the_naming_rule() {
        let document = described().into_openapi();
        let mut paths: Vec<&str> = document.paths.paths.keys().map(String::as_str).collect();
        let mut listed = crate::transport::http::ROUTES;
        paths.sort_unstable();
        listed.sort_unstable();
        assert_eq!(paths, listed);
        for path in paths.into_iter().filter(|path| *path != "/") {
            assert!(
                !path.ends_with('/') && !path.contains('_') && path.to_ascii_lowercase() == path,
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_printed_and_served_is_the_committed_description_without_blanks() {
        let served: serde_json::Value = serde_json::from_str(openapi_json()).unwrap();
        assert_eq!(served, serde_json::from_str::<serde_json::Value>(COMMITTED).unwrap());
        assert_eq!(openapi_json().len(), serde_json::to_string(&served).unwrap().len());
    }

    #[test]
    fn blanks_within_strings_stay() {
        let text = br#" { "a b" : "c \" \\" , "d" : [ 1, true ] } "#;
        let (compact, length) = without_blanks::<64>(text);
        assert_eq!(&compact[..length], br#"{"a b":"c \" \\","d":[1,true]}"#);
    }
}
