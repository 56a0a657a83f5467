//! Passwords from elsewhere: hashes that another program made, and passwords that were breached there.

use std::sync::Arc;

use authsvc::secret_files::read_root_key;
use authsvc_core::service::{SEALING_KEYSET, SealedKeysets};
use authsvc_core::storage::{Store, UserStore};
use cryptokit::aead::AeadKey;
use cryptokit::keyset::Keyset;
use cryptokit::password::HashBinding;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::installation::{EMAIL, Installation, PASSWORD, PATIENT, Server, tokens};
use super::support::databases;
use super::support::process::stderr;

/// Of the password `correct horse`, by bcrypt 5.0.0, Django 5.2.19, libpass 1.9.4 and twice argon2-cffi 25.1.0.
/// `cryptokit/tests/passwords/imported.rs` has more of them, and `tests/interop/passwords.py` makes fresh ones.
const FOREIGN: [(&str, &str); 5] = [
    ("bcrypt", "$2b$04$yPqEimSXfB7LMMuimiF8AO6nLgcAao7ScSJVEoB2/o9XfOqZ9VCLy"),
    (
        "django",
        "pbkdf2_sha256$1000$saltsaltsalt$F7o7+5VTVzFAO998X6s3AHrDsJVdMiIlgndIMe19NvY=",
    ),
    (
        "libpass",
        "$pbkdf2-sha256$1000$VgoBoLR2zlnrvVcqxZjTug$2Gb.88TmSVNE5tdY6VOr5NIFKwm1fOZ5YF1nBEZgBxE",
    ),
    (
        "argon2id",
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$uL2hQzJmxaz0Tfm2KK6uNjA0+UvbrHBEBwVmJYrNXCE",
    ),
    (
        "argon2i",
        "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$rB84JT5z5pR7npjABPWWPmhej9GHFq2J2QtVNJPtUE0",
    ),
];
const THEIR_PASSWORD: &str = "correct horse";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imported_hashes_log_in_and_become_our_own() {
    let settings = format!(
        "passwords.imported_schemes = \"bcrypt, pbkdf2, argon2i\"\nhashing.m_cost_kib = 20000\nhashing.t_cost = 3\n{PATIENT}"
    );
    let mut installation = Installation::new(None, &settings);
    let lines: String = FOREIGN
        .iter()
        .map(|(name, hash)| format!("{{\"email\":\"{name}@example.com\",\"password_hash\":\"{hash}\"}}\n"))
        .collect();
    let imported = installation.command(&["user", "import", "-", "--format", "jsonl"], &lines);
    assert!(imported.status.success(), "{}", stderr(&imported));
    let server = installation.serve();
    let keys = sealing_keys(&installation).await;
    for (name, hash) in FOREIGN {
        let email = format!("{name}@example.com");
        let before = stored(&installation, &keys, &email).await;
        assert_eq!(before, hash, "{name}");
        assert!(is_imported(&installation, &email), "{name}");
        let wrong = server.login(&email, "correct house").await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(
            stored(&installation, &keys, &email).await,
            before,
            "{name}: a wrong password changes nothing"
        );
        tokens(&server.login(&email, THEIR_PASSWORD).await);
        let after = stored(&installation, &keys, &email).await;
        assert!(
            after.starts_with("$argon2id$v=19$m=20000,t=3,p=1,keyid="),
            "{name}: of today's cost, and peppered: {after}"
        );
        assert!(!after.contains(hash.rsplit('$').next().unwrap()), "{name}");
        assert!(!is_imported(&installation, &email), "{name}");
        // And it is the same password.
        tokens(&server.login(&email, THEIR_PASSWORD).await);
        assert_eq!(stored(&installation, &keys, &email).await, after, "{name}: once");
        let wrong = server.login(&email, "correct house").await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "{name}");
    }
}

/// The stored hash, unsealed with what the home holds.
async fn stored(installation: &Installation, keys: &Keyset<AeadKey>, email: &str) -> String {
    let store = databases::open_sqlite(&installation.home().join("authsvc.db")).await;
    let record = store.user_by_email(&email.parse().unwrap()).await.unwrap().unwrap();
    store.close().await;
    let id = record.unverified().id.to_string();
    let binding = HashBinding {
        column: "users.password_hash",
        user_id: &id,
    };
    let hash = record.unverified().password_hash.open(keys, binding).unwrap();
    hash.to_string()
}

async fn sealing_keys(installation: &Installation) -> Keyset<AeadKey> {
    let store = databases::open_sqlite(&installation.home().join("authsvc.db")).await;
    let root_key = read_root_key(&installation.home().join("root.key")).unwrap();
    let keysets = SealedKeysets::new(Arc::new(store), Arc::new(root_key));
    keysets.open(SEALING_KEYSET).await.unwrap().1
}

fn is_imported(installation: &Installation, email: &str) -> bool {
    let shown: Value = serde_json::from_str(&installation.succeeds(&["user", "show", email, "--json"])).unwrap();
    shown["imported_hash"].as_bool().unwrap()
}

const BREACHED: &str = "seven quiet otters juggle";
/// Its SHA-1 digest (Python's hashlib), between two others.
const LIST: &str = "2F9E53523B62ABC141A2B4D6019D23CBA835DBD0:4\r\n\
    6FB5861371B3EC33740A47CAB3AE641CA1060353:17\r\n\
    FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF:1\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn breached_passwords_are_refused_at_the_command_line_and_over_http() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("breached.txt");
    std::fs::write(&list, LIST).unwrap();
    let settings = format!("passwords.breached_file = \"{}\"\n{PATIENT}", list.display());
    let mut installation = Installation::new(None, &settings);
    let add = |password: &str| installation.command(&["user", "add", "bob@example.com", "--password-stdin"], password);
    let refused = add(BREACHED);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("known from a breach"), "{}", stderr(&refused));
    assert!(!stderr(&refused).contains(BREACHED), "not repeated");
    let reset = installation.command(&["user", "reset-password", EMAIL, "--password-stdin"], BREACHED);
    assert!(stderr(&reset).contains("known from a breach"), "{}", stderr(&reset));
    assert!(add("eight quiet otters juggle").status.success());

    let server = installation.serve();
    let login = json!({ "email": EMAIL, "password": PASSWORD, "audience": "authsvc" }).to_string();
    let (_, token) = tokens(&server.public.post_json("/v1/auth", login.as_bytes()).await.unwrap());
    let refused = change(&server, &token, BREACHED).await;
    assert_eq!(refused.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.1["errors"][0]["field"], "new_password", "{}", refused.1);
    let message = refused.1["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("known from a breach"), "{message}");
    assert_eq!(server.login(EMAIL, BREACHED).await.status, StatusCode::UNAUTHORIZED);
    let changed = change(&server, &token, "nine quiet otters juggle").await;
    assert_eq!(changed.0, StatusCode::NO_CONTENT, "{}", changed.1);
    tokens(&server.login(EMAIL, "nine quiet otters juggle").await);
}

async fn change(server: &Server, token: &str, new: &str) -> (StatusCode, Value) {
    let body = json!({ "password": PASSWORD, "new_password": new }).to_string();
    let bearer = format!("Bearer {token}");
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    let answer = server
        .public
        .request(Method::POST, "/v1/me/password", body.into_bytes(), &headers)
        .await
        .unwrap();
    let body = serde_json::from_slice(answer.body.expose_secret()).unwrap_or_default();
    (answer.status, body)
}
