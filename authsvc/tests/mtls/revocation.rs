//! Revoked certificates: refused at once, and connections with them ended.

use std::path::Path;

use authsvc_core::clock::{Clock, SystemClock};
use certgen::home::Home;
use certgen::lifecycle::revoke::{RevokeRequest, revoke};
use cryptokit::x509::{LeafProfile, RevocationReason, certificates_to_pem};
use rustls::HandshakeKind;
use rustls::client::Resumption;
use tokio::io::AsyncReadExt;

use super::{ORDERS, authority, tls12_of};
use crate::support::mtls::{Internal, PATIENCE, alive, client_of, exchange, list};
use crate::support::process::Dev;

#[tokio::test]
async fn a_revoked_client_is_refused_and_its_open_connection_is_ended() {
    let internal = Internal::start().await;
    let (mallory, alice) = (internal.client(ORDERS), internal.client(ORDERS));
    let mut hers = internal.open(Some(&mallory)).await.unwrap();
    let mut other = internal.open(Some(&alice)).await.unwrap();
    let reloaded = internal.revoke(2, &[&mallory.serial]);
    assert_eq!(reloaded.changed, ["client CAs and revocation lists"]);
    assert_eq!(internal.reason().await, "client_certificate_revoked");
    assert!(alive(&mut hers).await.is_err(), "an open connection is ended");
    alive(&mut other).await.unwrap();
    assert_eq!(internal.refused(Some(&mallory)).await, "client_certificate_revoked");
    internal.open(Some(&alice)).await.unwrap();
    let metrics = internal.service.metrics.render();
    assert!(
        metrics.contains(r#"connections_ended_total{listener="internal",reason="client_certificate_revoked"} 1"#),
        "{metrics}"
    );
    // A list that takes it back has to be a newer one.
    let old = internal.revoke(1, &[]);
    assert_eq!((old.changed.len(), old.failed.len()), (0, 1));
    assert_eq!(internal.refused(Some(&mallory)).await, "client_certificate_revoked");
}

#[tokio::test]
async fn a_revoked_administrator_is_out_though_still_registered() {
    const OPS: &[&str] = &["dns:ops.internal"];
    let internal = Internal::start().await;
    internal.service.register_administrator("ops", OPS[0]).await;
    let (stolen, own) = (internal.client(OPS), internal.client(OPS));
    let disable = format!(
        "POST /v1/admin/users/{}/disable HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        internal.service.user_id
    );
    let look = b"GET /v1/admin/keys HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut thief = internal.open(Some(&stolen)).await.unwrap();
    let seen = exchange(&mut thief, look).await.unwrap();
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    assert_eq!(internal.reason().await, "ok");
    assert_eq!(internal.revoke(2, &[&stolen.serial]).failed.len(), 0);
    assert_eq!(internal.reason().await, "client_certificate_revoked");
    assert!(
        exchange(&mut thief, disable.as_bytes()).await.is_err(),
        "an open connection is ended"
    );
    assert_eq!(internal.refused(Some(&stolen)).await, "client_certificate_revoked");
    assert!(internal.service.audit.take_acts().is_empty());
    let mut owner = internal.open(Some(&own)).await.unwrap();
    let done = exchange(&mut owner, disable.as_bytes()).await.unwrap();
    assert!(done.starts_with("HTTP/1.1 200"), "{done}");
}

#[tokio::test]
async fn m5_a_serial_number_is_revoked_under_its_own_issuer_only() {
    let internal = Internal::start().await;
    let now = internal.service.clock.now();
    let (first, second) = (&internal.service.authority, authority("Second issuing CA", now));
    let client = client_of(&second, LeafProfile::Client, ORDERS, now);
    std::fs::write(
        internal.file("ca.pem"),
        certificates_to_pem([first.certificate(), second.certificate()]),
    )
    .unwrap();
    let trust = |number, of_first: &[&[u8]], of_second: &[&[u8]]| {
        let lists = [
            list(first, number, of_first, now),
            list(&second, number, of_second, now),
        ];
        std::fs::write(
            internal.file("crl.pem"),
            lists.iter().map(|one| one.to_pem()).collect::<String>(),
        )
        .unwrap();
        assert!(internal.reload().failed.is_empty());
    };
    trust(2, &[&client.serial], &[]);
    internal.open(Some(&client)).await.unwrap();
    trust(3, &[], &[&client.serial]);
    assert_eq!(internal.refused(Some(&client)).await, "client_certificate_revoked");
}

#[tokio::test]
async fn an_expired_list_lets_nobody_in_and_a_new_one_does_again() {
    let internal = Internal::start().await;
    let client = internal.client(ORDERS);
    internal.service.clock.advance(86_399);
    let mut open = internal.open(Some(&client)).await.unwrap();
    internal.service.clock.advance(2);
    // A connection does not outlive the list either: it had a second left. The idle ones last longer.
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, open.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the list has ended");
    let metrics = internal.service.metrics.render();
    let counted = r#"connections_ended_total{listener="internal",reason="client_crl_expired"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert_eq!(internal.refused(Some(&client)).await, "client_crl_expired");
    assert!(internal.tls.ends().revocation_lists.unwrap() <= internal.service.clock.now());
    assert!(internal.revoke(2, &[]).failed.is_empty());
    internal.open(Some(&client)).await.unwrap();
}

#[tokio::test]
async fn a_list_of_an_impostor_of_the_same_name_says_nothing() {
    let internal = Internal::start().await;
    let now = internal.service.clock.now();
    let client = internal.client(ORDERS);
    let impostor = authority("Test issuing CA", now);
    let lists =
        list(&impostor, 9, &[], now).to_pem() + &list(&internal.service.authority, 2, &[&client.serial], now).to_pem();
    std::fs::write(internal.file("crl.pem"), lists).unwrap();
    assert!(internal.reload().failed.is_empty());
    assert_eq!(internal.refused(Some(&client)).await, "client_certificate_revoked");
    std::fs::write(internal.file("crl.pem"), list(&impostor, 10, &[], now).to_pem()).unwrap();
    assert!(internal.reload().failed.is_empty());
    assert_eq!(
        internal.refused(Some(&client)).await,
        "client_certificate_status_unknown"
    );
}

#[tokio::test]
async fn m6_no_session_is_resumed_so_none_outlives_a_revocation() {
    let internal = Internal::start().await;
    let client = internal.client(ORDERS);
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let mut config = internal.config(Some(&client));
        // One store for all connections, as a client has it that wants to resume.
        config.resumption = Resumption::in_memory_sessions(16);
        for _ in 0..3 {
            let mut only = config.clone();
            if version.version == rustls::ProtocolVersion::TLSv1_2 {
                only = tls12_of(&internal, &client, &config);
            }
            let mut stream = internal.connect(only).await.unwrap();
            alive(&mut stream).await.unwrap();
            let connection = stream.get_ref().1;
            assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
            assert_eq!(connection.tls13_tickets_received(), 0);
            assert_eq!(connection.protocol_version(), Some(version.version));
        }
    }
    internal.revoke(2, &[&client.serial]);
    assert_eq!(internal.refused(Some(&client)).await, "client_certificate_revoked");
}

