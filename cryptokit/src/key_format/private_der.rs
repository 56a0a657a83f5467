//! Unencrypted private keys in DER: PKCS#8, PKCS#1 and SEC1 are read into one PKCS#8 form.

use der::asn1::{BitStringRef, OctetStringRef, UintRef};
use der::{Decode, Encode, Reader, SliceReader, Tag};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::PrivateKeyInfoRef;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::error::KeyFormatError;
use super::public_key::{Algorithm, PublicKey};
use crate::provider::Curve;

/// What DER looks like from its first two elements, which tell the forms apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DerForm {
    /// Version, AlgorithmIdentifier, …
    Pkcs8,
    /// Version, modulus, …
    Pkcs1,
    /// Version, OCTET STRING, …
    Sec1,
    /// AlgorithmIdentifier, OCTET STRING.
    EncryptedPkcs8,
}

impl DerForm {
    pub(super) fn of(der: &[u8]) -> Result<Self, KeyFormatError> {
        let tags = || {
            SliceReader::new(der)?.sequence(|reader| {
                let first = Tag::peek(reader)?;
                reader.tlv_bytes()?;
                let second = Tag::peek(reader)?;
                while !reader.is_finished() {
                    reader.tlv_bytes()?;
                }
                Ok::<_, der::Error>((first, second))
            })
        };
        match tags() {
            Ok((Tag::Integer, Tag::Sequence)) => Ok(Self::Pkcs8),
            Ok((Tag::Integer, Tag::Integer)) => Ok(Self::Pkcs1),
            Ok((Tag::Integer, Tag::OctetString)) => Ok(Self::Sec1),
            Ok((Tag::Sequence, Tag::OctetString)) => Ok(Self::EncryptedPkcs8),
            Ok((Tag::Sequence, Tag::BitString)) => Err(KeyFormatError::UnexpectedPublicKey),
            _ => Err(KeyFormatError::Malformed),
        }
    }
}

/// A private key by its parts, and the public half that its file claims.
pub(super) struct PrivateParts {
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
    pub(super) public: PublicKey,
}

/// The private numbers of an RSA key (RFC 8017 §3.2), big-endian.
pub(super) struct RsaNumbers<'a> {
    pub(super) d: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) dp: &'a [u8],
    pub(super) dq: &'a [u8],
    pub(super) qi: &'a [u8],
}

pub(super) fn read_pkcs8(der: &[u8]) -> Result<PrivateParts, KeyFormatError> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(|_| KeyFormatError::Malformed)?;
    let key = info.private_key.as_bytes();
    let parts = match Algorithm::of(&info.algorithm)? {
        Algorithm::Rsa => read_pkcs1(key)?,
        Algorithm::Ec(curve) => read_ec(key, Some(curve))?,
        Algorithm::Ed25519 => {
            // RFC 8410 §7: the private key is an OCTET STRING in the OCTET STRING.
            let seed = <&OctetStringRef>::from_der(key).map_err(|_| KeyFormatError::Malformed)?;
            from_ed25519_seed(seed.as_bytes())?
        }
    };
    // RFC 5958 §2: version 2 may carry the public key once more.
    if let Some(claimed) = info.public_key
        && claimed.as_bytes() != Some(parts.public.bits().as_slice())
    {
        return Err(KeyFormatError::Inconsistent);
    }
    Ok(parts)
}

pub(super) fn read_pkcs1(der: &[u8]) -> Result<PrivateParts, KeyFormatError> {
    let key = RsaPrivateKeyRef::from_der(der).map_err(|_| KeyFormatError::Malformed)?;
    if key.other_prime_infos.is_some() {
        return Err(KeyFormatError::RsaPrimes);
    }
    let public = PublicKey::from_rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())?;
    Ok(wrap(der, public))
}

/// RFC 5915; on its own, where the curve is named inside.
pub(super) fn read_sec1(der: &[u8]) -> Result<PrivateParts, KeyFormatError> {
    read_ec(der, None)
}

pub(super) fn from_rsa_numbers(n: &[u8], e: &[u8], numbers: &RsaNumbers<'_>) -> Result<PrivateParts, KeyFormatError> {
    let public = PublicKey::from_rsa(n, e)?;
    let uint = |bytes| UintRef::new(bytes).map_err(|_| KeyFormatError::Malformed);
    let key = RsaPrivateKeyRef {
        modulus: uint(n)?,
        public_exponent: uint(e)?,
        private_exponent: uint(numbers.d)?,
        prime1: uint(numbers.p)?,
        prime2: uint(numbers.q)?,
        exponent1: uint(numbers.dp)?,
        exponent2: uint(numbers.dq)?,
        coefficient: uint(numbers.qi)?,
        other_prime_infos: None,
    };
    let der = Zeroizing::new(key.to_der().map_err(|_| KeyFormatError::Malformed)?);
    Ok(wrap(&der, public))
}

