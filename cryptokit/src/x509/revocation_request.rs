//! Making revocation lists: what was revoked stays revoked from list to list.

use time::OffsetDateTime;

use super::authority::CertificateAuthority;
use super::encode;
use super::issue_error::IssueError;
use super::revocation_list::{
    CrlNumber, RevocationList, RevocationListError, RevocationReason, RevokedCertificate, serial_text,
};
use super::validity::whole_seconds;

/// What to put into a revocation list.
///
/// A list that follows another begins with the other's entries; one leaves only through [`Self::remove`], which wants
/// a reason that the standard knows.
///
/// ```
/// # use cryptokit::x509::{CertificateAuthority, DistinguishedName, RevocationListRequest, RevocationReason, RevokedCertificate};
/// # let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
/// # let root = CertificateAuthority::new_root(&DistinguishedName::new("Example root CA")?, now)?;
/// # let authority = root.issue_intermediate(&DistinguishedName::new("Example issuing CA")?, now)?;
/// # let serial = vec![0x55; 20];
/// let week = time::Duration::days(7);
/// let first = authority.issue_revocation_list(&RevocationListRequest::first(now, now + week))?;
///
/// let mut request = RevocationListRequest::after(&first, now, now + week)?;
/// request.revoke(RevokedCertificate {
///     serial,
///     revocation_date: now,
///     reason: RevocationReason::KeyCompromise,
///     invalidity_date: None,
/// })?;
/// let second = authority.issue_revocation_list(&request)?;
/// assert!(second.number() > first.number());
/// assert_eq!(second.revoked().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RevocationListRequest {
    number: CrlNumber,
    this_update: OffsetDateTime,
    next_update: OffsetDateTime,
    entries: Vec<RevokedCertificate>,
    previous: Option<RevocationList>,
}

impl RevocationListRequest {
    /// The first list of an authority: number 1, nothing revoked. Valid from `this_update` to `next_update`.
    pub fn first(this_update: OffsetDateTime, next_update: OffsetDateTime) -> Self {
        Self {
            number: CrlNumber::from(1),
            this_update: whole_seconds(this_update),
            next_update: whole_seconds(next_update),
            entries: Vec::new(),
            previous: None,
        }
    }

    /// The list after `previous`: the next number, everything that was revoked. That `previous` is the authority's own
    /// is verified when the list is made.
    ///
    /// # Errors
    ///
    /// [`RevocationListError::Number`] when `previous` has none or the last one; [`RevocationListError::Unsupported`]
    /// when it does not speak of all certificates, or has something that is not understood and would be lost.
    pub fn after(
        previous: &RevocationList,
        this_update: OffsetDateTime,
        next_update: OffsetDateTime,
    ) -> Result<Self, RevocationListError> {
        if let Some(feature) = previous.unsupported_feature() {
            return Err(RevocationListError::Unsupported { feature });
        }
        if previous.scope() != super::RevocationScope::Everything {
            return Err(RevocationListError::Unsupported {
                feature: "restricted to some certificates",
            });
        }
        let number = previous.number().and_then(CrlNumber::next);
        Ok(Self {
            number: number.ok_or(RevocationListError::Number)?,
            entries: previous.revoked().to_vec(),
            previous: Some(previous.clone()),
            ..Self::first(this_update, next_update)
        })
    }

    /// Asks for another number, as when numbers are kept elsewhere.
    ///
    /// # Errors
    ///
    /// [`RevocationListError::Number`] when it is not above that of the list before.
    pub fn with_number(self, number: CrlNumber) -> Result<Self, RevocationListError> {
        let previous = self.previous.as_ref().and_then(RevocationList::number);
        if previous.is_some_and(|previous| number <= previous) || number.next().is_none() {
            return Err(RevocationListError::Number);
        }
        Ok(Self { number, ..self })
    }

    /// Adds an entry. Fractions of seconds are dropped.
    ///
    /// # Errors
    ///
    /// [`RevocationListError::Serial`], [`RevocationListError::FutureRevocation`] or
    /// [`RevocationListError::AlreadyRevoked`]; an entry of reason `certificateHold` may be replaced by one of another
    /// reason.
    pub fn revoke(&mut self, certificate: RevokedCertificate) -> Result<(), RevocationListError> {
        let serial = serial_text(&certificate.serial);
        let is_serial = matches!(
            certificate.serial.as_slice(),
            [0x00, 0x80..=0xff, ..] | [0x01..=0x7f, ..] | [0x00]
        );
        if !is_serial || certificate.serial.len() > 20 {
            return Err(RevocationListError::Serial { serial });
        }
        if whole_seconds(certificate.revocation_date) > self.this_update {
            return Err(RevocationListError::FutureRevocation { serial });
        }
        let certificate = RevokedCertificate {
            revocation_date: whole_seconds(certificate.revocation_date),
            invalidity_date: certificate.invalidity_date.map(whole_seconds),
            ..certificate
        };
        match self.entries.iter_mut().find(|entry| entry.serial == certificate.serial) {
            None => self.entries.push(certificate),
            // RFC 5280 §5.3.1: a hold ends by release or by revocation for good.
            Some(entry) if entry.reason == RevocationReason::CertificateHold => *entry = certificate,
            Some(_) => return Err(RevocationListError::AlreadyRevoked { serial }),
        }
        Ok(())
    }

