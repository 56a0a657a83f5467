//! Opening messages: one path, one private operation, one error.

use std::fmt;

use subtle::Choice;

use super::content::{ContentKey, KEY_LEN};
use super::general::{Envelope, WrappedKey};
use super::{JweError, JweFormError, compact, file_header, general};
use crate::encoding::base64url;
use crate::encrypt::RsaDecryptionKey;
use crate::keyset::{KeyId, KeyStatus, Keyset};
use crate::provider::Provider;
use crate::random;
use crate::secret::SecretBytes;

/// Opens messages to any key of a set that is not revoked. The `kid` of a message selects the key, and is used for
/// nothing else.
///
/// Keys that sign open nothing:
///
/// ```compile_fail,E0308
/// use cryptokit::jwe::JweDecrypter;
/// use cryptokit::keyset::Keyset;
/// use cryptokit::sign::{RsaKeySize, RsaSigningKey};
///
/// let keys = Keyset::new("mail", RsaSigningKey::generate(RsaKeySize::Bits2048).unwrap());
/// let decrypter = JweDecrypter::new(keys);
/// ```
pub struct JweDecrypter {
    /// At least one: a keyset has a primary key.
    keys: Vec<NamedKey>,
    commitment_required: bool,
    typ: Option<String>,
    cty: Option<String>,
    associated_data: Option<Vec<u8>>,
}

struct NamedKey {
    id: KeyId,
    kids: Vec<String>,
    key: RsaDecryptionKey,
}

/// What was in a message.
#[derive(Debug)]
#[non_exhaustive]
pub struct Decrypted {
    /// The plaintext. Anybody could have written it.
    pub plaintext: SecretBytes,
    /// The RFC 7638 thumbprint of the key that opened it.
    pub kid: String,
    /// The message's `typ`.
    pub typ: Option<String>,
    /// What the plaintext is said to be.
    pub cty: Option<String>,
    /// Whether the message committed to its content key.
    pub committed: bool,
}

impl JweDecrypter {
    /// Takes the keys out of a set. Active and retired ones open as the primary does. A key's `kid` is its RFC 7638
    /// thumbprint.
    pub fn new(keys: Keyset<RsaDecryptionKey>) -> Self {
        let keys = keys
            .into_entries()
            .into_iter()
            .filter(|entry| entry.status != KeyStatus::Revoked)
            .map(|entry| NamedKey {
                id: entry.id,
                kids: vec![entry.key.thumbprint()],
                key: entry.key,
            })
            .collect();
        Self {
            keys,
            commitment_required: false,
            typ: None,
            cty: None,
            associated_data: None,
        }
    }

    /// Lets senders name the key of that id in the set by another `kid` as well. Does nothing when no such key is there.
    #[must_use]
    pub fn also_named(mut self, id: KeyId, kid: &str) -> Self {
        let known = self.find(kid).is_some();
        if let Some(named) = self.keys.iter_mut().find(|named| named.id == id)
            && !known
        {
            named.kids.push(kid.to_owned());
        }
        self
    }

    /// Refuses messages that do not commit to their content key; those of other libraries do not.
    #[must_use]
    pub fn require_commitment(mut self) -> Self {
        self.commitment_required = true;
        self
    }

    /// Refuses messages whose `typ` is not exactly this one.
    #[must_use]
    pub fn require_type(mut self, typ: &str) -> Self {
        self.typ = Some(typ.to_owned());
        self
    }

    /// Refuses messages whose `cty` is not exactly this one.
    #[must_use]
    pub fn require_content_type(mut self, cty: &str) -> Self {
        self.cty = Some(cty.to_owned());
        self
    }

    /// Refuses messages that are not bound to exactly this associated data. Without it, messages that carry some are
    /// refused: whoever bound it wanted it checked.
    #[must_use]
    pub fn require_associated_data(mut self, data: &[u8]) -> Self {
        self.associated_data = Some(data.to_vec());
        self
    }

    /// Opens a message in compact serialization. One private-key operation; O(n).
    ///
    /// # Errors
    ///
    /// [`JweError::Open`] for every cause.
    pub fn decrypt_compact(&self, message: &str) -> Result<Decrypted, JweError> {
        self.decrypt(compact::parse(message))
    }

    /// Opens a message in the general JSON serialization: the first of its recipients that is a key of the set. One
    /// private-key operation; O(n).
    ///
    /// # Errors
    ///
    /// [`JweError::Open`] for every cause.
    pub fn decrypt_json(&self, message: &str) -> Result<Decrypted, JweError> {
        self.decrypt(general::parse(message))
    }

