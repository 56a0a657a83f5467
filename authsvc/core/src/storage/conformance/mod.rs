//! The one suite that every store must pass, one area a file. A backend's test calls [`run`] with a fresh, empty store.

mod attempts;
mod audit;
mod key_consumers;
mod keysets;
mod revocation_feed;
mod revocations;
mod second_factors;
mod services;
mod sessions;
mod upkeep;
mod users;

use super::Store;

/// Runs every check in turn.
///
/// # Panics
///
/// When the store does not conform.
pub async fn run(store: &dyn Store) {
    store.ping().await.expect("an open store answers");
    users::run(store).await;
    services::run(store).await;
    keysets::run(store).await;
    key_consumers::run(store).await;
    upkeep::run(store).await;
    second_factors::run(store).await;
    audit::run(store).await;
    sessions::run(store).await;
    revocations::run(store).await;
    revocation_feed::run(store).await;
    attempts::run(store).await;
}
