//! Whose certificates the internal listener accepts: the CAs that issue them, and the lists of what those revoked.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use authsvc_core::audit::{ReasonKind, reasons};
use cryptokit::Provider;
use cryptokit::x509::{
    Certificate, CertificateDer, ChainError, ChainPolicy, PeerCertificate, RevocationList, RevocationListError,
    RevocationPolicy, TrustAnchors, verify_chain,
};
use rustls::RootCertStore;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use time::OffsetDateTime;

use super::tls::{TlsError, client_anchors, read, rustls_error};
use crate::config::InternalListener;

/// The CAs and their lists, read together: a list says nothing about another set of CAs.
pub struct ClientTrust {
    anchors: TrustAnchors,
    /// `None` when no file of lists is configured; then nothing is ever revoked.
    lists: Option<Vec<RevocationList>>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl ClientTrust {
    /// Reads the files of a listener.
    ///
    /// # Errors
    ///
    /// [`TlsError::Read`], [`TlsError::ClientCa`], [`TlsError::RevocationList`] and [`TlsError::Rustls`].
    pub fn load(listener: &InternalListener) -> Result<Self, TlsError> {
        let anchors = client_anchors(&listener.client_ca_file)?;
        let lists = match listener.client_crl_files.as_slice() {
            [] => None,
            files => {
                let mut lists = Vec::new();
                for file in files {
                    lists.extend(read_lists(file)?);
                }
                Some(lists)
            }
        };
        let verifier = verifier(&anchors, lists.as_deref().unwrap_or_default(), listener)?;
        Ok(Self {
            anchors,
            lists,
            verifier,
        })
    }

    /// For the handshake. It asks the same as [`Self::verify`], of another implementation.
    pub(super) fn handshake_verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
    }

