//! Keys made once, and messages taken apart and put together.

use std::sync::LazyLock;

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::encrypt::{RsaDecryptionKey, RsaEncryptionKey};
use cryptokit::jwe::{JweDecrypter, JweEncrypter, Recipient};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretBytes;
use cryptokit::sign::{RsaKeySize, RsaSigningKey};

static PKCS8: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    [RsaKeySize::Bits2048, RsaKeySize::Bits2048, RsaKeySize::Bits3072].map(|size| {
        let key = RsaSigningKey::generate(size).unwrap();
        key.pkcs8().expose_secret().to_vec()
    })
});

/// Two of 2048 bits, one of 3072.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    Alice = 0,
    Bob = 1,
    Carol = 2,
}
pub(crate) use Who::{Alice, Bob, Carol};

/// The providers that open. A ring build without the feature for it has none, and then nothing can be opened.
pub(crate) fn decrypting() -> Vec<Provider> {
    Provider::all()
        .into_iter()
        .filter(|provider| provider.decrypts_oaep())
        .collect()
}

pub(crate) fn decryption_key(provider: Provider, who: Who) -> RsaDecryptionKey {
    RsaDecryptionKey::from_pkcs8_with(provider, SecretBytes::new(PKCS8[who as usize].clone())).unwrap()
}

pub(crate) fn signing_key(provider: Provider, who: Who) -> RsaSigningKey {
    RsaSigningKey::from_pkcs8_with(provider, SecretBytes::new(PKCS8[who as usize].clone())).unwrap()
}

pub(crate) fn encryption_key(provider: Provider, who: Who) -> RsaEncryptionKey {
    let public = signing_key(provider, who).verifying_key().unwrap();
    RsaEncryptionKey::from_components_with(provider, public.modulus(), public.exponent()).unwrap()
}

pub(crate) fn to(provider: Provider, who: Who) -> Recipient {
    Recipient::new(encryption_key(provider, who))
}

pub(crate) fn encrypter(provider: Provider, who: Who) -> JweEncrypter {
    JweEncrypter::new(to(provider, who))
}

pub(crate) fn decrypter(provider: Provider, who: Who) -> JweDecrypter {
    JweDecrypter::new(Keyset::new("test", decryption_key(provider, who)))
}

pub(crate) fn parts(message: &str) -> Vec<String> {
    message.split('.').map(str::to_owned).collect()
}

/// The message with one part replaced.
pub(crate) fn with_part(message: &str, index: usize, part: &str) -> String {
    let mut parts = parts(message);
    parts[index] = part.to_owned();
    parts.join(".")
}

/// The message with its protected header written anew; the tag no longer covers it.
pub(crate) fn with_header(message: &str, header: &str) -> String {
    with_part(message, 0, &base64url::encode(header.as_bytes()))
}