    /// Takes an entry off the list: one on hold, or one of a certificate whose last second, `not_after`, lay before
    /// the list before this one was made.
    ///
    /// # Errors
    ///
    /// [`RevocationListError::NotRevoked`] when there is no such entry; [`RevocationListError::MustStay`] when RFC
    /// 5280 §3.3 wants it on one more list.
    pub fn remove(
        &mut self,
        serial: &[u8],
        not_after: OffsetDateTime,
    ) -> Result<RevokedCertificate, RevocationListError> {
        let position = self.entries.iter().position(|entry| entry.serial == serial);
        let Some(position) = position else {
            return Err(RevocationListError::NotRevoked {
                serial: serial_text(serial),
            });
        };
        let was_listed_after_the_end = self
            .previous
            .as_ref()
            .is_some_and(|previous| previous.find(serial).is_some() && previous.this_update() > not_after);
        if self.entries[position].reason == RevocationReason::CertificateHold || was_listed_after_the_end {
            Ok(self.entries.remove(position))
        } else {
            Err(RevocationListError::MustStay {
                serial: serial_text(serial),
            })
        }
    }

    /// Its number.
    pub fn number(&self) -> CrlNumber {
        self.number
    }

    /// When it is made.
    pub fn this_update(&self) -> OffsetDateTime {
        self.this_update
    }

    /// When the next one is there at the latest.
    pub fn next_update(&self) -> OffsetDateTime {
        self.next_update
    }

    /// Its entries.
    pub fn entries(&self) -> &[RevokedCertificate] {
        &self.entries
    }
}

impl CertificateAuthority {
    /// Makes a revocation list of everything this authority issued, reads it back and verifies it.
    ///
    /// # Errors
    ///
    /// [`IssueError::RevocationList`] when the list before is not this authority's, the times are out of order, or
    /// this authority may not sign lists; [`IssueError::IssuerNotValid`] when it is not valid at thisUpdate;
    /// [`IssueError::NotWritten`] and [`IssueError::NotAsAsked`] when the backend fails.
    pub fn issue_revocation_list(&self, request: &RevocationListRequest) -> Result<RevocationList, IssueError> {
        let certificate = self.certificate();
        if let Some(previous) = &request.previous {
            previous.verify_origin(certificate)?;
            previous.verify_signature(certificate)?;
        }
        let follows = request
            .previous
            .as_ref()
            .is_none_or(|previous| previous.this_update() <= request.this_update);
        if request.this_update >= request.next_update || !follows {
            return Err(RevocationListError::Times.into());
        }
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        if request.this_update < not_before || request.this_update > not_after {
            return Err(IssueError::IssuerNotValid { not_before, not_after });
        }
        let list = RevocationList::from_der(&encode::revocation_list(request, &self.parts())?)?;
        check_as_asked(&list, request, certificate.subject_key_identifier())?;
        list.verify(certificate, request.this_update)?;
        Ok(list)
    }
}

fn check_as_asked(
    list: &RevocationList,
    request: &RevocationListRequest,
    key_identifier: Option<&[u8]>,
) -> Result<(), IssueError> {
    let mut entries = request.entries.clone();
    entries.sort_by(|one, other| one.serial.cmp(&other.serial));
    let fields = [
        ("cRLNumber", list.number() == Some(request.number)),
        ("thisUpdate", list.this_update() == request.this_update),
        ("nextUpdate", list.next_update() == Some(request.next_update)),
        ("revokedCertificates", list.revoked() == entries),
        // RFC 5280 §5.2.1: the identifier of the key that signed, which is the issuer's and not a new computation.
        (
            "authorityKeyIdentifier",
            list.authority_key_identifier() == key_identifier,
        ),
    ];
    match fields.into_iter().find(|(_, same)| !same) {
        Some((field, _)) => Err(IssueError::NotAsAsked { field }),
        None => Ok(()),
    }
}
