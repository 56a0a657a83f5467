//! Settings of sessions.

use authsvc_core::service::SessionPolicy;

use super::reader::Reader;

/// Ten years: longer than a session is of any use.
const LONGEST_SECONDS: u64 = 315_360_000;

pub(super) fn read(reader: &mut Reader<'_>) -> SessionPolicy {
    SessionPolicy {
        most_per_user: u32::try_from(reader.number("sessions.most_per_user", 1..=10_000)).unwrap_or(u32::MAX),
        idle_ttl: reader.seconds("sessions.idle_ttl_seconds", 60..=LONGEST_SECONDS),
        absolute_ttl: reader.seconds("sessions.absolute_ttl_seconds", 60..=LONGEST_SECONDS),
    }
}
