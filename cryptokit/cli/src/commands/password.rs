//! `hash`, `verify` and `calibrate`.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use cryptokit::keyset::Keyset;
use cryptokit::password::{
    Argon2Params, BcryptCost, CalibrationTarget, HashPermit, HashPool, NewHash, Password, PasswordHasher, Pepper,
    Policy, Range, Scheme as StoredScheme, StoredHash, calibrate as find_params,
};

use crate::cli::{CalibrateArgs, HashArgs, KeysetArgs, PepperArgs, Scheme, VerifyArgs};
use crate::error::Error;
use crate::keyset_file;
use crate::secrets::{self, PASSWORD, Typed};
use crate::streams::{Input, print};

/// Longest stored hash read, in bytes.
const MAX_HASH_LEN: usize = 4 * 1024;

/// Hashes a password.
pub(crate) fn hash(args: &HashArgs) -> Result<(), Error> {
    let params = Argon2Params::new(args.memory_kib, args.passes, args.lanes)
        .map_err(|error| Error::input("the parameters", error, "`cryptokit calibrate` finds some"))?;
    let peppers = peppers(&args.peppers)?;
    let new_hash = match (args.scheme, &peppers) {
        (Scheme::Argon2id, Some(_)) => NewHash::Argon2id(params),
        (Scheme::Argon2id, None) => NewHash::UnpepperedArgon2id(params),
        (Scheme::Bcrypt, Some(_)) => NewHash::PepperedBcrypt(BcryptCost::default()),
        (Scheme::Bcrypt, None) => {
            return Err(Error::input(
                "--scheme bcrypt",
                "it is made over a keyed pre-hash, and there is no key",
                "give --peppers and --root-key",
            ));
        }
    };
    let hasher = hasher(policy(new_hash, params)?, peppers);
    let password = password(args.password.password_file.as_deref(), Typed::Twice)?;
    let hash = hasher
        .hash(&mut permit(), &password)
        .map_err(|error| Error::library("hashing", error))?;
    print(&hash.to_string())
}

/// Verifies a password.
pub(crate) fn verify(args: &VerifyArgs) -> Result<(), Error> {
    let from_stdin = |path: Option<&Path>| path == Some(Path::new("-"));
    if from_stdin(Some(&args.hash_file)) && from_stdin(args.password.password_file.as_deref()) {
        return Err(Error::input(
            "standard input",
            "it cannot be both the hash and the password",
            "give one of them in a file",
        ));
    }
    let text = Input::open(Some(&args.hash_file))?.text(MAX_HASH_LEN)?;
    let stored = StoredHash::parse(text.trim_end_matches(['\r', '\n']))
        .map_err(|error| Error::input("the stored hash", error, "give one hash on one line"))?;
    let peppers = peppers(&args.peppers)?;
    let new_hash = match peppers {
        Some(_) => NewHash::Argon2id(Argon2Params::OWASP),
        None => NewHash::UnpepperedArgon2id(Argon2Params::OWASP),
    };
    let ceiling = Argon2Params::new(args.max_memory_kib, MAX_PASSES, MAX_LANES)
        .map_err(|error| Error::input("--max-memory-kib", error, "give at least 19456"))?;
    let hasher = hasher(policy(new_hash, ceiling)?, peppers);
    hasher.standing(&stored).map_err(|error| {
        let hint = "if the hash is to be trusted, raise --max-memory-kib or give the --peppers it was made with";
        Error::input("the stored hash", error, hint)
    })?;
    let password = password(args.password.password_file.as_deref(), Typed::Once)?;
    let verdict = hasher
        .verify(&mut permit(), &password, &stored)
        .map_err(|error| Error::library("verifying", error))?;
    match (verdict.ok, verdict.needs_rehash) {
        (false, _) => Err(Error::Refused("it is another password".to_owned())),
        (true, false) => print("accepted"),
        (true, true) => print("accepted, rehash"),
    }
}

/// Measures this machine.
pub(crate) fn calibrate(args: &CalibrateArgs) -> Result<(), Error> {
    let target = CalibrationTarget {
        time: args.target,
        memory_kib: args.memory_kib,
        lanes: 1,
    };
    let start = Instant::now();
    let found = find_params(&mut permit(), target, || start.elapsed())
        .map_err(|error| Error::input("the target", error, "allow more time or more memory"))?;
    print(&format!(
        "--memory-kib {} --passes {} --lanes {}",
        found.params.m_cost(),
        found.params.t_cost(),
        found.params.p_cost(),
    ))?;
    eprintln!("One hash took {} ms.", found.time.as_millis());
    Ok(())
}

/// Ceilings beside the memory, for a person who waits.
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 16;

fn policy(new_hash: NewHash, ceiling: Argon2Params) -> Result<Policy, Error> {
    let mut limits = *Policy::default().limits();
    limits.argon2 = Range::new(limits.argon2.floor, ceiling);
    Policy::default()
        .with_limits(limits)
        .and_then(|policy| policy.with_new_hash(new_hash))
        .map(|policy| policy.accepting(StoredScheme::ALL))
        .map_err(|error| Error::input("the limits", error, "give at least 19456 KiB"))
}

fn hasher(policy: Policy, peppers: Option<Keyset<Pepper>>) -> PasswordHasher {
    // Without peppers, one that nothing names.
    PasswordHasher::new(
        policy,
        peppers.unwrap_or_else(|| Keyset::new("none", Pepper::generate())),
    )
}

fn peppers(args: &PepperArgs) -> Result<Option<Keyset<Pepper>>, Error> {
    match (&args.peppers, &args.root_key) {
        (Some(file), Some(root_key)) => keyset_file::open(&KeysetArgs {
            file: file.clone(),
            root_key: root_key.clone(),
        })
        .map(Some),
        _ => Ok(None),
    }
}

fn password(file: Option<&Path>, typed: Typed) -> Result<Password, Error> {
    let text = secrets::read(PASSWORD, file, typed)?;
    Password::new(&text).map_err(|error| Error::input("the password", error, "choose one of 1 to 1024 bytes"))
}

fn permit() -> HashPermit {
    HashPool::new(NonZeroUsize::MIN)
        .try_acquire()
        .expect("a new pool has a free permit")
}
