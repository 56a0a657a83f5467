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
use crate::secrets::{self, PASSWORD};
use crate::streams::{Input, is_stdin, print, refuse_stdin_twice};
use secret_input::Age;

/// Longest stored hash read, in bytes.
const MAX_HASH_LEN: usize = 4 * 1024;

/// Hashes a password.
pub(crate) fn hash(args: &HashArgs) -> Result<(), Error> {
    let params = Argon2Params::new(args.memory_kib, args.passes, args.lanes)
        .map_err(|error| Error::input("the parameters", error, "`cryptokit calibrate` finds some"))?;
    if !params.meets_owasp() {
        let why = "they are weaker than OWASP's minimum for Argon2id";
        let hint = "leave them out for 19456 KiB and 2 passes, or let `cryptokit calibrate` find some";
        return Err(Error::input("the parameters", why, hint));
    }
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
    // What is asked for here is not outside any limit.
    let hasher = hasher(policy(new_hash, params.m_cost(), params.t_cost())?, peppers);
    let password = password(args.password.password_file.as_deref(), Age::New)?;
    let hash = hasher
        .hash(&mut permit(), &password)
        .map_err(|error| Error::library("hashing", error))?;
    print(&hash.to_string())
}

/// Verifies a password.
pub(crate) fn verify(args: &VerifyArgs) -> Result<(), Error> {
    let password_file = args.password.password_file.as_deref();
    if password_file.is_some() && is_stdin(password_file) && is_stdin(Some(&args.hash_file)) {
        return Err(refuse_stdin_twice("the hash", "the password"));
    }
    let text = Input::open(Some(&args.hash_file))?.text(MAX_HASH_LEN)?;
    let stored = StoredHash::parse(text.trim_end_matches(['\r', '\n'])).map_err(|error| {
        Error::input(
            "the stored hash",
            error,
            "give one hash on one line, of a kind that `verify --help` names",
        )
    })?;
    let peppers = peppers(&args.peppers)?;
    let new_hash = match peppers {
        Some(_) => NewHash::Argon2id(Argon2Params::OWASP),
        None => NewHash::UnpepperedArgon2id(Argon2Params::OWASP),
    };
    let hasher = hasher(policy(new_hash, args.max_memory_kib, args.max_passes)?, peppers);
    hasher.standing(&stored).map_err(|error| {
        let hint = "if the hash is to be trusted, raise --max-memory-kib or --max-passes, or give the --peppers it was \
                    made with";
        Error::input("the stored hash", error, hint)
    })?;
    let password = password(args.password.password_file.as_deref(), Age::Existing)?;
    let verdict = hasher
        .verify(&mut permit(), &password, &stored)
        .map_err(|error| Error::library("verifying", error))?;
    match (verdict.ok, verdict.needs_rehash) {
        (false, _) => Err(Error::no("it is another password")),
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

/// Most lanes, of new hashes and of stored ones. Here they are computed one after the other.
const MAX_LANES: u32 = 16;

/// Accepts every scheme, and Argon2 up to these costs or OWASP's minimum, whatever is more.
fn policy(new_hash: NewHash, max_memory_kib: u32, max_passes: u32) -> Result<Policy, Error> {
    let least = Argon2Params::OWASP;
    let ceiling = Argon2Params::new(
        max_memory_kib.max(least.m_cost()),
        max_passes.max(least.t_cost()),
        MAX_LANES,
    )
    .map_err(|error| Error::input("the limits", error, "lower --max-memory-kib or --max-passes"))?;
    let mut limits = *Policy::default().limits();
    limits.argon2 = Range::new(limits.argon2.floor, ceiling);
    Policy::default()
        .with_limits(limits)
        .and_then(|policy| policy.with_new_hash(new_hash))
        .map(|policy| policy.accepting(StoredScheme::ALL))
        .map_err(|error| Error::input("the limits", error, "raise --max-memory-kib"))
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

fn password(file: Option<&Path>, age: Age) -> Result<Password, Error> {
    let text = secrets::read(PASSWORD, file, age)?;
    Password::new(&text).map_err(|error| Error::input("the password", error, "choose one of 1 to 1024 bytes"))
}

fn permit() -> HashPermit {
    HashPool::new(NonZeroUsize::MIN)
        .try_acquire()
        .expect("a new pool has a free permit")
}
