//! Settings of the listeners.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::reader::Reader;

/// Address and identity of a TLS listener.
#[derive(Clone, Debug)]
pub struct PublicListener {
    /// Address and port.
    pub address: SocketAddr,
    /// Chain, leaf first, PEM.
    pub certificate_file: PathBuf,
    /// Its key, PKCS#8 PEM.
    pub key_file: PathBuf,
}

/// Address and identity of the mTLS listener, and whom it trusts.
#[derive(Clone, Debug)]
pub struct InternalListener {
    /// Address and port.
    pub address: SocketAddr,
    /// Chain, leaf first, PEM.
    pub certificate_file: PathBuf,
    /// Its key, PKCS#8 PEM.
    pub key_file: PathBuf,
    /// The CAs that issue client certificates, PEM.
    pub client_ca_file: PathBuf,
    /// Their revocation lists, PEM or DER. Without any, nothing is ever revoked.
    pub client_crl_files: Vec<PathBuf>,
}

pub(super) fn read(reader: &mut Reader<'_>) -> (PublicListener, InternalListener) {
    let certificate_file = reader.path("public.certificate_file");
    let key_file = reader.path("public.key_file");
    let internal = InternalListener {
        address: address(reader, "internal.address"),
        certificate_file: reader.path_or("internal.certificate_file", &certificate_file),
        key_file: reader.path_or("internal.key_file", &key_file),
        client_ca_file: reader.path("internal.client_ca_file"),
        client_crl_files: reader.paths("internal.client_crl_file"),
    };
    let public = PublicListener {
        address: address(reader, "public.address"),
        certificate_file,
        key_file,
    };
    (public, internal)
}

pub(super) fn address(reader: &mut Reader<'_>, key: &'static str) -> SocketAddr {
    // Never used where the setting cannot be read: errors are returned instead.
    let otherwise = SocketAddr::from(([127, 0, 0, 1], 0));
    reader.parsed(key, otherwise)
}
