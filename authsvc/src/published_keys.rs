//! Keys that everybody has: what this repository contains, for tests, of keys that were published. An installation that
//! uses one has no secret at all, so they are refused where keys are read.

use cryptokit::encoding::base64url;
use cryptokit::key_format::PublicKey;
use cryptokit::keyset::RootKey;
use zeroize::Zeroizing;

/// By RFC 7638 thumbprint. A test holds the list to what is in the repository.
const PUBLISHED: [&str; 4] = [
    "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s", // RFC 7517 A.2, P-256
    "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", // RFC 7517 A.2, RSA
    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", // RFC 8037 A.1
    "3YZxBJ12jO3n_mXt_q-j_Z-TFP1vt-NiI3OCf-fEnHQ", // RFC 8410 10.3
];

/// Whether the private half of this key was published.
pub(crate) fn is_published(key: &PublicKey) -> bool {
    PUBLISHED.contains(&key.thumbprint().as_str())
}

/// Whether the root key was typed instead of made: its bytes go up, or down, in equal steps, or are all the same, as in
/// every example.
pub(crate) fn is_sample(key: &RootKey) -> bool {
    let text = key.to_text();
    let Some((_, encoded)) = text.split_once(':') else {
        return false;
    };
    let Ok(bytes) = base64url::decode(encoded).map(Zeroizing::new) else {
        return false;
    };
    let mut steps = bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let Some(first) = steps.next() else {
        return false;
    };
    steps.all(|step| step == first)
}
