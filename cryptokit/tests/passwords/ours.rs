//! Argon2id with a pepper, and bcrypt over a keyed pre-hash.

use cryptokit::keyset::{KeyId, Keyset};
use cryptokit::password::{
    Argon2Params, BcryptCost, HashError, NewHash, PasswordHasher, Pepper, Policy, Scheme, Standing, StoredHash,
};

use crate::support::*;

fn bcrypt() -> Policy {
    let cheapest = BcryptCost::new(BcryptCost::MIN).unwrap();
    tolerant().with_new_hash(NewHash::PepperedBcrypt(cheapest)).unwrap()
}

#[test]
fn a_right_password_is_accepted_and_a_wrong_one_is_not() {
    for policy in [tolerant(), bcrypt()] {
        let mut bench = Bench::new(policy);
        let stored = bench.hash("correct horse");
        assert_eq!(bench.verify("correct horse", &stored), ACCEPTED);
        for wrong in ["correct hors", "correct horse ", "Correct horse", "\0"] {
            assert_eq!(bench.verify(wrong, &stored), REFUSED, "{wrong:?}");
        }
    }
}

/// Made here, to be verified by a program that has no pepper and knows nothing of normalisation.
#[test]
fn a_hash_without_a_pepper_needs_none_and_is_of_the_bytes_as_typed() {
    let policy = tolerant().with_new_hash(NewHash::UnpepperedArgon2id(cheap())).unwrap();
    let mut bench = Bench::new(policy);
    let stored = bench.hash("cafe\u{301}");
    assert!(
        stored.to_string().starts_with("$argon2id$v=19$m=32,t=1,p=1$"),
        "{stored}"
    );
    assert_eq!(bench.verify("cafe\u{301}", &stored), ACCEPTED);
    assert_eq!(bench.verify("caf\u{e9}", &stored), REFUSED);

    let mut other = Bench::with(PasswordHasher::new(policy, Keyset::new("others", Pepper::generate())));
    assert_eq!(other.verify("cafe\u{301}", &stored), ACCEPTED, "whatever the peppers");
    let mut peppering = Bench::new(tolerant());
    assert_eq!(peppering.verify("cafe\u{301}", &stored), ACCEPTED_ONCE_MORE);
    assert_eq!(bench.verify("p", &peppering.hash("p")), ACCEPTED_ONCE_MORE);
}

#[test]
fn new_hashes_say_what_they_are() {
    let argon2id = Bench::new(tolerant()).hash("p");
    assert_eq!(argon2id.scheme(), Scheme::Argon2id);
    assert!(
        argon2id
            .to_string()
            .starts_with("$argon2id$v=19$m=32,t=1,p=1,keyid=AAAAAAAAAAA$")
    );
    let bcrypt = Bench::new(bcrypt()).hash("p");
    assert_eq!(bcrypt.scheme(), Scheme::PepperedBcrypt);
    assert!(
        bcrypt
            .to_string()
            .starts_with("$bcrypt-hmac-sha256$keyid=AAAAAAAAAAA$2b$10$")
    );
}

#[test]
fn a_bcrypt_hash_is_the_one_that_others_compute() {
    // Python: bcrypt.hashpw(b64encode(hmac.digest(bytes(range(32)), b"correct horse", "sha256")), b"$2b$10$abc…")
    let known = "$bcrypt-hmac-sha256$keyid=AAAAAAAAAAA$2b$10$abcdefghijklmnopqrstuu0zkIfS5h5JrXjkJtKeXyQH12zg6jlVS";
    let mut bench = Bench::new(bcrypt());
    assert_eq!(bench.verify("correct horse", &parse(known)), ACCEPTED);
    assert_eq!(bench.verify("correct house", &parse(known)), REFUSED);
}

#[test]
fn an_argon2id_hash_with_a_secret_is_the_one_that_others_compute() {
    // C2SP phc-strings.md, "Example": without the secret `pepper` that it was made with, its password does not verify.
    // With it, it does: `password::argon2`'s tests.
    let example = "$argon2id$v=19$m=65536,t=2,p=1$gZiV/M1gPc22ElAH/Jh1Hw$CWOrkoo7oJBQ/iyh7uJ0LO2aLEfrHwTWllSAxT0zRno";
    let mut bench = Bench::new(Policy::default());
    assert_eq!(bench.verify("hunter2", &parse(example)), REFUSED);
}