    /// Who the owner of a chain is, by the CA that issued it along a path that holds now.
    ///
    /// With lists, every certificate of the path has to be on none of them, and every issuer's has to be there and
    /// current.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        now: OffsetDateTime,
    ) -> Result<PeerCertificate, &'static ReasonKind> {
        let mut policy = ChainPolicy::client();
        if let Some(lists) = &self.lists {
            policy = policy.with_revocation(RevocationPolicy::strict(lists));
        }
        let verified = verify_chain(chain, &self.anchors, &policy, now).map_err(|error| refusal(&error))?;
        if verified.path().last().is_some_and(|anchor| self.is_listed(anchor)) {
            return Err(reasons::caller::CERTIFICATE_REVOKED);
        }
        Ok(verified.peer())
    }

    /// Whether a CA that is trusted here was revoked by the one above it. That one's certificate is not known here, so
    /// the list is taken at its word: it is the operator's file, and it can only take trust away.
    fn is_listed(&self, anchor: &Certificate) -> bool {
        self.lists.iter().flatten().any(|list| {
            let same_key = match (list.authority_key_identifier(), anchor.authority_key_identifier()) {
                (Some(list), Some(anchor)) => list == anchor,
                _ => true,
            };
            list.issuer_der() == anchor.issuer_der() && same_key && list.find(anchor.serial()).is_some()
        })
    }

    /// When the first list ends that a trusted CA made: from then on, that CA's clients are refused.
    pub fn lists_end(&self) -> Option<OffsetDateTime> {
        let lists = self.lists.as_deref()?;
        let of_anchors = self.anchors.certificates().iter().filter_map(|anchor| {
            let own = lists.iter().filter(|list| list.issuer_der() == anchor.subject_der());
            own.filter_map(RevocationList::next_update).max()
        });
        of_anchors.min()
    }

    /// Whether these are the CAs and lists of `other`, to the byte.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let anchors = |trust: &Self| -> Vec<[u8; 32]> {
            let certificates = trust.anchors.certificates().iter();
            certificates.map(Certificate::sha256).collect()
        };
        let lists = |trust: &Self| -> Option<Vec<Vec<u8>>> {
            let lists = trust.lists.as_ref()?;
            Some(lists.iter().map(|list| list.der().to_vec()).collect())
        };
        anchors(self) == anchors(other) && lists(self) == lists(other)
    }

    /// Refuses what would quietly undo a revocation, or let nobody in, when it takes the place of `current`: lists that
    /// have ended while the current ones have not, and lists with a smaller number than the same CA's before (RFC 5280
    /// §5.2.3: numbers grow).
    ///
    /// # Errors
    ///
    /// [`TlsError::OldRevocationList`].
    pub fn check_succeeds(&self, current: &Self, now: OffsetDateTime) -> Result<(), TlsError> {
        let refused = |what: &'static str| Err(TlsError::OldRevocationList { what });
        let ended = |trust: &Self| trust.lists_end().is_some_and(|end| end < now);
        if ended(self) && !ended(current) {
            return refused("has ended");
        }
        for old in current.lists.iter().flatten() {
            let same_issuer = |list: &&RevocationList| {
                list.issuer_der() == old.issuer_der()
                    && list.authority_key_identifier() == old.authority_key_identifier()
            };
            let successors: Vec<_> = self.lists.iter().flatten().filter(same_issuer).collect();
            let newest = successors.iter().filter_map(|list| list.number()).max();
            if !successors.is_empty() && newest < old.number() {
                return refused("has a smaller number than the one in use");
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ClientTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTrust")
            .field("anchors", &self.anchors.certificates().len())
            .field("lists", &self.lists.as_ref().map(Vec::len))
            .finish()
    }
}

/// One DER list, or PEM text of one or more.
fn read_lists(file: &Path) -> Result<Vec<RevocationList>, TlsError> {
    let failed = |source| TlsError::RevocationList {
        path: file.display().to_string(),
        source,
    };
    let bytes = read(file)?;
    // A DER list begins with the tag of a SEQUENCE, which is "0" in text; PEM lists begin with dashes.
    if bytes.first() == Some(&0x30) {
        return Ok(vec![RevocationList::from_der(&bytes).map_err(failed)?]);
    }
    RevocationList::several_from_pem(&bytes).map_err(failed)
}

fn verifier(
    anchors: &TrustAnchors,
    lists: &[RevocationList],
    listener: &InternalListener,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let failed = |source| rustls_error(&listener.client_ca_file, source);
    // webpki takes the first list whose issuer has the right name. So those of the trusted CAs' own keys go before those
    // of others of the same name, and newer ones before older ones.
    let is_of_anchor = |list: &RevocationList| {
        anchors.certificates().iter().any(|anchor| {
            let same_key = list.authority_key_identifier() == anchor.subject_key_identifier();
            list.issuer_der() == anchor.subject_der() && same_key
        })
    };
    let mut lists: Vec<&RevocationList> = lists.iter().collect();
    lists.sort_by_key(|list| std::cmp::Reverse((is_of_anchor(list), list.number())));
    let mut roots = RootCertStore::empty();
    for certificate in anchors.certificates() {
        roots.add(certificate.der().clone()).map_err(failed)?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Provider::default().tls())
        .with_crls(
            lists
                .iter()
                .map(|list| CertificateRevocationListDer::from(list.der().to_vec())),
        )
        // The whole chain, and unknown is refused: both are what rustls does unless told otherwise.
        .enforce_revocation_expiration()
        .build()
        .map_err(|error| failed(rustls::Error::General(error.to_string())))
}

fn refusal(error: &ChainError) -> &'static ReasonKind {
    match error {
        ChainError::Expired { .. } => reasons::caller::CERTIFICATE_EXPIRED,
        ChainError::NotYetValid { .. } => reasons::caller::CERTIFICATE_NOT_YET_VALID,
        ChainError::UnknownIssuer => reasons::caller::CERTIFICATE_UNKNOWN_ISSUER,
        ChainError::ExtendedKeyUsage { .. } => reasons::caller::CERTIFICATE_PURPOSE,
        ChainError::Revoked { .. } => reasons::caller::CERTIFICATE_REVOKED,
        ChainError::UnknownRevocationStatus => reasons::caller::REVOCATION_UNKNOWN,
        ChainError::RevocationList(RevocationListError::Expired { .. }) => reasons::caller::REVOCATION_LIST_EXPIRED,
        ChainError::RevocationList(_) => reasons::caller::REVOCATION_UNKNOWN,
        _ => reasons::caller::CERTIFICATE,
    }
}
