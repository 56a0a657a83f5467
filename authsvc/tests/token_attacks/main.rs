//! The attack checklist on tokens (T1 to T19), each row against the running service's `validate-token`.
//!
//! T17 and T18 are in `keys/revocation.rs`, with the keys they are about. T20 needs client assertions, which this service does not
//! take.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod claims;
mod form;
mod signature;

use cryptokit::encoding::base64url;
use http::StatusCode;
use serde_json::{Value, json};

use support::in_process::Service;

/// A service, a good token of it, and means to make others.
struct Attack {
    service: Service,
    header: Value,
    payload: Value,
    token: String,
}

impl Attack {
    async fn begin() -> Self {
        let service = Service::start().await;
        // One that the alphabet of plain base64 writes in another way.
        let mut token = service.token().await;
        while !token.contains(['-', '_']) {
            token = service.token().await;
        }
        let mut parts = token.split('.').map(|part| base64url::decode(part).unwrap());
        let mut json = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
        let (header, payload) = (json(), json());
        service.reasons();
        Self {
            service,
            header,
            payload,
            token,
        }
    }

    /// Signed by the service's own key, whatever it says.
    fn signed(&self, header: &str, payload: &str) -> String {
        let input = input(header, payload);
        let keys = self.service.keys.tokens();
        let signature = keys.keys.signer.key().sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(&signature))
    }

    fn with_header(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut header = self.header.clone();
        change(&mut header);
        self.signed(&header.to_string(), &self.payload.to_string())
    }

    fn with_claims(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut payload = self.payload.clone();
        change(&mut payload);
        self.signed(&self.header.to_string(), &payload.to_string())
    }

    /// The reason on record; the answer is the one that all bad tokens get.
    async fn refused(&self, token: &str) -> &'static str {
        let answer = self.service.validate(token).await;
        let shown: String = token.chars().take(120).collect();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{shown}");
        assert_eq!(answer.problem(), "invalid-token", "{shown}");
        let mut body = answer.json();
        body["id"] = json!("");
        let garbage = self.service.validate("x").await;
        let mut expected = garbage.json();
        expected["id"] = json!("");
        assert_eq!(body, expected, "no cause can be told from another: {shown}");
        self.service.reasons()[0]
    }

    async fn accepted(&self, token: &str) {
        assert_eq!(self.service.validate(token).await.status, StatusCode::OK);
        self.service.reasons();
    }
}

fn input(header: &str, payload: &str) -> String {
    let encode = |text: &str| base64url::encode(text.as_bytes());
    format!("{}.{}", encode(header), encode(payload))
}
