//! The founding documents' ten rows of password hashing, done as they do it and as cryptokit does it.
//!
//! Theirs: one SHA-512 over salt, pepper and password, joined; hexadecimal text compared with `==`; a loop over the
//! peppers that stops at the first match, so that its time depends on which one it is. Their benchmark drew that one
//! anew for each run, which is why ten peppers came out faster than five. Here the first, the last and none are apart.
//! Ours tries them all in every case.

use std::fmt;
use std::hint::black_box;
use std::num::NonZeroUsize;

#[cfg(feature = "aws-lc")]
use aws_lc_rs::{digest, rand};
use cryptokit::keyset::Keyset;
use cryptokit::password::{
    Argon2Params, BcryptCost, HashPermit, HashPool, NewHash, Password, PasswordHasher, Pepper, Policy, Scheme,
    StoredHash, UnlabelledPeppers,
};
use cryptokit::secret::SecretBytes;
#[cfg(all(feature = "ring", not(feature = "aws-lc")))]
use ring::{digest, rand, rand::SecureRandom};

use crate::Operation;

/// A row: the founding documents' name and time, and the same work on both sides.
pub struct FoundingRow {
    /// Their name, or ours where they have no such row.
    pub name: &'static str,
    /// Which case of it: which pepper matches, at what cost.
    pub case: String,
    /// Nanoseconds in their table: eight threads of another machine, Go.
    pub book_ns: Option<u64>,
    /// As they do it.
    pub theirs: Option<Operation>,
    /// As cryptokit does it.
    pub ours: Option<Operation>,
}

impl fmt::Debug for FoundingRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundingRow")
            .field("name", &self.name)
            .field("case", &self.case)
            .finish_non_exhaustive()
    }
}

const PASSWORD: &str = "HelloWorld1";
/// Their default cost, which they do not state.
const BCRYPT_COST: u32 = 10;

/// All rows, theirs first, in their order.
///
/// # Panics
///
/// When a password is not found to be the one that was hashed, here or in an operation.
pub fn rows() -> Vec<FoundingRow> {
    let salt = hex(&[0xa5; 32]);
    let mut rows = vec![
        row("GeneratePlainHash", "", 1_069).theirs(|| drop(black_box(their_hash("", "", black_box(PASSWORD))))),
        row("GenerateHashWithSaltAndPepper", "", 5_223)
            .theirs(|| {
                let mut random = [0; 32];
                fill(&mut random);
                let pepper = format!("pepper-{}", random[0] % 5);
                drop(black_box(their_hash(&hex(&random), &pepper, black_box(PASSWORD))));
            })
            .ours({
                let ours = Ours::new(Policy::default());
                move || drop(black_box(ours.hasher.salted_and_peppered(&ours.password).to_string()))
            }),
        row("GenerateBcrypt", format!("cost {BCRYPT_COST}"), 68_126_630)
            .theirs(|| {
                let mut salt = [0; 16];
                fill(&mut salt);
                black_box(their_bcrypt(BCRYPT_COST, salt));
            })
            .ours(hash_with(NewHash::PepperedBcrypt(bcrypt_cost(BCRYPT_COST)))),
        row("CompareSaltedHash", "", 1_276)
            .theirs({
                let (salt, stored) = (salt.clone(), their_hash(&salt, "", PASSWORD));
                move || assert!(their_hash(&salt, "", black_box(PASSWORD)) == stored)
            })
            .ours({
                let mut ours = Ours::new(Policy::default().accepting([Scheme::SaltedPeppered]));
                let stored = ours.hasher.salted_and_peppered(&ours.password);
                move || ours.verify(&stored, true)
            }),
        row("ComparePlainHash", "", 1_174).theirs({
            let stored = their_hash("", "", PASSWORD);
            move || assert!(their_hash("", "", black_box(PASSWORD)) == stored)
        }),
    ];
    for (name, count, book_ns) in [
        ("CompareHash5Peppers", 5, 4_980),
        ("CompareHash10Peppers", 10, 4_669),
        ("CompareHash100Peppers", 100, 22_150),
        ("CompareHash1000Peppers", 1_000, 1_492_037),
    ] {
        for (case, matching) in [
            ("the first matches", 0),
            ("the last matches", count - 1),
            ("none matches", count),
        ] {
            rows.push(compare_with_peppers(name, case, book_ns, count, matching, &salt));
        }
    }
    rows.push(
        row("CompareBCrypt", format!("cost {BCRYPT_COST}"), 70_942_742)
            .theirs({
                let stored = their_bcrypt(BCRYPT_COST, [7; 16]);
                move || assert!(their_bcrypt(BCRYPT_COST, [7; 16]) == stored)
            })
            .ours(verify_of(NewHash::PepperedBcrypt(bcrypt_cost(BCRYPT_COST)))),
    );
    let (default_cost, argon2id) = (
        NewHash::PepperedBcrypt(BcryptCost::DEFAULT),
        NewHash::Argon2id(Argon2Params::OWASP),
    );
    rows.push(own("bcrypt, hash", "cost 12").ours(hash_with(default_cost)));
    rows.push(own("bcrypt, verify", "cost 12").ours(verify_of(default_cost)));
    rows.push(own("Argon2id, hash", "19 MiB, t = 2, p = 1").ours(hash_with(argon2id)));
    rows.push(own("Argon2id, verify", "19 MiB, t = 2, p = 1").ours(verify_of(argon2id)));
    rows
}