    fn decrypt(&self, parsed: Result<Envelope<'_>, JweFormError>) -> Result<Decrypted, JweError> {
        let envelope = parsed.map_err(|_| JweError::Open)?;
        let members = &envelope.header.members;
        let expected = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        if !expected(&self.typ, &members.typ)
            || !expected(&self.cty, &members.cty)
            || members.typ.as_deref() == Some(file_header::TYPE)
        {
            return Err(JweError::Open);
        }
        self.open(envelope, self.commitment_required)
    }

    /// Opens what carries the key of a file; [`file_header`] alone asks for that.
    pub(super) fn decrypt_file_key(&self, message: &str) -> Result<SecretBytes, JweError> {
        let envelope = general::parse(message).map_err(|_| JweError::Open)?;
        if envelope.header.members.typ.as_deref() != Some(file_header::TYPE) || envelope.associated_data.is_some() {
            return Err(JweError::Open);
        }
        Ok(self.open(envelope, true)?.plaintext)
    }

    fn open(&self, envelope: Envelope<'_>, commitment_required: bool) -> Result<Decrypted, JweError> {
        let wanted = self.associated_data.as_deref().map(base64url::encode);
        let committed = envelope.header.commitment.is_some();
        if wanted.as_deref() != envelope.associated_data || (commitment_required && !committed) {
            return Err(JweError::Open);
        }
        // All that was refused so far was refused for its text, which the sender knows. From here on, whatever is wrong
        // takes the same path to the same error.
        let selected = self.select(&envelope.wrapped_keys);
        let content_key = self.unwrap(selected, &envelope.wrapped_keys);
        let plaintext = content_key.open(self.provider(), &envelope)?;
        let (named, _) = selected.ok_or(JweError::Open)?;
        Ok(Decrypted {
            plaintext,
            kid: named.kids[0].clone(),
            typ: envelope.header.members.typ,
            cty: envelope.header.members.cty,
            committed,
        })
    }

    /// The first recipient that is one of our keys. One that is not named is meant for our key when there is one key and
    /// one recipient; with more, trying all of them would let a sender choose how often we compute.
    fn select<'k>(&'k self, wrapped_keys: &'k [WrappedKey]) -> Option<(&'k NamedKey, &'k WrappedKey)> {
        if let ([named], [wrapped]) = (self.keys.as_slice(), wrapped_keys)
            && wrapped.kid.is_none()
        {
            return Some((named, wrapped));
        }
        wrapped_keys
            .iter()
            .find_map(|wrapped| Some((self.find(wrapped.kid.as_deref()?)?, wrapped)))
    }

    /// RFC 7516 §11.5: when the wrapped key does not open, go on with a random one. The same when no key was selected:
    /// a stand-in of the same length, if there is one, does the work.
    fn unwrap(&self, selected: Option<(&NamedKey, &WrappedKey)>, wrapped_keys: &[WrappedKey]) -> ContentKey {
        let mut content_key = ContentKey::generate(self.provider());
        let fitting = selected.filter(|(named, wrapped)| wrapped.ciphertext.len() == named.key.ciphertext_len());
        // Made and looked for in any case: doing so only when it is needed was 0.2 µs more, and measurable.
        let stand_in = self.stand_in(wrapped_keys);
        let mut ciphertext = vec![0; stand_in.ciphertext_len()];
        // Below the modulus, since the first byte stays zero.
        random::fill(self.provider(), &mut ciphertext[1..]);
        let (key, ciphertext) = match fitting {
            Some((named, wrapped)) => (&named.key, &wrapped.ciphertext),
            None => (stand_in, &ciphertext),
        };
        let unwrapped = key.decrypt(b"", ciphertext);
        let bytes: &[u8] = unwrapped.as_ref().map_or(&[], SecretBytes::expose_secret);
        // A content key of any other length than A256GCM's is no key (RFC 7518 §5.3).
        let usable = fitting.is_some() & (bytes.len() == KEY_LEN);
        content_key.replace_if(bytes, Choice::from(u8::from(usable)));
        content_key
    }

    fn stand_in(&self, wrapped_keys: &[WrappedKey]) -> &RsaDecryptionKey {
        let lengths = |named: &&NamedKey| {
            wrapped_keys
                .iter()
                .any(|wrapped| wrapped.ciphertext.len() == named.key.ciphertext_len())
        };
        let named = self.keys.iter().find(lengths).unwrap_or(&self.keys[0]);
        &named.key
    }

    fn find(&self, kid: &str) -> Option<&NamedKey> {
        self.keys
            .iter()
            .find(|named| named.kids.iter().any(|known| known == kid))
    }

    fn provider(&self) -> Provider {
        self.keys[0].key.provider()
    }
}

impl fmt::Debug for JweDecrypter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|named| &named.kids))
            .finish()
    }
}
