//! Seals over rows that give somebody rights, so that whoever can write the database, and nothing else, cannot make an
//! administrator of a service or a session for an account (docs/adr/0035-seals-over-the-registry-and-sessions.md).
//!
//! A seal is an AES-GCM tag (RFC 5116) under the keyset that seals password hashes, over what never changes by itself. What
//! no seal can show is that a whole row was put back to an older state of its own, or taken away.

use cryptokit::aead::{AeadError, AeadKey, AssociatedData};
use cryptokit::encoding::base64url;
use cryptokit::keyset::Keyset;

use super::service::Service;
use super::session::{Session, SessionHolder};
use super::user_record::RecordFault;

/// A row that is sealed.
pub trait SealedRow {
    /// The stored seal.
    fn seal_text(&self) -> Option<&str>;

    /// What is sealed: each field with its length in front, so that no two rows give one text.
    fn sealed_content(&self) -> AssociatedData;

    /// A seal under the primary key, over the row as it stands.
    ///
    /// # Errors
    ///
    /// [`AeadError::KeyExhausted`].
    fn new_seal(&self, keyset: &Keyset<AeadKey>) -> Result<String, AeadError> {
        Ok(base64url::encode(&keyset.seal(&[], &self.sealed_content())?))
    }

    /// Whether the seal fits.
    ///
    /// # Errors
    ///
    /// [`RecordFault`].
    fn check_seal(&self, keyset: &Keyset<AeadKey>) -> Result<(), RecordFault> {
        let text = self.seal_text().ok_or(RecordFault::Unsealed)?;
        let sealed = base64url::decode(text).map_err(|_| RecordFault::Altered)?;
        match keyset.open(&sealed, &self.sealed_content()) {
            Ok(content) if content.expose_secret().is_empty() => Ok(()),
            _ => Err(RecordFault::Altered),
        }
    }

    /// The seal under the primary key: for the rotation of the sealing key. `None` when that key made it already, and for
    /// a row without a seal.
    ///
    /// # Errors
    ///
    /// [`AeadError::Open`] for one that does not fit, which is to be left as it is; [`AeadError::KeyExhausted`].
    fn reseal(&self, keyset: &Keyset<AeadKey>) -> Result<Option<String>, AeadError> {
        match self.check_seal(keyset) {
            Ok(()) => {}
            Err(RecordFault::Unsealed) => return Ok(None),
            Err(RecordFault::Altered) => return Err(AeadError::Open),
        }
        let named = self.seal_text().and_then(|text| base64url::decode(text).ok());
        if named.is_some_and(|sealed| keyset.primary_sealed(&sealed)) {
            return Ok(None);
        }
        self.new_seal(keyset).map(Some)
    }
}

/// Everything that is registered, whatever the order it is read in.
impl SealedRow for Service {
    fn seal_text(&self) -> Option<&str> {
        self.seal.as_deref()
    }

    fn sealed_content(&self) -> AssociatedData {
        let mut identities: Vec<Vec<u8>> = self
            .identities
            .iter()
            .map(|identity| {
                let name = identity.subject_alternative_name.to_string();
                [&identity.issuer_spki_sha256[..], name.as_bytes()].concat()
            })
            .collect();
        identities.sort();
        let mut audiences: Vec<&str> = self.audiences.iter().map(|name| name.as_str()).collect();
        audiences.sort_unstable();
        let mut scopes: Vec<&str> = self.scopes.iter().map(|name| name.as_str()).collect();
        scopes.sort_unstable();
        let mut content = AssociatedData::new("authsvc service 1")
            .with(self.name.as_str().as_bytes())
            .with(&[u8::from(self.admin)])
            .with(&self.created_at.unix_timestamp().to_be_bytes())
            .with(&(identities.len() as u64).to_be_bytes());
        for identity in &identities {
            content = content.with(identity);
        }
        content
            .with(audiences.join(" ").as_bytes())
            .with(scopes.join(" ").as_bytes())
    }
}

/// Whose the session is, who may use it, and what its tokens allow. Not what each use changes: the tokens of the family are
/// tied to it by `family`, whose preimage their holder alone has.
impl SealedRow for Session {
    fn seal_text(&self) -> Option<&str> {
        self.seal.as_deref()
    }

