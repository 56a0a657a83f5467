//! Makes and verifies password hashes for a program in another language: one JSON object a line, one answer a line.
//!
//! ```text
//! {"make": "argon2id" | "bcrypt-hmac-sha256" | "hmac-sha512", "password": "…"}   {"hash": "…"}
//! {"verify": "…", "password": "…"}                                              {"ok": true, "needs_rehash": false}
//! {"digest": "…", "salt": "…", "password": "…"}                                 the same; an unlabelled hash
//! anything that is refused                                                      {"error": "…"}
//! ```
//!
//! Its pepper is the bytes 0 to 31 and its unlabelled peppers are `pepper-0` to `pepper-4`: this is for judging the
//! formats against other implementations (`tests/interop/passwords.py`), not for anybody's passwords.

use std::error::Error;
use std::io::{BufRead, Write};
use std::num::NonZeroUsize;

use cryptokit::keyset::{KeyId, KeyMaterial, Keyset};
use cryptokit::password::{
    BcryptCost, HashPermit, HashPool, NewHash, Password, PasswordHasher, Pepper, Policy, Scheme, StoredHash,
    UnlabelledPeppers,
};
use cryptokit::secret::SecretBytes;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut permit = HashPool::new(NonZeroUsize::MIN)
        .try_acquire()
        .ok_or("a new pool has a permit")?;
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&mut permit, &line?).unwrap_or_else(|error| json!({ "error": error.to_string() }));
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(permit: &mut HashPermit, line: &str) -> Result<Value, Box<dyn Error>> {
    let request: Value = serde_json::from_str(line)?;
    let member = |name: &str| request[name].as_str();
    let password = Password::new(member("password").ok_or("no password")?)?;
    let hasher = hasher(Policy::default().accepting(Scheme::ALL))?;

    if let Some(scheme) = member("make") {
        let hash = match Scheme::from_name(scheme) {
            Some(Scheme::Argon2id) => hasher.hash(permit, &password)?,
            Some(Scheme::PepperedBcrypt) => {
                let cheapest = NewHash::PepperedBcrypt(BcryptCost::new(BcryptCost::MIN)?);
                self::hasher(Policy::default().with_new_hash(cheapest)?)?.hash(permit, &password)?
            }
            Some(Scheme::SaltedPeppered) => hasher.salted_and_peppered(&password),
            _ => return Err("not a scheme that is made here".into()),
        };
        return Ok(json!({ "hash": hash.to_string() }));
    }
    let stored = match (member("verify"), member("digest"), member("salt")) {
        (Some(text), None, None) => StoredHash::parse(text)?,
        (None, Some(digest), Some(salt)) => StoredHash::from_unlabelled(digest, salt)?,
        _ => return Err("neither make, verify nor digest with salt".into()),
    };
    let verdict = hasher.verify(permit, &password, &stored)?;
    Ok(json!({ "ok": verdict.ok, "needs_rehash": verdict.needs_rehash }))
}

fn hasher(policy: Policy) -> Result<PasswordHasher, Box<dyn Error>> {
    let pepper =
        Pepper::from_bytes("secret-256", SecretBytes::new((0..32).collect())).map_err(|_| "a pepper has 32 bytes")?;
    let peppers = Keyset::with_id("peppers", KeyId::from_bytes([0; 8]), pepper);
    let unlabelled = (0..5).map(|index| SecretBytes::new(format!("pepper-{index}").into_bytes()));
    Ok(PasswordHasher::new(policy, peppers).with_unlabelled_peppers(UnlabelledPeppers::new(unlabelled.collect())?))
}
