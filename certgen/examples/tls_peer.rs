//! rustls as one end of a mutual TLS connection, for trying what certgen makes. PEM files; `-` for no revocation lists, and
//! for a client without a certificate.
//!
//! ```sh
//! tls_peer server CA CHAIN KEY CRLS             # says `PORT n`, answers `pong` to the first line of each connection
//! tls_peer client PORT NAME CA CHAIN KEY CRLS   # exits with 0 when it was answered
//! ```

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use std::{env, process};

use cryptokit::Provider;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PATIENCE: Duration = Duration::from_secs(10);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Err(error) = run(&arguments) {
        eprintln!("refused: {error}");
        process::exit(1);
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["server", ca, chain, key, crls] => serve(&Arc::new(server_config(ca, chain, key, crls)?)),
        ["client", port, name, ca, chain, key, crls] => {
            connect(port.parse()?, name, client_config(ca, chain, key, crls)?)
        }
        _ => Err("usage: tls_peer server CA CHAIN KEY CRLS | client PORT NAME CA CHAIN KEY CRLS".into()),
    }
}

fn serve(config: &Arc<ServerConfig>) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("PORT {}", listener.local_addr()?.port());
    loop {
        let (socket, _) = listener.accept()?;
        if let Err(error) = answer(socket, config) {
            eprintln!("refused: {error}");
        }
    }
}

fn answer(socket: TcpStream, config: &Arc<ServerConfig>) -> Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut peer = StreamOwned::new(ServerConnection::new(Arc::clone(config))?, socket);
    read_line(&mut peer)?;
    peer.write_all(b"pong\n")?;
    peer.conn.send_close_notify();
    Ok(peer.flush()?)
}

fn connect(port: u16, name: &str, config: ClientConfig) -> Result<()> {
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let name = ServerName::try_from(name.to_owned())?;
    let mut peer = StreamOwned::new(ClientConnection::new(Arc::new(config), name)?, socket);
    peer.write_all(b"ping\n")?;
    println!("{}", read_line(&mut peer)?);
    Ok(())
}

fn read_line(peer: &mut impl Read) -> Result<String> {
    let mut line = String::new();
    BufReader::new(peer).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn server_config(ca: &str, chain: &str, key: &str, crls: &str) -> Result<ServerConfig> {
    let provider = Provider::default().tls();
    let clients = WebPkiClientVerifier::builder_with_provider(roots(ca)?, Arc::clone(&provider))
        .with_crls(lists(crls)?)
        .build()?;
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(certificates(chain)?, PrivateKeyDer::from_pem_file(key)?)?)
}

fn client_config(ca: &str, chain: &str, key: &str, crls: &str) -> Result<ClientConfig> {
    let provider = Provider::default().tls();
    let servers = WebPkiServerVerifier::builder_with_provider(roots(ca)?, Arc::clone(&provider))
        .with_crls(lists(crls)?)
        .build()?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_webpki_verifier(servers);
    Ok(match chain {
        "-" => config.with_no_client_auth(),
        chain => config.with_client_auth_cert(certificates(chain)?, PrivateKeyDer::from_pem_file(key)?)?,
    })
}

fn roots(path: &str) -> Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for root in certificates(path)? {
        roots.add(root)?;
    }
    Ok(Arc::new(roots))
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>> {
    Ok(CertificateDer::pem_file_iter(path)?.collect::<std::result::Result<_, _>>()?)
}

fn lists(path: &str) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    if path == "-" {
        return Ok(Vec::new());
    }
    Ok(CertificateRevocationListDer::pem_file_iter(path)?.collect::<std::result::Result<_, _>>()?)
}
