//! From a verified client certificate to the registered service it belongs to.

use std::sync::Arc;

use cryptokit::x509::PeerCertificate;

use super::{AuthService, ErrorCode, Failure};
use crate::audit::{Reason, ReasonKind, reasons};
use crate::domain::{AudienceName, ScopeName, SealedRow, Service, ServiceIdentity, ServiceName};

/// Most names a certificate may have. More than any honest one has; bounds the work a certificate can cause.
const MAX_NAMES: usize = 16;

/// Proof that the caller is a registered service. Only [`AuthService`] makes one.
#[derive(Clone, Debug)]
pub struct AuthorizedCaller {
    service: Arc<Service>,
    identity: ServiceIdentity,
}

impl AuthorizedCaller {
    /// The service's name.
    pub fn name(&self) -> &ServiceName {
        &self.service.name
    }

    /// What its certificate proved, of all the identities it may have.
    pub fn identity(&self) -> &ServiceIdentity {
        &self.identity
    }

    /// Whether an identity is one of those that the service is registered with.
    pub fn has_identity(&self, identity: &ServiceIdentity) -> bool {
        self.service.identities.contains(identity)
    }

    /// Whether the service may administer this installation.
    pub fn is_administrator(&self) -> bool {
        self.service.admin
    }

    /// The audiences about whose tokens it may ask.
    pub fn audiences(&self) -> &[AudienceName] {
        &self.service.audiences
    }

    /// The scopes it is told of.
    pub fn scopes(&self) -> &[ScopeName] {
        &self.service.scopes
    }
}

/// Proof that the caller is a registered service that may administer. Only [`AuthService::authorize_admin`] makes one.
#[derive(Clone, Debug)]
pub struct Administrator(AuthorizedCaller);

impl Administrator {
    /// The service that administers.
    pub fn caller(&self) -> &AuthorizedCaller {
        &self.0
    }
}

impl AuthService {
    /// Finds the one service that is registered for a name of this certificate, from this issuer.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::CallerNotAllowed`] when there is none, or more than one; [`ErrorCode::Unavailable`].
    pub async fn authorize_caller(&self, peer: &PeerCertificate) -> Result<AuthorizedCaller, Failure> {
        if peer.subject_alternative_names().len() > MAX_NAMES {
            // Looking at the first ones only would overlook a second match behind them.
            return Err(not_allowed(peer, reasons::caller::AMBIGUOUS));
        }
        let mut found: Option<AuthorizedCaller> = None;
        for identity in ServiceIdentity::all_of(peer) {
            if let Some(service) = self.store.service_by_identity(&identity).await? {
                if found.is_some() {
                    return Err(not_allowed(peer, reasons::caller::AMBIGUOUS));
                }
                if let Err(fault) = self.keys.unseal(|keys| service.check_seal(keys)).await {
                    let mut failure = not_allowed(peer, reasons::caller::ALTERED_REGISTRATION);
                    failure.reason = Reason::new(reasons::caller::ALTERED_REGISTRATION, fault.to_string());
                    return Err(failure.with_service(&service.name));
                }
                found = Some(AuthorizedCaller {
                    service: Arc::new(service),
                    identity,
                });
            }
        }
        found.ok_or_else(|| not_allowed(peer, reasons::caller::UNREGISTERED))
    }

    /// As [`Self::authorize_caller`], by what the database said of this certificate a moment ago: what a registration may
    /// ask can be [`TokenPolicy::state_age`](super::TokenPolicy::state_age) behind. Not for those who administer.
    ///
    /// # Errors
    ///
    /// Those of [`Self::authorize_caller`].
    pub async fn authorize_recent_caller(&self, peer: &PeerCertificate) -> Result<AuthorizedCaller, Failure> {
        let certificate = (peer.issuer_spki_sha256(), peer.certificate().sha256());
        if let Some(caller) = self.recent_callers.get(&certificate, self.clock.as_ref()) {
            return Ok(caller);
        }
        let asked = self.clock.uptime();
        let caller = self.authorize_caller(peer).await?;
        self.recent_callers.put(certificate, caller.clone(), asked);
        Ok(caller)
    }

    /// As [`Self::authorize_caller`], and the service may administer.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::CallerNotAllowed`] for every other service as well.
    pub async fn authorize_admin(&self, peer: &PeerCertificate) -> Result<Administrator, Failure> {
        let caller = self.authorize_caller(peer).await?;
        if !caller.service.admin {
            return Err(not_allowed(peer, reasons::caller::NOT_AN_ADMINISTRATOR).with_service(caller.name()));
        }
        Ok(Administrator(caller))
    }
}

fn not_allowed(peer: &PeerCertificate, reason: &'static ReasonKind) -> Failure {
    let mut failure = Failure::new(ErrorCode::CallerNotAllowed, reason);
    failure.who.caller = ServiceIdentity::all_of(peer).next();
    failure
}
