//! Callers that are not let in: certificates, handshakes, registrations.

use super::kind;
use crate::audit::ReasonKind;

/// The client certificate is valid but belongs to no registered service.
pub const UNREGISTERED: &ReasonKind = &kind(
    "unregistered_caller",
    "authz_fail",
    "the client certificate is valid but belongs to no registered service",
    "If the service is yours: authsvc service add. Otherwise ask who holds its key.",
);

/// The client certificate carries the names of several registered services.
pub const AMBIGUOUS: &ReasonKind = &kind(
    "ambiguous_caller",
    "authz_fail",
    "the client certificate carries the names of several registered services",
    "Issue the service a certificate with one registered name only.",
);

/// The registration is not as this program wrote it.
pub const ALTERED_REGISTRATION: &ReasonKind = &kind(
    "altered_registration",
    "authz_fail",
    "the service's registration is not as this program wrote it: identities, audiences, scopes or the right to administer were changed in the database, or an older program wrote it",
    "Find out who wrote to the database. authsvc service list says what the registration claims; once that is right, authsvc service seal.",
);

/// The caller is a registered service that may not administer.
pub const NOT_AN_ADMINISTRATOR: &ReasonKind = &kind(
    "not_an_administrator",
    "authz_fail",
    "the service is registered, but not as an administrator",
    "Ask why the service tries to administer. One that should: authsvc service remove, then add it with --admin.",
);

/// The client showed no certificate.
pub const NO_CERTIFICATE: &ReasonKind = &kind(
    "no_client_certificate",
    "authn_tls_fail",
    "the client showed no certificate",
    "Configure the client's certificate and key, or ask who looks for open ports.",
);

/// The client's certificate has ended.
pub const CERTIFICATE_EXPIRED: &ReasonKind = &kind(
    "client_certificate_expired",
    "authn_tls_fail",
    "the client's certificate has ended",
    "Give the client a new certificate.",
);

/// The client's certificate has not begun.
pub const CERTIFICATE_NOT_YET_VALID: &ReasonKind = &kind(
    "client_certificate_not_yet_valid",
    "authn_tls_fail",
    "the client's certificate has not begun",
    "Compare the clocks of the machines.",
);

/// The client's certificate is of a CA that is not trusted here.
pub const CERTIFICATE_UNKNOWN_ISSUER: &ReasonKind = &kind(
    "client_certificate_unknown_issuer",
    "authn_tls_fail",
    "the client's certificate is of a CA that is not trusted here",
    "Compare the client's certificate with internal.client_ca_file: certgen init makes client certificates. Otherwise ask who tries foreign ones.",
);

/// The client's certificate is not for authenticating clients.
pub const CERTIFICATE_PURPOSE: &ReasonKind = &kind(
    "client_certificate_purpose",
    "authn_tls_fail",
    "the client's certificate is not for authenticating clients",
    "Compare the client's certificate with internal.client_ca_file: certgen init makes client certificates. Otherwise ask who tries foreign ones.",
);

/// The client's certificate or its chain does not hold.
pub const CERTIFICATE: &ReasonKind = &kind(
    "client_certificate",
    "authn_tls_fail",
    "the client's certificate or its chain does not hold",
    "Compare the client's certificate with internal.client_ca_file: certgen init makes client certificates. Otherwise ask who tries foreign ones.",
);

/// The client's certificate, or one above it, was revoked.
pub const CERTIFICATE_REVOKED: &ReasonKind = &kind(
    "client_certificate_revoked",
    "authn_tls_fail",
    "the client's certificate, or one above it, was revoked by its CA",
    "Find out who still uses it: a revoked key may be in the wrong hands. A service of yours needs a new key and certificate.",
);

/// No usable revocation list speaks of the client's certificate.
pub const REVOCATION_UNKNOWN: &ReasonKind = &kind(
    "client_certificate_status_unknown",
    "authn_tls_fail",
    "no usable revocation list says whether the client's certificate was revoked",
    "Put a list of every CA in internal.client_ca_file into internal.client_crl_file: certgen crl makes them.",
);

/// The revocation list that speaks of the client's certificate has ended.
pub const REVOCATION_LIST_EXPIRED: &ReasonKind = &kind(
    "client_crl_expired",
    "authn_tls_fail",
    "the revocation list of the client's CA has ended, and no client of this CA is let in without a current one",
    "Make a new list (certgen crl) and put it where internal.client_crl_file is; it is read without a restart.",
);

/// More connections from one source than are allowed.
pub const SOURCE_CONNECTIONS: &ReasonKind = &kind(
    "source_connections",
    "excess_load",
    "one source holds as many connections as one source may",
    "An attempt to hold connections, or a proxy with many clients behind it: limit the one, raise limits.max_connections_per_source for the other.",
);

/// Client and server have no TLS version, cipher or key exchange in common.
pub const TLS_INCOMPATIBLE: &ReasonKind = &kind(
    "tls_incompatible",
    "authn_tls_fail",
    "client and server have no TLS version, cipher or key exchange in common",
    "Update the client: TLS 1.2 with modern ciphers is the least that is served.",
);

/// The client ended the handshake: it may not trust this server's root.
pub const TLS_ALERT: &ReasonKind = &kind(
    "tls_alert",
    "authn_tls_fail",
    "the client ended the handshake: it may not trust this server's root",
    "Give the client the root certificate of this installation, under a name that it connects to.",
);

/// The client did not finish the handshake in time.
pub const TLS_TIMEOUT: &ReasonKind = &kind(
    "tls_timeout",
    "authn_tls_fail",
    "the client did not finish the handshake in time",
    "Nothing for a single one. Many from one source are a scan or an attempt to hold connections: limit it.",
);

/// What the client sent is not TLS, or breaks its rules.
pub const TLS_PROTOCOL: &ReasonKind = &kind(
    "tls_protocol",
    "authn_tls_fail",
    "what the client sent is not TLS, or breaks its rules",
    "Nothing for a single one. Many from one source are a scan or an attempt to hold connections: limit it.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[
    UNREGISTERED,
    AMBIGUOUS,
    ALTERED_REGISTRATION,
    NOT_AN_ADMINISTRATOR,
    NO_CERTIFICATE,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_NOT_YET_VALID,
    CERTIFICATE_UNKNOWN_ISSUER,
    CERTIFICATE_PURPOSE,
    CERTIFICATE,
    CERTIFICATE_REVOKED,
    REVOCATION_UNKNOWN,
    REVOCATION_LIST_EXPIRED,
    SOURCE_CONNECTIONS,
    TLS_INCOMPATIBLE,
    TLS_ALERT,
    TLS_TIMEOUT,
    TLS_PROTOCOL,
];
