//! Fills an installation: accounts with the password [`PASSWORD`], and revocations.
//!
//! One hash is computed, with the installation's pepper and at its cost, and `authsvc user import` seals it for each
//! account: a million accounts take about as long as their rows. Every one of them can log in.

use std::fmt::Write as _;
use std::num::NonZeroUsize;

use authsvc::config::{Config, Overrides};
use authsvc::secret_files::RootKeyFile;
use cryptokit::jose::Revocation;
use cryptokit::password::{HashPool, Password, PasswordHasher, Policy};

use crate::Failure;
use crate::installation::Installation;

pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// Far enough away for any measurement.
const REVOKED_UNTIL: u64 = 4_000_000_000;
const BATCH: u32 = 5_000;

/// The address of an account by its number.
pub(crate) fn address(prefix: &str, number: u32) -> String {
    format!("{prefix}{number:07}@load.example")
}

/// The body of a login.
pub(crate) fn login(address: &str, password: &str) -> String {
    format!("{{\"email\":\"{address}\",\"password\":\"{password}\"}}")
}

/// Adds accounts with numbers from `from` up to, not including, `to`.
pub(crate) fn add(installation: &Installation, prefix: &str, numbers: std::ops::Range<u32>) -> Result<(), Failure> {
    let config = config(installation)?;
    add_with(installation, config.hashing.policy, prefix, numbers)
}

/// The same, their hash of another cost.
pub(crate) fn add_with(
    installation: &Installation,
    policy: Policy,
    prefix: &str,
    numbers: std::ops::Range<u32>,
) -> Result<(), Failure> {
    let config = config(installation)?;
    let peppers = RootKeyFile::new(config.root_key_file.clone()).read_peppers(&config.pepper_file)?;
    let pool = HashPool::new(NonZeroUsize::MIN);
    let mut permit = pool.try_acquire().ok_or("a new pool is free")?;
    let hash = PasswordHasher::new(policy, peppers).hash(&mut permit, &Password::new(PASSWORD)?)?;
    let mut lines = String::new();
    for number in numbers {
        let address = address(prefix, number);
        writeln!(lines, "{{\"email\":\"{address}\",\"password_hash\":\"{hash}\"}}")?;
    }
    installation.command(&["user", "import", "-", "--format", "jsonl"], &lines)?;
    Ok(())
}

/// Revokes so many tokens that were never issued.
pub(crate) fn revoke(installation: &Installation, count: u32) -> Result<(), Failure> {
    let config = config(installation)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = authsvc::storage::open(&config.database).await?;
        for begin in (0..count).step_by(BATCH as usize) {
            let batch: Vec<Revocation> = (begin..count.min(begin + BATCH))
                .map(|number| Revocation::Token {
                    jti: format!("revoked-{number}"),
                    exp: REVOKED_UNTIL,
                })
                .collect();
            store.revoke(&batch).await?;
        }
        store.close().await;
        Ok(())
    })
}

fn config(installation: &Installation) -> Result<Config, Failure> {
    Ok(Config::load(
        &installation.config(),
        std::iter::empty(),
        &Overrides::default(),
    )?)
}
