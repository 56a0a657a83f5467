//! What is written down: who, what, when, where, why, and what an operator can do about it.
//!
//! A caller never sees a [`Reason`]; it sees the public text of a code and the record's id.

use std::fmt;
use std::net::IpAddr;

use cryptokit::jose::TokenError;
use cryptokit::random;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{EmailAddress, ServiceIdentity, ServiceName, UserId};

/// The opaque id that a refusal shows and its record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordId(Uuid);

impl RecordId {
    /// A fresh, random id.
    pub fn generate() -> Self {
        Self(uuid::Builder::from_random_bytes(random::bytes()).into_uuid())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One decision.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// Its id.
    pub id: RecordId,
    /// When, in UTC.
    pub time: OffsetDateTime,
    /// Who asked.
    pub who: Who,
    /// What was asked for.
    pub what: Action,
    /// Where it came in.
    pub r#where: Where,
    /// How it ended, and why.
    pub outcome: Outcome,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `POST /v1/auth`
    Login,
    /// `POST /v1/validate-token`
    ValidateToken,
    /// Anything else that was refused before it became one of the above.
    Request,
    /// A TLS connection, before any request.
    Connect,
}

impl Action {
    /// A stable name for logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::ValidateToken => "validate-token",
            Self::Request => "request",
            Self::Connect => "connect",
        }
    }
}

/// Who asked, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// What was given as the address.
    pub address: Option<GivenAddress>,
    /// The account, once it is known.
    pub user_id: Option<UserId>,
    /// What the client certificate proved.
    pub caller: Option<ServiceIdentity>,
    /// The registered service it belongs to.
    pub service: Option<ServiceName>,
}

/// What came in the address field. People type passwords there, so what is not an address is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenAddress {
    /// An address.
    Address(EmailAddress),
    /// Something else.
    NotAnAddress {
        /// Its length in bytes.
        len: usize,
    },
}

impl GivenAddress {
    /// Keeps the address, or only the length.
    pub fn of(text: &str) -> Self {
        match text.parse() {
            Ok(address) => Self::Address(address),
            Err(_) => Self::NotAnAddress { len: text.len() },
        }
    }
}

/// Where a request came in.
#[derive(Clone, Debug)]
pub struct Where {
    /// The peer's address, if it came over a network.
    pub source: Option<IpAddr>,
    /// The route's pattern, never the path or query as sent. `None` when no route matched.
    pub route: Option<&'static str>,
    /// The listener: `public` or `internal`.
    pub listener: &'static str,
    /// The request's id. `None` for a connection that brought no request.
    pub request_id: Option<String>,
}

/// How it ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// As asked.
    Success,
    /// Refused or failed.
    Failure(Reason),
}

/// Why something was refused or failed: exact, and for operators only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No account of that name.
    UnknownUser,
    /// The account is disabled.
    DisabledUser,
    /// The password is not the account's.
    WrongPassword,
    /// The stored hash does not open or is not acceptable: moved, altered, or sealed under a lost key.
    UnusableHash {
        /// What is wrong with it.
        detail: String,
    },
    /// The audience asked for belongs to no service.
    UnknownAudience,
    /// No audience was asked for and none is configured.
    NoAudience,
    /// The token is not good.
    Token(TokenError),
    /// The token is good but its account is gone or disabled.
    TokenOfDisabledUser,
    /// The certificate is valid but no service is registered for any of its names.
    UnregisteredCaller,
    /// More than one service is registered for the certificate's names.
    AmbiguousCaller,
    /// Every hashing permit stayed taken for as long as a request waits.
    HashingOverloaded,
    /// The request's deadline passed.
    DeadlineExceeded,
    /// The client went away before it was answered. The work that had begun was done all the same.
    ClientGone,
    /// The database did not answer.
    StoreUnavailable {
        /// What it said.
        detail: String,
    },
    /// The TLS handshake did not lead to a connection.
    Handshake {
        /// A stable code.
        code: &'static str,
    },
    /// The request was refused before its content mattered.
    Request {
        /// A stable code.
        code: &'static str,
        /// The names of the failing fields, or what else can be said without repeating the input.
        detail: String,
    },
    /// A defect of this program.
    Internal {
        /// What happened.
        detail: String,
    },
}

