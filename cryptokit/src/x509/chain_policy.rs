//! What is asked of a chain: for which purpose, under which name, and what must be known about revocation.

use super::chain_error::ChainError;
use super::revocation_list::RevocationList;
use super::subject_alternative_name::SubjectAlternativeName;

/// What is asked of a chain.
#[derive(Clone, Debug)]
pub struct ChainPolicy<'a> {
    pub(super) purpose: Purpose,
    pub(super) names: Vec<SubjectAlternativeName>,
    pub(super) revocation: Option<RevocationPolicy<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Client,
    Server,
    /// Both at once.
    Peer,
    Any,
}

impl Purpose {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Peer => "peer",
            Self::Any => "any",
        }
    }
}

impl<'a> ChainPolicy<'a> {
    /// The leaf and all above it are for client authentication; which names are welcome is for the caller to decide.
    pub const fn client() -> Self {
        Self {
            purpose: Purpose::Client,
            names: Vec::new(),
            revocation: None,
        }
    }

    /// The leaf and all above it are for server authentication. A client goes on to [`Self::with_name`].
    pub const fn server() -> Self {
        Self {
            purpose: Purpose::Server,
            names: Vec::new(),
            revocation: None,
        }
    }

    /// The leaf and all above it are for both: what is issued to a peer is verified once and not twice.
    pub(super) const fn peer() -> Self {
        Self {
            purpose: Purpose::Peer,
            names: Vec::new(),
            revocation: None,
        }
    }

    /// No extended key usage is asked for, and of the leaf's key usage only that it signs no certificates: for looking
    /// at a chain, not for deciding on a TLS peer.
    pub const fn any_purpose() -> Self {
        Self {
            purpose: Purpose::Any,
            names: Vec::new(),
            revocation: None,
        }
    }

    /// The leaf is for this name, and for every other one asked for before: a DNS name or an address as in TLS (RFC 9525 §6), a URI or an e-mail address exactly.
    ///
    /// # Errors
    ///
    /// [`ChainError::NameKind`] for a wildcard: nobody is reached under one.
    pub fn with_name(mut self, name: SubjectAlternativeName) -> Result<Self, ChainError> {
        if matches!(&name, SubjectAlternativeName::Dns(name) if name.is_wildcard()) {
            return Err(ChainError::NameKind);
        }
        self.names.push(name);
        Ok(self)
    }

    /// Certificates are looked up in revocation lists.
    #[must_use]
    pub fn with_revocation(self, revocation: RevocationPolicy<'a>) -> Self {
        Self {
            revocation: Some(revocation),
            ..self
        }
    }
}

/// Which revocation lists are looked at, for which certificates, and what follows when none speaks of one.
///
/// The lists may come from anywhere and in any number: those of other authorities are passed over. A list of the
/// right authority that is expired, badly signed or not understood refuses the chain, unless another one of that
/// authority is good. So do more lists than signatures are verified for one chain, at most 100.
#[derive(Clone, Debug)]
pub struct RevocationPolicy<'a> {
    pub(super) lists: &'a [RevocationList],
    pub(super) depth: RevocationDepth,
    pub(super) unknown: UnknownStatus,
}

impl<'a> RevocationPolicy<'a> {
    /// Every certificate of the chain but the trust anchor, and unknown is refused.
    pub const fn strict(lists: &'a [RevocationList]) -> Self {
        Self::new(lists, RevocationDepth::WholeChain, UnknownStatus::Refuse)
    }

    /// Chooses both.
    pub const fn new(lists: &'a [RevocationList], depth: RevocationDepth, unknown: UnknownStatus) -> Self {
        Self { lists, depth, unknown }
    }
}

/// Which certificates are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationDepth {
    /// The leaf.
    Leaf,
    /// The leaf and the intermediates.
    WholeChain,
}

/// What follows when no list of a certificate's issuer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownStatus {
    /// The chain is refused.
    Refuse,
    /// The certificate counts as not revoked.
    Accept,
}