#[test]
fn equal_passwords_get_different_hashes() {
    for policy in [tolerant(), bcrypt()] {
        let mut bench = Bench::new(policy);
        assert_ne!(bench.hash("same").to_string(), bench.hash("same").to_string());
    }
}

#[test]
fn both_normal_forms_of_a_password_are_one() {
    for policy in [tolerant(), bcrypt()] {
        let mut bench = Bench::new(policy);
        let stored = bench.hash("caf\u{e9} au lait");
        assert_eq!(bench.verify("cafe\u{301} au lait", &stored), ACCEPTED);
    }
}

#[test]
fn removing_or_editing_keyid_never_widens_what_verifies() {
    for policy in [tolerant(), bcrypt()] {
        let mut bench = Bench::new(policy);
        let stored = bench.hash("p").to_string();
        let id = KeyId::from_bytes([1; 8]);

        // Another id: unknown, or that of another pepper.
        let edited = parse(&stored.replace("keyid=AAAAAAAAAAA", "keyid=AQEBAQEBAQE"));
        assert_eq!(bench.try_verify("p", &edited), Err(HashError::UnknownPepper { id }));
        let mut peppers = Keyset::with_id("peppers", id, Pepper::generate());
        let hasher = PasswordHasher::new(policy, peppers);
        assert_eq!(Bench::with(hasher).verify("p", &edited), REFUSED);

        // A pepper of the same id that is another one.
        peppers = Keyset::with_id("peppers", KNOWN_ID, Pepper::generate());
        let mut other = Bench::with(PasswordHasher::new(policy, peppers));
        assert_eq!(other.verify("p", &parse(&stored)), REFUSED);

        // A revoked one.
        peppers = known_peppers();
        let promoted = peppers.add(Pepper::generate());
        peppers.promote(promoted).unwrap();
        peppers.revoke(KNOWN_ID).unwrap();
        let mut revoked = Bench::with(PasswordHasher::new(policy, peppers));
        let unknown = HashError::UnknownPepper { id: KNOWN_ID };
        assert_eq!(revoked.try_verify("p", &parse(&stored)), Err(unknown));
    }
    // None: then it is another hash, which the password does not have.
    let mut bench = Bench::new(tolerant());
    let removed = bench.hash("p").to_string().replace(",keyid=AAAAAAAAAAA", "");
    assert_eq!(bench.verify("p", &parse(&removed)), REFUSED);
    let peppered = Bench::new(bcrypt()).hash("p").to_string();
    let removed = peppered.replace("$bcrypt-hmac-sha256$keyid=AAAAAAAAAAA", "");
    assert_eq!(bench.verify("p", &parse(&removed)), REFUSED);
    let empty = peppered.replace("keyid=AAAAAAAAAAA", "keyid=");
    assert!(StoredHash::parse(&empty).is_err());
}

#[test]
fn other_costs_schemes_and_peppers_ask_for_a_rehash_and_wrong_passwords_never_do() {
    let (mut argon2id, mut bcrypted) = (Bench::new(tolerant()), Bench::new(bcrypt()));
    let argon2id_hash = argon2id.hash("p");
    let bcrypt_hash = bcrypted.hash("p");

    let stronger = NewHash::Argon2id(Argon2Params::new(64, 1, 1).unwrap());
    let mut stronger = Bench::new(tolerant().with_new_hash(stronger).unwrap());
    let costlier = NewHash::PepperedBcrypt(BcryptCost::new(11).unwrap());
    let mut limits = *tolerant().limits();
    limits.bcrypt_cost.ceiling = 11;
    let costlier = tolerant().with_limits(limits).unwrap().with_new_hash(costlier).unwrap();
    let mut costlier = Bench::new(costlier);
    let mut peppers = known_peppers();
    let promoted = peppers.add(Pepper::generate());
    peppers.promote(promoted).unwrap();
    let mut rotated = Bench::with(PasswordHasher::new(tolerant(), peppers));

    for (bench, stored) in [
        (&mut stronger, &argon2id_hash),
        (&mut rotated, &argon2id_hash),
        (&mut bcrypted, &argon2id_hash),
        (&mut argon2id, &bcrypt_hash),
        (&mut costlier, &bcrypt_hash),
    ] {
        assert_eq!(bench.verify("p", stored), ACCEPTED_ONCE_MORE, "{stored:?}");
        assert_eq!(bench.verify("wrong", stored), REFUSED, "{stored:?}");
        assert_eq!(bench.hasher.standing(stored), Ok(Standing::Outdated));
    }
    assert_eq!(argon2id.hasher.standing(&argon2id_hash), Ok(Standing::Current));
}

