//! Settings of the signing keys.

use std::time::Duration;

use authsvc_core::service::key_schedule::KeyPolicy;
use cryptokit::jose::JwsAlgorithm;
use cryptokit::sign::RsaKeySize;

use super::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>) -> KeyPolicy {
    let days = reader.number("keys.rotation_days", 0..=3650);
    KeyPolicy {
        rotation_period: (days > 0).then(|| Duration::from_secs(days * 24 * 60 * 60)),
        algorithm: reader.parsed("keys.algorithm", Algorithm(JwsAlgorithm::Rs256)).0,
        rsa_key_size: reader.parsed("keys.rsa_bits", KeySize(RsaKeySize::Bits2048)).0,
    }
}

struct Algorithm(JwsAlgorithm);

impl std::str::FromStr for Algorithm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        JwsAlgorithm::from_name(text)
            .map(Self)
            .ok_or("RS256, PS256, ES256 or EdDSA is expected")
    }
}

struct KeySize(RsaKeySize);

impl std::str::FromStr for KeySize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "2048" => RsaKeySize::Bits2048,
            "3072" => RsaKeySize::Bits3072,
            "4096" => RsaKeySize::Bits4096,
            _ => return Err("2048, 3072 or 4096 is expected"),
        }))
    }
}
