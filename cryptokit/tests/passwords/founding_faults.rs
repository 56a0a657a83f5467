//! The faults of the founding documents' password code, each with the test that keeps it out.

use std::collections::HashSet;

use cryptokit::keyset::KeyMaterial;
use cryptokit::password::{
    BcryptCost, NewHash, PasswordHasher, Pepper, Scheme, Standing, StoredHash, StoredHashError, UnlabelledPeppers,
};
use cryptokit::secret::SecretBytes;

use crate::support::*;

const SALT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// Python: sha512(salt + "pepper-3" + "HelloWorld1")
const DIGEST: &str = "43a2b68d30d635b43daa6eaa52b424b04df101789f7fa01899751d9f19555b3b\
                      a3d35e7b62cff0e31595674e8b509bb9c41256e0de65e80a6c973983bd035471";

pub(crate) fn unlabelled() -> StoredHash {
    StoredHash::from_unlabelled(DIGEST, SALT).unwrap()
}

#[test]
fn an_unlabelled_hash_verifies_whichever_pepper_it_was_and_is_replaced() {
    let mut bench = Bench::new(tolerant());
    let stored = parse(&unlabelled().to_string());
    assert_eq!(stored.scheme(), Scheme::UnlabelledSha512);
    assert_eq!(bench.verify("HelloWorld1", &stored), ACCEPTED_ONCE_MORE);
    assert_eq!(bench.verify("HelloWorld2", &stored), REFUSED);
    assert_eq!(bench.hasher.standing(&stored), Ok(Standing::Weak));

    // Without the fourth pepper it does not.
    let hasher =
        PasswordHasher::new(tolerant(), known_peppers()).with_unlabelled_peppers(super::support::unlabelled(3));
    assert_eq!(Bench::with(hasher).verify("HelloWorld1", &stored), REFUSED);
}

#[test]
fn fault_two_loose_strings_with_no_scheme_or_version() {
    // One string now, which says what it is, for both forms.
    let bench = Bench::new(tolerant());
    let ours = bench.hasher.salted_and_peppered(&password("p")).to_string();
    assert!(ours.starts_with("$hmac-sha512$keyid=AAAAAAAAAAA$"), "{ours}");
    assert_eq!(unlabelled().to_string(), format!("$sha512-unlabelled${SALT}${DIGEST}"));
}

#[test]
fn fault_fast_hashes_offered_for_passwords() {
    // Still to be had, by a name of its own; never what a policy makes; accepted on request alone; always replaced.
    let mut bench = Bench::new(tolerant());
    let stored = parse(&bench.hasher.salted_and_peppered(&password("p")).to_string());
    assert_eq!(bench.verify("p", &stored), ACCEPTED_ONCE_MORE);
    assert_eq!(bench.verify("q", &stored), REFUSED);
    assert_eq!(bench.hasher.standing(&stored), Ok(Standing::Weak));
    assert!(!cryptokit::password::Policy::default().accepts(Scheme::SaltedPeppered));
    assert!(!cryptokit::password::Policy::default().accepts(Scheme::UnlabelledSha512));
}

#[test]
fn a_salted_and_peppered_hash_is_the_one_that_others_compute() {
    // Python: hmac(bytes(range(32)), be64(32) + bytes(32) + be64(13) + b"correct horse", sha512)
    let stored = parse(
        "$hmac-sha512$keyid=AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA$\
         vwdVIzt88EKfgfbGCXH0tldnFYrpYTqv2mpYj/NDONY2Az70Iu+hvDiPJCsWVVduTImbtgRsNz0AGkq6p0Y2+g",
    );
    assert_eq!(
        Bench::new(tolerant()).verify("correct horse", &stored),
        ACCEPTED_ONCE_MORE
    );
}

#[test]
fn fault_ambiguous_field_boundaries() {
    // Theirs: SHA-512(salt ‖ pepper ‖ input). A character that moves from one field to the next changes nothing.
    let mut bench = Bench::new(tolerant());
    let (shorter, taken) = SALT.split_at(SALT.len() - 1);
    let moved = StoredHash::from_unlabelled(DIGEST, shorter).unwrap();
    let pepper = UnlabelledPeppers::new(vec![SecretBytes::new(format!("{taken}pepper-3").into_bytes())]).unwrap();
    let hasher = PasswordHasher::new(tolerant(), known_peppers()).with_unlabelled_peppers(pepper);
    assert!(
        Bench::with(hasher).verify("HelloWorld1", &moved).ok,
        "their fault, kept for their hashes"
    );

    // Ours has the lengths in front, and the pepper is the key.
    let stored = bench.hasher.salted_and_peppered(&password("Hello"));
    for moved in ["", "H"] {
        let other = format!("{moved}Hello");
        assert_eq!(bench.verify(&other, &stored).ok, moved.is_empty());
    }
    let text = stored.to_string();
    let (head, tag) = text.rsplit_once('$').unwrap();
    let (head, salt) = head.rsplit_once('$').unwrap();
    for salt in [&salt[..salt.len() - 1], &format!("{salt}A")] {
        assert!(
            StoredHash::parse(&format!("{head}${salt}${tag}")).is_err(),
            "salts have one length"
        );
    }
}

