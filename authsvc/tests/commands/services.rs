//! `authsvc service`: who may call.

use super::Home;
use crate::support::process::{stderr, stdout};

#[test]
fn services_are_added_listed_and_removed() {
    let home = Home::init();
    let service = |arguments: &[&str]| home.command(&[&["service"], arguments].concat(), "");
    assert!(
        service(&["add", "orders", "--san", "dns:orders.internal", "--audience", "orders"])
            .status
            .success()
    );
    let root = home.file("pki/root.pem");
    let other = [
        "add",
        "other",
        "--san",
        "dns:orders.internal",
        "--audience",
        "x",
        "--issuer",
        &root,
    ];
    assert!(
        service(&other).status.success(),
        "the same name by another CA is somebody else"
    );
    let listed = stdout(&service(&["list"]));
    assert!(listed.contains("orders  dns:orders.internal by "), "{listed}");
    assert_eq!(stdout(&service(&["list", "--json"])).lines().count(), 2);

    let leaf = home.file("pki/server/certificate.pem");
    let chain = home.file("pki/server/fullchain.pem");
    for (arguments, says) in [
        (
            &["add", "orders", "--san", "dns:new.internal", "--audience", "x"][..],
            "registered already",
        ),
        (
            &["add", "new", "--san", "dns:orders.internal", "--audience", "x"],
            "registered already",
        ),
        (
            &["add", "New", "--san", "dns:new.internal", "--audience", "x"],
            "not a service name",
        ),
        (
            &["add", "new", "--san", "new.internal", "--audience", "x"],
            "--san new.internal",
        ),
        (
            &["add", "new", "--san", "dns:new.internal", "--audience", "a b"],
            "--audience a b",
        ),
        (
            &[
                "add",
                "new",
                "--san",
                "dns:new.internal",
                "--audience",
                "x",
                "--issuer",
                &leaf,
            ],
            "not a CA certificate",
        ),
        (
            &[
                "add",
                "new",
                "--san",
                "dns:new.internal",
                "--audience",
                "x",
                "--issuer",
                &chain,
            ],
            "--issuer",
        ),
        (&["remove", "new"], "no service new"),
        (
            &["add", "new", "--san", "dns:new.internal", "--audience", "authsvc"],
            "this service's own",
        ),
        (
            &[
                "add",
                "new",
                "--san",
                "dns:new.internal",
                "--audience",
                "x",
                "--scope",
                "a b",
            ],
            "--scope a b",
        ),
        (&["add-identity", "new", "--san", "dns:new.internal"], "no service new"),
        (
            &["add-identity", "other", "--san", "dns:orders.internal"],
            "registered already",
        ),
        (
            &["remove-identity", "orders", "--san", "dns:new.internal"],
            "orders is not dns:new.internal",
        ),
        (
            &["remove-identity", "orders", "--san", "dns:orders.internal"],
            "only identity",
        ),
    ] {
        let output = service(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
    }
    assert!(service(&["remove", "orders"]).status.success());
    assert_eq!(stdout(&service(&["list"])).lines().count(), 1);
}

#[test]
fn a_service_moves_to_another_issuing_authority_and_administrators_are_marked() {
    let home = Home::init();
    let service = |arguments: &[&str]| home.command(&[&["service"], arguments].concat(), "");
    let add = [
        "add",
        "orders",
        "--san",
        "dns:orders.internal",
        "--audience",
        "orders",
        "--scope",
        "orders:read",
    ];
    assert!(service(&add).status.success());
    let root = home.file("pki/root.pem");
    let next = ["--san", "dns:orders.internal", "--issuer", &root];
    assert!(
        service(&[&["add-identity", "orders"][..], &next].concat())
            .status
            .success()
    );
    let listed = stdout(&service(&["list", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(json["identities"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&json["scopes"][0], &json["admin"]),
        (&"orders:read".into(), &false.into())
    );

    let old = ["remove-identity", "orders", "--san", "dns:orders.internal"];
    assert!(service(&old).status.success());
    assert!(stdout(&service(&["list"])).contains("scopes orders:read"));

    let none = service(&["add", "admin", "--san", "dns:admin.internal"]);
    assert_eq!(
        none.status.code(),
        Some(2),
        "a service without audiences has to be an administrator"
    );
    let admin = service(&["add", "admin", "--san", "dns:admin.internal", "--admin"]);
    assert!(stdout(&admin).contains("an administrator"), "{}", stderr(&admin));
    assert!(stdout(&service(&["list"])).contains("administrator"));
}
