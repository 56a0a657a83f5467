//! Keys of a foreign issuer that publishes a JWK Set: when to fetch it, and what to do meanwhile.
//!
//! [`RemoteKeys`] is a state machine. It does no I/O and reads no clock: it is asked for the key of a token and answers
//! with what to do, and whoever drives it fetches and reports. `now` is the time since any fixed moment, on a clock that
//! never goes back, such as `Instant::elapsed` of the moment the driver started.
//!
//! What an outsider can cause by sending tokens is bounded whatever `kid`s they name: at most one fetch at a time, at
//! most one per [`cooldown`](RemoteKeysPolicy::cooldown), a bounded set of remembered unknown `kid`s.
//!
//! # A driver
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! use cryptokit::Provider;
//! use cryptokit::jose::{FetchOutcome, KeyStep, RemoteKeys, RemoteKeysPolicy, TokenError, TokenVerifier, Unverified};
//! # struct Response { status: u16, body: Vec<u8>, etag: Option<String>, max_age: Option<Duration> }
//! # fn get(_etag: Option<&str>, _max_body_bytes: usize) -> Option<Response> {
//! #     let body = br#"{"keys":[]}"#.to_vec();
//! #     Some(Response { status: 200, body, etag: None, max_age: None })
//! # }
//! # let token = "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImEifQ.e30.AA";
//! # let now_utc = time::OffsetDateTime::UNIX_EPOCH;
//!
//! let started = Instant::now();
//! let mut keys = RemoteKeys::new(Provider::default(), RemoteKeysPolicy::default());
//! let verifier = TokenVerifier::new("https://auth.example", Duration::from_secs(5));
//!
//! let token = Unverified::parse(token)?;
//! let result = loop {
//!     match keys.step(token.kid(), started.elapsed()) {
//!         KeyStep::Verify { keys: set, refresh } => {
//!             // A driver with a background task hands `refresh` to it; dropping it costs one fetch timeout.
//!             drop(refresh);
//!             break verifier.verify_parsed(&token, &set, &["orders".into()], now_utc).map(drop);
//!         }
//!         KeyStep::Fetch(fetch) => {
//!             // With a timeout and a limit on the body; outside any lock around `keys`.
//!             let response = get(fetch.etag(), keys.policy().max_document_len);
//!             let outcome = match &response {
//!                 Some(response) if response.status == 200 => FetchOutcome::Document {
//!                     body: &response.body,
//!                     etag: response.etag.as_deref(),
//!                     max_age: response.max_age,
//!                 },
//!                 Some(response) if response.status == 304 => FetchOutcome::NotModified { max_age: response.max_age },
//!                 _ => FetchOutcome::Failed,
//!             };
//!             // An unusable document is worth a log line; the machine goes on with what it has.
//!             let _ = keys.complete(fetch, outcome, started.elapsed());
//!         }
//!         // Another task is fetching: wait for it, or `until`, and ask again.
//!         KeyStep::Wait { until } => std::thread::sleep(until.saturating_sub(started.elapsed())),
//!         KeyStep::Refuse(_) => break Err(TokenError::UnknownKey),
//!     }
//! };
//! assert_eq!(result, Err(TokenError::UnknownKey));
//! # Ok::<(), TokenError>(())
//! ```

mod machine;
mod negative_cache;
mod policy;

pub use machine::{Fetch, FetchError, FetchOutcome, KeyRefusal, KeyStep, RemoteKeys};
pub use policy::RemoteKeysPolicy;
