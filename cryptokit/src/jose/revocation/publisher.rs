//! The issuer's side.

use std::time::Duration;

use jsonwebtoken::Header;
use serde::Serialize;
use time::OffsetDateTime;

use super::document::{DELTA_TYPE, Delta, FeedPosition, SNAPSHOT_TYPE, Snapshot};
use super::entry::{InvalidRevocation, Revocation};
use super::feed::RevocationFeed;
use super::key::FeedSigningKey;
use crate::encoding::base64url;
use crate::jose::JwsAlgorithm;
use crate::jose::backend::RegisteredSigner;
use crate::random;
use crate::sign::SignError;

/// Signs the deltas and snapshots of one feed.
///
/// It holds the feed's position and no revocations: those are the issuer's to store. Where several replicas publish, the
/// position belongs into the same transaction as the delta, and a replica that loses the race makes its delta again
/// after [resuming](Self::resume) from the winner's position.
#[derive(Debug)]
pub struct RevocationPublisher {
    issuer: String,
    signer: RegisteredSigner,
    kid: String,
    position: FeedPosition,
    /// `iat` of the last delta.
    last_issued_at: u64,
}

/// Why nothing was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// A revocation that no verifier would take.
    #[error("a revocation cannot be published")]
    Revocation(#[from] InvalidRevocation),
    /// The delta would be longer than [`RevocationFeed::MAX_DELTA_LEN`]: publish it in parts.
    #[error("delta would be longer than {} bytes", RevocationFeed::MAX_DELTA_LEN)]
    TooLong,
    /// The feed has used up its numbers; begin a new one.
    #[error("the feed has no numbers left")]
    Exhausted,
    /// `now` lies before 1970.
    #[error("the clock is wrong")]
    Clock,
    /// The backend could not sign.
    #[error("the backend could not sign")]
    Sign,
}

impl RevocationPublisher {
    /// Begins a new feed under a random name. Verifiers need a snapshot of it, issued at least a second after the last
    /// document of the feed before.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the backend refuses the key.
    pub fn new(issuer: &str, key: FeedSigningKey) -> Result<Self, SignError> {
        let feed = base64url::encode(&random::bytes::<16>());
        Self::resume(issuer, key, FeedPosition::start(feed))
    }

    /// Goes on after a known position, with the same key or another one that verifiers know.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the backend refuses the key.
    pub fn resume(issuer: &str, key: FeedSigningKey, position: FeedPosition) -> Result<Self, SignError> {
        let kid = key.verifying_key()?.kid();
        Ok(Self {
            issuer: issuer.to_owned(),
            signer: RegisteredSigner::new(key.0.into()),
            kid,
            position,
            last_issued_at: 0,
        })
    }

    /// Goes to a position that another replica has published up to, its last document issued at `issued_at` in seconds
    /// since 1970: no document will say to be older.
    pub fn move_to(&mut self, position: FeedPosition, issued_at: u64) {
        self.position = position;
        self.last_issued_at = issued_at;
    }

    /// After which delta the feed is. Keep it.
    pub fn position(&self) -> &FeedPosition {
        &self.position
    }

    /// When the last delta says it was issued, in seconds since 1970; 0 before the first. Keep it beside the position.
    pub fn last_issued_at(&self) -> u64 {
        self.last_issued_at
    }

    /// Signs the next delta. An empty one says that nothing has been revoked: verifiers need it to know that they are
    /// up to date. `next_update` is when the next one is promised.
    ///
    /// # Errors
    ///
    /// [`PublishError`]; the position has not changed then.
    pub fn delta(
        &mut self,
        entries: &[Revocation],
        now: OffsetDateTime,
        next_update: Duration,
    ) -> Result<String, PublishError> {
        let iat = self.issued_at(now)?;
        let seq = self.position.seq.checked_add(1).ok_or(PublishError::Exhausted)?;
        let delta = self.sign(
            DELTA_TYPE,
            entries,
            &Delta {
                iss: self.issuer.clone(),
                feed: self.position.feed.clone(),
                seq,
                prev: self.position.head,
                iat,
                next: iat.saturating_add(next_update.as_secs()),
                entries: entries.to_vec(),
            },
        )?;
        if delta.len() > RevocationFeed::MAX_DELTA_LEN {
            return Err(PublishError::TooLong);
        }
        self.position = self.position.after(seq, &delta);
        self.last_issued_at = iat;
        Ok(delta)
    }

    /// Signs a snapshot at the current position. `entries` are all revocations that have not expired, the caller's to
    /// know; leaving one out gives a revoked token back to whoever starts from this snapshot.
    ///
    /// # Errors
    ///
    /// [`PublishError`].
    pub fn snapshot(
        &self,
        entries: &[Revocation],
        now: OffsetDateTime,
        next_update: Duration,
    ) -> Result<String, PublishError> {
        let iat = self.issued_at(now)?;
        self.sign(
            SNAPSHOT_TYPE,
            entries,
            &Snapshot {
                iss: self.issuer.clone(),
                feed: self.position.feed.clone(),
                seq: self.position.seq,
                head: self.position.head,
                iat,
                next: iat.saturating_add(next_update.as_secs()),
                entries: entries.to_vec(),
            },
        )
    }

    /// Never before the last delta where the clock went back a little, which verifiers take for a second history. As
    /// little as they forgive: after a clock was far ahead, its time is not kept.
    fn issued_at(&self, now: OffsetDateTime) -> Result<u64, PublishError> {
        let now = u64::try_from(now.unix_timestamp()).map_err(|_| PublishError::Clock)?;
        let is_kept = self.last_issued_at <= now.saturating_add(RevocationFeed::MAX_AHEAD_SECONDS);
        Ok(if is_kept { now.max(self.last_issued_at) } else { now })
    }

    fn sign<T: Serialize>(
        &self,
        document_type: &str,
        entries: &[Revocation],
        document: &T,
    ) -> Result<String, PublishError> {
        entries.iter().try_for_each(Revocation::check)?;
        let mut header = Header::new(JwsAlgorithm::EdDsa.into());
        header.typ = Some(document_type.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, document, &self.signer.encoding_key).map_err(|_| PublishError::Sign)
    }
}
