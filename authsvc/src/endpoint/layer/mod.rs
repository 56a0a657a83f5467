//! Cross-cutting layers, usable by every transport.

mod audit;
pub mod authenticate_user;
pub mod authorize;
mod deadline;
mod detach;
mod metrics;

use std::future::Future;
use std::pin::Pin;

pub use audit::{AuditLayer, Concerns};
pub use deadline::DeadlineLayer;
pub use detach::DetachLayer;
pub use metrics::MetricsLayer;

/// A layer's future. One allocation for each layer and call: nanoseconds beside a signature or a hash.
type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;
