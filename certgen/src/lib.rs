//! Makes a private certificate authority and the certificates of the services that trust it.
//!
//! One call, or one command, gives a root, an issuing intermediate and a directory per service that can be mounted
//! as it is. The command:
//!
//! ```console
//! $ certgen init demo --service api=api.internal,10.0.0.5 --service worker
//! ```
//!
//! The library, for programs that make their own, such as a service's development mode:
//!
//! ```
//! use certgen::init::{InitRequest, LeafSpec, init};
//! use cryptokit::x509::LeafProfile;
//!
//! # let parent = tempfile::tempdir()?;
//! let mut request = InitRequest::new(parent.path().join("pki"));
//! request.leaves.push(LeafSpec::parse(LeafProfile::Server, "localhost=localhost,127.0.0.1,::1")?);
//! let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! let report = init(&request, now)?;
//! assert!(report.leaves[0].fullchain_file.is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What certificates contain is decided in [`cryptokit::x509`]; this crate names files and writes them. It reads no
//! clock but in `main`.
//!
//! # Features
//!
//! `aws-lc` (default) and `ring` choose the cryptographic backend of `cryptokit`.

pub mod apply;
pub mod bundle;
pub mod cli;
pub mod commands;
pub mod csr;
mod der;
pub mod documents;
pub mod duration;
mod explain;
pub mod handshake;
pub mod home;
pub mod init;
mod init_error;
pub mod input;
pub mod inspect;
pub mod intermediate;
pub mod key_file;
pub mod key_generation;
pub mod leaf;
pub mod lifecycle;
pub mod lifetime;
pub mod lint;
pub mod name_limits;
mod new_file;
mod output;
pub mod passphrase;
pub mod printable;
pub mod renewal_point;
pub mod rotation;
pub mod spiffe_bundle;
mod text;
pub mod tree;
pub mod trust;
pub mod verify;

pub use explain::{Explain, FAILED, Failure};
pub use init_error::InitError;
pub use new_file::NewFileError;
