//! A client for authsvc: one root is trusted and nothing else, every step has a deadline, answers are bounded.
//!
//! A public client logs in; one with an [`Identity`] asks the internal listener whether tokens are good. Connections
//! are not kept: this is what checks after a deployment and tests need. Pooling and the middleware for services are built
//! on it. A service that verifies tokens by itself holds a [`local_verifier::LocalVerifier`].

mod connection;
pub mod key_set;
pub mod local_verifier;
pub mod revocations;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::hash::sha256;
use cryptokit::key_format::{KeyFormatError, PrivateKey};
use cryptokit::secret::SecretString;
use cryptokit::x509::{PemError, TrustAnchorError, TrustAnchors, certificates_from_pem};
use http::{HeaderMap, Method, StatusCode};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;

pub use connection::Endpoint;

/// Largest answer read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Not a URL of the form `https://host[:port]`.
    #[error("{url:?} is not of the form https://host[:port]")]
    Url {
        /// What was given.
        url: String,
    },
    /// The trusted root cannot be read.
    #[error("the root certificate cannot be used")]
    Root(#[from] TrustAnchorError),
    /// The client's certificate cannot be read.
    #[error("the client certificate cannot be read")]
    Identity(#[from] PemError),
    /// The key of the client's certificate cannot be read, as when it is encrypted.
    #[error("the key of the client certificate cannot be read")]
    IdentityKey(#[from] KeyFormatError),
    /// TLS cannot be set up with what was given.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// There was no answer: no connection, no handshake, or the connection ended first.
    #[error("no answer")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There was no answer in time.
    #[error("no answer within {after:?}")]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// The answer is not what the API describes.
    #[error("unexpected answer: status {status}")]
    Unexpected {
        /// The status.
        status: StatusCode,
    },
}

/// A client certificate and its key, as PEM.
pub struct Identity {
    /// The chain, leaf first.
    pub chain_pem: Vec<u8>,
    /// The key, not encrypted: PKCS#8, SEC1 or PKCS#1.
    pub key_pem: SecretString,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity([redacted])")
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; may hold a token.
    pub body: SecretBody,
}

/// A body that does not show itself.
pub struct SecretBody(Vec<u8>);

impl SecretBody {
    /// The bytes.
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBody({} bytes)", self.0.len())
    }
}

/// A fresh token.
#[derive(Debug)]
pub struct Login {
    /// The token.
    pub token: SecretString,
    /// Seconds until it ends.
    pub expires_in: u64,
}

/// What a login is made with.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// The account's address.
    pub email: &'a str,
    /// Its password.
    pub password: &'a SecretString,
    /// What its authenticator app shows, or a recovery code, once the service has asked for it.
    pub otp: Option<&'a SecretString>,
    /// Whom the token is for, if not for the default audience.
    pub audience: Option<&'a str>,
}

/// What came of a login.
#[derive(Debug)]
pub enum LoginOutcome {
    /// A token.
    Done(Login),
    /// The password was right, and the account has a second factor: again, with a code.
    OtpRequired,
    /// The code was wrong, or was used before.
    InvalidOtp,
    /// Address or password are wrong.
    Refused,
    /// Too many wrong ones, or too much to do: again after that time.
    Later {
        /// When.
        after: Duration,
    },
}

/// A good token's claims, as far as this client reads them.
#[derive(Debug, Deserialize)]
pub struct ActiveToken {
    /// Whether the token is good.
    pub active: bool,
    /// The user's id.
    pub sub: String,
    /// The user's e-mail address.
    pub email: Option<String>,
    /// When the token ends, in seconds since 1970.
    pub exp: u64,
    /// Those of its scopes that the asking service is registered with, separated by spaces.
    pub scope: Option<String>,
    /// What binds it: `x5t#S256` when it is bound to the certificate that was named, `none` otherwise.
    pub binding: Option<String>,
}

