//! A client that costs little: HTTP/1.1 on connections that are kept, written and read by one thread. Several connections
//! in turn keep a server busy: while the answer of one is read, the others' requests are with the server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::key_format::PrivateKey;
use cryptokit::x509::certificates_from_pem;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Failure;

/// Longer than anything takes; a server that does not answer ends the run.
const PATIENCE: Duration = Duration::from_secs(120);

/// The roots of an installation, and the certificate of its service `orders`.
#[derive(Clone)]
pub(crate) struct Trust {
    plain: Arc<ClientConfig>,
    mutual: Arc<ClientConfig>,
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    read: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Trust {
    /// Of the folder with an installation's certificates.
    pub(crate) fn read(pki: &Path) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates_from_pem(&std::fs::read(pki.join("root.pem"))?)? {
            roots.add(certificate.der().clone())?;
        }
        let (chain, key) = identity(&pki.join("orders"))?;
        let builder = || {
            ClientConfig::builder_with_provider(Provider::default().tls())
                .with_safe_default_protocol_versions()
                .map(|builder| builder.with_root_certificates(roots.clone()))
        };
        Ok(Self {
            plain: Arc::new(builder()?.with_no_client_auth()),
            mutual: Arc::new(builder()?.with_client_auth_cert(chain, key)?),
        })
    }

    /// To a listener that asks for no certificate.
    pub(crate) fn connect(&self, port: u16) -> Result<Connection, Failure> {
        Connection::open(&self.plain, port)
    }

    /// To one that asks for a certificate.
    pub(crate) fn connect_as_orders(&self, port: u16) -> Result<Connection, Failure> {
        Connection::open(&self.mutual, port)
    }
}

/// A chain and its key, from a folder of an installation.
pub(crate) fn identity(folder: &Path) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Failure> {
    let chain = certificates_from_pem(&std::fs::read(folder.join("fullchain.pem"))?)?;
    let key = PrivateKey::from_pem(&std::fs::read(folder.join("key.pem"))?)?.into_pkcs8();
    let key = PrivatePkcs8KeyDer::from(key.expose_secret().to_vec());
    let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
    Ok((chain, PrivateKeyDer::Pkcs8(key)))
}

impl Connection {
    fn open(config: &Arc<ClientConfig>, port: u16) -> Result<Self, Failure> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut session = ClientConnection::new(Arc::clone(config), ServerName::try_from("localhost")?)?;
        // Now: a server waits for a handshake for seconds only, and a connection may be used later.
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Self {
            stream: StreamOwned::new(session, socket),
            read: Vec::with_capacity(8192),
        })
    }

    /// Sends a request whose answer is for later.
    pub(crate) fn send(&mut self, path: &str, body: &str) -> Result<(), Failure> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.write(&request)
    }

    /// Asks for a path.
    pub(crate) fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        self.write(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"))?;
        self.receive()
    }

    /// Sends a request and reads its answer.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Result<Answer, Failure> {
        self.send(path, body)?;
        self.receive()
    }

    fn write(&mut self, request: &str) -> Result<(), Failure> {
        self.stream.write_all(request.as_bytes())?;
        Ok(self.stream.flush()?)
    }

    /// Reads the answer to what was sent.
    pub(crate) fn receive(&mut self) -> Result<Answer, Failure> {
        self.read.clear();
        let mut part = [0; 8192];
        loop {
            if let Some(answer) = whole(&self.read)? {
                return Ok(answer);
            }
            let count = self.stream.read(&mut part)?;
            if count == 0 {
                return Err("the server closed the connection".into());
            }
            self.read.extend_from_slice(&part[..count]);
        }
    }
}

/// The answer, if all of it is there. Every answer that is measured here has a length or no body.
fn whole(read: &[u8]) -> Result<Option<Answer>, Failure> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&read[..end])?;
    let status = head.split(' ').nth(1).ok_or("no status line")?.parse()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    let body = &read[end + 4..];
    let length = length.map_or(Ok(0), str::parse::<usize>)?;
    Ok((body.len() >= length).then(|| Answer {
        status,
        body: body[..length].to_vec(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whole_or_not_yet() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        for cut in 0..text.len() {
            assert!(whole(&text[..cut]).unwrap().is_none(), "{cut}");
        }
        let answer = whole(text).unwrap().unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
        assert_eq!(whole(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().status, 204);
    }
}
