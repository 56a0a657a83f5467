//! The keys that sign the feed: exchanged and revoked while replicas publish and verifiers follow, on both databases.

use authsvc_core::service::key_schedule::{KeyPolicy, PUBLISHED_BEFORE_USE};
use authsvc_core::service::{FEED_KEYSET, FeedKeyKeeper, KeyChange, KeyChangeError, KeyStorageError, SealedKeysets};
use authsvc_core::storage::{Publication, SignedUnder, StoreError};
use cryptokit::jose::{FeedError, FeedSigningKey, JwsAlgorithm, RevocationPublisher, TokenError};
use cryptokit::keyset::{KeyMaterial, KeyStatus};
use cryptokit::sign::RsaKeySize;

use super::*;

const POLICY: KeyPolicy = KeyPolicy {
    rotation_period: Some(Duration::from_secs(90 * 86_400)),
    algorithm: JwsAlgorithm::EdDsa,
    rsa_key_size: RsaKeySize::Bits2048,
};
/// When a published key signs: a minute for clocks is added to its time.
const PROMOTED_AFTER: i64 = PUBLISHED_BEFORE_USE.as_secs() as i64 + 60;
const UNKNOWN: Result<(), FeedError> = Err(FeedError::Document(TokenError::UnknownKey));

fn keeper(service: &Service) -> FeedKeyKeeper {
    let keysets = service.keys.keysets().clone();
    FeedKeyKeeper::new(keysets, ISSUER, Arc::clone(&service.clock) as _, POLICY)
}

/// A copy of the key that signs, as a thief has it.
async fn steal(keysets: &SealedKeysets) -> FeedSigningKey {
    let (_, keyset) = keysets.open::<FeedSigningKey>(FEED_KEYSET).await.unwrap();
    let (_, key) = keyset.primary();
    FeedSigningKey::from_bytes(key.algorithm(), key.to_bytes()).unwrap()
}

async fn keys(service: &Service) -> Vec<FeedVerifyingKey> {
    keys_of(&get(service, "/v1/revocations/keys").await.json())
}

async fn kids(service: &Service) -> Vec<String> {
    keys(service).await.iter().map(FeedVerifyingKey::kid).collect()
}

async fn snapshot(service: &Service) -> String {
    text(&get(service, "/v1/revocations/snapshot").await)
}

