//! Does the time of a login tell what kind of account it was for? Logins of all classes take turns in random order over
//! one connection; each class is held against unknown addresses by the area under the ROC curve
//! ([`benches::timing::Auc`]).
//!
//! A class has enough accounts that none reaches its limit, except those that are locked from the start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::timing::{Auc, SplitMix64};
use cryptokit::password::{Argon2Params, Policy};

use crate::accounts::{self, PASSWORD};
use crate::connection::Trust;
use crate::installation::Installation;
use crate::{Common, Failure};

/// What |AUC − 0.5| may be at most, with 99.9 % certainty.
const BAR: f64 = 0.10;
/// What the planted leak adds.
const LEAK: Duration = Duration::from_millis(1);
/// The same while logins wait for each other and a millisecond is a small part of what differs anyway: about two hashes.
const BUSY_LEAK: Duration = Duration::from_millis(30);
/// Accounts of today's cost beside those that are measured: where an older cost is common, unknown addresses have it too,
/// as often as accounts have it.
const CROWD: u32 = 5_000;
/// How often a login is tried again that was turned away because too many waited.
const TRIES: u32 = 50;
/// Failures that an account gets here; a hundred is the limit, and a fifth of it is kept for sources it knows.
const FAILURES: usize = 60;
/// Failures that lock an account of a class that is locked.
const LOCKING: usize = 120;
const WRONG: &str = "not the password";
/// Logins at once, while every permit is taken.
const OTHERS: usize = 3;

/// What a class of logins has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Class {
    /// The addresses of its accounts begin with it.
    name: &'static str,
    /// Whether its logins are held against unknown addresses, or against locked unknown addresses.
    locked: bool,
    expected: Expected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Same,
    /// A client that waits longer: it must be found.
    Leak,
    /// An older hash costs what it cost when it was made; the first good login replaces it.
    Known,
}

const fn class(name: &'static str, locked: bool, expected: Expected) -> Class {
    Class { name, locked, expected }
}

const CLASSES: [Class; 8] = [
    class("unknown", false, Expected::Same),
    class("planted", false, Expected::Leak),
    class("known", false, Expected::Same),
    class("disabled", false, Expected::Same),
    class("passwordless", false, Expected::Same),
    class("older", false, Expected::Known),
    class("lockedunknown", true, Expected::Same),
    class("locked", true, Expected::Same),
];

