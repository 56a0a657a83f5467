//! What is refused before anything is allocated or computed.

use cryptokit::keyset::Keyset;
use cryptokit::password::{Argon2Params, HashError, Pepper, Policy, Scheme, ScryptParams, StoredHash, StoredHashError};

use crate::support::*;

/// One good hash of each scheme, in the order of `Scheme::ALL`.
const ONE_OF_EACH: [&str; 10] = [
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$uL2hQzJmxaz0Tfm2KK6uNjA0+UvbrHBEBwVmJYrNXCE",
    "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$uL2hQzJmxaz0Tfm2KK6uNjA0+UvbrHBEBwVmJYrNXCE",
    "$argon2d$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$uL2hQzJmxaz0Tfm2KK6uNjA0+UvbrHBEBwVmJYrNXCE",
    "$argon2id$v=16$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$uL2hQzJmxaz0Tfm2KK6uNjA0+UvbrHBEBwVmJYrNXCE",
    "$bcrypt-hmac-sha256$keyid=AAAAAAAAAAA$2b$12$abcdefghijklmnopqrstuu0zkIfS5h5JrXjkJtKeXyQH12zg6jlVS",
    "$2b$12$abcdefghijklmnopqrstuu0zkIfS5h5JrXjkJtKeXyQH12zg6jlVS",
    "pbkdf2_sha256$600000$saltsaltsalt$F7o7+5VTVzFAO998X6s3AHrDsJVdMiIlgndIMe19NvY=",
    "$scrypt$ln=16,r=8,p=1$EqK0lrIWolTq/V9LaQ0BAA$/f2b3erdq+GINELeQbFa6T+HM3d/r9OuAS9j4kJdwdo",
    "$hmac-sha512$keyid=AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA$\
     vwdVIzt88EKfgfbGCXH0tldnFYrpYTqv2mpYj/NDONY2Az70Iu+hvDiPJCsWVVduTImbtgRsNz0AGkq6p0Y2+g",
    "$sha512-unlabelled$0123456789abcdef$43a2b68d30d635b43daa6eaa52b424b04df101789f7fa01899751d9f19555b3b\
     a3d35e7b62cff0e31595674e8b509bb9c41256e0de65e80a6c973983bd035471",
];

#[test]
fn a_scheme_is_verified_only_where_the_policy_accepts_it() {
    let ours = [Scheme::Argon2id, Scheme::PepperedBcrypt];
    for (text, scheme) in ONE_OF_EACH.into_iter().zip(Scheme::ALL) {
        let stored = parse(text);
        assert_eq!(stored.scheme(), scheme);
        assert_eq!(Scheme::from_name(scheme.name()), Some(scheme));
        let refused = Err(HashError::SchemeNotAccepted { scheme });
        let expected = if ours.contains(&scheme) { Ok(()) } else { refused };
        assert_eq!(Policy::default().check(&stored), expected, "{text}");
        assert_eq!(Policy::default().accepting([scheme]).check(&stored), Ok(()), "{text}");

        let others = Scheme::ALL.into_iter().filter(|other| *other != scheme);
        assert_eq!(Policy::default().accepting(others).check(&stored), expected, "{text}");

        let mut bench = Bench::new(Policy::default());
        if expected.is_err() {
            assert_eq!(bench.try_verify("p", &stored).map(|_| ()), expected);
            assert_eq!(bench.pool.completed(), 0);
        }
    }
}

#[test]
fn costs_above_the_ceiling_are_refused_before_any_memory_is_mapped_or_anything_computed() {
    let mut bench = Bench::new(Policy::default().accepting(Scheme::ALL));
    let change = |index: usize, from: &str, to: &str| ONE_OF_EACH[index].replace(from, to);
    for text in [
        change(0, "m=19456", "m=65537"),
        change(0, "m=19456", "m=1048576"),
        change(0, "t=2", "t=5"),
        change(0, "p=1", "p=5"),
        change(1, "m=19456", "m=65537"),
        change(2, "t=2", "t=64"),
        change(3, "p=1", "p=16"),
        change(4, "2b$12", "2b$15"),
        change(4, "2b$12", "2b$31"),
        change(5, "2b$12", "2b$15"),
        change(5, "2b$12", "2a$31"),
        change(6, "600000", "2000001"),
        change(6, "600000", "4294967295"),
        "pbkdf2_sha1$3000001$saltsaltsalt$JfNU29qvQkW1UgahO6OQ0oP6O0I=".into(),
        change(7, "ln=16", "ln=17"),
        change(7, "ln=16", "ln=20"),
        change(7, "r=8", "r=9"),
        change(7, "p=1", "p=9"),
    ] {
        let stored = parse(&text);
        assert_eq!(
            bench.hasher.policy().check(&stored),
            Err(HashError::AboveCeiling),
            "{text}"
        );
        assert_eq!(bench.try_verify("p", &stored), Err(HashError::AboveCeiling), "{text}");
    }
    assert_eq!(bench.pool.completed(), 0);
    assert_eq!(bench.mapped_bytes(), 0);
}

