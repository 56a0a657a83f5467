//! What bad requests do: to memory and to validations while they come, and to the disk afterwards.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::timing::SplitMix64;

use crate::accounts::{self, PASSWORD};
use crate::connection::Connection;
use crate::installation::Installation;
use crate::speed::tokens;
use crate::{Common, Failure};

const LOGINS: u32 = 500;
/// How long validations are watched while nothing else happens.
const CALM: Duration = Duration::from_secs(3);
/// docs/configuration.md: an arena for each permit, and 32 KiB for each login that waits.
const ARENA_KIB: u64 = 19_456;
const WAITING_KIB: u64 = 32;
const COUNTERS: u64 = 10_000;
/// What the 99th percentile of validations may come to meanwhile: so many times what it is in calm, and so much more, which a
/// server on one core needs to take turns with hashes. Few requests show nothing.
const UNHARMED: (u32, Duration) = (2, Duration::from_millis(5));
const ENOUGH_REQUESTS: u32 = 100_000;
/// Bad requests that are under way at once.
const CONNECTIONS: usize = 16;

/// `true` when memory stayed under the formula, the database under what the settings allow, and validations were not harmed.
pub(crate) fn run(common: &Common, requests: u32) -> Result<bool, Failure> {
    // Each bad login is of another account, so what bounds what is kept is the number of counters.
    let settings = format!(
        "defence.source_failures = 1000000\ndefence.max_counters = {COUNTERS}\nhashing.max_concurrent = 1\n\
         audit.refusal_rows_per_minute = 60\naudit.file_max_mib = 16\naudit.file_keep = 4"
    );
    let installation = Installation::new(common, &settings)?;
    accounts::add(&installation, "user", 0..16)?;
    let server = installation.serve(&[])?;
    let trust = installation.trust()?;
    let mut public = trust.connect(server.public)?;
    let login = accounts::login(&accounts::address("user", 0), PASSWORD);
    let (_, token) = tokens(&public.post("/v1/auth", &login)?)?;

    // Validations, watched from the side. Connections of the logins are open before, as is their memory.
    let mut watcher = trust.connect_as_orders(server.internal)?;
    let question = format!("{{\"token\":\"{token}\"}}");
    let mut clients: Vec<Connection> = (0..LOGINS)
        .map(|_| trust.connect(server.public))
        .collect::<Result<_, _>>()?;
    let calm = watch(&mut watcher, &question, |watched| watched < CALM)?;
    let base = server.memory("VmRSS")?;
    server.forget_the_peak()?;
    let done = Arc::new(AtomicBool::new(false));
    let finished = Arc::clone(&done);
    let flood = thread::spawn(move || -> Result<[u32; 3], Failure> {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(
                "/v1/auth",
                &accounts::login(&format!("stranger{number}@example.com"), "wrong"),
            )?;
        }
        let mut statuses = [0; 3];
        for client in &mut clients {
            let at = match client.receive()?.status {
                401 => 0,
                503 => 1,
                _ => 2,
            };
            statuses[at] += 1;
        }
        finished.store(true, Ordering::SeqCst);
        Ok(statuses)
    });
    let under_flood = watch(&mut watcher, &question, |_| !done.load(Ordering::SeqCst))?;
    let statuses = flood.join().map_err(|_| "the flood ended early")??;
    let peak = server.memory("VmHWM")?;
    let allowed = base + ARENA_KIB + u64::from(LOGINS) * WAITING_KIB;
    println!(
        "{LOGINS} bad logins at once: {} refused as wrong, {} as too many, {} otherwise",
        statuses[0], statuses[1], statuses[2]
    );
    println!("resident memory: {base} KiB before, {peak} KiB at the peak, {allowed} KiB allowed");
    let bar = calm.p99 * UNHARMED.0 + UNHARMED.1;
    println!("validations: p50 and p99 {calm} while calm, {under_flood} meanwhile, p99 at most {bar:.2?}");
    let unharmed = under_flood.p99 <= bar || requests < ENOUGH_REQUESTS;

    let before = size(common, &installation)?;
    let mut random = SplitMix64(1);
    let mut bad: Vec<Connection> = (0..CONNECTIONS)
        .map(|_| trust.connect(server.public))
        .collect::<Result<_, _>>()?;
    let mut asking = trust.connect_as_orders(server.internal)?;
    let begin = Instant::now();
    for number in 0..requests / CONNECTIONS as u32 {
        for (at, client) in bad.iter_mut().enumerate() {
            let (path, body) = bad_request(at, random.draw());
            // A refusal may end the connection.
            if client.send(&path, &body).is_err() {
                *client = trust.connect(server.public)?;
                client.send(&path, &body)?;
            }
        }
        if number.is_multiple_of(16) {
            let body = format!("{{\"token\":\"a.{:x}.b\"}}", random.draw());
            asking.post("/v1/validate-token", &body)?;
        }
        for client in &mut bad {
            if client.receive().is_err() {
                *client = trust.connect(server.public)?;
            }
        }
    }
    let took = begin.elapsed();
    let after = size(common, &installation)?;
    println!("{requests} bad requests in {took:.1?}");
    println!("database: {before} before, {after} after");
    let audit = folder(&installation.home(), "audit")?;
    println!("audit files: {audit} KiB");
    let minutes = took.as_secs() / 60 + 2;
    // A counter is some 200 bytes with its index, a kept refusal 2 KiB; and what the database keeps to write in.
    let most = before.kib + (COUNTERS * 4 * 200 + minutes * 60 * 2048) / 1024 + 16 * 1024;
    println!("database allowed: {most} KiB");
    Ok(unharmed && peak <= allowed && statuses[2] == 0 && after.kib <= most)
}

