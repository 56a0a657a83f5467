//! The URL of a Postgres database. What it leaves out is not looked up in the environment, and TLS is never dropped in
//! silence.

use std::net::IpAddr;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

/// The parameters that mean something here.
const PARAMETERS: [&str; 6] = [
    "host",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "application_name",
];
/// Postgres' port, whatever `PGPORT` says.
const DEFAULT_PORT: u16 = 5432;

/// What is wrong with a URL. The URL itself holds a password and is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Not a URL of this form.
    #[error("expected postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full")]
    Form,
    /// The user, the host or the database is left out.
    #[error("the {0} is missing")]
    Missing(&'static str),
    /// A parameter that means nothing here, or stands there twice.
    #[error(
        "unknown or repeated parameter; accepted are host, sslmode, sslrootcert, sslcert, sslkey, application_name"
    )]
    Parameter,
    /// These modes go on without TLS when the server, or somebody in between, says that it has none.
    #[error(
        "sslmode=prefer and sslmode=allow may go on without TLS; say verify-full, or disable where the network is \
         trusted"
    )]
    Downgrade,
    /// Encrypted to whoever answers.
    #[error("sslmode=require checks no certificate, so sslrootcert would mean nothing; say verify-full or verify-ca")]
    RequireWithRoot,
    /// A client certificate without its key, or the other way round.
    #[error("sslcert and sslkey go together")]
    ClientCertificate,
}

/// Reads a `postgres://` URL. Without `sslmode`, a database on another machine must prove itself (`verify-full`), and
/// one behind a socket or on loopback is spoken to in clear.
///
/// # Errors
///
/// [`UrlError`].
pub fn parse_url(text: &str) -> Result<PgConnectOptions, UrlError> {
    let url = Url::parse(text).map_err(|_| UrlError::Form)?;
    if !matches!(url.scheme(), "postgres" | "postgresql") || url.fragment().is_some() {
        return Err(UrlError::Form);
    }
    let mut parameters: Vec<(String, String)> = Vec::new();
    for (name, value) in url.query_pairs() {
        if !PARAMETERS.contains(&name.as_ref()) || parameters.iter().any(|(known, _)| *known == name) {
            return Err(UrlError::Parameter);
        }
        parameters.push((name.into_owned(), value.into_owned()));
    }
    let parameter = |wanted: &str| {
        parameters
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    };
    if url.username().is_empty() {
        return Err(UrlError::Missing("user"));
    }
    if url.host_str().is_none_or(str::is_empty) && parameter("host").is_none() {
        return Err(UrlError::Missing("host"));
    }
    if url.path().trim_start_matches('/').is_empty() {
        return Err(UrlError::Missing("database"));
    }
    if parameter("sslcert").is_some() != parameter("sslkey").is_some() {
        return Err(UrlError::ClientCertificate);
    }

    let mut options = PgConnectOptions::from_str(text)
        .map_err(|_| UrlError::Form)?
        .port(url.port().unwrap_or(DEFAULT_PORT))
        .application_name(parameter("application_name").unwrap_or("authsvc"));
    if url.password().is_none() {
        // Not PGPASSWORD's, and not that of a password file.
        options = options.password("");
    }
    if parameter("sslrootcert").is_none() {
        // Not PGSSLROOTCERT's.
        options = options.ssl_root_cert_from_pem(Vec::new());
    }
    let mode = tls_mode(&options, parameter("sslmode"), parameter("sslrootcert").is_some())?;
    Ok(options.ssl_mode(mode))
}

fn tls_mode(options: &PgConnectOptions, asked: Option<&str>, has_root: bool) -> Result<PgSslMode, UrlError> {
    Ok(match asked {
        Some("verify-full") => PgSslMode::VerifyFull,
        Some("verify-ca") => PgSslMode::VerifyCa,
        // libpq would verify then; sqlx does not.
        Some("require") if has_root => return Err(UrlError::RequireWithRoot),
        Some("require") => PgSslMode::Require,
        Some("disable") => PgSslMode::Disable,
        Some("prefer" | "allow") => return Err(UrlError::Downgrade),
        Some(_) => return Err(UrlError::Form),
        None if is_local(options) => PgSslMode::Disable,
        None => PgSslMode::VerifyFull,
    })
}

