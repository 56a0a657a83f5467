//! One request over one connection.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Answer, ClientError, SecretBody};

/// A host and a port.
#[derive(Clone, Debug)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// Reads `https://host[:port]`; a slash at the end is let pass.
    ///
    /// # Errors
    ///
    /// [`ClientError::Url`].
    pub fn parse(url: &str) -> Result<Self, ClientError> {
        let wrong = || ClientError::Url { url: url.to_owned() };
        let uri: http::Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let plain = uri.scheme_str() == Some("https") && uri.query().is_none() && uri.path() == "/";
        if !plain || authority.as_str().contains('@') {
            return Err(wrong());
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        Ok(Self {
            host,
            port: authority.port_u16().unwrap_or(443),
        })
    }

    pub(super) async fn exchange(
        &self,
        tls: Arc<ClientConfig>,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<Answer, ClientError> {
        let name = ServerName::try_from(self.host.clone()).map_err(no_answer)?;
        let stream = self.connect().await.map_err(no_answer)?;
        let stream = TlsConnector::from(tls).connect(name, stream).await.map_err(no_answer)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
        let driver = tokio::spawn(connection);
        let answer = async {
            let response = sender.send_request(request).await.map_err(no_answer)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, most)
                .collect()
                .await
                .map_err(ClientError::NoAnswer)?;
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body: SecretBody(body.to_bytes().to_vec()),
            })
        }
        .await;
        driver.abort();
        answer
    }

    /// RFC 6761 §6.3: `localhost` is the loopback address whatever a resolver says, and a container without
    /// `/etc/hosts` has none to ask.
    async fn connect(&self) -> std::io::Result<TcpStream> {
        if !self.host.eq_ignore_ascii_case("localhost") {
            return TcpStream::connect((self.host.as_str(), self.port)).await;
        }
        match TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await {
            Ok(stream) => Ok(stream),
            Err(_) => TcpStream::connect((Ipv6Addr::LOCALHOST, self.port)).await,
        }
    }

    pub(super) fn build(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let host = if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        };
        let mut request = Request::builder().method(method).uri(path).header(HOST, host);
        if !body.is_empty() {
            request = request.header(CONTENT_LENGTH, body.len());
        }
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(no_answer)?;
            request = request.header(name, HeaderValue::from_str(value).map_err(no_answer)?);
        }
        request.body(Full::new(Bytes::from(body))).map_err(no_answer)
    }
}

fn no_answer(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ClientError {
    ClientError::NoAnswer(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_origins_are_endpoints() {
        let endpoint = Endpoint::parse("https://localhost:8443/").unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.port), ("localhost", 8443));
        assert_eq!(Endpoint::parse("https://a.example").unwrap().port, 443);
        assert_eq!(Endpoint::parse("https://[::1]:1").unwrap().host, "::1");
        for url in [
            "",
            "localhost",
            "http://a",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "https://",
            "//a",
        ] {
            assert!(Endpoint::parse(url).is_err(), "{url}");
        }
    }
}
