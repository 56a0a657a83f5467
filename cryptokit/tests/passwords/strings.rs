//! Every text form has one spelling, and says neither salt nor tag when printed for a log.

use cryptokit::password::{Cost, StoredHash};
use proptest::prelude::*;

/// Nearly right texts of every form, so that a good part of them is accepted.
fn nearly_right() -> impl Strategy<Value = String> {
    let b64 = |min, max| proptest::string::string_regex(&format!("[A-Za-z0-9+/]{{{min},{max}}}")).unwrap();
    let keyid = || "(,keyid=[A-Za-z0-9+/]{10}[AEIMQUYcgkosw048])?";
    prop_oneof![
        (
            "\\$argon2(id|i|d)(\\$v=1[69])?",
            "\\$m=[0-9]{1,6},t=[0-9]{1,2},p=[0-9]",
            keyid(),
            "[A-Za-z0-9+/]{21}[AQgw]",
            "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]"
        )
            .prop_map(|(name, cost, keyid, salt, tag)| format!("{name}{cost}{keyid}${salt}${tag}")),
        (
            "(\\$bcrypt-hmac-sha256\\$keyid=[A-Za-z0-9+/]{10}[AEIMQUYcgkosw048])?",
            "\\$2[abxy]\\$[0-3][0-9]\\$",
            "[./A-Za-z0-9]{21}[.Oeu]",
            "[./A-Za-z0-9]{30}[.CGKOSWaeimquy26]"
        )
            .prop_map(|(label, cost, salt, tag)| format!("{label}{cost}{salt}{tag}")),
        (
            "pbkdf2_sha(1|256|512)\\$[0-9]{1,7}\\$",
            "[!-#%-~]{6,20}",
            "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
        )
            .prop_map(|(cost, salt, tag)| format!("{cost}{salt}${tag}")),
        (
            "\\$pbkdf2(-sha256|-sha512)?\\$(i=)?[0-9]{1,7}(,l=32)?\\$",
            "[A-Za-z0-9./]{21}[AQgw]",
            "[A-Za-z0-9./]{42}[AEIMQUYcgkosw048]"
        )
            .prop_map(|(cost, salt, tag)| format!("{cost}{salt}${tag}")),
        ("\\$scrypt\\$ln=[0-9]{1,2},r=[0-9],p=[0-9]\\$", b64(10, 66), b64(20, 88))
            .prop_map(|(cost, salt, tag)| format!("{cost}{salt}${tag}")),
        (
            "\\$hmac-sha512\\$keyid=[A-Za-z0-9+/]{10}[AEIMQUYcgkosw048]\\$",
            "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]",
            "[A-Za-z0-9+/]{85}[AQgw]"
        )
            .prop_map(|(label, salt, tag)| format!("{label}{salt}${tag}")),
        ("\\$sha512-unlabelled\\$[!-#%-~]{7,89}", "[0-9a-f]{128}")
            .prop_map(|(salt, digest)| format!("{salt}${digest}")),
    ]
}

fn has_one_spelling(text: &str) -> bool {
    let Ok(stored) = StoredHash::parse(text) else {
        return false;
    };
    assert_eq!(stored.to_string(), text);
    let again = StoredHash::parse(&stored.to_string()).unwrap();
    assert_eq!((again.scheme(), again.cost()), (stored.scheme(), stored.cost()));
    let shown = format!("{stored:?}");
    let tag = text.rsplit('$').next().unwrap();
    assert!(!shown.contains(tag), "{shown}");
    true
}

#[test]
fn the_generator_reaches_every_form() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut accepted = std::collections::HashSet::new();
    for _ in 0..4000 {
        let text = nearly_right().new_tree(&mut runner).unwrap().current();
        if has_one_spelling(&text) {
            accepted.insert(StoredHash::parse(&text).unwrap().scheme());
        }
    }
    assert_eq!(accepted.len(), cryptokit::password::Scheme::ALL.len(), "{accepted:?}");
}

#[test]
fn a_hash_states_its_cost() {
    let pbkdf2 = "pbkdf2_sha256$600000$saltsaltsalt$F7o7+5VTVzFAO998X6s3AHrDsJVdMiIlgndIMe19NvY=";
    assert!(matches!(
        StoredHash::parse(pbkdf2).unwrap().cost(),
        Cost::Pbkdf2 {
            iterations: 600_000,
            ..
        }
    ));
}

proptest! {
    #[test]
    fn what_is_accepted_has_one_spelling(text in nearly_right()) {
        has_one_spelling(&text);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,80}", prefix in "(\\$(argon2id|2b|pbkdf2-sha256|scrypt|hmac-sha512)\\$|pbkdf2_sha256\\$)?") {
        has_one_spelling(&format!("{prefix}{text}"));
    }
}
