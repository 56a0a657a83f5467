//! Hashes made by other software: Python's `bcrypt` 5.0.0, `libpass` 1.9.4, `Django` 5.2.19 and `argon2-cffi` 25.1.0,
//! all of the password `correct horse` unless said otherwise.

use cryptokit::password::{PasswordHasher, Scheme, Standing};

use crate::support::*;

const BCRYPT_2A: &str = "$2a$04$Tm6bPYY423OeBxi7oJ2N6uztRm/i0yU7wy3KMNScXmShTsYHTMbOi";
const BCRYPT_2B: &str = "$2b$04$yPqEimSXfB7LMMuimiF8AO6nLgcAao7ScSJVEoB2/o9XfOqZ9VCLy";
/// Of 72 letters a.
const BCRYPT_72: &str = "$2b$04$dMevu8/plYhU4ZAiIJcEXeSJrYXVcY/SVfEV2IAob9p4Dt18WkkW.";
/// Of the letter a.
const BCRYPT_A: &str = "$2b$04$SswAzDHsV5vDfpoJJ989SuhyvAV98/CTzEYscbuU3x745NFu3HpE.";
/// Of `café au lait` in normalisation form D.
const BCRYPT_DECOMPOSED: &str = "$2b$04$W6RkBHIp3yYooIv/COZ13.FphUQOju1A6nGVnPJdDSlMWlRGIz9Le";

const OF_OTHERS: [(&str, Scheme); 14] = [
    (BCRYPT_2A, Scheme::Bcrypt),
    (BCRYPT_2B, Scheme::Bcrypt),
    (
        "$pbkdf2$1000$xlhrDUEIASBkDKEUQkipFQ$PIkFR7JbOlo.C1xzGfse320B3RY",
        Scheme::Pbkdf2,
    ),
    (
        "$pbkdf2-sha256$1000$VgoBoLR2zlnrvVcqxZjTug$2Gb.88TmSVNE5tdY6VOr5NIFKwm1fOZ5YF1nBEZgBxE",
        Scheme::Pbkdf2,
    ),
    (
        "$pbkdf2-sha512$1000$D8HYu3eu1ToHAABA6D3HeA$\
         Mbxog.mauwOzD9IvJ3qcBVhidM.sVdJcW26CPq2/Fksp/.PW0ZbfFMVXm4JVfy.x2QwTfe38XQWn3NlAsQZSqA",
        Scheme::Pbkdf2,
    ),
    (
        "pbkdf2_sha256$1000$saltsaltsalt$F7o7+5VTVzFAO998X6s3AHrDsJVdMiIlgndIMe19NvY=",
        Scheme::Pbkdf2,
    ),
    (
        "pbkdf2_sha1$1000$saltsaltsalt$JfNU29qvQkW1UgahO6OQ0oP6O0I=",
        Scheme::Pbkdf2,
    ),
    (
        "$pbkdf2-sha256$i=1000,l=32$c29tZXNhbHRzb21lc2FsdA$f2yJk+Dph1FxQ+yhQ5KLmg1c5wfFtFU14dLQONYBoAE",
        Scheme::Pbkdf2,
    ),
    (
        "$scrypt$ln=4,r=8,p=1$EqK0lrIWolTq/V9LaQ0BAA$/f2b3erdq+GINELeQbFa6T+HM3d/r9OuAS9j4kJdwdo",
        Scheme::Scrypt,
    ),
    (
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$uL2hQzJmxaz0Tfm2KK6uNjA0+UvbrHBEBwVmJYrNXCE",
        Scheme::Argon2id,
    ),
    (
        "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$rB84JT5z5pR7npjABPWWPmhej9GHFq2J2QtVNJPtUE0",
        Scheme::Argon2i,
    ),
    (
        "$argon2d$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$vm9PBKKXIFC2hCDr+bLmQRD8t/tl1f7SeTHOSs4mWuo",
        Scheme::Argon2d,
    ),
    (
        "$argon2id$v=16$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$UrmhGLByONQ4UqyOoyEDJO4qRU3ZaB/Tc4DhTcbmPVU",
        Scheme::Argon2Version16,
    ),
    (
        "$argon2i$v=16$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$1Z2Yard74fm6b7ad3ZXPpY9ZFBZ56e0Td+ZQ0ZTn2S8",
        Scheme::Argon2Version16,
    ),
];

