//! Tokens that only the holder of one certificate may use (RFC 8705 §3).

use cryptokit::jose::{AccessTokenClaims, Confirmation};
use cryptokit::x509::PeerCertificate;

use crate::audit::{ReasonKind, reasons};
use crate::domain::CertificateThumbprint;

/// What was found about a good token's binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenBinding {
    /// It is for whoever bears it.
    None,
    /// It is for the holder of the certificate that its bearer presented.
    ClientCertificate,
}

impl TokenBinding {
    /// A stable name for answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientCertificate => "x5t#S256",
        }
    }
}

/// Binds a token to what its client proved to be.
pub(super) fn confirmation_of(peer: &PeerCertificate) -> Confirmation {
    Confirmation {
        x5t_s256: CertificateThumbprint::of(peer.certificate()).to_string(),
    }
}

/// Compares a token's binding with the certificate that its bearer presented to the service that asks. A bound token
/// without such a certificate is refused: the service may not know what a binding is.
pub(super) fn check(
    claims: &AccessTokenClaims,
    presented: Option<CertificateThumbprint>,
    required: bool,
) -> Result<TokenBinding, &'static ReasonKind> {
    match (&claims.cnf, presented) {
        (None, _) if required => Err(reasons::token::NOT_BOUND),
        (None, _) => Ok(TokenBinding::None),
        (Some(_), None) => Err(reasons::token::BINDING_NOT_SHOWN),
        // Both are public: whoever sees a handshake sees the certificate.
        (Some(bound), Some(presented)) if bound.x5t_s256 == presented.to_string() => {
            Ok(TokenBinding::ClientCertificate)
        }
        (Some(_), Some(_)) => Err(reasons::token::BINDING_MISMATCH),
    }
}