#[test]
fn the_ceiling_itself_is_allowed() {
    let policy = Policy::default().accepting(Scheme::ALL);
    for (index, from, to) in [
        (0, "m=19456,t=2,p=1", "m=65536,t=4,p=4"),
        (4, "2b$12", "2b$14"),
        (6, "600000", "2000000"),
        (7, "ln=16,r=8,p=1", "ln=16,r=8,p=8"),
    ] {
        assert_eq!(
            policy.check(&parse(&ONE_OF_EACH[index].replace(from, to))),
            Ok(()),
            "{to}"
        );
    }
}

#[test]
fn hostile_strings_are_refused_by_the_parser_alone() {
    use StoredHashError::{Algorithm, BcryptTwoX, Bounds, Malformed};
    let change = |index: usize, from: &str, to: &str| {
        let changed = ONE_OF_EACH[index].replace(from, to);
        assert_ne!(changed, ONE_OF_EACH[index], "{from} is there");
        changed
    };
    for (text, error) in [
        (String::new(), Malformed),
        ("$".into(), Malformed),
        ("$$".into(), Algorithm),
        ("x".repeat(1 << 20), Malformed),
        (format!("$argon2id${}", "9".repeat(1 << 20)), Malformed),
        ("$argon2id".into(), Malformed),
        ("password".into(), Malformed),
        ("$md5$c29tZXNhbHQ$AAAA".into(), Algorithm),
        ("$1$saltsalt$2vnaRpHa6Jxjz5n83ok8Z0".into(), Algorithm),
        ("$6$saltsalt$AAAA".into(), Algorithm),
        ("md5$saltsalt$AAAA".into(), Malformed),
        ("bcrypt_sha256$$2b$12$AAAA".into(), Malformed),
        // Argon2
        (change(0, "m=19456", "m=4194304"), Bounds),
        (change(0, "m=19456", "m=4294967295"), Bounds),
        (change(0, "m=19456", "m=4294967296"), Bounds),
        (change(0, "m=19456", "m=7"), Bounds),
        (change(0, "m=19456", "m=+19456"), Malformed),
        (change(0, "m=19456", "m=-1"), Malformed),
        (change(0, "m=19456", "m=019456"), Malformed),
        (change(0, "m=19456", "m="), Malformed),
        (change(0, "t=2", "t=4294967295"), Bounds),
        (change(0, "t=2", "t=0"), Bounds),
        (change(0, "p=1", "p=16777215"), Bounds),
        (change(0, "t=2,p=1", "p=1,t=2"), Malformed),
        (change(0, "p=1", "p=1,keyid=AAAA"), Bounds),
        (change(0, "p=1", "p=1,keyid="), Bounds),
        (change(0, "p=1", "p=1,data=AAAA"), Malformed),
        (change(0, "p=1", "p=1,keyid=AAAAAAAAAAA,data=AAAA"), Malformed),
        (change(0, "v=19", "v=18"), Algorithm),
        (change(0, "v=19", "v=019"), Algorithm),
        (change(0, "c29tZXNhbHRzb21lc2FsdA", ""), Bounds),
        (
            change(0, "c29tZXNhbHRzb21lc2FsdA", "c29tZXNhbHRzb21lc2FsdA=="),
            Malformed,
        ),
        (
            change(0, "uL2hQzJmxaz0Tfm2KK6uNjA0+UvbrHBEBwVmJYrNXCE", "uL2hQw"),
            Bounds,
        ),
        (change(0, "XCE", "XCF"), Malformed),
        (format!("{}$", ONE_OF_EACH[0]), Malformed),
        (format!("{}\n", ONE_OF_EACH[0]), Malformed),
        (format!("é{}", ONE_OF_EACH[0]), Malformed),
        // bcrypt
        (change(5, "2b", "2x"), BcryptTwoX),
        (change(4, "2b", "2x"), BcryptTwoX),
        (change(4, "2b", "2a"), Algorithm),
        (change(5, "2b", "2"), Algorithm),
        (change(5, "2b", "2c"), Algorithm),
        (change(5, "$12$", "$03$"), Bounds),
        (change(5, "$12$", "$32$"), Bounds),
        (change(5, "$12$", "$99$"), Bounds),
        (change(5, "$12$", "$+9$"), Malformed),
        (change(5, "$12$", "$012$"), Malformed),
        (change(5, "jlVS", "jlV"), Bounds),
        (change(5, "jlVS", "jlVSS"), Bounds),
        // 60 bytes that are not ASCII, and a character across the border of salt and tag.
        (format!("$2b$12${}a", "é".repeat(26)), Malformed),
        (format!("$2b$12${}é{}", "a".repeat(21), "a".repeat(30)), Malformed),
        // Bits that salt and tag do not have.
        (change(5, "stuu0zk", "stuv0zk"), Malformed),
        (change(4, "keyid=AAAAAAAAAAA", "keyid=AAAAAAAAAAAAAAA"), Bounds),
        (change(4, "keyid=AAAAAAAAAAA$", ""), Malformed),
        // PBKDF2
        (change(6, "600000", "0"), Bounds),
        (change(6, "600000", "4294967296"), Bounds),
        (change(6, "600000", "99999999999"), Malformed),
        (change(6, "600000", "6e5"), Malformed),
        (change(6, "saltsaltsalt", ""), Bounds),
        (change(6, "saltsaltsalt", "salt salt salt"), Malformed),
        (change(6, "saltsaltsalt", "sält-sält"), Malformed),
        (
            change(6, "F7o7+5VTVzFAO998X6s3AHrDsJVdMiIlgndIMe19NvY=", "F7o7+w=="),
            Bounds,
        ),
        (change(6, "NvY=", "NvY"), Malformed),
        (change(6, "pbkdf2_sha256", "pbkdf2_md5"), Malformed),
        (
            "$pbkdf2-sha256$i=1,l=31$c29tZXNhbHRzb21lc2FsdA$f2yJk+Dph1FxQ+yhQ5KLmg1c5wfFtFU14dLQONYBoAE".into(),
            Malformed,
        ),
        (
            "$pbkdf2-sha256$i=1,x=1$c29tZXNhbHRzb21lc2FsdA$f2yJk+Dph1FxQ+yhQ5KLmg1c5wfFtFU14dLQONYBoAE".into(),
            Malformed,
        ),
        (
            "$pbkdf2$i=1$c29tZXNhbHRzb21lc2FsdA$f2yJk+Dph1FxQ+yhQ5KLmg".into(),
            Algorithm,
        ),
        // scrypt
        (change(7, "ln=16", "ln=63"), Bounds),
        (change(7, "ln=16", "ln=21"), Bounds),
        (change(7, "ln=16", "ln=0"), Bounds),
        (change(7, "ln=16", "ln=4294967295"), Bounds),
        (change(7, "r=8", "r=0"), Bounds),
        (change(7, "r=8", "r=4294967295"), Bounds),
        (change(7, "p=1", "p=4294967295"), Bounds),
        (change(7, "EqK0lrIWolTq/V9LaQ0BAA", ""), Bounds),
        (
            change(7, "/f2b3erdq+GINELeQbFa6T+HM3d/r9OuAS9j4kJdwdo", "/f2b3Q"),
            Bounds,
        ),
        // The founding documents' forms
        (change(8, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ""), Bounds),
        (
            change(
                8,
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "AAAAAAAAAAAAAAAAAAAAAA",
            ),
            Bounds,
        ),
        (change(8, "keyid=AAAAAAAAAAA", "keyid="), Bounds),
        (change(8, "$keyid=AAAAAAAAAAA", ""), Malformed),
        (change(9, "$0123456789abcdef$", "$$"), Bounds),
        (change(9, "bd035471", "BD035471"), Malformed),
        (change(9, "bd035471", ""), Bounds),
    ] {
        let shown: String = text.chars().take(80).collect();
        assert_eq!(StoredHash::parse(&text).unwrap_err(), error, "{shown}");
    }
}

