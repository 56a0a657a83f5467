//! `authsvc key`, and the exchange of the root key, by the real binary.

use std::sync::Arc;

use authsvc::key_upkeep::BlockingKeyMaker;
use authsvc::root_key_exchange::{ExchangeStep, RootKeyExchange};
use authsvc::secret_files::{RootKeyFile, read_root_key};
use authsvc_core::clock::{Clock, TestClock};
use authsvc_core::service::key_schedule::KeyPolicy;
use authsvc_core::service::{KeyKeeper, KeyRing, SealedKeysets, TOKEN_KEYSET, sealed_name};
use authsvc_core::storage::Store;
use cryptokit::jose::JwsAlgorithm;

use super::POLICY;
use crate::support::databases;
use crate::support::in_process::{ISSUER, NOW};
use crate::support::process::{run, stderr, stdout};

#[test]
fn the_key_commands_do_what_they_say_and_refuse_what_would_hurt() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    init(&home);
    let config = home.join("authsvc.toml");
    let key = |arguments: &[&str]| run(&[&["key"], arguments, &["--config", config.to_str().unwrap()]].concat());
    let list = || -> serde_json::Value { serde_json::from_str(&stdout(&key(&["list", "--json"]))).unwrap() };

    let first = list()["keys"][0]["kid"].as_str().unwrap().to_owned();
    assert_eq!(list()["keys"][0]["state"], "signing");
    let rotated = key(&["rotate", "--algorithm", "ES256"]);
    assert!(stdout(&rotated).contains("is published"), "{}", stderr(&rotated));
    assert!(!key(&["rotate"]).status.success(), "one at a time");
    assert!(!key(&["rotate", "--algorithm", "none"]).status.success());
    let second = list()["keys"][1]["kid"].as_str().unwrap().to_owned();
    assert_eq!(list()["keys"][1]["algorithm"], "ES256");
    let early = key(&["promote", &second]);
    assert!(stderr(&early).contains("not to sign before"), "{}", stderr(&early));
    assert!(key(&["promote", &second[..10], "--force"]).status.success());
    assert_eq!(list()["keys"][1]["state"], "signing");
    assert_eq!(list()["keys"][0]["state"], "retired");
    assert_eq!(stdout(&key(&["prune"])), "Nothing to take out.\n");
    assert_eq!(key(&["revoke", &second]).status.code(), Some(2), "a reason is required");
    let revoked = key(&["revoke", &second, "--reason", "laptop stolen"]);
    assert!(stdout(&revoked).contains("is revoked. Key "), "{}", stderr(&revoked));
    let acts = run(&[
        "audit",
        "search",
        "--event",
        "authz_admin",
        "--config",
        config.to_str().unwrap(),
    ]);
    assert!(
        stdout(&acts).contains("\"note\":\"laptop stolen\""),
        "{}",
        stdout(&acts)
    );
    feed_keys_are_rotated_and_revoked(key, list);
    assert!(stdout(&key(&["rotate", "--now"])).contains("is new and signs"));
    assert!(stdout(&key(&["prune"])).contains(&second));
    let text = stdout(&key(&["list"]));
    assert!(text.contains(&first) && !text.contains(&second), "{text}");
}

/// `authsvc key feed`
fn feed_keys_are_rotated_and_revoked(
    key: impl Fn(&[&str]) -> std::process::Output,
    list: impl Fn() -> serde_json::Value,
) {
    assert_eq!(
        list()["feed"]["keys"],
        serde_json::json!([]),
        "made when the service serves"
    );
    let states = || -> Vec<String> {
        let list = list();
        let keys = list["feed"]["keys"].as_array().unwrap().iter();
        keys.map(|key| key["state"].as_str().unwrap().to_owned()).collect()
    };
    let rotated = key(&["feed", "rotate"]);
    assert!(stdout(&rotated).contains("is published"), "{}", stderr(&rotated));
    assert_eq!(states(), ["signing", "published"]);
    assert!(stderr(&key(&["feed", "rotate"])).contains("is published already"));
    assert!(stdout(&key(&["list"])).contains("feed of revocations"));

    assert_eq!(key(&["feed", "revoke"]).status.code(), Some(2), "a reason is required");
    // Base64url may begin with any number of hyphens; these are longer than any kid, so that none begins one by chance.
    for absent in [format!("-{}", "x".repeat(43)), "-".repeat(44)] {
        let refused = key(&["feed", "revoke", &absent, "--reason", "x"]);
        assert!(
            stderr(&refused).contains("no key of the set"),
            "{absent}: {}",
            stderr(&refused)
        );
    }
    assert_eq!(states(), ["signing", "published"]);
    let kid = list()["feed"]["keys"][0]["kid"].as_str().unwrap().to_owned();
    let revoked = key(&["feed", "revoke", &kid, "--reason", "a laptop"]);
    assert!(stdout(&revoked).contains("begins anew"), "{}", stderr(&revoked));
    assert_eq!(states(), ["revoked", "published", "signing"]);
    let revoked = key(&["feed", "revoke", "--reason", "all of them"]);
    assert!(stdout(&revoked).contains("begins anew"), "{}", stderr(&revoked));
    assert_eq!(states(), ["revoked", "revoked", "signing"]);
    assert!(stdout(&key(&["feed", "rotate", "--now"])).contains("is new and signs"));
    assert_eq!(states(), ["revoked", "revoked", "retired", "signing"]);
}

