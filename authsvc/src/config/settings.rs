//! The table of settings. File keys, environment names and flags all come from it.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the file, with its section: `public.address`.
    pub key: &'static str,
    /// What it is without being set.
    pub default: Option<&'static str>,
    /// What it means, with unit and range.
    pub help: &'static str,
}

impl Setting {
    /// Its name in the environment: `AUTHSVC_PUBLIC_ADDRESS`.
    pub fn environment_name(&self) -> String {
        format!("AUTHSVC_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// Its flag without the dashes: `public-address`.
    pub fn flag(&self) -> String {
        self.key.replace(['.', '_'], "-")
    }
}

/// Every setting there is.
pub const SETTINGS: &[Setting] = &[
    setting("issuer", None, "The iss of tokens: an https URL that never changes"),
    setting(
        "public.address",
        Some("127.0.0.1:8443"),
        "Address of the public listener (TLS)",
    ),
    setting(
        "public.certificate_file",
        None,
        "Its certificate chain, leaf first, PEM",
    ),
    setting(
        "public.key_file",
        None,
        "Its private key, PKCS#8 PEM, readable by its owner only",
    ),
    setting(
        "internal.address",
        Some("127.0.0.1:9443"),
        "Address of the internal listener (mTLS)",
    ),
    setting(
        "internal.certificate_file",
        None,
        "Its certificate chain; the public one if not set",
    ),
    setting("internal.key_file", None, "Its private key; the public one if not set"),
    setting(
        "internal.client_ca_file",
        None,
        "The CAs that issue client certificates, PEM",
    ),
    setting(
        "internal.client_crl_file",
        None,
        "Revocation lists of those CAs, PEM or DER; several files separated by commas",
    ),
    setting(
        "ops.address",
        Some("127.0.0.1:9464"),
        "Address of health, readiness and metrics (plain HTTP)",
    ),
    setting("database_file", None, "The SQLite database; this or database_url_file"),
    setting(
        "database_url_file",
        None,
        "A file with the URL of a Postgres database, readable by its owner only; this or database_file",
    ),
    setting(
        "database.max_connections",
        Some("8"),
        "Connections to Postgres, 2 to 1000",
    ),
    setting(
        "database.wait_milliseconds",
        Some("2000"),
        "How long a request waits for a connection, 10 to 60000",
    ),
    setting(
        "database.statement_timeout_milliseconds",
        Some("5000"),
        "How long one statement may take, 10 to 60000",
    ),
    setting(
        "database.breaker_failures",
        Some("5"),
        "Failures in a row after which the database is left alone for a moment, 1 to 1000",
    ),
    setting(
        "database.breaker_pause_milliseconds",
        Some("1000"),
        "How long it is left alone before one request tries again, 10 to 60000",
    ),
    setting("root_key_file", None, "The root key, readable by its owner only"),
    setting("pepper_file", None, "The sealed peppers, readable by their owner only"),
    setting(
        "keys.rotation_days",
        Some("90"),
        "How long a signing key signs before the next one comes, 1 to 3650; 0 for by command only",
    ),
    setting(
        "keys.algorithm",
        Some("RS256"),
        "What new signing keys sign with: RS256, PS256, ES256 or EdDSA",
    ),
    setting(
        "keys.rsa_bits",
        Some("2048"),
        "Size of new RSA signing keys: 2048, 3072 or 4096",
    ),
    setting(
        "audit.file",
        None,
        "A file for audit lines, made if absent and readable by its owner only",
    ),
    setting(
        "audit.standard_error",
        Some("true"),
        "Whether audit lines go to standard error; false needs audit.file",
    ),
    setting(
        "audit.file_max_mib",
        Some("64"),
        "Size in MiB at which the file is put aside, 1 to 10240",
    ),
    setting(
        "audit.file_max_hours",
        Some("24"),
        "Age at which the file is put aside, 1 to 8760",
    ),
    setting(
        "audit.file_keep",
        Some("30"),
        "Files kept beside the one that is written to, 1 to 10000",
    ),
    setting(
        "audit.addresses",
        Some("full"),
        "How e-mail addresses are recorded: full or pseudonym",
    ),
    setting(
        "audit.good_tokens",
        Some("sums"),
        "How tokens that were good are recorded: sums, by service and minute, or lines, each",
    ),
    setting(
        "audit.replica",
        None,
        "The name of this replica's chain of records; the host's name if not set",
    ),
    setting(
        "audit.checkpoint_seconds",
        Some("60"),
        "Time after which records are signed for, 1 to 3600",
    ),
    setting(
        "audit.refusal_rows_per_minute",
        Some("60"),
        "Refusals that are kept in the database in a minute; the lines have all, 0 to 1000000",
    ),
    setting(
        "audit.rows_keep_days",
        Some("90"),
        "Days that records stay in the database, 1 to 36500",
    ),
    setting(
        "audit.rows_max",
        Some("1000000"),
        "Records in the database at most, about, 1000 to 1000000000",
    ),
    setting("tokens.default_audience", None, "The aud of a login that names none"),
    setting(
        "tokens.access_token_ttl_seconds",
        Some("900"),
        "How long a token is good, 1 to 3600",
    ),
    setting("tokens.leeway_seconds", Some("5"), "Clock difference forgiven, 0 to 60"),
    setting(
        "tokens.verified_cache_entries",
        Some("10000"),
        "Tokens remembered whose signature was good, 0 to 1000000; the rest is checked each time",
    ),
    setting(
        "tokens.state_age_ms",
        Some("1000"),
        "How long validations believe what the database said of a caller or an account, 0 to 1000",
    ),
    setting(
        "sessions.most_per_user",
        Some("64"),
        "Living sessions of a user, 1 to 10000; the one unused for longest makes room",
    ),
    setting(
        "sessions.idle_ttl_seconds",
        Some("1209600"),
        "A session ends when it was not used for this long, 60 to 315360000",
    ),
    setting(
        "sessions.absolute_ttl_seconds",
        Some("7776000"),
        "A session ends this long after its login, 60 to 315360000",
    ),
    setting(
        "hashing.max_concurrent",
        None,
        "Hashes computed at once, 1 to 1024; the number of cores if not set",
    ),
    setting(
        "hashing.max_wait_milliseconds",
        Some("2000"),
        "How long a login waits for its turn, 1 to 60000",
    ),
    setting(
        "hashing.m_cost_kib",
        Some("19456"),
        "Argon2id memory of new hashes in KiB, 19456 to 1048576",
    ),
    setting(
        "hashing.t_cost",
        Some("2"),
        "Argon2id passes of new hashes, 1 to 64; 1 from 47104 KiB on only",
    ),
    setting("hashing.p_cost", Some("1"), "Argon2id lanes of new hashes, 1 to 16"),
    setting(
        "passwords.breached_file",
        None,
        "SHA-1 digests of breached passwords, ascending, one a line; none is asked if not set",
    ),
    setting(
        "passwords.imported_schemes",
        None,
        "Of what imported hashes may be, with commas: argon2i, argon2d, argon2-v16, bcrypt, pbkdf2, scrypt, hmac-sha512; none if not set",
    ),
    setting(
        "passwords.reset_url",
        None,
        "The page that takes the token of a link, an https URL; # and the token follow it",
    ),
    setting(
        "limits.max_connections",
        Some("1024"),
        "Connections at once for each listener, 1 to 1000000",
    ),
    setting(
        "limits.max_connections_per_source",
        Some("256"),
        "Connections at once from one IPv4 address or IPv6 /64, 1 to 1000000",
    ),
    setting(
        "limits.max_connection_age_seconds",
        Some("600"),
        "How long a connection is served, 10 to 86400",
    ),
    setting(
        "limits.requests_per_second",
        Some("200"),
        "Requests a second of one source without a client certificate, 1 to 1000000; five seconds' worth at once",
    ),
    setting(
        "limits.caller_requests_per_second",
        Some("20000"),
        "Requests a second of one service, 1 to 1000000; five seconds' worth at once",
    ),
    setting(
        "limits.max_header_bytes",
        Some("16384"),
        "A request's head, 8192 to 262144",
    ),
    setting(
        "limits.max_body_bytes",
        Some("16384"),
        "A request's body, 4096 to 1048576",
    ),
    setting(
        "limits.handshake_timeout_seconds",
        Some("10"),
        "For the TLS handshake, 1 to 60",
    ),
    setting(
        "limits.header_timeout_seconds",
        Some("10"),
        "For a request's head, 1 to 300",
    ),
    setting(
        "limits.body_timeout_seconds",
        Some("10"),
        "For a request's body, 1 to 300",
    ),
    setting(
        "limits.request_timeout_seconds",
        Some("30"),
        "For the work on a request, 1 to 300",
    ),
    setting(
        "reload_interval_seconds",
        Some("5"),
        "How often files are looked at for changes, 1 to 3600",
    ),
    setting(
        "defence.account_failures",
        Some("100"),
        "Failed passwords of one account, all sources together, 5 to 100; a fifth is kept for sources it knows",
    ),
    setting(
        "defence.account_quiet_seconds",
        Some("86400"),
        "An account's failures are forgotten after this long without one, 600 to 604800",
    ),
    setting(
        "defence.account_source_failures",
        Some("10"),
        "Failed passwords of one account from one source, 1 to 100",
    ),
    setting(
        "defence.account_source_quiet_seconds",
        Some("900"),
        "They are forgotten after this long without one, 60 to 86400",
    ),
    setting(
        "defence.second_factor_failures",
        Some("25"),
        "Failed second factors of one account, all sources together, 5 to 100; a fifth is kept for sources it knows",
    ),
    setting(
        "defence.second_factor_source_failures",
        Some("5"),
        "Failed second factors of one account from one source, 1 to 100",
    ),
    setting(
        "defence.source_failures",
        Some("300"),
        "Failures of one source, all accounts together, 5 to 1000000; a fifth is kept for accounts that know it",
    ),
    setting(
        "defence.source_window_seconds",
        Some("3600"),
        "A source's failures are forgotten after this, 60 to 86400",
    ),
    setting(
        "defence.max_counters",
        Some("1000000"),
        "Counters kept in the database, 10000 to 100000000",
    ),
    setting(
        "trusted_proxies",
        None,
        "Addresses and networks, separated by commas, whose word about a request's source is taken",
    ),
    setting(
        "trusted_proxies_header",
        Some("x-forwarded-for"),
        "What they write: x-forwarded-for or forwarded (RFC 7239)",
    ),
    setting(
        "shutdown_grace_seconds",
        Some("10"),
        "For requests in flight after the signal to stop, 0 to 300",
    ),
    setting(
        "log_level",
        Some("info"),
        "error, warn, info, debug or trace; audit lines are always written",
    ),
];

/// Settings whose change takes effect while the service runs. The others take effect with a restart.
pub const LIVE_SETTINGS: &[&str] = &[
    "public.certificate_file",
    "public.key_file",
    "internal.certificate_file",
    "internal.key_file",
    "internal.client_ca_file",
    "internal.client_crl_file",
    "limits.max_connections_per_source",
    "limits.max_connection_age_seconds",
    "limits.handshake_timeout_seconds",
    "limits.header_timeout_seconds",
    "log_level",
];

const fn setting(key: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
    Setting { key, default, help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_settings_are_settings() {
        for live in LIVE_SETTINGS {
            assert!(SETTINGS.iter().any(|setting| setting.key == *live), "{live}");
        }
    }

    #[test]
    fn the_documented_table_is_this_one() {
        let page = include_str!("../../../docs/configuration.md");
        let documented: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<String> = SETTINGS
            .iter()
            .map(|setting| {
                let default = setting.default.map(|text| format!("`{text}`")).unwrap_or_default();
                format!("| `{}` | {default} | {} |", setting.key, setting.help)
            })
            .collect();
        assert_eq!(documented, expected, "bring docs/configuration.md in line");
    }
}
