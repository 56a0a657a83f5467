//! `authsvc smoke`: what a deployment must do and must refuse, seen from outside.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use authsvc_client::{Answer, Client, ClientError, Identity};
use cryptokit::secret::SecretString;
use http::StatusCode;

use super::{CommandError, print};
use crate::cli::SmokeArgs;

pub(super) async fn run(args: SmokeArgs) -> Result<ExitCode, CommandError> {
    let smoke = Smoke::new(&args)?;
    let mut report = Report::default();
    smoke.check(&mut report).await;
    print(&report.text)?;
    if report.failed == 0 {
        print(&format!("{} checks passed\n", report.passed))
    } else {
        print(&format!("{} checks passed, {} failed\n", report.passed, report.failed))?;
        Ok(ExitCode::FAILURE)
    }
}

#[derive(Default)]
struct Report {
    text: String,
    passed: u32,
    failed: u32,
}

impl Report {
    fn add(&mut self, what: &str, result: Result<(), String>) {
        match result {
            Ok(()) => {
                self.passed += 1;
                self.text.push_str(&format!("ok      {what}\n"));
            }
            Err(why) => {
                self.failed += 1;
                self.text.push_str(&format!("FAILED  {what}: {why}\n"));
            }
        }
    }
}

struct Smoke {
    public: Client,
    internal: Client,
    /// The internal listener without a client certificate.
    anonymous: Client,
    login: zeroize::Zeroizing<String>,
}

impl Smoke {
    fn new(args: &SmokeArgs) -> Result<Self, CommandError> {
        let root = read(&args.ca_file)?;
        let timeout = Duration::from_secs(args.timeout.clamp(1, 300));
        let identity = Identity {
            chain_pem: read(&args.client_cert_file)?,
            key_pem: private_files::read(&args.client_key_file)?.into(),
        };
        Ok(Self {
            public: Client::new(&args.url, &root, None, timeout)?,
            internal: Client::new(&args.internal_url, &root, Some(identity), timeout)?,
            anonymous: Client::new(&args.internal_url, &root, None, timeout)?,
            login: private_files::read(&args.login_file)?,
        })
    }

    async fn check(&self, report: &mut Report) {
        report.add("the public listener answers", self.alive().await);
        report.add("the key set holds an RS256 key and no private one", self.keys().await);
        let token = self.public.login(self.login.as_bytes()).await;
        let logged_in = token.as_ref().map(|_| ()).map_err(describe);
        report.add("the login is accepted", logged_in);
        let token = token
            .map(|login| login.token)
            .unwrap_or_else(|_| SecretString::new("none".into()));
        report.add("the token is good over mTLS", self.token_is_good(&token).await);
        report.add(
            "an altered token is refused",
            self.altered_token_is_refused(&token).await,
        );
        report.add("an unknown account is refused", self.unknown_account_is_refused().await);
        report.add(
            "no answer without a client certificate",
            self.no_answer_without_certificate().await,
        );
        report.add(
            "the public listener validates nothing",
            self.public_validates_nothing(&token).await,
        );
    }

    async fn alive(&self) -> Result<(), String> {
        let answer = self.public.get("/").await.map_err(|error| describe(&error))?;
        status(&answer, StatusCode::OK)
    }

    async fn keys(&self) -> Result<(), String> {
        let answer = self
            .public
            .get("/.well-known/jwks.json")
            .await
            .map_err(|error| describe(&error))?;
        status(&answer, StatusCode::OK)?;
        let set = cryptokit::jose::JwkSet::parse(answer.body.expose_secret()).map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(answer.body.expose_secret());
        match (set.keys.is_empty(), text.contains("\"d\"")) {
            (false, false) => Ok(()),
            (true, _) => Err("it is empty".into()),
            (_, true) => Err("it holds a private key".into()),
        }
    }

    async fn token_is_good(&self, token: &SecretString) -> Result<(), String> {
        match self.internal.validate_token(token).await {
            Ok(Some(active)) if active.active => Ok(()),
            Ok(_) => Err("it is refused".into()),
            Err(error) => Err(describe(&error)),
        }
    }

    async fn altered_token_is_refused(&self, token: &SecretString) -> Result<(), String> {
        let altered = altered(token.expose_secret());
        match self.internal.validate_token(&altered).await {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err("it is accepted".into()),
            Err(error) => Err(describe(&error)),
        }
    }

    /// An address that no account has, so that no account's owner sees failed logins.
    async fn unknown_account_is_refused(&self) -> Result<(), String> {
        let nobody = format!(
            "{{\"email\":\"{}@smoke.invalid\",\"password\":\"not a password of anyone\"}}",
            authsvc_core::audit::RecordId::generate()
        );
        let answer = self
            .public
            .post_json("/v1/auth", nobody.as_bytes())
            .await
            .map_err(|error| describe(&error))?;
        status(&answer, StatusCode::UNAUTHORIZED)?;
        match answer.headers.get("content-type") {
            Some(kind) if kind == "application/problem+json" => Ok(()),
            _ => Err("the answer is not a problem document".into()),
        }
    }

    async fn no_answer_without_certificate(&self) -> Result<(), String> {
        match self.anonymous.get("/").await {
            Err(ClientError::NoAnswer(_)) => {}
            Err(error) => return Err(describe(&error)),
            Ok(answer) => return Err(format!("it answers {}", answer.status)),
        }
        // Without this, a listener that is down would pass.
        let answer = self.internal.get("/").await.map_err(|error| describe(&error))?;
        status(&answer, StatusCode::OK)
    }

    async fn public_validates_nothing(&self, token: &SecretString) -> Result<(), String> {
        match self.public.validate_token(token).await {
            Err(ClientError::Unexpected {
                status: StatusCode::NOT_FOUND,
            }) => Ok(()),
            Ok(_) => Err("it answers".into()),
            Err(error) => Err(describe(&error)),
        }
    }
}

/// The same header and signature over other claims: the middle of the payload with one character changed.
fn altered(token: &str) -> SecretString {
    let mut bytes = token.as_bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    SecretString::new(String::from_utf8_lossy(&bytes).into_owned())
}

fn status(answer: &Answer, expected: StatusCode) -> Result<(), String> {
    if answer.status == expected {
        Ok(())
    } else {
        Err(format!("status {} instead of {expected}", answer.status))
    }
}

fn describe(error: &ClientError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()).into())
}