/// The kid in a document's header.
fn signed_by(document: &str) -> String {
    let header = base64url::decode(document.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// The last delta, as it is served.
async fn last(service: &Service) -> String {
    let position = service.store.feed_head().await.unwrap().unwrap().position;
    let path = format!("/v1/revocations/{}/{}", position.feed, position.seq);
    text(&get(service, &path).await)
}

fn fresh_feed(keys: Vec<FeedVerifyingKey>) -> RevocationFeed {
    RevocationFeed::new(ISSUER, keys, FeedPolicy::new(WhenStale::Refuse, BUDGET))
}

#[tokio::test]
async fn a_rotated_key_is_published_before_it_signs_and_the_old_one_goes_when_nothing_needs_it() {
    for (first, second, _directory) in pairs().await {
        let (keeper, other) = (keeper(&first), keeper(&second));
        first.feed.publish().await.unwrap();
        let old = kids(&first).await;
        assert_eq!(old.len(), 1);
        // One that was made before keys had times gets its own.
        let begun = keeper.maintain(&first.feed).await.unwrap();
        assert_eq!(begun, Some(KeyChange::Begun { kid: old[0].clone() }));
        assert_eq!(other.maintain(&second.feed).await.unwrap(), None, "nothing is due");

        let published = keeper.rotate().await.unwrap();
        let KeyChange::Published { kid: new, .. } = published else {
            panic!("{published:?}")
        };
        let refused = other.rotate().await;
        assert!(matches!(refused, Err(KeyChangeError::AlreadyPending { kid }) if kid == new));
        for replica in [&first, &second] {
            assert_eq!(kids(replica).await, [old[0].clone(), new.clone()]);
        }
        first.clock.advance(PROMOTED_AFTER - 1);
        assert_eq!(other.maintain(&second.feed).await.unwrap(), None);
        second.feed.publish().await.unwrap();
        assert_eq!(signed_by(&last(&first).await), old[0]);

        first.clock.advance(6);
        let promoted = other.maintain(&second.feed).await.unwrap();
        assert!(matches!(promoted, Some(KeyChange::Promoted { kid, .. }) if kid == new));
        // Of which the first replica has not heard.
        first.feed.publish().await.unwrap();
        assert_eq!(signed_by(&last(&second).await), new);
        assert_eq!(signed_by(&snapshot(&first).await), new);
        assert_eq!(kids(&first).await.len(), 2, "what the old one signed is still good");

        first.clock.advance(2 * 3600);
        let pruned = keeper.maintain(&first.feed).await.unwrap();
        assert_eq!(pruned, Some(KeyChange::Pruned { kids: old }));
        assert_eq!(kids(&second).await, std::slice::from_ref(&new));

        // The calendar does the same by itself.
        first.clock.advance(91 * 86_400);
        let published = keeper.maintain(&first.feed).await.unwrap();
        assert!(matches!(published, Some(KeyChange::Published { .. })));
        // A replica that starts now signs with what signs now.
        let again = Arc::new(first.replica(Arc::clone(&first.store)).await);
        again.feed.publish().await.unwrap();
        assert_eq!(signed_by(&last(&second).await), new);
    }
}

#[tokio::test]
async fn a_replica_that_has_not_heard_of_a_revocation_publishes_nothing_under_the_revoked_key() {
    for (first, second, _directory) in pairs().await {
        let keysets = first.keys.keysets();
        first.sessions.revoke_jti("a").await.unwrap();
        first.feed.publish().await.unwrap();
        let now = || first.clock.now();
        let mut follower = RevocationFeed::new(ISSUER, [], FeedPolicy::new(WhenStale::Refuse, BUDGET));
        follower.set_keys(keys(&second).await, now());
        let old_snapshot = snapshot(&second).await;
        follower.apply_snapshot(&old_snapshot, now()).unwrap();
        let old_keys = keys(&second).await;
        let (before, old) = (follower.position().unwrap().clone(), kids(&first).await);
        let thief = steal(keysets).await;

        let revoked = keeper(&first).revoke(Some(&old[0][..20])).await.unwrap();
        let KeyChange::FeedRevoked { kids: ended, successor } = revoked else {
            panic!("{revoked:?}")
        };
        assert_eq!(ended, old);
        let head = first.store.feed_head().await.unwrap().unwrap();
        assert_eq!(head.position.seq, 1);
        assert_ne!(head.position.feed, before.feed);
        // Nothing of the old feed is left, at either replica, and no key vouches for it.
        for replica in [&first, &second] {
            let path = format!("/v1/revocations/{}/{}", before.feed, before.seq);
            assert_eq!(get(replica, &path).await.status, StatusCode::NOT_FOUND);
            assert_eq!(kids(replica).await, std::slice::from_ref(&successor));
            assert_eq!(signed_by(&snapshot(replica).await), successor);
        }
        // The second one has the old key in its memory, and something to say.
        second.sessions.revoke_jti("b").await.unwrap();
        second.feed.publish().await.unwrap();
        assert_eq!(signed_by(&last(&first).await), successor);
        // Not even with the old key in hand: the database says no.
        let mut publisher = RevocationPublisher::resume(ISSUER, thief, head.position.clone()).unwrap();
        let forged = publisher.delta(&[], now(), Duration::from_secs(5)).unwrap();
        let mut next = head.clone();
        next.position = publisher.position().clone();
        let signed = SignedUnder {
            keyset: FEED_KEYSET,
            version: 0,
        };
        let outcome = second
            .store
            .publish_delta(signed, Some(&head.position), &next, &forged)
            .await;
        assert_eq!(outcome.unwrap(), Publication::KeysChanged);

        // What there was of the old feed, and what a thief makes of it, is refused from the next fetch of the keys on.
        follower.set_keys(keys(&second).await, now());
        assert!(!follower.is_fresh(now()) && follower.needs_snapshot());
        assert_eq!(follower.apply_snapshot(&old_snapshot, now()), UNKNOWN);
        assert_eq!(follower.apply_delta(&forged, now()), UNKNOWN);
        let fresh = &mut fresh_feed(keys(&first).await);
        assert_eq!(fresh.apply_snapshot(&old_snapshot, now()), UNKNOWN);
        for feed in [&mut follower, fresh] {
            feed.apply_snapshot(&snapshot(&second).await, now()).unwrap();
            let position = feed.position().unwrap().clone();
            let rest = get(
                &second,
                &format!("/v1/revocations/{}/{}", position.feed, position.seq + 1),
            )
            .await;
            if rest.status == StatusCode::OK {
                feed.apply_delta(&text(&rest), now()).unwrap();
            }
            assert!(feed.is_fresh(now()));
            assert_eq!(feed.len(), 2, "nothing that is revoked was lost");
        }
        // A verifier that doubts nothing, since nobody has told it of an end: the new feed is later, though no second has
        // passed.
        let mut undoubting = fresh_feed(old_keys.into_iter().chain(keys(&first).await).collect());
        undoubting.apply_snapshot(&old_snapshot, now()).unwrap();
        undoubting.apply_snapshot(&snapshot(&first).await, now()).unwrap();
        // And one that holds no keys in memory, as after a restart.
        let again = Arc::new(second.replica(Arc::clone(&second.store)).await);
        assert_eq!(kids(&again).await, [successor]);
    }
}

#[tokio::test]
async fn a_key_that_is_not_there_is_not_revoked_and_all_that_are_there_go_together() {
    for (first, second, _directory) in pairs().await {
        let keeper = keeper(&first);
        first.feed.publish().await.unwrap();
        let head = first.store.feed_head().await.unwrap();
        // Longer than any, so that none of them begins a kid by chance.
        let (longer, hyphens) = ("A".repeat(44), "-".repeat(44));
        for kid in ["", &longer, &hyphens, "not base64url"] {
            let refused = keeper.revoke(Some(kid)).await;
            assert!(matches!(refused, Err(KeyChangeError::NoSuchKey { .. })), "{kid:?}");
        }
        assert_eq!(first.store.feed_head().await.unwrap(), head, "nothing begins anew");
        keeper.rotate().await.unwrap();
        keeper.replace_now().await.unwrap();
        let before = kids(&second).await;
        assert_eq!(before.len(), 3);
        let revoked = keeper.revoke(None).await.unwrap();
        assert!(matches!(revoked, KeyChange::FeedRevoked { kids, .. } if kids == before));
        assert_eq!(kids(&second).await.len(), 1);
        for kid in &before {
            let refused = keeper.revoke(Some(kid)).await;
            assert!(matches!(refused, Err(KeyChangeError::NoSuchKey { .. })), "it has ended");
        }
        let states: Vec<_> = keeper
            .report()
            .await
            .unwrap()
            .keys
            .iter()
            .map(|key| key.status)
            .collect();
        use KeyStatus::{Primary, Revoked};
        assert_eq!(states, [Revoked, Revoked, Revoked, Primary]);
        // Once more: the one that has just begun ends as well.
        keeper.revoke(None).await.unwrap();
        second.feed.publish().await.unwrap();
        let mut feed = fresh_feed(keys(&second).await);
        feed.apply_snapshot(&snapshot(&second).await, first.clock.now())
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_exchanged_while_replicas_publish_leave_one_history_of_keys_that_were_good() {
    const EACH: usize = 25;
    for (first, second, _directory) in pairs().await {
        first.feed.publish().await.unwrap();
        let begun = first.store.feed_head().await.unwrap().unwrap().position.feed;
        let mut tasks = tokio::task::JoinSet::new();
        for (name, service) in [("a", &first), ("b", &second)] {
            let service = Arc::clone(service);
            tasks.spawn(async move {
                for index in 0..EACH {
                    service.sessions.revoke_jti(&format!("{name}{index}")).await.unwrap();
                    service.feed.publish().await.unwrap();
                }
                (0, 0)
            });
        }
        for service in [&first, &second] {
            let service = Arc::clone(service);
            tasks.spawn(async move {
                let keeper = keeper(&service);
                let (mut replaced, mut revoked) = (0, 0);
                for round in 0..6 {
                    let done = match round % 3 {
                        2 => keeper.revoke(None).await,
                        _ => keeper.replace_now().await,
                    };
                    match done {
                        Ok(KeyChange::FeedRevoked { .. }) => revoked += 1,
                        Ok(_) => replaced += 1,
                        // The other one may be faster each time.
                        Err(KeyChangeError::Storage(KeyStorageError::Store(StoreError::Conflict))) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
                (replaced, revoked)
            });
        }
        let (mut replaced, mut revoked) = (0, 0);
        while let Some(done) = tasks.join_next().await {
            let (more_replaced, more_revoked) = done.unwrap();
            replaced += more_replaced;
            revoked += more_revoked;
        }
        assert!(replaced > 0 && revoked > 0, "{replaced} replaced, {revoked} revoked");
        first.feed.publish().await.unwrap();
        second.feed.publish().await.unwrap();

        let now = first.clock.now();
        assert_eq!(kids(&first).await, kids(&second).await);
        // From the first delta of the feed that there is now: every one under a key that is good, upon the one before.
        let position = first.store.feed_head().await.unwrap().unwrap().position;
        assert_ne!(position.feed, begun);
        let mut feed = fresh_feed(keys(&first).await);
        feed.apply_snapshot(&snapshot(&second).await, now).unwrap();
        let good = kids(&first).await;
        for number in 1..=position.seq {
            let path = format!("/v1/revocations/{}/{number}", position.feed);
            let (one, other) = (get(&first, &path).await, get(&second, &path).await);
            assert_eq!(one.body, other.body);
            assert!(good.contains(&signed_by(&text(&one))), "{number}");
            if number > feed.position().unwrap().seq {
                feed.apply_delta(&text(&one), now).unwrap();
            }
        }
        assert_eq!(feed.position(), Some(&position));
        assert_eq!(feed.len(), 2 * EACH, "none is missing");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verifiers_follow_through_a_rotation_and_a_revocation() {
    for (first, second, _directory) in pairs().await {
        let _publishing = publishing(&[&first, &second]);
        let verifiers = [&first, &second].map(|service| verifier(&Way::to(service), WhenStale::Refuse, &first.clock));
        let (_, token) = login(&first).await;
        let (refresh_token, ended) = login(&first).await;
        for verifier in &verifiers {
            until("followed", async || verifier.revocations().is_fresh()).await;
            verify(verifier, &first, &token).await.unwrap();
            verify(verifier, &first, &ended).await.unwrap();
        }
        keeper(&first).replace_now().await.unwrap();
        logout(&second, &refresh_token).await;
        for verifier in &verifiers {
            let refused = async || verify(verifier, &first, &ended).await == Err(VerifyError::Revoked);
            until("heard under the new key", refused).await;
            verify(verifier, &first, &token).await.unwrap();
        }
        keeper(&second).revoke(None).await.unwrap();
        let feed = first.store.feed_head().await.unwrap().unwrap().position.feed;
        for verifier in &verifiers {
            let is_there = async || {
                verifier
                    .revocations()
                    .position()
                    .is_some_and(|position| position.feed == feed)
            };
            until("the feed that began anew", is_there).await;
            verify(verifier, &first, &token).await.unwrap();
            assert_eq!(verify(verifier, &first, &ended).await, Err(VerifyError::Revoked));
        }
    }
}

#[tokio::test]
async fn a_backup_brings_back_the_keys_of_its_moment_and_no_feed() {
    let service = Arc::new(Service::start().await);
    service.feed.publish().await.unwrap();
    let old = kids(&service).await;
    let file = service.directory.path().join("authsvc.db");
    let restored = async |name: &str| {
        let (copy, to) = (
            service.directory.path().join(format!("{name}.backup")),
            service.directory.path().join(format!("{name}.db")),
        );
        let now = service.clock.now();
        backup::backup(&DatabaseConfig::sqlite(&file), &copy, now)
            .await
            .unwrap();
        backup::restore(&DatabaseConfig::sqlite(&to), &copy, now).await.unwrap();
        let store: Arc<dyn Store> = Arc::new(databases::open_sqlite(&to).await);
        Arc::new(service.replica(store).await)
    };
    let before = restored("before").await;
    keeper(&service).revoke(None).await.unwrap();
    let after = restored("after").await;
    assert_eq!(after.store.feed_head().await.unwrap(), None);
    after.feed.publish().await.unwrap();
    assert_eq!(kids(&after).await, kids(&service).await);
    assert_eq!(signed_by(&last(&after).await), kids(&service).await[0]);
    // Older than the revocation: it has to be said once more (docs/database.md).
    assert_eq!(kids(&before).await, old);
    keeper(&before).revoke(None).await.unwrap();
    assert!(!kids(&before).await.contains(&old[0]));
}
