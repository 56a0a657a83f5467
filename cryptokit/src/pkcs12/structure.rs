//! The structure of a PKCS#12 file (RFC 7292 §4), before anything is decrypted.

use der::asn1::AnyRef;
use zeroize::Zeroizing;

use super::asn1;
use super::encryption::Scheme;
use super::error::Pkcs12Error;
use super::mac::MacData;
use super::object_identifier::{
    ANY_EXTENDED_KEY_USAGE, CERT_BAG, DATA, ENCRYPTED_DATA, ENVELOPED_DATA, FRIENDLY_NAME, KEY_BAG, LOCAL_KEY_ID,
    PKCS8_SHROUDED_KEY_BAG, SAFE_CONTENTS_BAG, SIGNED_DATA, TRUSTED_KEY_USAGE, X509_CERTIFICATE,
};

/// RFC 7292 §4: the only version there is.
pub(super) const VERSION: u32 = 3;

/// The outer shell.
pub(super) struct Pfx<'a> {
    /// AuthenticatedSafe, over which the MAC goes.
    pub(super) content: &'a [u8],
    pub(super) mac: Option<MacData<'a>>,
}

impl<'a> Pfx<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Pkcs12Error> {
        let (version, safe, mac) = match asn1::sequence(asn1::only(der)?)?[..] {
            [version, safe] => (version, safe, None),
            [version, safe, mac] => (version, safe, Some(mac)),
            _ => return Err(Pkcs12Error::Malformed),
        };
        if version.decode_as::<u32>()? != VERSION {
            return Err(Pkcs12Error::Malformed);
        }
        let [content_type, content] = asn1::sequence(safe)?[..] else {
            return Err(Pkcs12Error::Malformed);
        };
        match asn1::object_identifier(content_type)? {
            DATA => Ok(Self {
                content: asn1::octets(asn1::explicit(content)?)?,
                mac: mac.map(MacData::read).transpose()?,
            }),
            SIGNED_DATA => Err(Pkcs12Error::Unsupported {
                scheme: "integrity by a signature",
            }),
            _ => Err(Pkcs12Error::Malformed),
        }
    }
}

/// One of the parts of AuthenticatedSafe: SafeContents, encrypted or not.
pub(super) enum Part<'a> {
    Plain(&'a [u8]),
    Encrypted { scheme: Scheme<'a>, ciphertext: Vec<u8> },
}

/// The parts of AuthenticatedSafe.
pub(super) fn parts(authenticated_safe: &[u8]) -> Result<Vec<Part<'_>>, Pkcs12Error> {
    asn1::sequence(asn1::only(authenticated_safe)?)?
        .into_iter()
        .map(part)
        .collect()
}

fn part(content_info: AnyRef<'_>) -> Result<Part<'_>, Pkcs12Error> {
    let [content_type, content] = asn1::sequence(content_info)?[..] else {
        return Err(Pkcs12Error::Malformed);
    };
    let content = asn1::explicit(content)?;
    match asn1::object_identifier(content_type)? {
        DATA => Ok(Part::Plain(asn1::octets(content)?)),
        // RFC 2315 §13: version, EncryptedContentInfo, in later versions attributes.
        ENCRYPTED_DATA => match asn1::sequence(content)?[..] {
            [_, info, ..] => {
                let [_, algorithm, ciphertext] = asn1::sequence(info)?[..] else {
                    return Err(Pkcs12Error::Malformed);
                };
                Ok(Part::Encrypted {
                    scheme: Scheme::read(algorithm)?,
                    ciphertext: asn1::implicit_octets(ciphertext)?,
                })
            }
            _ => Err(Pkcs12Error::Malformed),
        },
        ENVELOPED_DATA => Err(Pkcs12Error::Unsupported {
            scheme: "encryption to a public key",
        }),
        _ => Err(Pkcs12Error::Malformed),
    }
}

/// An entry of SafeContents.
pub(super) struct SafeBag<'a> {
    pub(super) contents: Bag<'a>,
    pub(super) attributes: Attributes,
}