#[test]
fn hashes_of_others_verify_and_ask_to_be_replaced() {
    let mut bench = Bench::new(tolerant());
    for (text, scheme) in OF_OTHERS {
        let stored = parse(text);
        assert_eq!(stored.scheme(), scheme);
        assert_eq!(bench.verify("correct horse", &stored), ACCEPTED_ONCE_MORE, "{text}");
        assert_ne!(bench.hasher.standing(&stored), Ok(Standing::Current));
        for wrong in ["correct hors", "correct horse ", "Correct horse", "correct horse\0"] {
            assert_eq!(bench.verify(wrong, &stored), REFUSED, "{text}, {wrong:?}");
        }
    }
}

#[test]
fn the_revisions_of_bcrypt_are_one_computation() {
    let mut bench = Bench::new(tolerant());
    for (from, to) in [("$2b$", "$2y$"), ("$2b$", "$2a$")] {
        let stored = parse(&BCRYPT_2B.replace(from, to));
        assert_eq!(bench.verify("correct horse", &stored), ACCEPTED_ONCE_MORE);
    }
}

#[test]
fn an_argon2_hash_without_a_version_field_is_of_version_16() {
    let (version_16, _) = OF_OTHERS[13];
    let stored = parse(&version_16.replace("$v=16", ""));
    assert_eq!(stored.scheme(), Scheme::Argon2Version16);
    assert_eq!(
        Bench::new(tolerant()).verify("correct horse", &stored),
        ACCEPTED_ONCE_MORE
    );
}

#[test]
fn imported_hashes_see_the_password_as_typed_and_new_ones_in_normal_form() {
    let mut bench = Bench::new(tolerant());
    let (composed, decomposed) = ("caf\u{e9} au lait", "cafe\u{301} au lait");
    let stored = parse(BCRYPT_DECOMPOSED);
    assert_eq!(bench.verify(decomposed, &stored), ACCEPTED_ONCE_MORE);
    assert_eq!(
        bench.verify(composed, &stored),
        REFUSED,
        "other bytes, as in the other system"
    );
    assert_eq!(bench.pool.completed(), 2, "one run each");
    let replaced = bench.hash(decomposed);
    assert_eq!(bench.verify(composed, &replaced), ACCEPTED);
}

#[test]
fn an_imported_bcrypt_hash_sees_72_bytes_as_the_other_system_did() {
    let mut bench = Bench::new(tolerant());
    let stored = parse(BCRYPT_72);
    assert_eq!(bench.verify(&"a".repeat(71), &stored), REFUSED);
    // More than the hash can tell: which is why it is replaced by one that can.
    for length in [72, 73, 1024] {
        assert_eq!(
            bench.verify(&"a".repeat(length), &stored),
            ACCEPTED_ONCE_MORE,
            "{length}"
        );
    }
    let replaced = bench.hash(&"a".repeat(73));
    assert_eq!(bench.verify(&"a".repeat(72), &replaced), REFUSED);
}

#[test]
fn a_nul_does_not_repeat_an_imported_bcrypt_password() {
    let mut bench = Bench::new(tolerant());
    let stored = parse(BCRYPT_A);
    assert_eq!(bench.verify("a", &stored), ACCEPTED_ONCE_MORE);
    // bcrypt's key is `a\0a\0a\0…` in both cases.
    assert_eq!(bench.verify("a\0a", &stored), REFUSED);
    assert_eq!(bench.pool.completed(), 2, "refused after the same work");
}

#[test]
fn memory_hard_imports_run_on_a_permit_and_leave_nothing_mapped() {
    let mut bench = Bench::new(tolerant());
    for (index, (text, scheme)) in OF_OTHERS.into_iter().enumerate() {
        let _ = bench.verify("correct horse", &parse(text));
        assert_eq!(bench.pool.completed(), index as u64 + 1, "{text}");
        if scheme == Scheme::Scrypt {
            assert_eq!(
                bench.mapped_bytes(),
                0,
                "the arena was given back before scrypt mapped its own"
            );
        }
    }
}

#[test]
fn unlabelled_hashes_need_their_peppers() {
    let hasher = PasswordHasher::new(tolerant(), known_peppers());
    let stored = crate::founding_faults::unlabelled();
    assert!(hasher.standing(&stored).is_err());
}
