//! Rotations of the signing key: when each step is taken, and by whom.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use authsvc::key_upkeep::KeyUpkeep;
use authsvc_core::audit::{AuditSink, Outcome};
use authsvc_core::clock::Clock;
use authsvc_core::service::key_schedule::MAX_PROMOTION_DELAY;
use authsvc_core::service::{KeyChange, KeyChangeError, MAX_UNPOLLED_SIGNING, Patience};
use axum::body::Body;
use cryptokit::jose::{JwkSet, JwsAlgorithm, TokenError};
use cryptokit::keyset::KeyStatus;
use http::{Request, StatusCode};

use super::{DAY, PUBLISHED, fetch, fetch_noted, keeper, replica, statuses, verified_with};
use crate::support::in_process::{NOW, Service};
use crate::support::replicas::pairs;

#[tokio::test]
async fn a_rotation_waits_a_day_for_a_frozen_consumer_names_it_and_fails_no_validation() {
    let service = Service::start().await;
    service.register("frozen", "dns:frozen.internal", &["orders"]).await;
    let keeper = keeper(&service);
    assert!(matches!(
        keeper.maintain().await.unwrap(),
        Some(KeyChange::Begun { .. })
    ));
    assert_eq!(keeper.maintain().await.unwrap(), None);
    // The frozen one fetches at its start and never again, as too many verifiers do.
    service.clock.advance(80 * DAY);
    let old_set = fetch_noted(&service, "dns:frozen.internal").await;

    service.clock.advance(10 * DAY);
    // Both paths, with both sets: a token of any moment is good where it is shown.
    let frozen_accepts = async |set: &JwkSet| {
        let token = service.token().await;
        assert_eq!(service.validate(&token).await.status, StatusCode::OK);
        verified_with(&service, set, &token)
    };
    fetch_noted(&service, "dns:orders.internal").await;
    let Some(KeyChange::Published { kid, .. }) = keeper.maintain().await.unwrap() else {
        panic!("a key is due")
    };
    assert_eq!(frozen_accepts(&old_set).await, Ok(()));
    assert_eq!(keeper.laggards().await.unwrap().len(), 2, "nobody has fetched it yet");
    service.clock.advance(61);
    let new_set = fetch_noted(&service, "dns:orders.internal").await;
    assert!(new_set.keys.iter().any(|key| key.kid() == kid));
    assert_eq!(keeper.laggards().await.unwrap()[0].as_str(), "frozen");

    service.clock.advance(PUBLISHED);
    assert_eq!(keeper.maintain().await.unwrap(), None, "it waits");
    let refused = keeper.promote(&kid, Patience::Wait).await.unwrap_err();
    assert!(
        refused.to_string().ends_with("has not been fetched by frozen"),
        "{refused}"
    );
    let report = keeper.report().await.unwrap();
    assert_eq!(report.laggards.len(), 1);
    assert_eq!(report.laggards[0].service.as_str(), "frozen");
    assert_eq!(
        report.laggards[0].fetched_at.unix_timestamp(),
        NOW + 80 * DAY,
        "since when"
    );

    let (at, latest) = report.promotion.unwrap();
    assert_eq!(latest - at, MAX_PROMOTION_DELAY);
    let wait = latest.unix_timestamp() - service.clock.now().unix_timestamp();
    service.clock.advance(wait - 1);
    assert_eq!(keeper.maintain().await.unwrap(), None);
    assert_eq!(frozen_accepts(&old_set).await, Ok(()));
    let last_old = service.token().await;
    service.clock.advance(1);
    let promoted = keeper.maintain().await.unwrap();
    assert!(
        matches!(&promoted, Some(KeyChange::Promoted { laggards, .. }) if laggards[0].as_str() == "frozen"),
        "{promoted:?}"
    );

    // Online, tokens of both keys are good; offline, whoever has fetched them within a day.
    let token = service.token().await;
    for token in [&last_old, &token] {
        assert_eq!(service.validate(token).await.status, StatusCode::OK);
        assert_eq!(verified_with(&service, &new_set, token), Ok(()));
    }
    assert_eq!(verified_with(&service, &old_set, &token), Err(TokenError::UnknownKey));

    // The retired key goes when its last token has.
    assert_eq!(statuses(&service.keys), [KeyStatus::Retired, KeyStatus::Primary]);
    service
        .clock
        .advance(3600 + 60 + MAX_UNPOLLED_SIGNING.as_secs() as i64 + 60);
    assert_eq!(keeper.maintain().await.unwrap(), None);
    service.clock.advance(1);
    assert!(matches!(
        keeper.maintain().await.unwrap(),
        Some(KeyChange::Pruned { .. })
    ));
    assert_eq!(statuses(&service.keys), [KeyStatus::Primary]);
    assert_eq!(service.keys.tokens().published.kids, [kid]);
}