#[test]
fn fault_an_empty_salt_when_the_generator_fails() {
    // The generator's failure ends the program (`random`'s tests), and an empty salt is not obeyed from storage either.
    assert_eq!(
        StoredHash::from_unlabelled(DIGEST, "").unwrap_err(),
        StoredHashError::Bounds
    );
    let mut bench = Bench::new(tolerant());
    let cheapest = NewHash::PepperedBcrypt(BcryptCost::new(BcryptCost::MIN).unwrap());
    let mut bcrypt = Bench::new(tolerant().with_new_hash(cheapest).unwrap());
    let salts: HashSet<String> = [
        bench.hash("p"),
        bench.hash("p"),
        bench.hasher.salted_and_peppered(&password("p")),
        bench.hasher.salted_and_peppered(&password("p")),
        bcrypt.hash("p"),
        bcrypt.hash("p"),
    ]
    .iter()
    .map(|stored| {
        let text = stored.to_string();
        let mut fields: Vec<&str> = text.split('$').collect();
        let last = fields.pop().unwrap();
        match stored.scheme() {
            Scheme::PepperedBcrypt => last[..22].to_owned(),
            Scheme::SaltedPeppered => {
                let salt = fields.pop().unwrap();
                assert_eq!(salt.len(), 43, "32 bytes");
                salt.to_owned()
            }
            _ => fields.pop().unwrap().to_owned(),
        }
    })
    .collect();
    assert_eq!(salts.len(), 6, "each hash has a salt of its own: {salts:?}");
}

#[test]
fn fault_128_bits_of_entropy_in_a_256_bit_key() {
    // Theirs was 16 random bytes written as 32 hexadecimal digits: 16 values for each byte. Of 256 peppers made here,
    // every byte takes far more.
    let peppers: Vec<_> = (0..256).map(|_| Pepper::generate().to_bytes()).collect();
    for index in 0..32 {
        let values: HashSet<u8> = peppers.iter().map(|pepper| pepper.expose_secret()[index]).collect();
        assert!(values.len() > 100, "byte {index} takes {} values", values.len());
    }
}

#[test]
fn fault_silent_truncation_at_72_bytes() {
    let cheapest = NewHash::PepperedBcrypt(BcryptCost::new(BcryptCost::MIN).unwrap());
    for policy in [tolerant(), tolerant().with_new_hash(cheapest).unwrap()] {
        let mut bench = Bench::new(policy);
        for length in [71, 72, 73, 1024] {
            let long = "a".repeat(length);
            let stored = bench.hash(&long);
            assert_eq!(bench.verify(&long, &stored), ACCEPTED, "{length}");
            let other = "a".repeat(length - 1) + "b";
            assert_eq!(bench.verify(&other, &stored), REFUSED, "{length}: the last byte counts");
            assert_eq!(
                bench.verify(&long[..length - 1], &stored),
                REFUSED,
                "{length}: the length counts"
            );
        }
    }
    assert!(
        cryptokit::password::Password::new(&"a".repeat(4096)).is_err(),
        "refused, not cut"
    );
}

#[test]
fn fault_everything_after_a_nul_ignored() {
    let cheapest = NewHash::PepperedBcrypt(BcryptCost::new(BcryptCost::MIN).unwrap());
    for policy in [tolerant(), tolerant().with_new_hash(cheapest).unwrap()] {
        let mut bench = Bench::new(policy);
        let stored = bench.hash("a\0b");
        assert_eq!(bench.verify("a\0b", &stored), ACCEPTED);
        for other in ["a", "a\0", "a\0c", "a\0b\0", "a\0b\0a\0b"] {
            assert_eq!(bench.verify(other, &stored), REFUSED, "{other:?}");
        }
    }
}

#[test]
fn fault_a_stored_cost_of_31_obeyed() {
    let mut bench = Bench::new(tolerant());
    for text in [
        "$2b$31$abcdefghijklmnopqrstuu0zkIfS5h5JrXjkJtKeXyQH12zg6jlVS",
        "$bcrypt-hmac-sha256$keyid=AAAAAAAAAAA$2b$31$abcdefghijklmnopqrstuu0zkIfS5h5JrXjkJtKeXyQH12zg6jlVS",
    ] {
        assert!(bench.try_verify("p", &parse(text)).is_err());
    }
    assert_eq!(bench.pool.completed(), 0);
}

#[test]
fn fault_unlabelled_peppers_that_cannot_be_rotated() {
    // The label names the pepper: one hash is computed, and the old pepper goes when its last hash is replaced.
    let mut peppers = known_peppers();
    let old = Bench::new(tolerant()).hasher.salted_and_peppered(&password("p"));
    let id = peppers.add(Pepper::generate());
    peppers.promote(id).unwrap();
    let mut bench = Bench::with(PasswordHasher::new(tolerant(), peppers));
    assert_eq!(bench.verify("p", &old), ACCEPTED_ONCE_MORE);
    assert_eq!(bench.pool.completed(), 1);
    assert!(bench.hash("p").to_string().contains("keyid="));
    assert!(!bench.hash("p").to_string().contains("keyid=AAAAAAAAAAA"));
}

#[test]
fn an_unknown_user_costs_one_run_of_what_new_hashes_are_made_with() {
    let cheapest = NewHash::PepperedBcrypt(BcryptCost::new(BcryptCost::MIN).unwrap());
    for policy in [tolerant(), tolerant().with_new_hash(cheapest).unwrap()] {
        let mut bench = Bench::new(policy);
        bench.decoy();
        assert_eq!(bench.pool.completed(), 1);
    }
}

#[test]
fn unlabelled_peppers_are_bounded_and_silent() {
    let peppers = |count: usize, length: usize| {
        UnlabelledPeppers::new((0..count).map(|_| SecretBytes::new(vec![b'x'; length])).collect())
    };
    for (count, length) in [(0, 1), (1, 0), (4097, 1), (1, 257)] {
        assert!(peppers(count, length).is_err(), "{count} of {length} bytes");
    }
    assert_eq!(
        format!("{:?}", peppers(2, 3).unwrap()),
        "UnlabelledPeppers(2, [redacted])"
    );
}
