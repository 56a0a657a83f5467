//! PKCS#12 files of other programs.

use cryptokit::pkcs12::{Outline, Pkcs12, Pkcs12Error};
use cryptokit::secret::SecretString;
use cryptokit::x509::Certificate;

/// What the seeds were written with.
const PASSWORDS: [&str; 3] = ["Fußnote", "changeit", ""];

/// Iterations that are worth running for one input.
const MAX_WORK: u64 = 5_000;

/// Reads the outline of a file and, if that is cheap, opens it.
///
/// # Panics
///
/// When a file without an outline opens, when an outline is of no PKCS#12 file or depends on a password, or when a debug
/// text holds a key.
pub fn pkcs12(data: &[u8]) {
    let outline = match Outline::read(data) {
        Ok(outline) => outline,
        Err(error) => {
            assert_ne!(error, Pkcs12Error::Password, "no password was asked for");
            let opened = Pkcs12::open(data, &SecretString::new(PASSWORDS[0].into()));
            assert_eq!(opened.err(), Some(error), "what has no outline does not open");
            return;
        }
    };
    assert!(Pkcs12::is_pkcs12(data), "what has an outline starts like one");
    if outline.work() > MAX_WORK {
        return;
    }
    for password in PASSWORDS {
        let Ok(opened) = Pkcs12::open(data, &SecretString::new(password.into())) else {
            continue;
        };
        assert_eq!(opened.outline, outline, "the same with a password");
        for key in opened.keys.iter().filter_map(|entry| entry.key.as_ref().ok()) {
            assert!(format!("{key:?}").len() < 64, "a debug text holds no key");
        }
        for entry in &opened.certificates {
            let _either_way = Certificate::from_der(&entry.der);
        }
    }
}
