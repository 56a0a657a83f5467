//! Ending all sessions of an account: what a login, an account's owner and an operator share.

use time::OffsetDateTime;

use super::sessions::TOKENS_END;
use crate::domain::{EndReason, SessionId, UserId};
use crate::storage::{EndOfSessions, Ending, Store, StoreError};

/// Ends all sessions of an account but `except`. A login that is under way begins none.
pub(super) async fn end_sessions(
    store: &dyn Store,
    now: OffsetDateTime,
    user: UserId,
    except: Option<SessionId>,
    why: EndReason,
) -> Result<u64, StoreError> {
    store.end_sessions_of(user, except, &ending_at(now, why)).await
}

/// The end of sessions as a part of a change of their account.
pub(super) fn end_of_sessions(now: OffsetDateTime, except: Option<SessionId>, why: EndReason) -> EndOfSessions {
    EndOfSessions {
        except,
        ending: ending_at(now, why),
    }
}

/// How sessions end at that moment: their revocations are kept until the last of their tokens has ended.
pub(super) fn ending_at(now: OffsetDateTime, why: EndReason) -> Ending {
    Ending {
        at: now,
        why,
        tokens_end: now + TOKENS_END,
    }
}
