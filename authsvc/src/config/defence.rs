//! Settings of the login defence.

use authsvc_core::service::defence::{DefencePolicy, FactorLimits};

use super::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>) -> DefencePolicy {
    let ceiling = u64::from(DefencePolicy::MAX_ACCOUNT_FAILURES);
    let account_quiet = reader.seconds("defence.account_quiet_seconds", 600..=604_800);
    let source_quiet = reader.seconds("defence.account_source_quiet_seconds", 60..=86_400);
    DefencePolicy {
        password: FactorLimits {
            account_failures: reader.number("defence.account_failures", 5..=ceiling) as u32,
            account_quiet,
            source_failures: reader.number("defence.account_source_failures", 1..=ceiling) as u32,
            source_quiet,
        },
        second_factor: FactorLimits {
            account_failures: reader.number("defence.second_factor_failures", 5..=ceiling) as u32,
            account_quiet,
            source_failures: reader.number("defence.second_factor_source_failures", 1..=ceiling) as u32,
            source_quiet,
        },
        source_failures: reader.number("defence.source_failures", 5..=1_000_000) as u32,
        source_window: reader.seconds("defence.source_window_seconds", 60..=86_400),
        max_counters: reader.number("defence.max_counters", 10_000..=100_000_000),
    }
}
