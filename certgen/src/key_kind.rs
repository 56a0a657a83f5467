//! The kinds of keys as they are written on a command line.

use cryptokit::sign::RsaKeySize;
use cryptokit::x509::KeyKind;

/// Every kind, with its name.
pub const KEY_KINDS: [(&str, KeyKind); 6] = [
    ("p256", KeyKind::P256),
    ("p384", KeyKind::P384),
    ("ed25519", KeyKind::Ed25519),
    ("rsa-2048", KeyKind::Rsa(RsaKeySize::Bits2048)),
    ("rsa-3072", KeyKind::Rsa(RsaKeySize::Bits3072)),
    ("rsa-4096", KeyKind::Rsa(RsaKeySize::Bits4096)),
];
