//! `kill -9` at random moments under load. `benches/crash.sh` runs a hundred rounds of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::installation::{EMAIL, Installation, PATIENT, Random, postgres_database, until};
use super::lineage::{self, Lineage};

/// Clients at once, each with sessions of its own.
const CLIENTS: usize = 4;
/// Sessions of earlier rounds that are looked at again.
const KEPT: usize = 40;
/// How many answers a round has seen at most when it ends, and how much later that is at most. The moment is drawn in
/// answers, so that a slow machine sees as much happen as a fast one.
const ANSWERS: usize = 80;
const LATER_MICROSECONDS: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_to_kill_9_on_sqlite() {
    rounds(Installation::new(None, PATIENT)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_to_kill_9_on_postgres() {
    let Some(database) = postgres_database().await else {
        return;
    };
    rounds(Installation::new(Some(&database), PATIENT)).await;
}

async fn rounds(mut installation: Installation) {
    let (rounds, seed) = (setting("CRASH_ROUNDS", 4), setting("CRASH_SEED", 0x5eed_0034));
    println!("seed {seed:#x}, {rounds} rounds");
    let mut random = Random(seed);
    let mut lineages: Vec<Lineage> = Vec::new();
    let (mut answered, mut ended, mut set) = (0, 0, 0);
    for round in 0..rounds {
        // An account of its own: logins that are killed count as failed ones, since an attempt is counted before its
        // password is looked at.
        let email = format!("round{round}@example.com");
        installation.add_user(&email);
        let acts_before = acts(&installation);
        let server = installation.serve();
        // What was told before the last crash holds after it.
        lineage::check(&server, &mut lineages).await;
        ended += lineages.iter().filter(|one| one.told == lineage::Told::Ended).count();
        let (server, answers) = (Arc::new(server), Arc::new(AtomicUsize::new(0)));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (server, answers) = (Arc::clone(&server), Arc::clone(&answers));
                let (email, random) = (email.clone(), Random(random.below(usize::MAX) as u64));
                tokio::spawn(async move { lineage::drive(&server.public, &email, random, &answers).await })
            })
            .collect();
        // A command that changes an account is killed as well, or has said that it is done.
        let mut command = installation.spawn(&["user", "set", EMAIL, "--roles", &role(round)]);
        let enough = 1 + random.below(ANSWERS);
        until("load", async || answers.load(Ordering::SeqCst) >= enough).await;
        // Not to wait for anything: the moment is what is random.
        tokio::time::sleep(Duration::from_micros(random.below(LATER_MICROSECONDS) as u64)).await;
        let done = command.try_wait().unwrap().is_some_and(|status| status.success());
        command.kill().unwrap();
        let status = command.wait().unwrap();
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(server.process_id() as i32).unwrap(),
            rustix::process::Signal::KILL,
        )
        .unwrap();
        for client in clients {
            let of_this_round = client.await.unwrap();
            answered += of_this_round.iter().map(|one| one.refresh.len()).sum::<usize>();
            lineages.extend(of_this_round);
        }
        Arc::into_inner(server).unwrap().kill();
        while lineages.len() > KEPT {
            lineages.swap_remove(random.below(lineages.len()));
        }
        let shown: Value = serde_json::from_str(&installation.succeeds(&["user", "show", EMAIL, "--json"])).unwrap();
        let found = shown["roles"].to_string();
        let is_there = found.contains(&role(round));
        let acknowledged = done || status.success();
        assert!(is_there || !acknowledged, "round {round}: {found}");
        // What was done was on record before; what was acknowledged, with its outcome.
        set += u32::from(is_there);
        let (begun, ended) = acts(&installation);
        assert!(
            begun > acts_before.0 || !is_there,
            "round {round}: done without a record"
        );
        assert!(
            ended > acts_before.1 || !acknowledged,
            "round {round}: acknowledged without one"
        );
        // Files and rows, as the crash left them.
        installation.succeeds(&["audit", "verify"]);
    }
    let server = installation.serve();
    lineage::check(&server, &mut lineages).await;
    installation.succeeds(&["audit", "verify"]);
    assert!(answered >= rounds as usize, "there was load");
    println!(
        "{answered} refresh tokens answered, {ended} looks at ended sessions, {set} accounts set before the crash"
    );
}

/// How many times setting an account was begun, and how many times it was done.
fn acts(installation: &Installation) -> (usize, usize) {
    let count = |reason: &str| {
        let found = installation.succeeds(&["audit", "search", "--user", EMAIL, "--reason", reason]);
        found
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["authsvc"]["operation"] == "user.set")
            .count()
    };
    (count("act_begun"), count("act_done"))
}

fn role(round: u64) -> String {
    format!("round-{round}")
}

/// How long and which: the script's to say.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the tests, not a setting of the program"
)]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}