#[tokio::test]
async fn the_root_key_is_exchanged_and_everything_opens_at_every_moment() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    init(&home);
    let config = home.join("authsvc.toml");
    let root_file = RootKeyFile::new(home.join("root.key"));
    let (peppers, database) = (home.join("pepper.json"), home.join("authsvc.db"));
    let old = read_root_key(root_file.path()).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(NOW));
    let open = async |store: &Arc<dyn Store>| {
        let keysets = SealedKeysets::new(Arc::clone(store) as Arc<dyn Store>, Arc::new(root_file.clone()));
        KeyRing::open(keysets, Arc::clone(&clock)).await
    };
    let store: Arc<dyn Store> = Arc::new(databases::open_sqlite(&database).await);
    // What a service makes for itself, and a keyset that this program does not know: all rows are moved, by name or not.
    let keysets = SealedKeysets::new(Arc::clone(&store), Arc::new(root_file.clone()));
    authsvc_core::service::defence::open_digest_key(&keysets).await.unwrap();
    authsvc_core::audit::AuditKeys::open(&keysets).await.unwrap();
    let feed = cryptokit::keyset::Keyset::new("feed", cryptokit::aead::AeadKey::generate());
    if store.keyset("feed").await.unwrap().is_none() {
        keysets.create(&feed).await.unwrap();
    }
    let names: Vec<String> = store
        .keyset_versions()
        .await
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for name in [
        "access-tokens",
        "audit-pseudonyms",
        "audit-signing",
        "feed",
        "login-defence",
        "password-hashes",
    ] {
        assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
    }
    // One that serves meanwhile.
    let serving = Arc::new(open(&store).await.unwrap());
    let policy = KeyPolicy {
        algorithm: JwsAlgorithm::EdDsa,
        ..POLICY
    };
    let keeper = KeyKeeper::new(
        Arc::clone(&serving),
        Arc::new(BlockingKeyMaker),
        Arc::clone(&clock),
        policy,
    );
    let mut steps = Vec::new();
    // Each step by a process of its own, which ends after it.
    while steps.last() != Some(&ExchangeStep::Finished) {
        assert!(steps.len() < 20, "{steps:?}");
        let mut exchange =
            RootKeyExchange::new(Arc::clone(&store) as Arc<dyn Store>, root_file.clone(), peppers.clone());
        steps.push(exchange.step().await.unwrap().unwrap());
        assert!(open(&store).await.is_ok(), "{steps:?}");
        assert!(root_file.read_peppers(&peppers).is_ok(), "{steps:?}");
        serving.poll().await.unwrap();
        // What changes a keyset in between leaves it under the key that it is under.
        if steps.len() % 2 == 0 {
            keeper.replace_now(None).await.unwrap();
        }
    }
    assert_eq!(steps[0], ExchangeStep::KeyMade);
    assert!(steps.contains(&ExchangeStep::Keyset(TOKEN_KEYSET.into())) && steps.contains(&ExchangeStep::Peppers));
    for (name, version) in store.keyset_versions().await.unwrap() {
        let stored = store.keyset(&name).await.unwrap().unwrap();
        assert!(!old.has_sealed(&sealed_name(&name, version), &stored.sealed), "{name}");
    }
    for name in &names {
        assert!(
            steps.contains(&ExchangeStep::Keyset(name.clone())),
            "{name} in {steps:?}"
        );
    }
    authsvc_core::service::defence::open_digest_key(&keysets).await.unwrap();
    authsvc_core::audit::AuditKeys::open(&keysets).await.unwrap();
    assert!(!root_file.next_path().exists());
    keeper.replace_now(None).await.unwrap();
    store.close().await;
    // And by the command, at once.
    let command = run(&["key", "rewrap", "--config", config.to_str().unwrap()]);
    assert!(
        stdout(&command).contains("It is the root key now"),
        "{}",
        stderr(&command)
    );
    assert!(stdout(&run(&["key", "list", "--config", config.to_str().unwrap()])).contains("signing"));

    // What opens with neither key stops it before anything is lost.
    let before = read_root_key(root_file.path()).unwrap();
    std::fs::write(&peppers, "{}").unwrap();
    let command = run(&["key", "rewrap", "--config", config.to_str().unwrap()]);
    assert!(
        stderr(&command).contains("opens with neither root key"),
        "{}",
        stderr(&command)
    );
    assert_eq!(*read_root_key(root_file.path()).unwrap().to_text(), *before.to_text());
    let store: Arc<dyn Store> = Arc::new(databases::open_sqlite(&database).await);
    assert!(open(&store).await.is_ok());
}

fn init(home: &std::path::Path) {
    let home = home.to_str().unwrap();
    let made = run(&["init", "--home", home, "--issuer", ISSUER, "--server-san", "localhost"]);
    assert!(made.status.success(), "{}", stderr(&made));
}
