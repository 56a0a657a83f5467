//! Making messages.

use std::collections::HashSet;

use super::content::ContentKey;
use super::file_header;
use super::general::authenticated;
use super::header::{Protected, is_media_type, json_string};
use super::recipient::Recipient;
use super::{JweError, MAX_PLAINTEXT_LEN, MAX_RECIPIENTS, MAX_TEXT_LEN};
use crate::encoding::base64url;

/// Encrypts to one or several recipients. Every message has a content key of its own.
#[derive(Debug)]
pub struct JweEncrypter {
    recipients: Vec<Recipient>,
    typ: Option<String>,
    cty: Option<String>,
    associated_data: Option<Vec<u8>>,
    commits: bool,
}

impl JweEncrypter {
    /// Encrypts to one recipient. Operations run on the provider of its key.
    pub fn new(recipient: Recipient) -> Self {
        Self {
            recipients: vec![recipient],
            typ: None,
            cty: None,
            associated_data: None,
            commits: true,
        }
    }

    /// Encrypts to this recipient as well. Each learns the key ids of all.
    #[must_use]
    pub fn and(mut self, recipient: Recipient) -> Self {
        self.recipients.push(recipient);
        self
    }

    /// Sets `typ`, the kind of message, authenticated (RFC 7516 §4.1.11): one per use, so that no message passes for
    /// one of another use where [`require_type`](super::JweDecrypter::require_type) asks for it.
    ///
    /// # Errors
    ///
    /// [`JweError::MediaType`] when it is empty, longer than 127 bytes or not visible ASCII, or the type of
    /// [`FileHeader`](super::FileHeader)s.
    pub fn message_type(mut self, typ: &str) -> Result<Self, JweError> {
        if !is_media_type(typ) || typ == file_header::TYPE {
            return Err(JweError::MediaType);
        }
        self.typ = Some(typ.to_owned());
        Ok(self)
    }

    /// Sets `cty`, what the plaintext is, authenticated (RFC 7516 §4.1.12): `JWT` for a signed token inside (RFC 7519
    /// §5.2).
    ///
    /// # Errors
    ///
    /// [`JweError::MediaType`] when it is empty, longer than 127 bytes or not visible ASCII.
    pub fn content_type(mut self, cty: &str) -> Result<Self, JweError> {
        if !is_media_type(cty) {
            return Err(JweError::MediaType);
        }
        self.cty = Some(cty.to_owned());
        Ok(self)
    }

    /// Binds the message to data that travels beside the ciphertext in clear (`aad`, RFC 7516 §7.2.1). The recipient has
    /// to ask for the same. JSON form only.
    #[must_use]
    pub fn associated_data(mut self, data: &[u8]) -> Self {
        self.associated_data = Some(data.to_vec());
        self
    }

    /// Leaves the commitment to the content key out, for a recipient that refuses members it does not know.
    #[must_use]
    pub fn without_commitment(mut self) -> Self {
        self.commits = false;
        self
    }

    /// Encrypts into the compact serialization (RFC 7516 §7.1). One public-key operation; O(n).
    ///
    /// # Errors
    ///
    /// [`JweError::Recipients`] unless there is exactly one recipient, [`JweError::AssociatedData`] when some is set,
    /// [`JweError::PlaintextTooLong`], [`JweError::Backend`].
    pub fn encrypt_compact(&self, plaintext: &[u8]) -> Result<String, JweError> {
        let [recipient] = self.recipients.as_slice() else {
            return Err(self.unfit());
        };
        if self.associated_data.is_some() {
            return Err(JweError::AssociatedData);
        }
        let sealed = self.seal(Some(recipient.kid()), self.typ.as_deref(), self.commits, plaintext)?;
        Ok([
            sealed.protected.as_str(),
            &base64url::encode(&sealed.wrapped_keys[0]),
            &sealed.iv,
            &sealed.ciphertext,
            &sealed.tag,
        ]
        .join("."))
    }

