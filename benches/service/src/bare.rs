//! The handler that validations are compared with: hyper on rustls with client certificates, as the service has them, and
//! nothing around it.
//!
//! `/parse` reads the body's token and answers. `/verify` verifies its RS256 signature as well, with a parsed key.
//! `/sign` makes one.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use bytes::Bytes;
use clap::Args;
use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::jose::JwkSet;
use cryptokit::sign::{RsaKeySize, RsaSigningKey};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::Failure;
use crate::connection::identity;
use crate::installation::on_core;

/// What the process is told.
#[derive(Debug, Args)]
pub(crate) struct BareArgs {
    /// The certificates of an installation
    #[arg(long)]
    pki: PathBuf,
    /// The service's key set
    #[arg(long)]
    jwks: PathBuf,
}

/// The handler, running in a process of its own.
pub(crate) struct BareServer {
    child: Child,
    pub(crate) port: u16,
}

impl BareServer {
    /// On a core, with the certificates of an installation and its key set.
    pub(crate) fn start(core: usize, pki: &Path, jwks: &Path) -> Result<Self, Failure> {
        let program = std::env::current_exe()?;
        let mut child = on_core(core, &program)
            .args(["bare", "--pki"])
            .arg(pki)
            .arg("--jwks")
            .arg(jwks)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("it has an output")?).read_line(&mut line)?;
        let mut server = Self { child, port: 0 };
        server.port = line.trim().parse()?;
        Ok(server)
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Keys {
    public: ParsedPublicKey,
    private: RsaKeyPair,
}

#[derive(Deserialize)]
struct Question {
    token: String,
}

pub(crate) fn run(args: &BareArgs) -> Result<(), Failure> {
    let tls = tls(&args.pki)?;
    let keys = Arc::new(Keys {
        public: public_key(&std::fs::read(&args.jwks)?)?,
        private: RsaKeyPair::from_pkcs8(RsaSigningKey::generate(RsaKeySize::Bits2048)?.pkcs8().expose_secret())?,
    });
    // As the service's own.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?.port());
        std::io::stdout().flush()?;
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let (acceptor, keys) = (acceptor.clone(), Arc::clone(&keys));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(socket).await else {
                    return;
                };
                let handler = service_fn(move |request| answer(Arc::clone(&keys), request));
                // It ends when the client has left.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), handler)
                    .await;
            });
        }
    })
}

async fn answer(keys: Arc<Keys>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let done = match request.into_body().collect().await {
        Ok(body) => work(&keys, &path, &body.to_bytes()),
        Err(_) => None,
    };
    let (status, body) = match done {
        Some(body) => (StatusCode::OK, body),
        None => (StatusCode::UNAUTHORIZED, String::new()),
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)));
    Ok(response.expect("a constant head"))
}

fn work(keys: &Keys, path: &str, body: &[u8]) -> Option<String> {
    let question: Question = serde_json::from_slice(body).ok()?;
    let (signed, signature) = question.token.rsplit_once('.')?;
    match path {
        "/verify" => {
            let signature = base64url::decode(signature).ok()?;
            keys.public.verify_sig(signed.as_bytes(), &signature).ok()?;
        }
        "/sign" => {
            let mut made = vec![0; keys.private.public_modulus_len()];
            keys.private
                .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut made)
                .ok()?;
            return Some(format!("{{\"signature\":\"{}\"}}", base64url::encode(&made)));
        }
        _ => {}
    }
    Some("{\"active\":true}".to_owned())
}

fn tls(pki: &Path) -> Result<ServerConfig, Failure> {
    let provider = Provider::default().tls();
    let mut roots = RootCertStore::empty();
    let issuing = cryptokit::x509::certificates_from_pem(&std::fs::read(pki.join("intermediate.pem"))?)?;
    for certificate in issuing {
        roots.add(certificate.der().clone())?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    let (chain, key) = identity(&pki.join("server"))?;
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?)
}

/// The RSA key of a key set.
fn public_key(jwks: &[u8]) -> Result<ParsedPublicKey, Failure> {
    // Read strictly once, so that a change of its form is noticed here.
    JwkSet::parse(jwks)?;
    let set: Value = serde_json::from_slice(jwks)?;
    let part = |name: &str| -> Result<Vec<u8>, Failure> {
        let text = set["keys"][0][name].as_str().ok_or("not an RSA key")?;
        Ok(base64url::decode(text)?)
    };
    let (n, e) = (part("n")?, part("e")?);
    Ok(RsaPublicKeyComponents { n: &n, e: &e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?)
}
