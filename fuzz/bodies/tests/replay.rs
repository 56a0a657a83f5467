//! Every seed of the corpus through its target's body, then some thousand mutations of the seeds: stable Rust explores
//! a little on every `cargo test`, the same way each time.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use cryptokit::encoding::base64url;

struct Target {
    name: &'static str,
    body: fn(&[u8]),
    mutations: u64,
}

/// One line for each target, in the order of their names: `name: body, mutations;`.
macro_rules! targets {
    ($($name:ident: $body:ident, $mutations:literal;)*) => {
        const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            body: fuzz_bodies::$body,
            mutations: $mutations,
        }),*];

        $(mod $name {
            #[test]
            fn seeds_keep_every_promise() {
                super::replay(super::target(stringify!($name)));
            }

            #[test]
            fn mutated_seeds_keep_every_promise() {
                super::mutate(super::target(stringify!($name)));
            }
        })*
    };
}

targets! {
    administration_request: administration_request, 6_000;
    audit_file: audit_file, 2_000;
    backup: backup, 3_000;
    certificate_pem_der: certificate, 4_000;
    certification_request: certification_request, 4_000;
    document: document, 4_000;
    encrypted_stream: encrypted_stream, 1_000;
    import_line: import_line, 6_000;
    inspection: inspection, 6_000;
    inventory: inventory, 4_000;
    jwe_compact: jwe_compact, 1_000;
    jwe_json: jwe_json, 1_000;
    jwks: jwks, 6_000;
    jwt_verifier: jwt_verifier, 6_000;
    keyset_json: keyset_json, 4_000;
    login_request: login_request, 6_000;
    manifest: manifest, 4_000;
    password_hash: password_hash, 20_000;
    password_request: password_request, 6_000;
    pkcs12: pkcs12, 4_000;
    private_key: private_key, 3_000;
    request_headers: request_headers, 6_000;
    revocation_delta: revocation_delta, 4_000;
    revocation_list: revocation_list, 6_000;
    second_factor_request: second_factor_request, 6_000;
    session_request: session_request, 6_000;
    settings_file: settings_file, 2_000;
    stored_row: stored_row, 10_000;
    token_question: token_question, 6_000;
}

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap()
}

#[test]
fn every_fuzz_target_is_replayed_here() {
    let names = |folder: &str| {
        let mut names: Vec<String> = entries(&fuzz_folder().join(folder))
            .iter()
            .filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let replayed: Vec<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names("fuzz_targets"), replayed);
    assert_eq!(names("corpus"), replayed);
}

fn replay(target: &Target) {
    let corpus = corpus(target);
    for (path, seed) in &corpus {
        run(target, path.display().to_string(), seed);
    }
    println!("{}: {} seeds replayed", target.name, corpus.len());
}

/// Any number; another one explores elsewhere.
const RANDOM_SEED: u64 = 0x5eed_0001;

fn mutate(target: &Target) {
    println!(
        "{}: {} mutations of seed {RANDOM_SEED:#x}",
        target.name, target.mutations
    );
    let corpus = corpus(target);
    let mut random = Random(RANDOM_SEED);
    for round in 0..target.mutations {
        let (path, seed) = random.pick(&corpus);
        let mut input = seed.clone();
        for _ in 0..1 + random.below(4) {
            random.mutate(&mut input, &corpus);
        }
        run(target, format!("mutation {round} of {}", path.display()), &input);
    }
}

fn run(target: &Target, what: String, input: &[u8]) {
    let _shown_on_panic = Shown { target, what, input };
    (target.body)(input);
}

/// Prints the input while its panic goes by: in base64url, so that it can be made a seed.
struct Shown<'a> {
    target: &'a Target,
    what: String,
    input: &'a [u8],
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "{} fails on {}, in base64url: {}",
                self.target.name,
                self.what,
                base64url::encode(self.input)
            );
        }
    }
}

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The seeds in the order of their names: the order in a folder differs between machines.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fuzz_folder().join("corpus").join(target.name);
    let seeds: Vec<_> = entries(&folder)
        .into_iter()
        .map(|path| {
            let content = fs::read(&path).unwrap();
            (path, content)
        })
        .collect();
    assert!(!seeds.is_empty(), "no seed in {}", folder.display());
    seeds
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// What parsers trip over.
const FRAGMENTS: [&[u8]; 18] = [
    b"",
    b"\0",
    b"\"",
    b"\\u0000",
    b"{\"a\":",
    b"}",
    b"[[[[[[[[[",
    b",\"alg\":\"none\"",
    b",\"email\":\"a@b.c\"",
    b"1e309",
    b"-0",
    b"18446744073709551616",
    b"\r\nBcc: ",
    "\u{202e}".as_bytes(),
    b"-----BEGIN CERTIFICATE-----\n",
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"=",
];

/// SplitMix64: the same sequence everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// A range inside `0..len`, mostly short.
    fn range(&mut self, len: usize) -> Range<usize> {
        let start = self.below(len + 1);
        let longest = if self.below(4) == 0 { len } else { 8 };
        start..len.min(start + self.below(longest + 1))
    }

    fn mutate(&mut self, input: &mut Vec<u8>, corpus: &[(PathBuf, Vec<u8>)]) {
        let at = self.range(input.len());
        match self.below(6) {
            0 => {
                if let Some(byte) = input.get_mut(at.start) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => {
                if let Some(byte) = input.get_mut(at.start) {
                    *byte = self.next() as u8;
                }
            }
            2 => {
                input.drain(at);
            }
            3 => {
                let copy = input[at.clone()].to_vec();
                input.splice(at.end..at.end, copy);
            }
            4 => {
                let fragment = *self.pick(&FRAGMENTS);
                input.splice(at, fragment.iter().copied());
            }
            _ => {
                let (_, other) = self.pick(corpus);
                let part = self.range(other.len());
                input.splice(at, other[part].iter().copied());
            }
        }
    }
}