/// What is asked about a token, beyond whether it is good.
#[derive(Clone, Copy, Debug, Default)]
pub struct Requirements<'a> {
    /// Scopes that it has to have, all of them.
    pub scopes: &'a [&'a str],
    /// The certificate, in DER, that the token's bearer presented. From the TLS layer, never from a header.
    pub client_certificate: Option<&'a [u8]>,
    /// Whether a token that is bound to no certificate is refused.
    pub bound: bool,
}

/// What was found about a token.
#[derive(Debug)]
pub enum Validity {
    /// It is good.
    Active(ActiveToken),
    /// It is good and lacks a required scope: answer 403.
    InsufficientScope,
    /// It is not good: answer 401.
    Inactive,
}

/// A client of one listener.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    tls: Arc<ClientConfig>,
    timeout: Duration,
}

impl Client {
    /// A client of the listener at `url`, trusting the roots in `root_pem` and nothing else.
    ///
    /// # Errors
    ///
    /// [`ClientError::Url`], [`ClientError::Root`], [`ClientError::Identity`], [`ClientError::IdentityKey`] and
    /// [`ClientError::Tls`].
    pub fn new(url: &str, root_pem: &[u8], identity: Option<Identity>, timeout: Duration) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        for certificate in TrustAnchors::from_pem(root_pem)?.certificates() {
            roots.add(certificate.der().clone()).map_err(ClientError::Tls)?;
        }
        let builder = ClientConfig::builder_with_provider(Provider::default().tls())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(ClientError::Tls)?
            .with_root_certificates(roots);
        let mut tls = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = certificates_from_pem(&identity.chain_pem)?;
                let key = PrivateKey::from_pem(identity.key_pem.expose_secret().as_bytes())?.into_pkcs8();
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.expose_secret().to_vec()));
                let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
                builder.with_client_auth_cert(chain, key).map_err(ClientError::Tls)?
            }
        };
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            endpoint: Endpoint::parse(url)?,
            tls: Arc::new(tls),
            timeout,
        })
    }

    /// Asks for a path.
    ///
    /// # Errors
    ///
    /// [`ClientError::NoAnswer`] and [`ClientError::Timeout`].
    pub async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.request(Method::GET, path, Vec::new(), &[]).await
    }

    /// Sends a JSON body.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub async fn post_json(&self, path: &str, body: &[u8]) -> Result<Answer, ClientError> {
        self.request(
            Method::POST,
            path,
            body.to_vec(),
            &[("content-type", "application/json")],
        )
        .await
    }

    /// Sends any request.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ClientError> {
        self.request_up_to(method, path, body, headers, MAX_ANSWER_BYTES).await
    }

    /// The same, for an answer of another size.
    async fn request_up_to(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
        most: usize,
    ) -> Result<Answer, ClientError> {
        let request = self.endpoint.build(method, path, body, headers)?;
        let exchange = self.endpoint.exchange(Arc::clone(&self.tls), request, most);
        tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| ClientError::Timeout { after: self.timeout })?
    }

    /// Logs in with a body of `{"email":…,"password":…}`.
    ///
    /// # Errors
    ///
    /// As [`Self::get`]; [`ClientError::Unexpected`] for any answer but a token.
    pub async fn login(&self, body: &[u8]) -> Result<Login, ClientError> {
        login_of(&self.post_json("/v1/auth", body).await?)
    }

    /// Logs in, with a second factor where the account has one.
    ///
    /// # Errors
    ///
    /// As [`Self::get`]; [`ClientError::Unexpected`] for any answer that is none of [`LoginOutcome`].
    pub async fn login_with(&self, credentials: &Credentials<'_>) -> Result<LoginOutcome, ClientError> {
        let mut body = serde_json::json!({
            "email": credentials.email,
            "password": credentials.password.expose_secret(),
        });
        if let Some(otp) = credentials.otp {
            body["otp"] = otp.expose_secret().into();
        }
        if let Some(audience) = credentials.audience {
            body["audience"] = audience.into();
        }
        let answer = self.post_json("/v1/auth", body.to_string().as_bytes()).await?;
        match answer.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Ok(LoginOutcome::Later {
                after: answer.retry_after(),
            }),
            _ if answer.is_problem("otp-required") => Ok(LoginOutcome::OtpRequired),
            _ if answer.is_problem("invalid-otp") => Ok(LoginOutcome::InvalidOtp),
            _ if answer.is_problem("invalid-credentials") => Ok(LoginOutcome::Refused),
            _ => login_of(&answer).map(LoginOutcome::Done),
        }
    }

    /// Asks whether a token is good: `None` when it is not.
    ///
    /// # Errors
    ///
    /// As [`Self::get`]; [`ClientError::Unexpected`] for any answer but 200 and 401.
    pub async fn validate_token(&self, token: &SecretString) -> Result<Option<ActiveToken>, ClientError> {
        match self.check_token(token, &Requirements::default()).await? {
            Validity::Active(active) => Ok(Some(active)),
            Validity::Inactive | Validity::InsufficientScope => Ok(None),
        }
    }

    /// Asks whether a token is good and meets what a service requires of it.
    ///
    /// # Errors
    ///
    /// As [`Self::get`]; [`ClientError::Unexpected`] for any other answer, that to a client which is not registered among
    /// them.
    pub async fn check_token(
        &self,
        token: &SecretString,
        requirements: &Requirements<'_>,
    ) -> Result<Validity, ClientError> {
        let mut body = serde_json::json!({ "token": token.expose_secret() });
        if !requirements.scopes.is_empty() {
            body["scope"] = requirements.scopes.join(" ").into();
        }
        if let Some(certificate) = requirements.client_certificate {
            body["client_certificate_sha256"] = base64url::encode(&sha256(certificate)).into();
        }
        if requirements.bound {
            body["required_binding"] = "x5t#S256".into();
        }
        let body = body.to_string();
        let answer = self.post_json("/v1/validate-token", body.as_bytes()).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED => Ok(Validity::Inactive),
            StatusCode::FORBIDDEN if answer.is_problem("insufficient-scope") => Ok(Validity::InsufficientScope),
            _ => answer.json(StatusCode::OK).map(Validity::Active),
        }
    }
}

