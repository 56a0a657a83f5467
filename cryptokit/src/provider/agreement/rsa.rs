//! RSA signatures and RSAES-OAEP against the `rsa` crate, which is a third implementation of the signatures in every
//! build, and of OAEP where AWS-LC is the provider.

use std::convert::Infallible;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::sha2::{Digest, Sha256};
use rsa::traits::PublicKeyParts;
use rsa::{Oaep, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
use zeroize::Zeroizing;

use crate::provider::{Provider, RsaScheme, Unspecified};

struct Key {
    pkcs8: Zeroizing<Vec<u8>>,
    n: Vec<u8>,
    e: Vec<u8>,
    private: RsaPrivateKey,
    public: RsaPublicKey,
}

impl Key {
    fn generate(bits: usize) -> Self {
        let pkcs8 = Provider::default().backend().generate_rsa_pkcs8(bits).unwrap();
        let private = RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap();
        let public = private.to_public_key();
        Self {
            pkcs8,
            n: public.n_bytes().into_vec(),
            e: public.e_bytes().into_vec(),
            private,
            public,
        }
    }
}

static KEY: LazyLock<Key> = LazyLock::new(|| Key::generate(2048));

#[test]
fn keys_of_every_size_are_read_alike() {
    for bits in [2048, 3072, 4096] {
        let key = Key::generate(bits);
        let expected = key
            .private
            .sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(b"message"))
            .unwrap();
        assert_eq!(expected.len() * 8, bits);
        for provider in Provider::all() {
            let signer = provider
                .backend()
                .rsa_signer(RsaScheme::Pkcs1Sha256, &key.pkcs8)
                .unwrap();
            assert_eq!(
                signer.public_components(),
                (key.n.clone(), key.e.clone()),
                "{provider:?}"
            );
            assert_eq!(signer.sign(b"message").unwrap(), expected, "{provider:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn pkcs1_signatures_are_the_same_bytes(message in vec(any::<u8>(), 0..500)) {
        let expected = KEY.private.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&message)).unwrap();
        for provider in Provider::all() {
            let signer = provider.backend().rsa_signer(RsaScheme::Pkcs1Sha256, &KEY.pkcs8).unwrap();
            prop_assert_eq!(&signer.sign(&message).unwrap(), &expected);
        }
    }

    #[test]
    fn pss_signatures_verify_both_ways_with_the_salt_of_the_hash_only(
        message in vec(any::<u8>(), 0..500),
        other_salt in select(vec![0, 20, 31, 33, 64, 222]),
        seed: [u8; 32],
    ) {
        let mut rng = Seeded { seed, drawn: 0 };
        let digest = Sha256::digest(&message);
        let theirs = KEY.private.sign_with_rng(&mut rng, Pss::<Sha256>::new(), &digest).unwrap();
        let salted = KEY.private.sign_with_rng(&mut rng, Pss::<Sha256>::new_with_salt(other_salt), &digest).unwrap();
        prop_assert_eq!(KEY.public.verify(Pss::<Sha256>::new_with_salt(other_salt), &digest, &salted), Ok(()));
        for provider in Provider::all() {
            let ours = provider.backend().rsa_signer(RsaScheme::PssSha256, &KEY.pkcs8).unwrap().sign(&message).unwrap();
            prop_assert_eq!(KEY.public.verify(Pss::<Sha256>::new_with_salt(32), &digest, &ours), Ok(()));

            let verifier = provider.backend().rsa_verifier(RsaScheme::PssSha256, &KEY.n, &KEY.e).unwrap();
            prop_assert_eq!(verifier.verify(&message, &theirs), Ok(()));
            // RFC 7518 §3.5.
            prop_assert_eq!(verifier.verify(&message, &salted), Err(Unspecified));
        }
    }

    #[test]
    fn signatures_with_one_changed_bit_are_refused(
        message in vec(any::<u8>(), 0..100),
        place: Index,
        bit in 0..8,
        seed: [u8; 32],
    ) {
        let mut rng = Seeded { seed, drawn: 0 };
        let digest = Sha256::digest(&message);
        for (scheme, mut signature) in [
            (RsaScheme::Pkcs1Sha256, KEY.private.sign(Pkcs1v15Sign::new::<Sha256>(), &digest).unwrap()),
            (RsaScheme::PssSha256, KEY.private.sign_with_rng(&mut rng, Pss::<Sha256>::new(), &digest).unwrap()),
        ] {
            signature[place.index(256)] ^= 1_u8 << bit;
            for provider in Provider::all() {
                let verifier = provider.backend().rsa_verifier(scheme, &KEY.n, &KEY.e).unwrap();
                prop_assert_eq!(verifier.verify(&message, &signature), Err(Unspecified));
            }
        }
    }

    #[test]
    fn oaep_ciphertexts_open_both_ways(
        label in vec(any::<u8>(), 0..100),
        message in vec(any::<u8>(), 0..=190),
        seed: [u8; 32],
    ) {
        let mut rng = Seeded { seed, drawn: 0 };
        let padding = || Oaep::<Sha256>::new_with_label(&label[..]);
        let theirs = KEY.public.encrypt(&mut rng, padding(), &message).unwrap();
        for provider in Provider::all() {
            let ours = provider.backend().oaep_encrypter(&KEY.n, &KEY.e).unwrap().encrypt(&label, &message).unwrap();
            prop_assert_eq!(&KEY.private.decrypt(padding(), &ours).unwrap(), &message);
            if provider.decrypts_oaep() {
                let decrypter = provider.backend().oaep_decrypter(&KEY.pkcs8).unwrap();
                prop_assert_eq!(&*decrypter.decrypt(&label, &theirs).unwrap(), &message);
                prop_assert_eq!(&*decrypter.decrypt(&label, &ours).unwrap(), &message);
            }
        }
    }

    #[test]
    fn oaep_refuses_alike(label in vec(any::<u8>(), 0..20), ciphertext in vec(any::<u8>(), 250..260), head: bool) {
        // Half of them below the modulus, half of these of the right length.
        let mut ciphertext = ciphertext;
        if head {
            ciphertext.resize(256, 7);
            ciphertext[0] = 0;
        }
        for provider in Provider::all().into_iter().filter(|provider| provider.decrypts_oaep()) {
            let decrypter = provider.backend().oaep_decrypter(&KEY.pkcs8).unwrap();
            prop_assert_eq!(decrypter.decrypt(&label, &ciphertext), Err(Unspecified));
        }
    }
}

/// What `rsa` draws, from proptest's seed: a failure can be repeated.
struct Seeded {
    seed: [u8; 32],
    drawn: u64,
}

impl Seeded {
    fn block(&mut self) -> [u8; 32] {
        self.drawn += 1;
        Sha256::new()
            .chain_update(self.seed)
            .chain_update(self.drawn.to_be_bytes())
            .finalize()
            .into()
    }
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(*self.block().first_chunk().unwrap()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(*self.block().first_chunk().unwrap()))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        for chunk in destination.chunks_mut(32) {
            chunk.copy_from_slice(&self.block()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}
