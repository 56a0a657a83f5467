//! Keys that are revoked, and keys that ended.

use std::sync::Arc;

use authsvc::key_upkeep::KeyUpkeep;
use authsvc_core::audit::AuditSink;
use authsvc_core::clock::Clock;
use authsvc_core::service::{KeyChange, KeyChangeError, Patience, SigningError};
use http::StatusCode;

use super::{DAY, POLICY, claims, fetch_noted, header, keeper, keeper_of};
use crate::support::in_process::Service;
use crate::support::replicas::pairs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t17_no_token_of_a_revoked_key_is_accepted_however_it_races() {
    for (service, other, _directory) in pairs().await {
        let revoked = service.keys.tokens().primary().kid.clone();
        // Signs without a pause until it has signed with another key for a while; says when it has begun.
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (ring, claims, old) = (Arc::clone(&service.keys), claims(&service), revoked.clone());
        let signing = tokio::task::spawn_blocking(move || {
            let (mut tokens, mut begun, mut by_others) = (Vec::new(), Some(begun), 0);
            while by_others < 50 {
                assert!(tokens.len() < 1_000_000, "the revocation never arrived");
                let token = ring.sign(&claims).unwrap().expose_secret().to_owned();
                by_others += usize::from(header(&token)["kid"] != old.as_str());
                tokens.push(token);
                if tokens.len() == 50 {
                    begun.take().unwrap().send(()).unwrap();
                }
            }
            tokens
        });
        has_begun.await.unwrap();
        let change = keeper(&other).revoke(&revoked[..12]).await.unwrap();
        let KeyChange::Revoked { kid, successor } = change else {
            panic!("{change:?}")
        };
        assert_eq!(kid, revoked);
        let successor = successor.unwrap();
        service.keys.poll().await.unwrap();
        assert_eq!(service.keys.tokens().published.kids, [successor], "no longer published");

        let (mut good, mut refused) = (0, 0);
        let tokens = signing.await.unwrap();
        // Those around the change, and some of the many before.
        for token in tokens.iter().rev().take(100).chain(tokens.iter().step_by(97)) {
            let by_revoked = header(token)["kid"] == revoked.as_str();
            let expected = if by_revoked {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::OK
            };
            for replica in [&service, &other] {
                assert_eq!(replica.validate(token).await.status, expected);
            }
            *if by_revoked { &mut refused } else { &mut good } += 1;
        }
        assert!(good > 0 && refused > 0, "{good} good, {refused} refused");
        let answer = service.get("/.well-known/jwks.json").await;
        assert!(!String::from_utf8(answer.body).unwrap().contains(&revoked));
    }
}

#[tokio::test]
async fn t17_a_published_key_takes_the_place_of_a_revoked_one_without_waiting() {
    let service = Service::start().await;
    let keeper = keeper(&service);
    fetch_noted(&service, "dns:orders.internal").await;
    let before = service.token().await;
    let KeyChange::Published { kid, .. } = keeper.rotate(None).await.unwrap() else {
        panic!("published")
    };
    let primary = service.keys.tokens().primary().kid.clone();
    let change = keeper.revoke(&primary).await.unwrap();
    let successor = Some(kid.clone());
    assert_eq!(
        change,
        KeyChange::Revoked {
            kid: primary.clone(),
            successor
        }
    );
    assert_eq!(
        service.keys.tokens().primary().kid,
        kid,
        "at once, although a service lags"
    );
    assert_eq!(service.validate(&before).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.reasons().last(), Some(&"token_unknown_key"));
    assert_eq!(service.validate(&service.token().await).await.status, StatusCode::OK);

    // A retired key's tokens live on, until it is revoked too.
    let before = service.token().await;
    keeper.replace_now(None).await.unwrap();
    assert_eq!(service.validate(&before).await.status, StatusCode::OK);
    keeper.revoke(&kid).await.unwrap();
    assert_eq!(service.validate(&before).await.status, StatusCode::UNAUTHORIZED);

    assert!(matches!(keeper.revoke("").await, Err(KeyChangeError::NoSuchKey { .. })));
    assert!(matches!(
        keeper.revoke("nothing").await,
        Err(KeyChangeError::NoSuchKey { .. })
    ));
    assert!(matches!(
        keeper.promote(&primary, Patience::None).await,
        Err(KeyChangeError::NotPending { .. })
    ));
    let Some(KeyChange::Pruned { kids }) = keeper.prune().await.unwrap() else {
        panic!("pruned")
    };
    assert_eq!(kids, [primary, kid]);
    assert_eq!(keeper.prune().await.unwrap(), None);
}

#[tokio::test]
async fn t18_a_key_past_its_end_signs_nothing_until_it_is_replaced() {
    let service = Service::start().await;
    let keeper = keeper(&service);
    keeper.maintain().await.unwrap();
    let upkeep = KeyUpkeep::new(
        Arc::clone(&service.keys),
        keeper_of(&service, &service.keys, POLICY),
        Arc::clone(&service.audit) as Arc<dyn AuditSink>,
        Arc::clone(&service.clock) as _,
    );
    let end = service.keys.tokens().primary().usage_period.not_after().unwrap();
    let left = end.unix_timestamp() - service.clock.now().unix_timestamp();
    service.clock.advance(left);
    service.token().await;
    assert_eq!(upkeep.gauges().seconds_left, Some(0));

    service.clock.advance(1);
    let answer = service
        .login(crate::support::in_process::EMAIL, crate::support::in_process::PASSWORD)
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(service.reasons().last(), Some(&"signing_key_ended"));
    // The alarm: one record, not one for each poll.
    upkeep.follow().await.unwrap();
    upkeep.follow().await.unwrap();
    assert_eq!(service.reasons(), ["signing_key_ended"]);

    upkeep.advance().await.unwrap();
    upkeep.follow().await.unwrap();
    assert_eq!(service.validate(&service.token().await).await.status, StatusCode::OK);

    // A clock that was set back finds a key whose time has not come.
    service.clock.advance(-DAY);
    assert!(matches!(
        service.keys.sign(&claims(&service)),
        Err(SigningError::OutsideUsagePeriod { .. })
    ));
}
