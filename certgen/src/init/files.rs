//! What goes into which file of a new home.

use std::path::{Path, PathBuf};
use std::thread;

use cryptokit::secret::SecretString;
use cryptokit::x509::{
    CertificateAuthority, CertificateKey, IssuedCertificate, certificate_to_pem, certificates_to_pem,
};
use time::{Duration, OffsetDateTime};

use super::{AuthorityFiles, InitReport, LeafFiles, LeafSpec};
use crate::home::{AuthorityKind, AuthorityRecord, Event, IssuedRecord, file_of, layout};
use crate::init_error::InitError;
use crate::leaf::key_pem;
use crate::output::{Flush, NewDirectory};
use crate::spiffe_bundle;

/// Writes the files of a new home.
pub(super) struct Writer<'a> {
    directory: NewDirectory,
    root: &'a CertificateAuthority,
    root_pem: String,
    chain: Option<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn begin(directory: &Path, root: &'a CertificateAuthority, services: usize) -> Result<Self, InitError> {
        let flush = Flush::of(services * layout::SERVICE_FILES.len());
        Ok(Self {
            directory: NewDirectory::begin(directory, flush)?,
            root,
            root_pem: certificate_to_pem(root.certificate().der()),
            chain: None,
        })
    }

    pub(super) fn target(&self) -> &Path {
        self.directory.target()
    }

    /// Certificates and keys of the authorities. The keys are encrypted side by side: one takes 0.06 s.
    pub(super) fn authorities(
        &mut self,
        authorities: [(&str, &CertificateAuthority); 2],
        passphrase: Option<&SecretString>,
    ) -> Result<[AuthorityFiles; 2], InitError> {
        let [(_, first), (_, second)] = authorities;
        let pem = |authority: &CertificateAuthority| key_pem(authority.key(), passphrase);
        let (first, second) = match passphrase {
            None => (pem(first), pem(second)),
            Some(_) => thread::scope(|scope| {
                let first = scope.spawn(|| pem(first));
                let second = pem(second);
                (first.join().expect("encrypting does not panic"), second)
            }),
        };
        let (first, second) = (
            first.map_err(InitError::KeyFormat)?,
            second.map_err(InitError::KeyFormat)?,
        );
        let [(root, root_authority), (intermediate, authority)] = authorities;
        Ok([
            self.authority(root, root_authority, first, passphrase.is_some())?,
            self.authority(intermediate, authority, second, passphrase.is_some())?,
        ])
    }

    fn authority(
        &mut self,
        name: &str,
        authority: &CertificateAuthority,
        key: SecretString,
        key_is_encrypted: bool,
    ) -> Result<AuthorityFiles, InitError> {
        let certificate = authority.certificate();
        let pem = certificate_to_pem(certificate.der());
        Ok(AuthorityFiles {
            certificate_file: self.directory.certificate(&layout::certificate_of(name), &pem)?,
            key_file: self.directory.key(&layout::key_of(name), &key)?,
            key_is_encrypted,
            certificate: certificate.clone(),
        })
    }

    /// The directory of a service.
    pub(super) fn leaf(
        &mut self,
        spec: &LeafSpec,
        issued: &IssuedCertificate,
        key: &CertificateKey,
    ) -> Result<LeafFiles, InitError> {
        let name = spec.name();
        self.directory.directory(name)?;
        let certificate = issued.certificate();
        let pem = certificate_to_pem(certificate.der());
        let key = key_pem(key, None).map_err(InitError::KeyFormat)?;
        // The same for all of them.
        let chain = self
            .chain
            .get_or_insert_with(|| certificates_to_pem(issued.chain().into_iter().skip(1)));
        let fullchain = format!("{pem}{chain}");
        let write = |file, pem: &str| self.directory.certificate(&file_of(name, file), pem);
        Ok(LeafFiles {
            name: name.to_owned(),
            profile: spec.profile(),
            certificate_file: write(layout::CERTIFICATE, &pem)?,
            chain_file: write(layout::CHAIN, chain)?,
            fullchain_file: write(layout::FULLCHAIN, &fullchain)?,
            key_file: self.directory.key(&file_of(name, layout::KEY), &key)?,
            ca_file: write(layout::CA, &self.root_pem)?,
            certificate: certificate.clone(),
        })
    }

    /// The trust bundle of the root.
    pub(super) fn spiffe_bundle(&self, now: OffsetDateTime) -> Result<PathBuf, InitError> {
        let roots = [self.root.certificate().clone()];
        let bundle = spiffe_bundle::bundle(&roots, now).map_err(InitError::KeyFormat)?;
        self.directory.certificate(layout::SPIFFE_BUNDLE, &bundle)
    }

    /// The first lines of the inventory, and the lock.
    pub(super) fn inventory(
        &self,
        report: &InitReport,
        lifetime: Duration,
        now: OffsetDateTime,
    ) -> Result<(), InitError> {
        let authorities = [
            (layout::ROOT, AuthorityKind::Root, &report.root),
            (layout::INTERMEDIATE, AuthorityKind::Issuing, &report.intermediate),
        ];
        let authorities = authorities
            .map(|(name, kind, files)| Event::Authority(AuthorityRecord::of(&files.certificate, name, kind, now)));
        let issued = report.leaves.iter().map(|leaf| {
            let (service, profile) = (Some(leaf.name.as_str()), leaf.profile.name());
            Event::Issued(IssuedRecord {
                // Asked for, though the authority's end may have cut it.
                lifetime_seconds: lifetime.whole_seconds(),
                ..IssuedRecord::of(&leaf.certificate, layout::INTERMEDIATE, service, profile, now)
            })
        });
        let lines: String = authorities
            .into_iter()
            .chain(issued)
            .map(|event| event.to_line())
            .collect();
        self.directory.private(layout::INVENTORY, lines.as_bytes())?;
        self.directory.private(layout::LOCK, b"")?;
        Ok(())
    }

    pub(super) fn commit(self) -> Result<(), InitError> {
        self.directory.commit()
    }
}
