//! What a database says about itself.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::StoreError;

/// What programs may do with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseMode {
    /// An operator has put the installation into read-only mode.
    pub read_only: bool,
    /// The oldest program, by its number, that reads rightly.
    pub min_reader: i64,
    /// The oldest program that also writes rightly.
    pub min_writer: i64,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Everybody may ask.
    Closed,
    /// One asks, to see whether it works again.
    HalfOpen,
    /// Nobody asks.
    Open,
}

/// Looking after a database.
#[async_trait]
pub trait UpkeepStore: Send + Sync {
    /// Looks at what programs may do with the database, and obeys it from then on: in read-only mode, what writes is
    /// [`StoreError::ReadOnly`]. A replica calls this twice a second.
    async fn refresh_mode(&self) -> Result<DatabaseMode, StoreError>;

    /// Begins or ends the read-only mode of all replicas; whether that changed anything.
    async fn set_read_only(&self, read_only: bool, at: OffsetDateTime) -> Result<bool, StoreError>;

    /// The breakers around the database, by what goes through them.
    fn breakers(&self) -> Vec<(&'static str, BreakerState)>;
}