impl Reason {
    /// A stable code for logs and metrics; a closed set.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown_user",
            Self::DisabledUser => "disabled_user",
            Self::WrongPassword => "wrong_password",
            Self::UnusableHash { .. } => "unusable_hash",
            Self::UnknownAudience => "unknown_audience",
            Self::NoAudience => "no_audience",
            Self::Token(error) => token_code(error),
            Self::TokenOfDisabledUser => "token_of_disabled_user",
            Self::UnregisteredCaller => "unregistered_caller",
            Self::AmbiguousCaller => "ambiguous_caller",
            Self::HashingOverloaded => "hashing_overloaded",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::ClientGone => "client_gone",
            Self::StoreUnavailable { .. } => "store_unavailable",
            Self::Handshake { code } | Self::Request { code, .. } => code,
            Self::Internal { .. } => "internal",
        }
    }

    /// The event's name in the OWASP logging vocabulary.
    pub fn event(&self) -> &'static str {
        match self {
            Self::UnknownUser | Self::DisabledUser | Self::WrongPassword | Self::UnusableHash { .. } => {
                "authn_login_fail"
            }
            Self::Token(_) | Self::TokenOfDisabledUser => "authn_token_refused",
            Self::UnregisteredCaller | Self::AmbiguousCaller => "authz_fail",
            Self::Handshake { .. } => "authn_tls_fail",
            Self::UnknownAudience | Self::NoAudience | Self::Request { .. } => "input_validation_fail",
            Self::HashingOverloaded | Self::DeadlineExceeded | Self::ClientGone => "excess_load",
            Self::StoreUnavailable { .. } | Self::Internal { .. } => "sys_fail",
        }
    }

    /// What happened, in words.
    pub fn detail(&self) -> String {
        match self {
            Self::UnknownUser => "no account has this address".into(),
            Self::DisabledUser => "the account is disabled".into(),
            Self::WrongPassword => "the password is not the account's".into(),
            Self::UnknownAudience => "no registered service has the audience asked for".into(),
            Self::NoAudience => "no audience was asked for and none is configured".into(),
            Self::Token(error) => error.to_string(),
            Self::TokenOfDisabledUser => "the token's account is gone or disabled".into(),
            Self::UnregisteredCaller => "the client certificate is valid but belongs to no registered service".into(),
            Self::AmbiguousCaller => "the client certificate carries the names of several registered services".into(),
            Self::Handshake { code } => handshake_detail(code).into(),
            Self::HashingOverloaded => "no password could be checked within the time a request waits".into(),
            Self::ClientGone => "the client went away before it was answered".into(),
            Self::DeadlineExceeded => "the request took longer than its deadline".into(),
            Self::UnusableHash { detail }
            | Self::StoreUnavailable { detail }
            | Self::Request { detail, .. }
            | Self::Internal { detail } => detail.clone(),
        }
    }

    /// What an operator can do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::UnknownUser => {
                "Nothing for a single one. Many from one source are guessing: limit the source. For a person who should \
                 have an account: authsvc user add."
            }
            Self::DisabledUser => "Find out who still uses the account; authsvc user list shows its state.",
            Self::WrongPassword => {
                "Nothing for a single one. Many for one account or from one source are guessing: limit the source and \
                 warn the account's owner."
            }
            Self::UnusableHash { .. } => {
                "The row was moved or altered, or its sealing key is lost: check who wrote to the database, then \
                 authsvc user reset-password."
            }
            Self::UnknownAudience | Self::NoAudience => {
                "Correct the caller, register the service (authsvc service add) or set tokens.default_audience."
            }
            Self::Token(TokenError::Expired) => "Nothing: the caller's user has to log in again.",
            Self::Token(TokenError::NotYetValid) => "Compare the clocks of the machines.",
            Self::Token(TokenError::UnknownKey) => {
                "A token of another installation or a revoked key. Many of them: someone is trying forged tokens."
            }
            Self::Token(TokenError::Audience) => {
                "The service asked about a token for somebody else: correct its audiences, or ask why it holds the token."
            }
            Self::Token(_) => "Someone altered or forged a token: look at what else this source did.",
            Self::TokenOfDisabledUser => "Expected within a token's life after an account is disabled.",
            Self::UnregisteredCaller => {
                "If the service is yours: authsvc service add. Otherwise ask who holds its key."
            }
            Self::AmbiguousCaller => "Issue the service a certificate with one registered name only.",
            Self::Handshake { code } => handshake_advice(code),
            Self::HashingOverloaded => {
                "Look for a flood of logins; if the load is honest, add cores and raise hashing.max_concurrent."
            }
            Self::ClientGone => {
                "Nothing for a single one. Many logins from one source that never wait for the answer cost a hash each: \
                 limit the source."
            }
            Self::DeadlineExceeded => "Look at the load and the database's latency.",
            Self::StoreUnavailable { .. } => "Look at the database: /readyz on the ops port says what it answers.",
            Self::Request { .. } => {
                "Nothing for a single one: the client sent something that this service never accepts."
            }
            Self::Internal { .. } => "A defect: keep this line and report it.",
        }
    }
}