/// Whether what is said stays on this machine.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(text: &str) -> Result<&'static str, UrlError> {
        parse_url(text).map(|options| match options.get_ssl_mode() {
            PgSslMode::Disable => "disable",
            PgSslMode::Require => "require",
            PgSslMode::VerifyCa => "verify-ca",
            PgSslMode::VerifyFull => "verify-full",
            other => panic!("{other:?} is never chosen"),
        })
    }

    #[test]
    fn another_machine_must_prove_itself_unless_it_is_said_aloud() {
        assert_eq!(mode("postgres://a:b@db.internal/auth"), Ok("verify-full"));
        assert_eq!(
            mode("postgres://a:b@10.0.0.7:5433/auth?sslrootcert=ca.pem"),
            Ok("verify-full")
        );
        assert_eq!(mode("postgres://a:b@db.internal/auth?sslmode=require"), Ok("require"));
        assert_eq!(mode("postgres://a:b@db.internal/auth?sslmode=disable"), Ok("disable"));
        assert_eq!(
            mode("postgresql://a:b@db.internal/auth?sslmode=verify-ca"),
            Ok("verify-ca")
        );
        for downgrade in ["prefer", "allow"] {
            let url = format!("postgres://a:b@db.internal/auth?sslmode={downgrade}");
            assert_eq!(mode(&url), Err(UrlError::Downgrade));
        }
        let root = "postgres://a:b@db.internal/auth?sslmode=require&sslrootcert=ca.pem";
        assert_eq!(mode(root), Err(UrlError::RequireWithRoot));
    }

    #[test]
    fn loopback_and_sockets_are_spoken_to_in_clear() {
        for local in [
            "postgres://a@localhost/auth",
            "postgres://a@127.0.0.1:5433/auth",
            "postgres://a@[::1]/auth",
            "postgres://a@%2Frun%2Fpostgresql/auth",
            "postgres://a@localhost/auth?host=/run/postgresql",
        ] {
            assert_eq!(mode(local), Ok("disable"), "{local}");
        }
        assert_eq!(mode("postgres://a@localhost.evil.example/auth"), Ok("verify-full"));
        assert_eq!(mode("postgres://a@localhost/auth?host=db.internal"), Ok("verify-full"));
    }

    #[test]
    fn what_is_left_out_or_unknown_is_an_error_and_the_password_is_not_repeated() {
        for (text, error) in [
            ("", UrlError::Form),
            ("authsvc.db", UrlError::Form),
            ("mysql://a:b@c/d", UrlError::Form),
            ("postgres://a:b@c:notaport/d", UrlError::Form),
            ("postgres://a:b@c/d#e", UrlError::Form),
            ("postgres://a:b@c/d?sslmode=maybe", UrlError::Form),
            ("postgres://c/d", UrlError::Missing("user")),
            ("postgres://a:hunter2@c", UrlError::Missing("database")),
            ("postgres://a:hunter2@c/d?sslmod=require", UrlError::Parameter),
            (
                "postgres://a@c/d?sslmode=require&sslmode=verify-full",
                UrlError::Parameter,
            ),
            ("postgres://a@c/d?options=-c%20fsync=off", UrlError::Parameter),
            ("postgres://a@c/d?sslcert=x.pem", UrlError::ClientCertificate),
        ] {
            let found = parse_url(text).unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(!found.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn parts_are_decoded() {
        let options = parse_url("postgres://a%40b:p%2Fq@db.internal:6432/au%74h").unwrap();
        assert_eq!((options.get_username(), options.get_database()), ("a@b", Some("auth")));
        assert_eq!((options.get_host(), options.get_port()), ("db.internal", 6432));
    }
}