    fn sealed_content(&self) -> AssociatedData {
        let (issuer, name): (&[u8], String) = match &self.holder {
            SessionHolder::Bearer => (&[], String::new()),
            SessionHolder::Service(identity) => (
                &identity.issuer_spki_sha256[..],
                identity.subject_alternative_name.to_string(),
            ),
        };
        AssociatedData::new("authsvc session 1")
            .with(self.id.as_bytes())
            .with(self.user_id.to_string().as_bytes())
            .with(issuer)
            .with(name.as_bytes())
            .with(self.client_id.as_bytes())
            .with(&self.family.0)
            .with(self.audience.as_str().as_bytes())
            .with(&[u8::from(self.scope.is_some())])
            .with(self.scope.as_deref().unwrap_or_default().as_bytes())
            .with(&[u8::from(self.bind_tokens)])
            .with(self.amr.join(" ").as_bytes())
            .with(&self.created_at.unix_timestamp().to_be_bytes())
            .with(&self.absolute_end.unix_timestamp().to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::domain::{ServiceIdentity, SessionId, TokenDigest, UserId};

    fn service() -> Service {
        Service {
            name: "orders".parse().unwrap(),
            identities: ["dns:a.internal", "dns:b.internal"]
                .map(|name| ServiceIdentity {
                    issuer_spki_sha256: [7; 32],
                    subject_alternative_name: name.parse().unwrap(),
                })
                .to_vec(),
            audiences: vec!["orders".parse().unwrap(), "bills".parse().unwrap()],
            scopes: vec!["orders:read".parse().unwrap()],
            admin: false,
            created_at: OffsetDateTime::UNIX_EPOCH,
            seal: None,
        }
    }

    fn session() -> Session {
        Session {
            id: SessionId::generate(),
            user_id: UserId::generate(),
            holder: SessionHolder::Bearer,
            client_id: "authsvc".into(),
            family: TokenDigest([1; 32]),
            generation: 3,
            current: TokenDigest([2; 32]),
            spent: None,
            audience: "orders".parse().unwrap(),
            scope: None,
            bind_tokens: true,
            amr: vec!["pwd".into()],
            created_at: OffsetDateTime::UNIX_EPOCH,
            last_used_at: OffsetDateTime::UNIX_EPOCH,
            idle_end: OffsetDateTime::UNIX_EPOCH,
            absolute_end: OffsetDateTime::UNIX_EPOCH,
            source: None,
            user_agent: None,
            ended: None,
            seal: None,
        }
    }

    #[test]
    fn a13_a_registration_is_good_only_as_it_was_sealed() {
        let keys = Keyset::new("k", AeadKey::generate());
        let mut sealed = service();
        assert_eq!(sealed.check_seal(&keys), Err(RecordFault::Unsealed));
        sealed.seal = Some(sealed.new_seal(&keys).unwrap());
        // The order in which a database gives names back says nothing.
        sealed.identities.reverse();
        sealed.audiences.reverse();
        assert_eq!(sealed.check_seal(&keys), Ok(()));
        let edits: [fn(&mut Service); 8] = [
            |service| service.name = "other".parse().unwrap(),
            |service| service.admin = true,
            |service| service.identities[0].issuer_spki_sha256[31] ^= 1,
            |service| service.identities[0].subject_alternative_name = "dns:mallory.internal".parse().unwrap(),
            |service| service.identities.truncate(1),
            |service| service.audiences.push("payments".parse().unwrap()),
            |service| service.scopes = Vec::new(),
            |service| service.created_at += Duration::SECOND,
        ];
        for (index, edit) in edits.iter().enumerate() {
            let mut edited = sealed.clone();
            edit(&mut edited);
            assert_eq!(edited.check_seal(&keys), Err(RecordFault::Altered), "edit {index}");
        }
        let other = Keyset::new("k", AeadKey::generate());
        assert_eq!(sealed.check_seal(&other), Err(RecordFault::Altered));
    }

    #[test]
    fn a13_a_session_belongs_only_to_whom_it_was_sealed_for() {
        let keys = Keyset::new("k", AeadKey::generate());
        let mut sealed = session();
        sealed.seal = Some(sealed.new_seal(&keys).unwrap());
        let mut used = sealed.clone();
        used.generation += 1;
        used.current = TokenDigest([9; 32]);
        used.idle_end += Duration::HOUR;
        assert_eq!(used.check_seal(&keys), Ok(()), "what each use changes is left out");
        let edits: [fn(&mut Session); 10] = [
            |session| session.id = SessionId::generate(),
            |session| session.user_id = UserId::generate(),
            |session| {
                session.holder = SessionHolder::Service(ServiceIdentity {
                    issuer_spki_sha256: [7; 32],
                    subject_alternative_name: "dns:a.internal".parse().unwrap(),
                });
            },
            |session| session.family = TokenDigest([3; 32]),
            |session| session.audience = "authsvc".parse().unwrap(),
            |session| session.scope = Some(String::new()),
            |session| session.bind_tokens = false,
            |session| session.amr.push("otp".into()),
            |session| session.absolute_end += Duration::DAY,
            |session| session.client_id.push('x'),
        ];
        for (index, edit) in edits.iter().enumerate() {
            let mut edited = sealed.clone();
            edit(&mut edited);
            assert_eq!(edited.check_seal(&keys), Err(RecordFault::Altered), "edit {index}");
        }
    }

    #[test]
    fn a_seal_moves_to_the_next_key_and_a_damaged_one_does_not() {
        let mut keys = Keyset::new("k", AeadKey::generate());
        let mut row = service();
        assert_eq!(row.reseal(&keys), Ok(None), "nobody vouched for it");
        row.seal = Some(row.new_seal(&keys).unwrap());
        assert_eq!(row.reseal(&keys), Ok(None), "nothing to do");
        let former = keys.primary().0;
        let next = keys.add(AeadKey::generate());
        keys.promote(next).unwrap();
        let mut edited = row.clone();
        edited.admin = true;
        assert_eq!(edited.reseal(&keys), Err(AeadError::Open));
        row.seal = row.reseal(&keys).unwrap();
        keys.revoke(former).unwrap();
        assert_eq!(row.check_seal(&keys), Ok(()));
    }
}