#[test]
fn a_hash_below_the_floor_is_verified_and_called_weak() {
    let mut bench = Bench::new(tolerant());
    let weakest = bench.hash("p");
    let params = Argon2Params::new(64, 2, 1).unwrap();
    let mut limits = *tolerant().limits();
    limits.argon2.floor = params;
    let policy = tolerant().with_limits(limits).unwrap();
    let mut strict = Bench::new(policy.with_new_hash(NewHash::Argon2id(params)).unwrap());
    assert_eq!(strict.hasher.standing(&weakest), Ok(Standing::Weak));
    assert_eq!(strict.verify("p", &weakest), ACCEPTED_ONCE_MORE);
    assert_eq!(strict.verify("wrong", &weakest), REFUSED);
}

#[test]
fn a_short_salt_or_a_tag_of_another_length_asks_for_a_rehash() {
    // libargon2 with the secret 00 01 … 1f, salts 00 01 …, at the costs that `tolerant` makes.
    let mut bench = Bench::new(tolerant());
    for (salt_and_tag, expected) in [
        (
            "AAECAwQFBgc$gsQLGVecBIkELqxXWIW7MINiRX348bo57IlP3NS246g",
            ACCEPTED_ONCE_MORE,
        ),
        (
            "AAECAwQFBgcICQoLDA0O$Y+aCTNId60/NF1UObD3xfqyzq/sNiXS8Vz7nv+ZzDUM",
            ACCEPTED_ONCE_MORE,
        ),
        ("AAECAwQFBgcICQoLDA0ODw$tf+hjbdlzh2i6y0sfI5GKg", ACCEPTED_ONCE_MORE),
        (
            "AAECAwQFBgcICQoLDA0ODw$\
             XFpwxEUP3EsbbrujvA8To8nz0dlO/VZxxo9NIzHK4oyB4WgLeAanDY4btzYC/IrLGjeGj4YkBdbnLj0lzFRrNw",
            ACCEPTED_ONCE_MORE,
        ),
        (
            "AAECAwQFBgcICQoLDA0ODxA$uKxCgramnyvN2tw1tU51/btFaXwee3eb7yns180icFE",
            ACCEPTED,
        ),
    ] {
        let stored = parse(&format!("$argon2id$v=19$m=32,t=1,p=1,keyid=AAAAAAAAAAA${salt_and_tag}"));
        assert_eq!(bench.verify("p", &stored), expected, "{salt_and_tag}");
        assert_eq!(bench.verify("q", &stored), REFUSED);
    }
}

#[test]
fn every_path_costs_exactly_one_run() {
    for policy in [tolerant(), bcrypt()] {
        let mut bench = Bench::new(policy);
        let stored = bench.hash("p");
        assert_eq!(bench.pool.completed(), 1);
        let _ = bench.verify("p", &stored);
        assert_eq!(bench.pool.completed(), 2);
        let _ = bench.verify("x", &stored);
        assert_eq!(bench.pool.completed(), 3);
        bench.decoy();
        assert_eq!(bench.pool.completed(), 4);
    }
}

#[test]
fn new_bcrypt_hashes_cost_between_10_and_the_policy_s_ceiling() {
    assert_eq!(BcryptCost::default().get(), 12);
    for cost in [0, 4, 9, 21, 31, u32::MAX] {
        assert_eq!(BcryptCost::new(cost).unwrap_err().cost, cost);
    }
    let above = NewHash::PepperedBcrypt(BcryptCost::new(15).unwrap());
    assert_eq!(Policy::default().with_new_hash(above), Err(HashError::AboveCeiling));
}
