//! Records from certificates.

use cryptokit::x509::{Certificate, PublicKey};
use time::OffsetDateTime;

use super::event::{AuthorityKind, AuthorityRecord, IssuedRecord};
use crate::text::hex;

impl AuthorityRecord {
    /// The record of an authority's certificate that was just made, at `now`, and goes by `name`.
    pub fn of(certificate: &Certificate, name: &str, kind: AuthorityKind, now: OffsetDateTime) -> Self {
        let key_id = certificate.subject_key_identifier().map(hex).unwrap_or_default();
        let issuer_key_id = match kind {
            AuthorityKind::Root => key_id.clone(),
            AuthorityKind::Issuing | AuthorityKind::Cross => issuer_key_id(certificate),
        };
        Self {
            time: whole_seconds(now),
            name: name.to_owned(),
            kind,
            issuer_key_id,
            serial: hex(certificate.serial()),
            subject: certificate.subject_text().to_owned(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            key_id,
            sha256: hex(&certificate.sha256()),
            spki_sha256: hex(&certificate.spki_sha256()),
            key: key_text(certificate),
        }
    }
}

impl IssuedRecord {
    /// The record of a certificate that the authority `issuer` just made at `now`, for a service or to be given away.
    /// The lifetime that was asked for is taken to be the one it got, and it takes no other's place: set
    /// `lifetime_seconds` and `replaces` where that is not so.
    pub fn of(
        certificate: &Certificate,
        issuer: &str,
        service: Option<&str>,
        profile: &str,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            time: whole_seconds(now),
            serial: hex(certificate.serial()),
            issuer: issuer.to_owned(),
            issuer_key_id: issuer_key_id(certificate),
            service: service.map(str::to_owned),
            profile: profile.to_owned(),
            subject: certificate.subject_text().to_owned(),
            names: certificate
                .subject_alternative_names()
                .iter()
                .map(ToString::to_string)
                .collect(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            sha256: hex(&certificate.sha256()),
            spki_sha256: hex(&certificate.spki_sha256()),
            key: key_text(certificate),
            lifetime_seconds: (certificate.not_after() - whole_seconds(now)).whole_seconds(),
            replaces: None,
        }
    }
}

fn issuer_key_id(certificate: &Certificate) -> String {
    certificate.authority_key_identifier().map(hex).unwrap_or_default()
}

fn key_text(certificate: &Certificate) -> String {
    PublicKey::from_spki_der(certificate.spki_der()).map_or_else(|_| String::new(), |key| key.algorithm().to_string())
}

/// Certificates know no fractions, and neither does the inventory.
fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}