/// `certgen revoke`, as a library call.
fn revoke_with_certgen(pki: &Path, service: &str) {
    let mut home = Home::open(pki).unwrap();
    let request = RevokeRequest {
        targets: vec![service.to_owned()],
        all: false,
        reason: RevocationReason::KeyCompromise,
        lifetime: None,
    };
    revoke(
        &mut home,
        &request,
        |home, name| Ok(home.authority(name, None)?),
        SystemClock.now(),
    )
    .unwrap();
}

fn hang_up(dev: &Dev) {
    let id = rustix::process::Pid::from_raw(dev.process_id() as i32).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
}

#[tokio::test]
async fn what_certgen_revokes_is_refused_without_a_restart_and_broken_files_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    assert!(Dev::start(&home).stop().0.success());
    let config = home.join("authsvc.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("reload_interval_seconds = 1\n{text}")).unwrap();

    let dev = Dev::start(&home);
    let token = dev.public().login(&dev.login_body()).await.unwrap().token;
    assert!(dev.internal().validate_token(&token).await.unwrap().is_some());
    // A signal to read everything again changes nothing, and ends nothing.
    hang_up(&dev);
    dev.audit_until(|line| line["event"]["action"] == "sys_reload", 1);
    assert!(dev.internal().validate_token(&token).await.unwrap().is_some());

    // Nobody tells the service: it finds the new list by looking.
    revoke_with_certgen(&home.join("pki"), "demo");
    dev.audit_until(|line| line["event"]["action"] == "sys_reload", 2);
    assert!(dev.internal().validate_token(&token).await.is_err());
    dev.audit_until(|line| line["event"]["reason"] == "client_certificate_revoked", 1);

    // Broken lists and a broken configuration: refused by name, and the revocation stays.
    let crl = std::fs::read(home.join("pki/crl.pem")).unwrap();
    std::fs::write(home.join("pki/crl.pem"), "not a list").unwrap();
    std::fs::write(&config, "nonsense = 1\n").unwrap();
    hang_up(&dev);
    let refused = dev.audit_until(|line| line["event"]["reason"] == "reload_refused", 1);
    let message = refused[0]["message"].as_str().unwrap();
    assert!(message.contains("nonsense") && message.contains("crl.pem"), "{message}");
    assert!(dev.internal().validate_token(&token).await.is_err());
    assert!(dev.public().login(&dev.login_body()).await.is_ok(), "logins go on");

    // Put right, with a setting that can change and one that cannot.
    std::fs::write(home.join("pki/crl.pem"), crl).unwrap();
    let text = text.replace(
        "[public]",
        "log_level = \"debug\"\nshutdown_grace_seconds = 1\n\n[public]",
    );
    std::fs::write(&config, format!("reload_interval_seconds = 1\n{text}")).unwrap();
    dev.audit_until(|line| line["event"]["action"] == "sys_reload", 3);
    let log = dev.log();
    assert!(
        log.contains("take effect with a restart") && log.contains("shutdown_grace_seconds"),
        "{log}"
    );
    assert!(log.contains("\"settings\":\"log_level\""), "{log}");
    assert!(
        dev.internal().validate_token(&token).await.is_err(),
        "revoked is revoked"
    );
    assert!(dev.stop().0.success());
}
