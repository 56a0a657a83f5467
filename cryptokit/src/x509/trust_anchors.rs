//! Whom to trust: certificates of authorities, given by the operator.

use rustls_pki_types::TrustAnchor;

use super::certificate::Certificate;
use super::pem::{PemError, certificates_from_pem};

/// A non-empty set of certificates of authorities that chains may end at.
#[derive(Clone)]
pub struct TrustAnchors {
    certificates: Vec<Certificate>,
    anchors: Vec<TrustAnchor<'static>>,
}

impl TrustAnchors {
    /// Reads PEM text of one or more CA certificates and nothing else.
    ///
    /// # Errors
    ///
    /// [`TrustAnchorError::Pem`] when the text is not that; otherwise as [`Self::from_certificates`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, TrustAnchorError> {
        Self::from_certificates(certificates_from_pem(pem)?)
    }

    /// Takes certificates of authorities.
    ///
    /// # Errors
    ///
    /// [`TrustAnchorError::Empty`] without any; [`TrustAnchorError::NotAnAuthority`] when one is no CA, since
    /// trusting a leaf as if it were one means that a file was mixed up.
    pub fn from_certificates(certificates: Vec<Certificate>) -> Result<Self, TrustAnchorError> {
        if certificates.is_empty() {
            return Err(TrustAnchorError::Empty);
        }
        let anchors = certificates.iter().map(anchor).collect::<Result<_, _>>()?;
        Ok(Self { certificates, anchors })
    }

    /// The certificates, in the order given.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The anchor that was made from a certificate of this set.
    pub(super) fn anchor_of(&self, certificate: &Certificate) -> Option<&TrustAnchor<'static>> {
        let position = self
            .certificates
            .iter()
            .position(|candidate| candidate == certificate)?;
        self.anchors.get(position)
    }
}

impl std::fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TrustAnchors").field(&self.certificates).finish()
    }
}

/// Why certificates cannot be trust anchors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustAnchorError {
    /// Not PEM certificates.
    #[error("the trusted certificates are not readable")]
    Pem(#[from] PemError),
    /// None.
    #[error("there is no trusted certificate")]
    Empty,
    /// A certificate without cA, or whose key may not sign certificates.
    #[error("\"{subject}\" is not the certificate of an authority")]
    NotAnAuthority {
        /// Its subject.
        subject: String,
    },
}

fn anchor(certificate: &Certificate) -> Result<TrustAnchor<'static>, TrustAnchorError> {
    let refuse = || TrustAnchorError::NotAnAuthority {
        subject: certificate.subject_text().to_owned(),
    };
    let may_sign = certificate.key_usage().is_none_or(|usage| usage.key_cert_sign());
    if !certificate.is_ca() || !may_sign {
        return Err(refuse());
    }
    webpki::anchor_from_trusted_cert(certificate.der())
        .map(|anchor| anchor.to_owned())
        .map_err(|_| refuse())
}
