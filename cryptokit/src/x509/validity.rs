//! How long a certificate is valid: as long as asked, and never outside its issuer's time.

use time::{Duration, OffsetDateTime};

use super::certificate::Certificate;
use super::issue_error::IssueError;
use super::profile::{BACKDATE, Profile};

/// A validity to settle when the time of issue and the issuer are known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Validity {
    /// From a little before the time of issue for so long, cut where the issuer's ends.
    Lasting(Duration),
    /// Exactly this, or nothing.
    Between {
        not_before: OffsetDateTime,
        not_after: OffsetDateTime,
    },
}

impl Validity {
    pub(super) fn between(not_before: OffsetDateTime, not_after: OffsetDateTime) -> Self {
        Self::Between {
            not_before: whole_seconds(not_before),
            not_after: whole_seconds(not_after),
        }
    }

    /// notBefore and notAfter of a root.
    pub(super) fn unbounded(
        self,
        profile: Profile,
        now: OffsetDateTime,
    ) -> Result<(OffsetDateTime, OffsetDateTime), IssueError> {
        let (not_before, not_after, lifetime) = match self {
            Self::Lasting(lifetime) => (expressible(now, -BACKDATE)?, expressible(now, lifetime)?, lifetime),
            Self::Between { not_before, not_after } => (
                expressible(not_before, Duration::ZERO)?,
                expressible(not_after, Duration::ZERO)?,
                not_after - not_before,
            ),
        };
        if !lifetime.is_positive() || lifetime > profile.max_lifetime() {
            return Err(IssueError::Lifetime);
        }
        Ok((not_before, not_after))
    }

    /// notBefore and notAfter below an issuer: some verifiers want the periods nested.
    pub(super) fn below(
        self,
        issuer: &Certificate,
        profile: Profile,
        now: OffsetDateTime,
    ) -> Result<(OffsetDateTime, OffsetDateTime), IssueError> {
        let (earliest, latest) = (issuer.not_before(), issuer.not_after());
        if now < earliest || now > latest {
            return Err(IssueError::IssuerNotValid {
                not_before: earliest,
                not_after: latest,
            });
        }
        match self {
            Self::Lasting(_) => {
                let (not_before, not_after) = self.unbounded(profile, now)?;
                Ok((not_before.max(earliest), not_after.min(latest)))
            }
            Self::Between { not_before, not_after } => {
                if not_before < earliest || not_after > latest || not_before >= not_after {
                    return Err(IssueError::OutsideIssuer {
                        not_before: earliest,
                        not_after: latest,
                    });
                }
                self.unbounded(profile, now)
            }
        }
    }
}

/// RFC 5280 §4.1.2.5: times are in UTC, without fractions.
pub(super) fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.unix_timestamp()).unwrap_or(time)
}

/// RFC 5280 §4.1.2.5: UTCTime begins in 1950, GeneralizedTime ends in 9999.
pub(super) fn expressible(time: OffsetDateTime, later: Duration) -> Result<OffsetDateTime, IssueError> {
    time.checked_add(later)
        .filter(|time| (1950..=9999).contains(&time.year()))
        .ok_or(IssueError::Time)
}