/// Each consumer fetches from a replica of its own, and either replica may take the step.
#[tokio::test]
async fn what_a_consumer_fetched_from_one_replica_is_known_to_the_other() {
    for (first, second, _directory) in pairs().await {
        first.register("frozen", "dns:frozen.internal", &["orders"]).await;
        let (here, there) = (keeper(&first), keeper(&second));
        assert!(matches!(here.maintain().await.unwrap(), Some(KeyChange::Begun { .. })));
        fetch_noted(&first, "dns:frozen.internal").await;
        fetch_noted(&second, "dns:orders.internal").await;
        let KeyChange::Published { kid, .. } = here.rotate(None).await.unwrap() else {
            panic!("published")
        };
        assert!(second.keys.poll().await.unwrap());
        first.clock.advance(61);
        fetch_noted(&second, "dns:orders.internal").await;
        first.clock.advance(PUBLISHED);
        for keeper in [&here, &there] {
            let laggards = keeper.laggards().await.unwrap();
            assert_eq!(
                laggards.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
                ["frozen"]
            );
            assert_eq!(keeper.maintain().await.unwrap(), None, "it waits");
            assert!(keeper.promote(&kid, Patience::Wait).await.is_err());
        }
        fetch_noted(&first, "dns:frozen.internal").await;
        let promoted = there.maintain().await.unwrap();
        assert!(
            matches!(&promoted, Some(KeyChange::Promoted { laggards, .. }) if laggards.is_empty()),
            "{promoted:?}"
        );
        let by_the_old = first.token().await;
        let by_the_new = second.token().await;
        assert!(first.keys.poll().await.unwrap());
        for service in [&first, &second] {
            assert_eq!(service.keys.tokens().primary().kid, kid);
            for token in [&by_the_old, &by_the_new] {
                assert_eq!(service.validate(token).await.status, StatusCode::OK);
            }
        }
    }
}

