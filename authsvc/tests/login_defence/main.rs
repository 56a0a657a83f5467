//! Guessing, from every side: in parallel, through replicas, under other names, from many sources, by other routes.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod limits;
mod load;
mod replicas;
mod routes;
mod sources;

use std::net::SocketAddr;

use authsvc::transport::listener::Connection;
use authsvc_core::service::defence::{DefencePolicy, FactorLimits};
use axum::body::Body;
use http::Request;

use support::in_process::{Answer, Service, json_request, login_body};

const UNKNOWN: &str = "nobody@example.com";

/// Five guesses for an account and source.
fn strict() -> DefencePolicy {
    let policy = DefencePolicy::default();
    DefencePolicy {
        password: FactorLimits {
            source_failures: 5,
            ..policy.password
        },
        ..policy
    }
}

async fn start(policy: DefencePolicy) -> Service {
    Service::start_with_policy(policy, |hasher| hasher).await
}

async fn send_from(service: &Service, source: &str, mut request: Request<Body>) -> Answer {
    let remote = SocketAddr::new(source.parse().unwrap(), 4711);
    request.extensions_mut().insert(Connection { remote, peer: None });
    send_as_it_is(service, request).await
}

async fn send_as_it_is(service: &Service, request: Request<Body>) -> Answer {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let (head, body) = service.public.clone().oneshot(request).await.unwrap().into_parts();
    Answer {
        status: head.status,
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

async fn login_from(service: &Service, source: &str, email: &str, password: &str) -> Answer {
    send_from(service, source, json_request("/v1/auth", login_body(email, password))).await
}

fn hashes(service: &Service) -> u64 {
    service.hasher.pool().completed()
}
