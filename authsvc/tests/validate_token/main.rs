//! `POST /v1/validate-token` through its real router: who may ask, and which tokens are good.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod callers;
mod requests;
mod tokens;

use authsvc_core::service::open_keys;
use cryptokit::encoding::base64url;
use http::StatusCode;

use support::in_process::{Answer, Service};

fn shown_raw(answer: &Answer) -> (StatusCode, Vec<u8>) {
    (answer.status, answer.body.clone())
}

fn decode(part: &str) -> String {
    String::from_utf8(base64url::decode(part).unwrap()).unwrap()
}

/// A token with a good signature of the service's own key over any header and payload.
async fn forge(service: &Service, header: String, payload: String) -> String {
    let keys = open_keys(service.store.as_ref(), &service.root_key).await.unwrap();
    let input = format!(
        "{}.{}",
        base64url::encode(header.as_bytes()),
        base64url::encode(payload.as_bytes())
    );
    let signature = keys.tokens.signer.key().sign(input.as_bytes()).unwrap();
    format!("{input}.{}", base64url::encode(&signature))
}