#[tokio::test]
async fn promotion_comes_early_when_every_consumer_has_the_key() {
    let service = Service::start().await;
    let keeper = keeper(&service);
    fetch_noted(&service, "dns:orders.internal").await;
    let KeyChange::Published { kid, .. } = keeper.rotate(Some(JwsAlgorithm::EdDsa)).await.unwrap() else {
        panic!("published")
    };
    assert!(matches!(
        keeper.rotate(None).await,
        Err(KeyChangeError::AlreadyPending { .. })
    ));
    let early = keeper.promote(&kid, Patience::Wait).await.unwrap_err();
    assert!(matches!(early, KeyChangeError::TooEarly { .. }), "{early}");
    fetch_noted(&service, "dns:orders.internal").await;
    service.clock.advance(PUBLISHED - 1);
    assert!(!matches!(
        keeper.maintain().await.unwrap(),
        Some(KeyChange::Promoted { .. })
    ));
    service.clock.advance(1);
    let promoted = keeper.maintain().await.unwrap();
    assert!(
        matches!(&promoted, Some(KeyChange::Promoted { laggards, .. }) if laggards.is_empty()),
        "{promoted:?}"
    );
    assert_eq!(service.keys.tokens().primary().algorithm, JwsAlgorithm::EdDsa);
    assert_eq!(service.validate(&service.token().await).await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_two_polls_at_once_the_slower_one_sees_no_rollback_in_what_the_faster_one_loaded() {
    let service = Service::start().await;
    let here = replica(&service).await;
    let mut slower = std::pin::pin!(here.ring.poll());
    let asked = std::future::poll_fn(|context| Poll::Ready(slower.as_mut().poll(context))).await;
    // As good as always the answer comes now, and is looked at when all else is done.
    std::thread::sleep(Duration::from_millis(50));
    keeper(&service).rotate(None).await.unwrap();
    assert!(here.ring.poll().await.unwrap());
    match asked {
        Poll::Ready(answered) => answered,
        Poll::Pending => slower.await,
    }
    .unwrap();
    assert_eq!(here.ring.tokens().version, service.keys.tokens().version);
}

#[tokio::test]
async fn of_several_replicas_one_takes_a_step_and_all_agree_after_one_poll() {
    let service = Service::start().await;
    let replicas = [
        replica(&service).await,
        replica(&service).await,
        replica(&service).await,
    ];
    let all_maintain = async || {
        let (a, b, c) = tokio::join!(
            replicas[0].keeper.maintain(),
            replicas[1].keeper.maintain(),
            replicas[2].keeper.maintain()
        );
        [a, b, c].into_iter().filter_map(Result::unwrap).count()
    };
    assert_eq!(all_maintain().await, 1, "the beginning");
    for round in 0..3 {
        service.clock.advance(91 * DAY);
        for step in ["publish", "promote"] {
            for replica in &replicas {
                replica.ring.poll().await.unwrap();
            }
            let done = all_maintain().await;
            // The third step, pruning the key of the round before, may come in between.
            assert!(done == 1, "round {round}: {step} was taken {done} times");
            service.clock.advance(PUBLISHED);
        }
        service.clock.advance(DAY);
        for replica in &replicas {
            replica.ring.poll().await.unwrap();
        }
        let versions: Vec<_> = replicas.iter().map(|replica| replica.ring.tokens().version).collect();
        assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
        assert_eq!(all_maintain().await, 1, "round {round}: prune");
    }
    let entries = &replicas[0].ring.tokens().entries;
    replicas[0].ring.poll().await.unwrap();
    assert!(entries.len() <= 2, "{entries:?}");
    // The service that was not polled meanwhile is a replica too, and agrees after one poll.
    assert!(service.keys.poll().await.unwrap());
    assert_eq!(
        service.keys.tokens().primary().kid,
        replicas[0].ring.tokens().primary().kid
    );
    assert!(!service.keys.poll().await.unwrap(), "nothing newer");
}

#[tokio::test]
async fn a_rotation_goes_on_where_an_ended_process_left_it() {
    let service = Service::start().await;
    let first = service.keys.tokens().primary().kid.clone();
    // A process for each step, and one before it that is cut off wherever it waits first, or has done the step by then.
    for _ in 0..8 {
        let cut_off = replica(&service).await;
        let _ = tokio::time::timeout(Duration::ZERO, cut_off.keeper.maintain()).await;
        cut_off.store.close().await;
        let replica = replica(&service).await;
        replica.keeper.maintain().await.unwrap();
        assert!(replica.ring.tokens().entries.len() <= 2);
        service.keys.poll().await.unwrap();
        assert_eq!(service.validate(&service.token().await).await.status, StatusCode::OK);
        service.clock.advance(match replica.ring.tokens().entries.len() {
            1 => 90 * DAY,
            _ => 6000,
        });
    }
    assert_ne!(service.keys.tokens().primary().kid, first);
}

#[tokio::test]
async fn fetching_keys_is_conditional_and_noted_for_registered_services_once_a_minute() {
    let service = Service::start().await;
    let answer = service.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let etag = answer.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let conditional = async |tags: &str, peer| {
        let request = Request::get("/.well-known/jwks.json").header("if-none-match", tags);
        let request = request.body(Body::empty()).unwrap();
        service.send(&service.internal, peer, request).await
    };
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".into()] {
        let answer = conditional(&tags, None).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{tags}"
        );
        assert_eq!(answer.header("etag"), etag);
    }
    for tags in ["\"x\"", "", &etag[1..], "W/*"] {
        assert_eq!(conditional(tags, None).await.status, StatusCode::OK, "{tags}");
    }
    let consumers = async || {
        let since = service.clock.now() - Duration::from_secs(1_000_000);
        service.store.key_consumers(since).await.unwrap()
    };
    fetch(&service, "dns:stranger.internal").await;
    assert!(consumers().await.is_empty(), "only who is registered");

    // Somebody who confirms what is there has it.
    let mut first = Vec::new();
    for _ in 0..100 {
        conditional(&etag, Some(service.peer(&["dns:orders.internal"]))).await;
        first = consumers().await;
        if !first.is_empty() {
            break;
        }
    }
    assert_eq!(first[0].service.as_str(), "orders");
    assert_eq!(first[0].kids, service.keys.tokens().published.kids);
    service.clock.advance(59);
    fetch_noted(&service, "dns:orders.internal").await;
    assert_eq!(consumers().await, first, "within the minute nothing is written");
    keeper(&service).rotate(None).await.unwrap();
    fetch_noted(&service, "dns:orders.internal").await;
    let second = consumers().await;
    assert_eq!(second[0].kids.len(), 2, "another set is written at once");
    assert_ne!(service.get("/.well-known/jwks.json").await.header("etag"), etag);
}

#[tokio::test]
async fn alarms_and_steps_are_on_record() {
    let service = Service::start().await;
    let upkeep = KeyUpkeep::new(
        Arc::clone(&service.keys),
        keeper(&service),
        Arc::clone(&service.audit) as Arc<dyn AuditSink>,
        Arc::clone(&service.clock) as _,
    );
    service.audit.take();
    upkeep.advance().await.unwrap();
    let records = service.audit.take();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].what.name(), "change-keys");
    assert!(matches!(records[0].outcome, Outcome::Success));
    service.clock.advance(30);
    assert_eq!(upkeep.gauges().age_seconds, 90, "since the allowance for clocks");
}
