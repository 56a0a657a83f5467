//! Logins, refreshes and validations a second, beside what they are built on, at growing numbers of accounts.
//!
//! Ours and the baseline take turns in short batches on the same core, as in [`benches::ratio`]; a ratio above 1 says
//! that ours is faster. The growth is how much slower ours became against its baseline from the fewest accounts to the
//! most.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use benches::ratio::{self, Row};
use benches::timing::SplitMix64;
use benches::{Baseline, Comparison, Operation};
use serde_json::Value;

use crate::accounts::{self, PASSWORD};
use crate::bare::BareServer;
use crate::connection::{Answer, Connection, Trust};
use crate::hashing_core::HashingCore;
use crate::installation::{Installation, Server};
use crate::{Common, Failure};

/// Connections that are used in turn.
const CONNECTIONS: usize = 16;
/// Rows that get less time than this are there to see that they work.
const LEAST_TIME: Duration = Duration::from_secs(1);
/// Tokens that are validated. All fit into the cache of verified ones.
const TOKENS: usize = 64;
/// The most that a row may grow.
const GROWTH: f64 = 1.2;
/// The least time of an honest Argon2id (benches/src/argon2id.rs).
const HASH_NEVER_UNDER: Duration = Duration::from_millis(1);

const CACHE: &str = "tokens.verified_cache_entries";

/// How much is done in turn: enough that the beginning and the end of a batch, when the core has nothing to do, do not
/// count.
#[derive(Clone, Copy, Debug)]
struct Batches {
    requests: u32,
    logins: u32,
}

impl Batches {
    fn of(time: Duration) -> Self {
        let (requests, logins) = if time < LEAST_TIME { (16, 2) } else { (256, 32) };
        Self { requests, logins }
    }
}

/// `true`, unless a hash was faster than it can be.
pub(crate) fn run(common: &Common, users: &[u32], revocations: u32, seconds: f64) -> Result<bool, Failure> {
    let time = Duration::from_secs_f64(seconds);
    let batches = Batches::of(time);
    let installation = Installation::new(common, "sessions.most_per_user = 10000")?;
    eprintln!("{revocations} revocations");
    accounts::revoke(&installation, revocations)?;
    let hashing = Rc::new(HashingCore::new(common.core));
    let (mut all, mut there, mut plausible) = (Vec::new(), 0, true);
    for &count in users {
        eprintln!("{count} accounts");
        // Within what one file may hold.
        while there < count {
            let next = count.min(there + 500_000);
            accounts::add(&installation, "user", there..next)?;
            there = next;
        }
        let mut rows = Vec::new();
        // Every signature is verified, and then those of known tokens are not.
        for cache in ["0", "10000"] {
            let server = installation.serve(&[(CACHE, cache)])?;
            let sitting = Sitting::new(&installation, &server, common, count, batches, &hashing)?;
            let comparisons = || match cache {
                "0" => vec![sitting.logins(), sitting.refreshes(), sitting.validations(false)],
                _ => vec![sitting.validations(true)],
            };
            rows.extend(ratio::measure(comparisons, |_| true, time));
        }
        for row in &mut rows {
            let batch = f64::from(if row.what.starts_with("login") {
                batches.logins
            } else {
                batches.requests
            });
            row.ours_ns /= batch;
            row.baseline_ns /= batch;
        }
        println!("{count} accounts, {revocations} revocations, {batches:?}");
        plausible &= ratio::print(&rows);
        for row in &rows {
            println!("{:<42} {:>10.0} a second", row.what, 1e9 / row.ours_ns);
        }
        println!();
        all.push((count, rows));
    }
    print_growth(&all);
    Ok(plausible)
}

fn print_growth(all: &[(u32, Vec<Row>)]) {
    let (Some((least, first)), Some((most, last))) = (all.first(), all.last()) else {
        return;
    };
    println!("from {least} to {most} accounts, ours against its baseline (at most {GROWTH}):");
    for (before, after) in first.iter().zip(last) {
        let growth = before.ratio / after.ratio;
        let finding = if growth <= GROWTH { "" } else { "  GROWS" };
        println!("{:<42} {:<29} {growth:>6.3}{finding}", before.what, before.baseline);
    }
}

/// What the rows at one number of accounts share.
struct Sitting {
    trust: Trust,
    public: u16,
    internal: u16,
    bare: BareServer,
    users: u32,
    batches: Batches,
    hashing: Rc<HashingCore>,
    /// Good tokens, each in the body of a question.
    questions: Rc<Vec<String>>,
    /// Refresh tokens, one for each connection.
    lineages: Rc<RefCell<Vec<String>>>,
}