    /// Encrypts into the general JSON serialization (RFC 7516 §7.2.1). One public-key operation a recipient; O(n).
    ///
    /// # Errors
    ///
    /// [`JweError::Recipients`] for more than [`MAX_RECIPIENTS`] or two with the same key id,
    /// [`JweError::PlaintextTooLong`], [`JweError::TextTooLong`], [`JweError::Backend`].
    pub fn encrypt_json(&self, plaintext: &[u8]) -> Result<String, JweError> {
        let sealed = self.seal(None, self.typ.as_deref(), self.commits, plaintext)?;
        within(MAX_TEXT_LEN, self.to_json(&sealed))
    }

    /// A message of the type that [`message_type`](Self::message_type) refuses; always committed.
    pub(super) fn encrypt_file_key(&self, key: &[u8; 32]) -> Result<String, JweError> {
        if self.associated_data.is_some() {
            return Err(JweError::AssociatedData);
        }
        let sealed = self.seal(None, Some(file_header::TYPE), true, key)?;
        within(file_header::MAX_MESSAGE_LEN, self.to_json(&sealed))
    }

    pub(super) fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    pub(super) fn with_content_type(mut self, cty: &'static str) -> Self {
        self.cty = Some(cty.to_owned());
        self
    }

    fn to_json(&self, sealed: &SealedText) -> String {
        let recipients: Vec<_> = self
            .recipients
            .iter()
            .zip(&sealed.wrapped_keys)
            .map(|(recipient, wrapped)| {
                format!(
                    r#"{{"header":{{"kid":{}}},"encrypted_key":"{}"}}"#,
                    json_string(recipient.kid()),
                    base64url::encode(wrapped)
                )
            })
            .collect();
        let associated_data = match &sealed.associated_data {
            Some(data) => format!(r#","aad":"{data}""#),
            None => String::new(),
        };
        [
            r#"{"protected":""#,
            &sealed.protected,
            r#"","recipients":["#,
            &recipients.join(","),
            "]",
            &associated_data,
            r#","iv":""#,
            &sealed.iv,
            r#"","ciphertext":""#,
            &sealed.ciphertext,
            r#"","tag":""#,
            &sealed.tag,
            r#""}"#,
        ]
        .concat()
    }

    fn seal(
        &self,
        kid: Option<&str>,
        typ: Option<&str>,
        commits: bool,
        plaintext: &[u8],
    ) -> Result<SealedText, JweError> {
        if plaintext.len() > MAX_PLAINTEXT_LEN {
            return Err(JweError::PlaintextTooLong { len: plaintext.len() });
        }
        let kids: HashSet<_> = self.recipients.iter().map(Recipient::kid).collect();
        if kids.len() != self.recipients.len() || kids.len() > MAX_RECIPIENTS {
            return Err(self.unfit());
        }
        let provider = self.recipients[0].key().provider();
        let content_key = ContentKey::generate(provider);
        let commitment = commits.then(|| content_key.commitment(provider));
        let protected = Protected::encode(kid, typ, self.cty.as_deref(), commitment.as_ref());
        let wrapped_keys = self
            .recipients
            .iter()
            // RFC 7518 §4.3: no label.
            .map(|recipient| recipient.key().encrypt(b"", content_key.expose_secret()))
            .collect::<Result<_, _>>()
            .map_err(|_| JweError::Backend)?;
        let associated_data = self.associated_data.as_deref().map(base64url::encode);
        let bound = authenticated(&protected, associated_data.as_deref());
        let sealed = content_key.seal(provider, plaintext, &bound)?;
        Ok(SealedText {
            wrapped_keys,
            associated_data,
            iv: base64url::encode(&sealed.iv),
            ciphertext: base64url::encode(&sealed.ciphertext),
            tag: base64url::encode(&sealed.tag),
            protected,
        })
    }

    fn unfit(&self) -> JweError {
        JweError::Recipients {
            count: self.recipients.len(),
        }
    }
}

/// The text, unless readers would refuse it for its length.
fn within(limit: usize, text: String) -> Result<String, JweError> {
    if text.len() > limit {
        return Err(JweError::TextTooLong);
    }
    Ok(text)
}

/// The parts in base64url, except for the keys.
struct SealedText {
    protected: String,
    wrapped_keys: Vec<Vec<u8>>,
    associated_data: Option<String>,
    iv: String,
    ciphertext: String,
    tag: String,
}
