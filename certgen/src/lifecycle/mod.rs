//! What happens to certificates after they were made, with three words for three things: `renew` makes a new
//! certificate for the same key, `rekey` one for a new key, and `revoke` tells the peers to accept one no longer.
//!
//! ```
//! use certgen::home::Home;
//! use certgen::init::{InitRequest, LeafSpec, init};
//! use certgen::lifecycle::AuthorityKeys;
//! use certgen::lifecycle::renew::{NewKey, Which, renew};
//! use cryptokit::x509::{LeafProfile, RevocationReason};
//!
//! # let parent = tempfile::tempdir()?;
//! # let pki = parent.path().join("pki");
//! let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! let mut request = InitRequest::new(&pki);
//! request.leaves.push(LeafSpec::parse(LeafProfile::Client, "worker")?);
//! init(&request, now)?;
//!
//! // A new key for everybody, and what they had before is revoked in the same moment.
//! let key = NewKey::Made {
//!     kind: None,
//!     passphrase: None,
//!     revoke_old: Some(RevocationReason::Superseded),
//! };
//! let mut keys = AuthorityKeys::default();
//! let mut home = Home::open(&pki)?;
//! let done = renew(&mut home, &Which::All, key, |home, name| keys.load(home, name), now)?;
//! assert_eq!(done.renewed[0].service, "worker");
//! assert_eq!(done.revoked.len(), 1);
//! assert!(pki.join("crl.pem").is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod keys;
pub mod list;
pub mod renew;
pub mod revoke;
pub mod sign;
pub mod target;

pub use error::LifecycleError;
pub use keys::AuthorityKeys;