/// What an entry holds.
pub(super) enum Bag<'a> {
    /// PrivateKeyInfo.
    Key(Zeroizing<Vec<u8>>),
    /// EncryptedPrivateKeyInfo.
    ShroudedKey { scheme: Scheme<'a>, ciphertext: &'a [u8] },
    /// An X.509 certificate.
    Certificate(&'a [u8]),
    /// SafeContents again.
    Nested(Vec<SafeBag<'a>>),
    /// A CRL, a secret, a certificate of another kind, or something unknown.
    Other,
}

/// How deep SafeContents may stand in SafeContents. Nobody is known to write any.
const MAX_NESTING: usize = 4;

/// The entries of SafeContents.
pub(super) fn bags(safe_contents: &[u8]) -> Result<Vec<SafeBag<'_>>, Pkcs12Error> {
    nested_bags(asn1::only(safe_contents)?, MAX_NESTING)
}

fn nested_bags(safe_contents: AnyRef<'_>, levels_left: usize) -> Result<Vec<SafeBag<'_>>, Pkcs12Error> {
    asn1::sequence(safe_contents)?
        .into_iter()
        .map(|bag| safe_bag(bag, levels_left))
        .collect()
}

fn safe_bag(bag: AnyRef<'_>, levels_left: usize) -> Result<SafeBag<'_>, Pkcs12Error> {
    let (bag_type, value, attributes) = match asn1::sequence(bag)?[..] {
        [bag_type, value] => (bag_type, value, None),
        [bag_type, value, attributes] => (bag_type, value, Some(attributes)),
        _ => return Err(Pkcs12Error::Malformed),
    };
    let value = asn1::explicit(value)?;
    let contents = match asn1::object_identifier(bag_type)? {
        KEY_BAG => Bag::Key(Zeroizing::new(asn1::element(der::Tag::Sequence, value.value()))),
        PKCS8_SHROUDED_KEY_BAG => {
            let [algorithm, ciphertext] = asn1::sequence(value)?[..] else {
                return Err(Pkcs12Error::Malformed);
            };
            Bag::ShroudedKey {
                scheme: Scheme::read(algorithm)?,
                ciphertext: asn1::octets(ciphertext)?,
            }
        }
        CERT_BAG => {
            let [kind, certificate] = asn1::sequence(value)?[..] else {
                return Err(Pkcs12Error::Malformed);
            };
            match asn1::object_identifier(kind)? {
                X509_CERTIFICATE => Bag::Certificate(asn1::octets(asn1::explicit(certificate)?)?),
                _ => Bag::Other,
            }
        }
        SAFE_CONTENTS_BAG => {
            let levels_left = levels_left.checked_sub(1).ok_or(Pkcs12Error::Malformed)?;
            Bag::Nested(nested_bags(value, levels_left)?)
        }
        _ => Bag::Other,
    };
    let attributes = attributes.map(Attributes::read).transpose()?.unwrap_or_default();
    Ok(SafeBag { contents, attributes })
}

/// What an entry says about itself.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) name: Option<String>,
    pub(super) local_key_id: Option<Vec<u8>>,
    pub(super) trusted: bool,
}

impl Attributes {
    /// Attributes of other kinds are passed over.
    fn read(attributes: AnyRef<'_>) -> Result<Self, Pkcs12Error> {
        let mut read = Self::default();
        for attribute in asn1::set(attributes)? {
            let [kind, values] = asn1::sequence(attribute)?[..] else {
                return Err(Pkcs12Error::Malformed);
            };
            let values = asn1::set(values)?;
            match asn1::object_identifier(kind)? {
                FRIENDLY_NAME => read.name = values.first().map(|value| text_of_utf16(value.value())),
                LOCAL_KEY_ID => read.local_key_id = values.first().map(|value| value.value().to_vec()),
                TRUSTED_KEY_USAGE => {
                    read.trusted = values
                        .iter()
                        .any(|value| asn1::object_identifier(*value) == Ok(ANY_EXTENDED_KEY_USAGE));
                }
                _ => {}
            }
        }
        Ok(read)
    }
}

/// What is no character becomes U+FFFD: a name is for people.
fn text_of_utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
    char::decode_utf16(units)
        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}
