//! Ending all sessions of an account, for what changes the account.

use std::time::Duration;

use time::OffsetDateTime;

use crate::domain::{EndReason, SessionId, UserId};
use crate::storage::{Ending, Store, StoreError};

/// The longest life that a setting can give an access token, and the clocks' difference: until then its revocation is
/// kept.
const TOKENS_END: Duration = Duration::from_secs(3600 + 120);

/// Ends all sessions of an account but `except`. A login that is under way begins none.
pub(super) async fn end_sessions(
    store: &dyn Store,
    now: OffsetDateTime,
    user: UserId,
    except: Option<SessionId>,
    why: EndReason,
) -> Result<u64, StoreError> {
    let ending = Ending {
        at: now,
        why,
        tokens_end: now + TOKENS_END,
    };
    store.end_sessions_of(user, except, &ending).await
}
