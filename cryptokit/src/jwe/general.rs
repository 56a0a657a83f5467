//! The general JSON serialization (RFC 7516 §7.2.1), and what both serializations come to.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::header::{Members, Protected, check_algorithm};
use super::{JweFormError, MAX_PLAINTEXT_LEN, MAX_RECIPIENTS, MAX_TEXT_LEN};
use crate::encoding::base64url;

/// A message whose form is right and whose content nobody has looked at.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) header: Protected,
    pub(super) wrapped_keys: Vec<WrappedKey>,
    pub(super) protected: &'a str,
    /// As base64url text.
    pub(super) associated_data: Option<&'a str>,
    pub(super) iv: [u8; 12],
    pub(super) ciphertext: &'a str,
    pub(super) tag: [u8; 16],
}

/// The parts as text.
pub(super) struct Parts<'a> {
    pub(super) protected: &'a str,
    pub(super) associated_data: Option<&'a str>,
    pub(super) iv: &'a str,
    pub(super) ciphertext: &'a str,
    pub(super) tag: &'a str,
}

/// The content key as wrapped for one recipient.
#[derive(Debug)]
pub(super) struct WrappedKey {
    pub(super) kid: Option<String>,
    pub(super) ciphertext: Vec<u8>,
}

impl<'a> Envelope<'a> {
    pub(super) fn new(
        header: Protected,
        wrapped_keys: Vec<WrappedKey>,
        parts: Parts<'a>,
    ) -> Result<Self, JweFormError> {
        if parts.ciphertext.len() > (MAX_PLAINTEXT_LEN * 4).div_ceil(3) {
            return Err(JweFormError::TooLong);
        }
        Ok(Self {
            header,
            wrapped_keys,
            protected: parts.protected,
            associated_data: parts.associated_data,
            // RFC 7518 §5.3: 96 bits, and a tag of 128; a shorter tag is easier to guess.
            iv: exactly(parts.iv)?,
            ciphertext: parts.ciphertext,
            tag: exactly(parts.tag)?,
        })
    }

    /// RFC 7516 §5.1 step 14: what the tag covers beside the ciphertext.
    pub(super) fn authenticated(&self) -> Vec<u8> {
        authenticated(self.protected, self.associated_data)
    }
}

/// RFC 7516 §5.1 step 14.
pub(super) fn authenticated(protected: &str, associated_data: Option<&str>) -> Vec<u8> {
    match associated_data {
        None => protected.as_bytes().to_vec(),
        Some(more) => [protected, ".", more].concat().into_bytes(),
    }
}

impl WrappedKey {
    /// Longest wrapped key: a modulus of 4096 bits, in base64url.
    const MAX_TEXT_LEN: usize = 683;
    /// Shortest and longest in bytes.
    const LENGTHS: std::ops::RangeInclusive<usize> = 256..=512;

    pub(super) fn parse(kid: Option<String>, text: &str) -> Result<Self, JweFormError> {
        if text.len() > Self::MAX_TEXT_LEN {
            return Err(JweFormError::Length);
        }
        let ciphertext = base64url::decode(text).map_err(|_| JweFormError::Malformed)?;
        if !Self::LENGTHS.contains(&ciphertext.len()) {
            return Err(JweFormError::Length);
        }
        Ok(Self { kid, ciphertext })
    }
}

/// Reads the form; of the content nothing is decoded. Strings with escapes are refused: base64url needs none.
pub(super) fn parse(text: &str) -> Result<Envelope<'_>, JweFormError> {
    if text.len() > MAX_TEXT_LEN {
        return Err(JweFormError::TooLong);
    }
    let general: General<'_> = serde_json::from_str(text).map_err(|_| JweFormError::Malformed)?;
    let (Some(protected), Some(iv), Some(ciphertext), Some(tag)) =
        (general.protected, general.iv, general.ciphertext, general.tag)
    else {
        return Err(JweFormError::Malformed);
    };
    let header = Protected::parse(protected)?;
    let shared = general.unprotected.unwrap_or_default();
    shared.check_unprotected(&[&header.members])?;
    // RFC 7516 §7.2.1: at least one element, even if it is empty.
    if general.recipients.is_empty() {
        return Err(JweFormError::Malformed);
    }
    let mut wrapped_keys = Vec::with_capacity(general.recipients.len());
    for recipient in general.recipients {
        let own = recipient.header.unwrap_or_default();
        own.check_unprotected(&[&header.members, &shared])?;
        let first = |read: fn(&Members) -> &Option<String>| {
            [&header.members, &shared, &own]
                .into_iter()
                .find_map(|members| read(members).clone())
        };
        check_algorithm(first(|members| &members.alg).as_deref())?;
        let kid = first(|members| &members.kid);
        wrapped_keys.push(WrappedKey::parse(kid, recipient.encrypted_key.unwrap_or_default())?);
    }
    let parts = Parts {
        protected,
        associated_data: general.associated_data,
        iv,
        ciphertext,
        tag,
    };
    if let Some(more) = parts.associated_data {
        base64url::decode(more).map_err(|_| JweFormError::Malformed)?;
    }
    Envelope::new(header, wrapped_keys, parts)
}