fn handshake_detail(code: &str) -> &'static str {
    match code {
        "no_client_certificate" => "the client showed no certificate",
        "client_certificate_expired" => "the client's certificate has ended",
        "client_certificate_not_yet_valid" => "the client's certificate has not begun",
        "client_certificate_unknown_issuer" => "the client's certificate is of a CA that is not trusted here",
        "client_certificate_purpose" => "the client's certificate is not for authenticating clients",
        "client_certificate" => "the client's certificate or its chain does not hold",
        "tls_incompatible" => "client and server have no TLS version, cipher or key exchange in common",
        "tls_alert" => "the client ended the handshake: it may not trust this server's root",
        "tls_timeout" => "the client did not finish the handshake in time",
        _ => "what the client sent is not TLS, or breaks its rules",
    }
}

fn handshake_advice(code: &str) -> &'static str {
    match code {
        "no_client_certificate" => "Configure the client's certificate and key, or ask who looks for open ports.",
        "client_certificate_expired" => "Give the client a new certificate.",
        "client_certificate_not_yet_valid" => "Compare the clocks of the machines.",
        "client_certificate" | "client_certificate_unknown_issuer" | "client_certificate_purpose" => {
            "Compare the client's certificate with internal.client_ca_file: certgen init makes client certificates. \
             Otherwise ask who tries foreign ones."
        }
        "tls_alert" => "Give the client the root certificate of this installation, under a name that it connects to.",
        "tls_incompatible" => "Update the client: TLS 1.2 with modern ciphers is the least that is served.",
        _ => "Nothing for a single one. Many from one source are a scan or an attempt to hold connections: limit it.",
    }
}

fn token_code(error: &TokenError) -> &'static str {
    match error {
        TokenError::TooLong => "token_too_long",
        TokenError::Malformed => "token_malformed",
        TokenError::Header => "token_header",
        TokenError::Algorithm => "token_algorithm",
        TokenError::Type => "token_type",
        TokenError::UnknownKey => "token_unknown_key",
        TokenError::Signature => "token_signature",
        TokenError::Claims => "token_claims",
        TokenError::Issuer => "token_issuer",
        TokenError::Audience => "token_audience",
        TokenError::Expired => "token_expired",
        TokenError::NotYetValid => "token_not_yet_valid",
        _ => "token_refused",
    }
}

/// Takes records. Must not block for long and must not fail the request: what it can't write, it counts.
pub trait AuditSink: Send + Sync {
    /// Writes one record.
    fn record(&self, record: &AuditRecord);
}

/// Keeps records in memory.
#[cfg(feature = "test-util")]
#[derive(Debug, Default)]
pub struct RecordingSink(std::sync::Mutex<Vec<AuditRecord>>);

#[cfg(feature = "test-util")]
impl RecordingSink {
    /// Takes what was recorded so far.
    ///
    /// # Panics
    ///
    /// When another thread panicked while recording.
    pub fn take(&self) -> Vec<AuditRecord> {
        std::mem::take(&mut *self.0.lock().expect("recording does not panic"))
    }
}

#[cfg(feature = "test-util")]
impl AuditSink for RecordingSink {
    fn record(&self, record: &AuditRecord) {
        self.0.lock().expect("recording does not panic").push(record.clone());
    }
}