#[test]
fn new_hashes_stay_within_the_ceilings() {
    let dear = Argon2Params::new(256, 1, 1).unwrap();
    assert_eq!(Policy::new(Argon2Params::OWASP, dear), Err(HashError::AboveCeiling));
    let mut limits = *Policy::default().limits();
    limits.argon2.ceiling = dear;
    assert_eq!(Policy::default().with_limits(limits), Err(HashError::AboveCeiling));
}

#[test]
fn memory_is_bounded_by_the_dearest_accepted_scheme() {
    let policy = Policy::default();
    assert_eq!(policy.max_memory_bytes(), 64 << 20);
    // RFC 7914 §2: 128 · N · r bytes for V, 128 · r · p for B, and a block.
    let scrypt = policy.accepting([Scheme::Scrypt]);
    assert_eq!(scrypt.max_memory_bytes(), 128 * 8 * ((1 << 16) + 8 + 1));
    assert_eq!(
        ScryptParams::new(14, 8, 5).unwrap().memory_bytes(),
        128 * 8 * (16_384 + 6)
    );
    for (log_n, r, p) in [(0, 8, 1), (21, 8, 1), (4, 0, 1), (4, 33, 1), (4, 8, 0), (4, 8, 17)] {
        assert!(ScryptParams::new(log_n, r, p).is_err());
    }
}

