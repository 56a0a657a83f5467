//! Ending all sessions of an account, for what changes the account.

use time::OffsetDateTime;

use super::sessions::TOKENS_END;
use crate::domain::{EndReason, SessionId, UserId};
use crate::storage::{Ending, Store, StoreError};

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