/// `false` with `strict` when the planted leak was not found or a class was told apart. Few samples on a busy machine show
/// neither.
pub(crate) fn run(common: &Common, samples: usize, busy: bool, strict: bool) -> Result<bool, Failure> {
    let seed = u64::from_le_bytes(cryptokit::random::bytes());
    let settings = "defence.account_failures = 100\ndefence.account_source_failures = 100\n\
                    defence.source_failures = 1000000\nhashing.max_concurrent = 1";
    let installation = Installation::new(common, settings)?;
    let accounts = samples.div_ceil(FAILURES).max(2);
    fill(&installation, accounts)?;
    let server = installation.serve(&[])?;
    let trust = installation.trust()?;
    let mut connection = trust.connect(server.public)?;
    for class in CLASSES.iter().filter(|class| class.locked) {
        for number in 0..accounts {
            for _ in 0..LOCKING {
                connection.post(
                    "/v1/auth",
                    &accounts::login(&accounts::address(class.name, number as u32), WRONG),
                )?;
            }
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..if busy { OTHERS } else { 0 })
        .map(|number| spawn_other(&trust, server.public, number, &stop))
        .collect::<Result<_, _>>()?;

    let leak = if busy { BUSY_LEAK } else { LEAK };
    let mut random = SplitMix64(seed);
    let mut times = vec![Vec::new(); CLASSES.len()];
    let mut order: Vec<usize> = (0..CLASSES.len()).collect();
    // The first rounds fill caches and are not counted.
    for round in 0..samples + 5 {
        for last in (1..order.len()).rev() {
            order.swap(last, (random.draw() % (last as u64 + 1)) as usize);
        }
        for &at in &order {
            let class = CLASSES[at];
            let address = accounts::address(class.name, (round % accounts) as u32);
            let body = accounts::login(&address, WRONG);
            let expected = if class.locked { 429 } else { 401 };
            let mut tries = 0;
            let time = loop {
                let begin = Instant::now();
                let answer = connection.post("/v1/auth", &body)?;
                if class.expected == Expected::Leak {
                    let answered = Instant::now();
                    while answered.elapsed() < leak {}
                }
                let time = begin.elapsed().as_secs_f64();
                if answer.status == expected {
                    break time;
                }
                tries += 1;
                if !busy || answer.status != 503 || tries == TRIES {
                    return Err(format!("{}: status {} in round {round}", class.name, answer.status).into());
                }
            };
            if round >= 5 {
                times[at].push(time);
            }
        }
    }
    stop.store(true, Ordering::SeqCst);
    for other in others {
        other.join().map_err(|_| "a client of the background ended early")??;
    }
    let load = if busy { "every permit taken" } else { "idle" };
    println!("{samples} logins of each class, {load}, seed {seed}, bar {BAR} for the upper end");
    Ok(report(&times, strict))
}

/// One account of a class for each [`FAILURES`] samples.
fn fill(installation: &Installation, accounts: usize) -> Result<(), Failure> {
    let numbers = 0..accounts as u32;
    for name in ["planted", "known", "disabled", "locked"] {
        accounts::add(installation, name, numbers.clone())?;
    }
    // What the smallest accepted parameters gave: more memory, fewer passes.
    let older = Policy::new(Argon2Params::new(47_104, 1, 1)?, Argon2Params::new(65_536, 4, 1)?)?;
    accounts::add_with(installation, older, "older", numbers.clone())?;
    for number in numbers {
        installation.command(&["user", "disable", &accounts::address("disabled", number)], "")?;
        installation.command(
            &["user", "add", &accounts::address("passwordless", number), "--link"],
            "",
        )?;
    }
    accounts::add(installation, "crowd", 0..CROWD)?;
    accounts::add(installation, "other", 0..OTHERS as u32)
}

/// Somebody whose logins succeed, one after the other, so that nobody's budget is used up.
fn spawn_other(
    trust: &Trust,
    port: u16,
    number: usize,
    stop: &Arc<AtomicBool>,
) -> Result<thread::JoinHandle<Result<(), Failure>>, Failure> {
    let mut connection = trust.connect(port)?;
    let stop = Arc::clone(stop);
    let body = accounts::login(&accounts::address("other", number as u32), PASSWORD);
    Ok(thread::spawn(move || {
        while !stop.load(Ordering::SeqCst) {
            connection.post("/v1/auth", &body)?;
        }
        Ok(())
    }))
}

fn report(times: &[Vec<f64>], strict: bool) -> bool {
    let (mut blind, mut told_apart) = (false, false);
    println!(
        "{:<14} {:<16} {:>9} {:>7} {:>17}  finding",
        "class", "against", "median", "AUC", "99.9 % of |A-0.5|"
    );
    for (class, of_class) in CLASSES.iter().zip(times) {
        let other = CLASSES.iter().position(|other| other.locked == class.locked);
        let other = other.expect("the class itself is one");
        let auc = Auc::of(of_class, &times[other]);
        let (low, high) = auc.distance();
        let found = low > 0.0 && high > BAR;
        let finding = match (class.expected, auc.within(BAR)) {
            (Expected::Leak, _) if found => "planted leak found",
            (Expected::Leak, _) => "PLANTED LEAK NOT FOUND",
            (Expected::Known, _) => "differs until its next login",
            (Expected::Same, true) => "none",
            (Expected::Same, false) if low > BAR => "TOLD APART",
            (Expected::Same, false) => "not shown to be the same",
        };
        blind |= class.expected == Expected::Leak && !found;
        told_apart |= class.expected == Expected::Same && !auc.within(BAR);
        let median = median(of_class) * 1e3;
        println!(
            "{:<14} {:<16} {median:>6.2} ms {:>7.3} {low:>8.3} {high:>8.3}  {finding}",
            class.name, CLASSES[other].name, auc.area
        );
    }
    !(strict && (blind || told_apart))
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