fn login_of(answer: &Answer) -> Result<Login, ClientError> {
    #[derive(Deserialize)]
    struct Body {
        token: String,
        expires_in: u64,
    }
    let body: Body = answer.json(StatusCode::OK)?;
    Ok(Login {
        token: SecretString::new(body.token),
        expires_in: body.expires_in,
    })
}

impl Answer {
    /// When to ask again, by `Retry-After` (RFC 9110 §10.2.3) in seconds; a second where it does not say.
    pub fn retry_after(&self) -> Duration {
        let seconds = self
            .headers
            .get(http::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        Duration::from_secs(seconds.and_then(|text| text.parse().ok()).unwrap_or(1))
    }

    /// Whether it is a problem document of that kind (RFC 9457).
    pub fn is_problem(&self, slug: &str) -> bool {
        #[derive(Deserialize)]
        struct Problem {
            r#type: String,
        }
        serde_json::from_slice::<Problem>(self.body.expose_secret())
            .is_ok_and(|problem| problem.r#type.strip_prefix("urn:authsvc:problem:") == Some(slug))
    }

    /// The body as JSON, if the status is the expected one.
    ///
    /// # Errors
    ///
    /// [`ClientError::Unexpected`].
    pub fn json<T: for<'de> Deserialize<'de>>(&self, expected: StatusCode) -> Result<T, ClientError> {
        let unexpected = || ClientError::Unexpected { status: self.status };
        if self.status != expected {
            return Err(unexpected());
        }
        serde_json::from_slice(self.body.expose_secret()).map_err(|_| unexpected())
    }
}