#[test]
fn an_unknown_pepper_is_told_before_anything_is_computed() {
    let other = cryptokit::password::PasswordHasher::new(
        Policy::default().accepting(Scheme::ALL),
        Keyset::with_id(
            "peppers",
            cryptokit::keyset::KeyId::from_bytes([9; 8]),
            Pepper::generate(),
        ),
    );
    let mut bench = Bench::with(other);
    for index in [4, 8] {
        let error = bench.try_verify("p", &parse(ONE_OF_EACH[index])).unwrap_err();
        assert_eq!(error, HashError::UnknownPepper { id: KNOWN_ID });
        assert_eq!(bench.hasher.standing(&parse(ONE_OF_EACH[index])), Err(error));
    }
    let error = bench.try_verify("p", &parse(ONE_OF_EACH[9])).unwrap_err();
    assert_eq!(error, HashError::NoUnlabelledPeppers);
    assert_eq!(bench.pool.completed(), 0);
}

#[test]
fn a_policy_shows_the_limits_it_was_given_and_a_verdict_what_it_says() {
    let mut limits = *Policy::default().limits();
    limits.bcrypt_cost.ceiling += 1;
    assert_eq!(*Policy::default().with_limits(limits).unwrap().limits(), limits);
    assert_eq!(ACCEPTED.to_string(), "accepted");
    assert_eq!(REFUSED.to_string(), "refused");
}

#[test]
fn a_hash_is_weak_below_its_floor_and_only_there() {
    use cryptokit::password::Standing;

    let mut limits = *Policy::default().limits();
    limits.bcrypt_cost.floor = 10;
    limits.pbkdf2_sha256.floor = 600_000;
    let policy = Policy::default().with_limits(limits).unwrap().accepting(Scheme::ALL);
    let hasher = cryptokit::password::PasswordHasher::new(policy, known_peppers());
    for (below, at, above) in [("$09$", "$10$", "$11$"), ("$599999$", "$600000$", "$600001$")] {
        let template = if below.len() == 4 {
            ONE_OF_EACH[5]
        } else {
            ONE_OF_EACH[6]
        };
        let standing = |cost: &str| {
            let text = template.replace("$12$", cost).replace("$600000$", cost);
            hasher.standing(&parse(&text)).unwrap()
        };
        assert_eq!(standing(below), Standing::Weak, "{below}");
        assert_eq!(standing(at), Standing::Outdated, "{at}");
        assert_eq!(standing(above), Standing::Outdated, "{above}");
    }
}

#[test]
fn a_scrypt_hash_is_weak_when_one_of_its_costs_is_below_the_floor() {
    use cryptokit::password::{PasswordHasher, ScryptParams, Standing};

    let mut limits = *Policy::default().limits();
    limits.scrypt.floor = ScryptParams::new(15, 8, 2).unwrap();
    let policy = Policy::default().with_limits(limits).unwrap().accepting(Scheme::ALL);
    let hasher = PasswordHasher::new(policy, known_peppers());
    let template = ONE_OF_EACH.iter().find(|text| text.starts_with("$scrypt$")).unwrap();
    let standing = |costs: &str| {
        let text = template.replace("ln=16,r=8,p=1", costs);
        assert!(text.contains(costs));
        hasher.standing(&parse(&text)).unwrap()
    };
    for weak in ["ln=14,r=8,p=2", "ln=15,r=7,p=2", "ln=15,r=8,p=1"] {
        assert_eq!(standing(weak), Standing::Weak, "{weak}");
    }
    for enough in ["ln=15,r=8,p=2", "ln=16,r=8,p=2"] {
        assert_eq!(standing(enough), Standing::Outdated, "{enough}");
    }
}