/// One of a mixture, most of it answered without a hash.
fn bad_request(at: usize, nonsense: u64) -> (String, String) {
    let refresh_token = || format!("{{\"refresh_token\":\"{nonsense:x}\"}}");
    let (path, body) = match at {
        0 => (
            "/v1/auth",
            accounts::login(&format!("x{nonsense:x}@example.com"), "wrong"),
        ),
        1 => ("/v1/auth", accounts::login(&accounts::address("user", 1), "wrong")),
        2 | 3 => ("/v1/auth", format!("{{\"email\":\"{nonsense:x}")),
        4..8 => return (format!("/{nonsense:x}"), "{}".to_owned()),
        8..12 => ("/v1/logout", refresh_token()),
        _ => ("/v1/refresh", refresh_token()),
    };
    (path.to_owned(), body)
}

struct Latency {
    median: Duration,
    p99: Duration,
    count: usize,
}

impl std::fmt::Display for Latency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2?} and {:.2?} of {}", self.median, self.p99, self.count)
    }
}

fn watch(watcher: &mut Connection, question: &str, go_on: impl Fn(Duration) -> bool) -> Result<Latency, Failure> {
    let (begin, mut times) = (Instant::now(), Vec::new());
    while times.is_empty() || go_on(begin.elapsed()) {
        let asked = Instant::now();
        let answer = watcher.post("/v1/validate-token", question)?;
        if answer.status != 200 {
            return Err(format!("a validation was answered {}", answer.status).into());
        }
        times.push(asked.elapsed());
    }
    times.sort();
    Ok(Latency {
        median: times[times.len() / 2],
        p99: times[(times.len() - 1) * 99 / 100],
        count: times.len(),
    })
}

#[derive(Clone, Copy)]
struct Size {
    kib: u64,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} KiB", self.kib)
    }
}

/// Of SQLite's files. Of Postgres, what a backup of the database holds: its own files are somewhere else.
fn size(common: &Common, installation: &Installation) -> Result<Size, Failure> {
    let kib = match common.database_url_file {
        None => folder(&installation.home(), "authsvc.db")?,
        Some(_) => {
            let file = installation.home().join("size.backup");
            let path = file.to_str().ok_or("a path that is text")?;
            installation.command(&["db", "backup", "--out", path], "")?;
            let kib = fs::metadata(&file)?.len() / 1024;
            fs::remove_file(&file)?;
            kib
        }
    };
    Ok(Size { kib })
}

/// KiB of the files of a folder whose names begin so.
fn folder(folder: &Path, prefix: &str) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes / 1024)
}