/// Exactly `N` bytes, by the length of the text before it is decoded.
fn exactly<const N: usize>(text: &str) -> Result<[u8; N], JweFormError> {
    if text.len() != (N * 4).div_ceil(3) {
        return Err(JweFormError::Length);
    }
    let bytes = base64url::decode(text).map_err(|_| JweFormError::Malformed)?;
    bytes.try_into().map_err(|_| JweFormError::Length)
}

#[derive(Default)]
struct General<'a> {
    protected: Option<&'a str>,
    unprotected: Option<Members>,
    recipients: Vec<GeneralRecipient<'a>>,
    associated_data: Option<&'a str>,
    iv: Option<&'a str>,
    ciphertext: Option<&'a str>,
    tag: Option<&'a str>,
}

#[derive(Default)]
struct GeneralRecipient<'a> {
    header: Option<Members>,
    encrypted_key: Option<&'a str>,
}

/// Most members that are not understood, in the message and in each recipient.
const MAX_UNKNOWN: usize = 16;

/// Refuses a name that was there before.
struct Names(Vec<String>);

impl Names {
    fn add<E: serde::de::Error>(&mut self, name: &str) -> Result<(), E> {
        // Seven members are known.
        if self.0.len() == MAX_UNKNOWN + 7 || self.0.iter().any(|known| known == name) {
            return Err(E::custom("duplicate member"));
        }
        self.0.push(name.to_owned());
        Ok(())
    }
}

impl<'de> Deserialize<'de> for General<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GeneralVisitor)
    }
}

struct GeneralVisitor;

impl<'de> Visitor<'de> for GeneralVisitor {
    type Value = General<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JWE in the general JSON serialization")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<General<'de>, A::Error> {
        let mut general = General::default();
        let mut names = Names(Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            names.add(&name)?;
            match name.as_str() {
                "protected" => general.protected = Some(map.next_value()?),
                "unprotected" => general.unprotected = Some(map.next_value()?),
                "recipients" => general.recipients = map.next_value::<Recipients<'de>>()?.0,
                "aad" => general.associated_data = Some(map.next_value()?),
                "iv" => general.iv = Some(map.next_value()?),
                "ciphertext" => general.ciphertext = Some(map.next_value()?),
                "tag" => general.tag = Some(map.next_value()?),
                // The flattened form (RFC 7516 §7.2.2), or a JWS: two readers could take it for different things.
                "header" | "encrypted_key" | "payload" | "signatures" | "signature" => {
                    return Err(A::Error::custom("another serialization"));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(general)
    }
}

struct Recipients<'a>(Vec<GeneralRecipient<'a>>);

impl<'de> Deserialize<'de> for Recipients<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RecipientsVisitor)
    }
}

struct RecipientsVisitor;

impl<'de> Visitor<'de> for RecipientsVisitor {
    type Value = Recipients<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of recipients")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Recipients<'de>, A::Error> {
        let mut recipients = Vec::new();
        while let Some(recipient) = sequence.next_element()? {
            if recipients.len() == MAX_RECIPIENTS {
                return Err(A::Error::custom("too many recipients"));
            }
            recipients.push(recipient);
        }
        Ok(Recipients(recipients))
    }
}

impl<'de> Deserialize<'de> for GeneralRecipient<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecipientVisitor)
    }
}

struct RecipientVisitor;

impl<'de> Visitor<'de> for RecipientVisitor {
    type Value = GeneralRecipient<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a recipient")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<GeneralRecipient<'de>, A::Error> {
        let mut recipient = GeneralRecipient::default();
        let mut names = Names(Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            names.add(&name)?;
            match name.as_str() {
                "header" => recipient.header = Some(map.next_value()?),
                "encrypted_key" => recipient.encrypted_key = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(recipient)
    }
}
