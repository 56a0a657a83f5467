//! What commands that work in an authority's directory have in common.

use std::io::Write as _;

use cryptokit::secret::SecretString;
use cryptokit::x509::CertificateAuthority;

use crate::cli::{HomeArguments, PassphraseArguments};
use crate::explain::Failure;
use crate::home::{Home, HomeError, HomeView, Patience};
use crate::passphrase;

/// Opens the home for changes. Says so on standard error when it has to wait for another certgen.
pub(super) fn open(arguments: &HomeArguments) -> Result<Home, Failure> {
    let directory = arguments.directory();
    let mut tell = || {
        let directory = directory.display();
        // Standard error may be closed; that is no reason to stop.
        let _ = writeln!(
            std::io::stderr(),
            "waiting for another certgen to end its work in `{directory}`"
        );
    };
    let patience = Patience {
        on_wait: Some(&mut tell),
        ..Patience::default()
    };
    Ok(Home::open_with(&directory, patience)?)
}

/// The passphrase of the authority's keys, read when the first key needs it, and once.
pub(super) struct AuthorityPassphrase<'a> {
    arguments: &'a PassphraseArguments,
    read: Option<SecretString>,
}

impl<'a> AuthorityPassphrase<'a> {
    pub(super) fn new(arguments: &'a PassphraseArguments) -> Self {
        Self { arguments, read: None }
    }

    /// What a new key of an authority is encrypted with: the passphrase that an existing key needed, or the one whose
    /// source was named; without either nothing.
    pub(super) fn for_new_key(&mut self) -> Result<Option<&SecretString>, Failure> {
        if self.read.is_none()
            && let Some(source) = self.arguments.source()
        {
            self.read = Some(passphrase::new(passphrase::AUTHORITY, Some(&source))?);
        }
        Ok(self.read.as_ref())
    }

    /// An authority with its key. Where the key is encrypted and nobody said where its passphrase is, it is asked for.
    pub(super) fn authority(&mut self, home: &HomeView, name: &str) -> Result<CertificateAuthority, Failure> {
        match home.authority(name, self.read.as_ref()) {
            Err(HomeError::PassphraseNeeded { .. }) => {
                let source = self.arguments.source();
                let read = self
                    .read
                    .insert(passphrase::existing(passphrase::AUTHORITY, source.as_ref())?);
                Ok(home.authority(name, Some(read))?)
            }
            loaded => Ok(loaded?),
        }
    }
}
