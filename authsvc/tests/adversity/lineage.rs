//! Sessions as their owner knows them: what was answered, and what was asked when no answer came.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use authsvc_client::{Answer, Client, ClientError};
use http::{Method, StatusCode};
use serde_json::json;

use super::installation::{PASSWORD, Random, Server, once_available, tokens};

/// For so long a successor that was lost on the way is given again: ten seconds, which are counted in whole ones.
const GIVEN_AGAIN: Duration = Duration::from_secs(9);

/// What a session's owner was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It lives: the last token is good, or its successor was lost on the way and is given again.
    Alive,
    /// It has ended.
    Ended,
    /// Nothing: its end was asked for and not answered.
    Unanswered,
}

/// One session.
#[derive(Clone, Debug)]
pub(crate) struct Lineage {
    /// Every refresh token that was answered, the newest last.
    pub(crate) refresh: Vec<String>,
    /// Every access token that was answered, the newest last.
    pub(crate) access: Vec<String>,
    pub(crate) told: Told,
    /// When a successor was asked for of which no answer came.
    asked: Option<Instant>,
}

impl Lineage {
    fn new(answer: &Answer) -> Self {
        let (refresh, access) = tokens(answer);
        Self {
            refresh: vec![refresh],
            access: vec![access],
            told: Told::Alive,
            asked: None,
        }
    }

    fn newest(&self) -> &str {
        self.refresh.last().unwrap()
    }

    fn extend(&mut self, answer: &Answer) {
        let (refresh, access) = tokens(answer);
        self.refresh.push(refresh);
        self.access.push(access);
        self.asked = None;
    }

    /// Whether a successor may have been lost for so long that asking for it again ends the session.
    fn may_be_lost(&self) -> bool {
        self.asked.is_some_and(|asked| asked.elapsed() >= GIVEN_AGAIN)
    }
}

/// Logs in, refreshes, logs out and replays, until the service is gone; counts the answers. What they said is returned.
pub(crate) async fn drive(public: &Client, email: &str, mut random: Random, answers: &AtomicUsize) -> Vec<Lineage> {
    let mut lineages = Vec::new();
    while act(public, email, &mut random, &mut lineages).await.is_ok() {
        answers.fetch_add(1, Ordering::SeqCst);
    }
    lineages
}

async fn act(
    public: &Client,
    email: &str,
    random: &mut Random,
    lineages: &mut Vec<Lineage>,
) -> Result<(), ClientError> {
    let living: Vec<usize> = (0..lineages.len())
        .filter(|&at| lineages[at].told == Told::Alive)
        .collect();
    if living.len() < 3 {
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        let answer = public.post_json("/v1/auth", body.as_bytes()).await?;
        if !busy(&answer) {
            lineages.push(Lineage::new(&answer));
        }
        return Ok(());
    }
    let lineage = &mut lineages[living[random.below(living.len())]];
    match random.below(8) {
        0 => {
            lineage.told = Told::Unanswered;
            let answer = send(public, "/v1/logout", lineage.newest(), "the app").await?;
            if !busy(&answer) {
                assert!(answer.status.is_success(), "{}", answer.status);
                lineage.told = Told::Ended;
            }
        }
        1 if lineage.refresh.len() > 1 => {
            // A thief with an older token: refused, and the session ends although the answer is an error.
            lineage.told = Told::Unanswered;
            let answer = send(public, "/v1/refresh", &lineage.refresh[0], "a thief").await?;
            if !busy(&answer) {
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
                lineage.told = Told::Ended;
            }
        }
        _ => {
            lineage.asked.get_or_insert_with(Instant::now);
            let answer = send(public, "/v1/refresh", lineage.newest(), "the app").await?;
            if answer.status == StatusCode::UNAUTHORIZED && lineage.may_be_lost() {
                lineage.told = Told::Ended;
            } else if !busy(&answer) {
                lineage.extend(&answer);
            }
        }
    }
    Ok(())
}

/// The database was another's for too long. What was asked for may have been done or not.
fn busy(answer: &Answer) -> bool {
    answer.status == StatusCode::SERVICE_UNAVAILABLE
}

/// That a service started anew knows all that was answered. What was ended stays ended, whichever of its tokens is shown.
pub(crate) async fn check(server: &Server, lineages: &mut [Lineage]) {
    for lineage in lineages {
        let refresh = async |token: &str| {
            once_available(async || send(&server.public, "/v1/refresh", token, "the app").await.unwrap()).await
        };
        let validate = async |token: &str| once_available(async || server.validate(token).await).await.status;
        let answer = refresh(lineage.newest()).await;
        match (lineage.told, answer.status) {
            (Told::Alive | Told::Unanswered, StatusCode::OK) => {
                lineage.extend(&answer);
                lineage.told = Told::Alive;
                let validated = validate(lineage.access.last().unwrap()).await;
                assert_eq!(validated, StatusCode::OK, "its newest access token is good");
            }
            (Told::Alive, StatusCode::UNAUTHORIZED) if lineage.may_be_lost() => lineage.told = Told::Ended,
            (Told::Ended | Told::Unanswered, StatusCode::UNAUTHORIZED) => {
                lineage.told = Told::Ended;
                let last = lineage.access.last().unwrap();
                assert_eq!(validate(last).await, StatusCode::UNAUTHORIZED);
                for older in lineage.refresh.iter().rev().skip(1).take(1) {
                    let status = refresh(older).await.status;
                    assert_eq!(status, StatusCode::UNAUTHORIZED, "resurrected by an older token");
                }
            }
            (told, status) => panic!("its owner was told {told:?} and is now answered {status}: {lineage:#?}"),
        }
    }
}

async fn send(public: &Client, path: &str, token: &str, user_agent: &str) -> Result<Answer, ClientError> {
    let body = json!({ "refresh_token": token }).to_string();
    let headers = [("content-type", "application/json"), ("user-agent", user_agent)];
    public.request(Method::POST, path, body.into_bytes(), &headers).await
}
