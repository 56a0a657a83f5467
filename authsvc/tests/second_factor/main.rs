//! Second factors: over HTTP, and with two replicas over each database.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod enrolment;
mod login;
mod replicas;
mod secrets;

use std::collections::HashSet;

use authsvc_core::clock::Clock;
use cryptokit::otp::{OtpKey, time_step};
use http::StatusCode;
use serde_json::{Value, json};

use support::in_process::{Answer, EMAIL, PASSWORD, Service, json_request};

const BOB: &str = "bob@example.com";

/// An authenticator app, as far as this service can tell.
struct App(OtpKey);

impl App {
    /// Takes over what an answer showed.
    fn from_base32(secret: &str) -> Self {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut bytes = Vec::new();
        for group in secret.as_bytes().chunks(8) {
            let bits = group.iter().fold(0_u64, |bits, letter| {
                bits << 5 | alphabet.iter().position(|known| known == letter).unwrap() as u64
            });
            bytes.extend_from_slice(&bits.to_be_bytes()[3..]);
        }
        Self(OtpKey::from_bytes(&bytes).unwrap())
    }

    fn shows(&self, unix_seconds: i64) -> String {
        let step = time_step(u64::try_from(unix_seconds).unwrap());
        self.0.code(step).expose_secret().to_owned()
    }

    /// Whether no two steps near that time have the same six digits: the one could stand for the other.
    fn has_distinct_codes(&self, unix_seconds: i64) -> bool {
        let near: HashSet<String> = (-10..=10).map(|steps| self.shows(unix_seconds + 30 * steps)).collect();
        near.len() == 21
    }

    /// Six digits that no step near that time has.
    fn wrong(&self, unix_seconds: i64) -> String {
        let near: Vec<String> = (-2..=2).map(|steps| self.shows(unix_seconds + 30 * steps)).collect();
        (0..)
            .map(|number| format!("{number:06}"))
            .find(|code| !near.contains(code))
            .unwrap()
    }
}

struct Enrolled {
    app: App,
    recovery_codes: Vec<String>,
}

trait Calls {
    async fn log_in(&self, otp: Option<&str>) -> Answer;
    async fn own_token(&self, otp: Option<&str>) -> String;
    async fn me(&self, path: &str, token: &str, body: Value) -> Answer;
    async fn enrol(&self) -> Enrolled;
    async fn let_limits_end(&self);
    fn now(&self) -> i64;
}

impl Calls for Service {
    async fn log_in(&self, otp: Option<&str>) -> Answer {
        let mut body = json!({ "email": EMAIL, "password": PASSWORD });
        if let Some(otp) = otp {
            body["otp"] = json!(otp);
        }
        self.post("/v1/auth", body.to_string()).await
    }

    async fn own_token(&self, otp: Option<&str>) -> String {
        let mut body = json!({ "email": EMAIL, "password": PASSWORD, "audience": "authsvc" });
        if let Some(otp) = otp {
            body["otp"] = json!(otp);
        }
        let answer = self.post("/v1/auth", body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    async fn me(&self, path: &str, token: &str, body: Value) -> Answer {
        let mut request = json_request(path, body.to_string());
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        self.send(&self.public, None, request).await
    }

    async fn enrol(&self) -> Enrolled {
        let token = self.own_token(None).await;
        let app = loop {
            let begun = self.me("/v1/me/otp", &token, json!({ "password": PASSWORD })).await;
            assert_eq!(begun.status, StatusCode::OK);
            let app = App::from_base32(begun.json()["secret"].as_str().unwrap());
            if app.has_distinct_codes(self.now()) {
                break app;
            }
        };
        let otp = app.shows(self.now());
        let confirmed = self.me("/v1/me/otp/confirm", &token, json!({ "otp": otp })).await;
        assert_eq!(confirmed.status, StatusCode::OK);
        let recovery_codes = confirmed.json()["recovery_codes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|code| code.as_str().unwrap().to_owned())
            .collect();
        // What confirmed it is spent.
        self.clock.advance(30);
        self.audit.take();
        Enrolled { app, recovery_codes }
    }

    /// Longer than the limits on one source last, counted from when the last outcome is written down.
    async fn let_limits_end(&self) {
        self.defence.flush().await;
        self.clock.advance(16 * 60);
    }

    fn now(&self) -> i64 {
        self.clock.now().unix_timestamp()
    }
}