impl Sitting {
    fn new(
        installation: &Installation,
        server: &Server,
        common: &Common,
        users: u32,
        batches: Batches,
        hashing: &Rc<HashingCore>,
    ) -> Result<Self, Failure> {
        let trust = installation.trust()?;
        let mut public = trust.connect(server.public)?;
        let jwks = installation.home().join("jwks.json");
        std::fs::write(&jwks, public.get("/.well-known/jwks.json")?.body)?;
        let bare = BareServer::start(common.core, &installation.home().join("pki"), &jwks)?;
        let mut random = SplitMix64(u64::from(users));
        let (mut questions, mut lineages) = (Vec::new(), Vec::new());
        for _ in 0..TOKENS {
            let address = accounts::address("user", (random.draw() % u64::from(users)) as u32);
            let (refresh, access) = tokens(&public.post("/v1/auth", &accounts::login(&address, PASSWORD))?)?;
            questions.push(format!("{{\"token\":\"{access}\"}}"));
            if lineages.len() < CONNECTIONS {
                lineages.push(refresh);
            }
        }
        Ok(Self {
            trust,
            public: server.public,
            internal: server.internal,
            bare,
            users,
            batches,
            hashing: Rc::clone(hashing),
            questions: Rc::new(questions),
            lineages: Rc::new(RefCell::new(lineages)),
        })
    }

    fn logins(&self) -> Comparison {
        let (users, mut random) = (u64::from(self.users), SplitMix64(3));
        let count = self.batches.logins;
        let body = move |_: usize| {
            let address = accounts::address("user", (random.draw() % users) as u32);
            accounts::login(&address, PASSWORD)
        };
        let hashing = Rc::clone(&self.hashing);
        Comparison {
            what: "login".to_owned(),
            bytes: 0,
            never_under: HASH_NEVER_UNDER * count,
            ours: self.requests(count, 4, self.public, false, "/v1/auth", body, |_, _| ()),
            baselines: vec![Baseline {
                name: "bare Argon2id, same core",
                bar: Some(0.93),
                run: Box::new(move || hashing.hash(count)),
            }],
        }
    }

    fn refreshes(&self) -> Comparison {
        let (newest, next) = (Rc::clone(&self.lineages), Rc::clone(&self.lineages));
        let body = move |at: usize| format!("{{\"refresh_token\":\"{}\"}}", newest.borrow()[at]);
        let keep = move |at: usize, answer: &Answer| {
            let (refresh, _) = tokens(answer).expect("each refresh gives the next token");
            next.borrow_mut()[at] = refresh;
        };
        Comparison {
            what: "refresh".to_owned(),
            bytes: 0,
            never_under: Duration::ZERO,
            ours: self.requests(
                self.batches.requests,
                CONNECTIONS,
                self.public,
                false,
                "/v1/refresh",
                body,
                keep,
            ),
            baselines: vec![self.bare_handler("bare handler that signs", None, "/sign")],
        }
    }

    fn validations(&self, remembered: bool) -> Comparison {
        let baseline = match remembered {
            false => self.bare_handler("bare handler that verifies", Some(0.8), "/verify"),
            true => self.bare_handler("bare handler that parses", Some(0.7), "/parse"),
        };
        let what = if remembered {
            "validation, token remembered"
        } else {
            "validation"
        };
        Comparison {
            what: what.to_owned(),
            bytes: 0,
            never_under: Duration::ZERO,
            ours: self.questions(self.internal, "/v1/validate-token"),
            baselines: vec![baseline],
        }
    }

    fn bare_handler(&self, name: &'static str, bar: Option<f64>, path: &'static str) -> Baseline {
        Baseline {
            name,
            bar,
            run: self.questions(self.bare.port, path),
        }
    }

    fn questions(&self, port: u16, path: &'static str) -> Operation {
        let (questions, mut next) = (Rc::clone(&self.questions), 0);
        let body = move |_: usize| {
            next = (next + 1) % questions.len();
            questions[next].clone()
        };
        self.requests(self.batches.requests, CONNECTIONS, port, true, path, body, |_, _| ())
    }

    /// A batch of requests over several connections, all of them answered with 200.
    #[expect(clippy::too_many_arguments, reason = "one place that says how load is made")]
    fn requests(
        &self,
        count: u32,
        connections: usize,
        port: u16,
        mutual: bool,
        path: &'static str,
        mut body: impl FnMut(usize) -> String + 'static,
        mut keep: impl FnMut(usize, &Answer) + 'static,
    ) -> Operation {
        let open = || match mutual {
            true => self.trust.connect_as_orders(port),
            false => self.trust.connect(port),
        };
        let mut open: Vec<Connection> = (0..connections)
            .map(|_| open().expect("the server takes connections"))
            .collect();
        Box::new(move || {
            let mut left = count as usize;
            let mut waiting = vec![false; open.len()];
            let mut at = 0;
            let mut answered = 0;
            while answered < count {
                let connection = &mut open[at];
                if waiting[at] {
                    let answer = connection.receive().expect("an answer");
                    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                    keep(at, &answer);
                    waiting[at] = false;
                    answered += 1;
                }
                if left > 0 {
                    connection.send(path, &body(at)).expect("the server takes requests");
                    waiting[at] = true;
                    left -= 1;
                }
                at = (at + 1) % open.len();
            }
        })
    }
}

/// The refresh token and the access token of an answer.
pub(crate) fn tokens(answer: &Answer) -> Result<(String, String), Failure> {
    let json: Value = serde_json::from_slice(&answer.body)?;
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    let both = text("refresh_token").zip(text("token"));
    both.ok_or_else(|| format!("status {}: {json}", answer.status).into())
}
