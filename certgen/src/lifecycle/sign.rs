//! Signing requests: what is asked for beside what is granted, and a certificate only of the latter.

use std::path::Path;

use cryptokit::x509::{
    AllowedNames, Asked, Certificate, CertificateAuthority, CertificationRequest, Decision, GrantedRequest,
    IssuancePolicy, IssueError, LeafProfile, Profile, RequestReview, certificates_to_pem,
};
use time::{Duration, OffsetDateTime};

use super::error::LifecycleError;
use super::renew;
use crate::home::layout::KEY;
use crate::home::{Event, Home, HomeError, HomeView, IssuedRecord, ServiceFiles, file_of, layout};
use crate::new_file::Target;
use crate::text::hex;

/// The profile whose usages a request asks for, if it asks for any.
pub fn profile_asked(request: &CertificationRequest) -> Option<LeafProfile> {
    let asked = request.extended_key_usage()?;
    match (asked.server_auth, asked.client_auth) {
        (true, true) => Some(LeafProfile::Peer),
        (true, false) => Some(LeafProfile::Server),
        (false, true) => Some(LeafProfile::Client),
        (false, false) => None,
    }
}

/// Looks at a request. Without a list of names, whatever name it asks for may be granted: somebody has to look.
///
/// # Errors
///
/// [`LifecycleError::NoProfile`] when none is chosen and the request asks for none.
pub fn review(
    request: &CertificationRequest,
    profile: Option<LeafProfile>,
    allowed: Option<AllowedNames>,
) -> Result<(LeafProfile, RequestReview), LifecycleError> {
    let profile = profile
        .or_else(|| profile_asked(request))
        .ok_or(LifecycleError::NoProfile)?;
    let allowed = allowed.unwrap_or(AllowedNames::WhateverIsAsked);
    Ok((profile, IssuancePolicy::new(profile, allowed).review(request)))
}

/// Asked and granted, a pair for each item.
pub fn lines(review: &RequestReview) -> Vec<(String, String)> {
    let granted = |decision: &Decision| match decision {
        Decision::Granted => "granted".to_owned(),
        Decision::Replaced { by, reason } => format!("instead: {by} ({reason})"),
        Decision::Denied { reason } => format!("not granted: {reason}"),
        _ => "not granted".to_owned(),
    };
    let item = |asked: &Asked| asked.to_string();
    review
        .items()
        .iter()
        .map(|one| (item(&one.asked), granted(&one.decision)))
        .collect()
}

/// A reviewed request, and what becomes of it.
#[derive(Debug)]
pub struct SignRequest<'a> {
    /// The request.
    pub request: &'a CertificationRequest,
    /// What is granted of it.
    pub review: RequestReview,
    /// The profile that it was reviewed for.
    pub profile: LeafProfile,
    /// The name of the authority that signs.
    pub issuer: &'a str,
    /// How long the certificate is to live; `None` for the usual time.
    pub lifetime: Option<Duration>,
    /// A service of the authority's directory, which gets all files but a key.
    pub service: Option<&'a str>,
    /// A new file: the certificate, and after it the authorities up to the root, which is left out.
    pub file: Option<&'a Path>,
}

/// A certificate made for a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Signed {
    /// The certificate.
    pub certificate: Certificate,
    /// What its holder presents: the certificate and the authorities between it and the root.
    pub fullchain: String,
}

/// Makes a certificate of what a review grants.
///
/// # Errors
///
/// [`LifecycleError`]; but for [`LifecycleError::NotWritten`], nothing was changed.
pub fn sign(
    home: &mut Home,
    asked: SignRequest<'_>,
    authority: &CertificateAuthority,
    now: OffsetDateTime,
) -> Result<Signed, LifecycleError> {
    let SignRequest {
        profile,
        issuer,
        service,
        ..
    } = asked;
    home.check_issuer(issuer, now)?;
    let file = asked.file.map(Target::public).transpose()?;
    if let Some(service) = service {
        check_service(home, service, asked.request)?;
    }
    let mut granted = asked.review.grant().map_err(LifecycleError::Granted)?;
    if let Some(lifetime) = asked.lifetime {
        granted = granted.with_lifetime(lifetime);
    }
    let certificate = issue(home, authority, &granted, now).map_err(|source| LifecycleError::Issue {
        name: service.unwrap_or("the request").to_owned(),
        source,
    })?;
    let (chain, ca) = (home.chain(issuer)?, home.roots()?);
    let before = service.and_then(|service| renew::newest(home.inventory(), service));
    let lifetime = asked.lifetime.unwrap_or(Profile::Leaf(profile).lifetime());
    let record = IssuedRecord {
        lifetime_seconds: lifetime.whole_seconds(),
        replaces: before.map(|before| before.serial.clone()),
        ..IssuedRecord::of(&certificate, issuer, service, profile.name(), now)
    };
    let serial = record.serial.clone();
    let mut changes = home.begin()?;
    if let Some(service) = service {
        let files = ServiceFiles {
            certificate: &certificate,
            chain: &chain,
            ca: &ca,
            key: None,
        };
        changes.service(service, &files)?;
    }
    changes.record(Event::Issued(record));
    // Recorded first: a certificate that is somewhere and in no inventory could not be revoked.
    changes.commit()?;
    let fullchain = certificates_to_pem(std::iter::once(&certificate).chain(&chain));
    if let Some(file) = file {
        file.put(fullchain.as_bytes())
            .map_err(|source| LifecycleError::NotWritten { serial, source })?;
    }
    Ok(Signed { certificate, fullchain })
}

fn issue(
    home: &HomeView,
    authority: &CertificateAuthority,
    granted: &GrantedRequest,
    now: OffsetDateTime,
) -> Result<Certificate, IssueError> {
    loop {
        let issued = authority.issue_granted(granted, now)?;
        if !home.inventory().knows_serial(&hex(issued.certificate().serial())) {
            return Ok(issued.certificate().clone());
        }
    }
}

/// A key that lies here would be one that the new certificate does not fit.
fn check_service(home: &HomeView, service: &str, request: &CertificationRequest) -> Result<(), LifecycleError> {
    if !layout::is_name(service) || layout::is_reserved(service) {
        return Err(HomeError::Name {
            name: service.escape_debug().to_string(),
        }
        .into());
    }
    match home.read_key(&file_of(service, KEY), None) {
        Ok(key) if key.public_key().to_spki_der() == request.public_key().spki_der() => Ok(()),
        Ok(_) | Err(HomeError::PassphraseNeeded { .. }) => Err(LifecycleError::KeyHere {
            service: service.to_owned(),
        }),
        Err(HomeError::NoKey { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