/// With `count` peppers, of which number `matching` was used; none when there is no such number.
fn compare_with_peppers(
    name: &'static str,
    case: &str,
    book_ns: u64,
    count: usize,
    matching: usize,
    salt: &str,
) -> FoundingRow {
    let peppers: Vec<String> = (0..count)
        .map(|number| format!("pepper-{number:04}-of-a-common-length"))
        .collect();
    let used = format!("pepper-{matching:04}-of-a-common-length");
    let (expected, salt) = (matching < count, salt.to_owned());
    let digest = their_hash(&salt, &used, PASSWORD);

    let policy = Policy::default().accepting([Scheme::UnlabelledSha512]);
    let secrets = peppers
        .iter()
        .map(|pepper| SecretBytes::new(pepper.clone().into_bytes()));
    let unlabelled = UnlabelledPeppers::new(secrets.collect()).expect("within the bounds");
    let mut ours = Ours::new(policy);
    ours.hasher = PasswordHasher::new(policy, peppers_of_ours()).with_unlabelled_peppers(unlabelled);
    let stored = StoredHash::from_unlabelled(&digest, &salt).expect("their form");

    row(name, case, book_ns)
        .theirs(move || {
            let password = black_box(PASSWORD);
            let found = peppers
                .iter()
                .any(|pepper| their_hash(&salt, pepper, password) == digest);
            assert!(found == expected);
        })
        .ours(move || ours.verify(&stored, expected))
}

fn row(name: &'static str, case: impl Into<String>, book_ns: u64) -> FoundingRow {
    FoundingRow {
        book_ns: Some(book_ns),
        ..own(name, case)
    }
}

fn own(name: &'static str, case: impl Into<String>) -> FoundingRow {
    FoundingRow {
        name,
        case: case.into(),
        book_ns: None,
        theirs: None,
        ours: None,
    }
}

impl FoundingRow {
    fn theirs(self, operation: impl FnMut() + 'static) -> Self {
        Self {
            theirs: Some(Box::new(operation)),
            ..self
        }
    }

    fn ours(self, operation: impl FnMut() + 'static) -> Self {
        Self {
            ours: Some(Box::new(operation)),
            ..self
        }
    }
}

struct Ours {
    hasher: PasswordHasher,
    permit: HashPermit,
    password: Password,
}

impl Ours {
    fn new(policy: Policy) -> Self {
        Self {
            hasher: PasswordHasher::new(policy, peppers_of_ours()),
            permit: HashPool::new(NonZeroUsize::MIN)
                .try_acquire()
                .expect("a new pool is free"),
            password: Password::new(PASSWORD).expect("within the bounds"),
        }
    }

    fn verify(&mut self, stored: &StoredHash, expected: bool) {
        let verdict = self.hasher.verify(&mut self.permit, black_box(&self.password), stored);
        assert!(verdict.expect("an accepted scheme").ok == expected);
    }

    fn hash(&mut self) -> StoredHash {
        let stored = self.hasher.hash(&mut self.permit, black_box(&self.password));
        stored.expect("honest parameters")
    }
}

fn peppers_of_ours() -> Keyset<Pepper> {
    Keyset::new("peppers", Pepper::generate())
}

fn policy(new_hash: NewHash) -> Policy {
    Policy::default().with_new_hash(new_hash).expect("below the ceilings")
}

fn bcrypt_cost(cost: u32) -> BcryptCost {
    BcryptCost::new(cost).expect("in range")
}

fn hash_with(new_hash: NewHash) -> impl FnMut() {
    let mut ours = Ours::new(policy(new_hash));
    move || drop(black_box(ours.hash().to_string()))
}

fn verify_of(new_hash: NewHash) -> impl FnMut() {
    let mut ours = Ours::new(policy(new_hash));
    let stored = ours.hash();
    move || ours.verify(&stored, true)
}

fn their_hash(salt: &str, pepper: &str, password: &str) -> String {
    let joined = [salt, pepper, password].concat();
    hex(digest::digest(&digest::SHA512, joined.as_bytes()).as_ref())
}

fn their_bcrypt(cost: u32, salt: [u8; 16]) -> [u8; 24] {
    let mut key = [0; PASSWORD.len() + 1];
    key[..PASSWORD.len()].copy_from_slice(black_box(PASSWORD).as_bytes());
    bcrypt::bcrypt(cost, salt, &key)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].map(|nibble| char::from(DIGITS[usize::from(nibble)])));
    }
    text
}

#[cfg(feature = "aws-lc")]
fn fill(destination: &mut [u8]) {
    rand::fill(destination).expect("the operating system gives random bytes");
}

#[cfg(all(feature = "ring", not(feature = "aws-lc")))]
fn fill(destination: &mut [u8]) {
    let random = rand::SystemRandom::new();
    random
        .fill(destination)
        .expect("the operating system gives random bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_runs_and_the_ten_are_there() {
        let rows = rows();
        let mut theirs: Vec<&str> = rows
            .iter()
            .filter(|row| row.book_ns.is_some())
            .map(|row| row.name)
            .collect();
        theirs.dedup();
        assert_eq!(theirs.len(), 10, "{theirs:?}");
        for row in rows {
            for mut operation in [row.theirs, row.ours].into_iter().flatten() {
                operation();
            }
        }
    }
}
