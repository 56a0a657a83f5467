//! What happens to certificates after they were made, with three words for three things: `renew` makes a new
//! certificate for the same key, `rekey` one for a new key, and `revoke` tells the peers to accept one no longer.

mod error;
mod keys;
pub mod list;
pub mod renew;
pub mod revoke;
pub mod sign;
pub mod target;

pub use error::LifecycleError;
pub use keys::AuthorityKeys;