/// The key in the form that every consumer reads: RFC 5915 §1 inside PKCS#8, with the public half, without the curve,
/// which stands outside.
pub(super) fn from_ec_scalar(curve: Curve, scalar: &[u8], point: &[u8]) -> Result<PrivateParts, KeyFormatError> {
    // RFC 5915 §3: as long as the order of the curve, which on both curves is as long as the field.
    if scalar.len() != curve.field_len() {
        return Err(KeyFormatError::Malformed);
    }
    let public = PublicKey::from_point(curve, point)?;
    let key = EcPrivateKey {
        private_key: scalar,
        parameters: None,
        public_key: Some(point),
    };
    let der = Zeroizing::new(key.to_der().map_err(|_| KeyFormatError::Malformed)?);
    Ok(wrap(&der, public))
}

/// The public half is computed from the seed.
pub(super) fn from_ed25519_seed(seed: &[u8]) -> Result<PrivateParts, KeyFormatError> {
    if seed.len() != 32 {
        return Err(KeyFormatError::Malformed);
    }
    let seed = OctetStringRef::new(seed).map_err(|_| KeyFormatError::Malformed)?;
    let der = Zeroizing::new(seed.to_der().map_err(|_| KeyFormatError::Malformed)?);
    let placeholder = PublicKey::from_ed25519(&[0; 32])?;
    let parts = wrap(&der, placeholder);
    let signer = crate::provider::Provider::default()
        .backend()
        .ed25519_signer(&parts.pkcs8)
        .map_err(|_| KeyFormatError::Inconsistent)?;
    Ok(PrivateParts {
        public: PublicKey::from_ed25519(&signer.public_key())?,
        ..parts
    })
}

/// The scalar of an EC key, from the PKCS#8 form that [`from_ec_scalar`] writes.
pub(super) fn ec_scalar(pkcs8: &[u8]) -> &[u8] {
    EcPrivateKey::from_der(inner(pkcs8))
        .expect("the form written here")
        .private_key
}

/// The seed of an Ed25519 key, from the PKCS#8 form that [`from_ed25519_seed`] writes.
pub(super) fn ed25519_seed(pkcs8: &[u8]) -> &[u8] {
    <&OctetStringRef>::from_der(inner(pkcs8))
        .expect("the form written here")
        .as_bytes()
}

/// The private numbers of an RSA key, from its PKCS#8 form.
pub(super) fn rsa_numbers(pkcs8: &[u8]) -> RsaNumbers<'_> {
    let key = RsaPrivateKeyRef::from_der(inner(pkcs8)).expect("the form written here");
    RsaNumbers {
        d: key.private_exponent.as_bytes(),
        p: key.prime1.as_bytes(),
        q: key.prime2.as_bytes(),
        dp: key.exponent1.as_bytes(),
        dq: key.exponent2.as_bytes(),
        qi: key.coefficient.as_bytes(),
    }
}

fn inner(pkcs8: &[u8]) -> &[u8] {
    PrivateKeyInfoRef::from_der(pkcs8)
        .expect("the form written here")
        .private_key
        .as_bytes()
}

fn read_ec(der: &[u8], outside: Option<Curve>) -> Result<PrivateParts, KeyFormatError> {
    let key = EcPrivateKey::from_der(der).map_err(|_| KeyFormatError::Malformed)?;
    let inside = match key.parameters {
        None => None,
        Some(EcParameters::NamedCurve(oid)) => Some(Algorithm::of_curve(&oid)?),
    };
    let curve = match (outside.map(Algorithm::Ec), inside) {
        (Some(outside), Some(inside)) if outside != inside => return Err(KeyFormatError::Inconsistent),
        (Some(Algorithm::Ec(curve)), _) | (None, Some(Algorithm::Ec(curve))) => curve,
        _ => return Err(KeyFormatError::Malformed),
    };
    // ring loads no key without it, and to compute it is nobody's interface: so it must be there.
    let point = key
        .public_key
        .filter(|point| point.first() == Some(&4))
        .ok_or(KeyFormatError::MissingPublicKey)?;
    from_ec_scalar(curve, &fixed_length(key.private_key, curve)?, point)
}

/// RFC 5915 §3 fixes the length of the private key. GnuTLS writes it like an INTEGER: with a zero in front when the
/// first bit is set, and without those that it starts with.
fn fixed_length(scalar: &[u8], curve: Curve) -> Result<Zeroizing<Vec<u8>>, KeyFormatError> {
    let length = curve.field_len();
    let (excess, rest) = scalar.split_at(scalar.len().saturating_sub(length));
    if !matches!(excess, [] | [0]) || rest.is_empty() {
        return Err(KeyFormatError::Malformed);
    }
    let mut fixed = Zeroizing::new(vec![0; length]);
    fixed[length - rest.len()..].copy_from_slice(rest);
    Ok(fixed)
}

/// PKCS#8 version 1 (RFC 5958 §2 without attributes) around a key.
fn wrap(key: &[u8], public: PublicKey) -> PrivateParts {
    let key = OctetStringRef::new(key).expect("a key is short");
    let info = pkcs8::PrivateKeyInfo::<_, _, BitStringRef<'_>>::new(public.algorithm_identifier(), key);
    let pkcs8 = Zeroizing::new(info.to_der().expect("a key is short"));
    PrivateParts { pkcs8, public }
}
