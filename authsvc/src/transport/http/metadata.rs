//! What this service is, in six strings (SQR-015 §3.1).

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The service's description. All members are strings.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Metadata {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The version of its API.
    pub api_version: &'static str,
    /// Where its source is.
    pub repository: &'static str,
    /// The authentication schemes it uses, by name only.
    pub auth: &'static str,
}

const METADATA: Metadata = Metadata {
    name: env!("CARGO_PKG_NAME"),
    description: env!("CARGO_PKG_DESCRIPTION"),
    version: env!("CARGO_PKG_VERSION"),
    api_version: "1.0",
    repository: env!("CARGO_PKG_REPOSITORY"),
    auth: "bearer,mtls",
};

/// What this service is.
#[utoipa::path(get, path = "/metadata", responses((status = 200, description = "Six strings", body = Metadata)))]
pub(super) async fn metadata() -> Json<Metadata> {
    Json(METADATA)
}

/// What this service is, under the version of its API.
#[utoipa::path(get, path = "/v1/metadata", responses((status = 200, description = "Six strings", body = Metadata)))]
pub(super) async fn metadata_v1() -> Json<Metadata> {
    Json(METADATA)
}
