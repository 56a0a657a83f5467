//! The manifest: what it says, where it is wrong, and what hostile ones do.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use certgen::Explain as _;
use certgen::apply::manifest::{Manifest, RevocationTarget};
use certgen::renewal_point::RenewalPoint;
use cryptokit::x509::{KeyKind, LeafProfile};
use time::Duration;

const EXAMPLE: &str = include_str!("../../examples/pki.toml");
const LEAST: &str = "version = 1\n[authority]\nname = \"acme\"\n";

/// Text behind [`LEAST`].
fn with(rest: &str) -> String {
    format!("{LEAST}{rest}")
}

fn parse(text: &str) -> Manifest {
    Manifest::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}; {}", error.hint()))
}

/// What is said about a manifest that is refused.
fn refusal(text: &str) -> String {
    let error = Manifest::parse(text.as_bytes()).unwrap_err();
    assert!(!error.hint().is_empty());
    error.to_string()
}

#[test]
fn the_example_says_what_it_seems_to_say() {
    let manifest = parse(EXAMPLE);
    assert_eq!(manifest.directory.to_str(), Some("pki"));
    assert_eq!(manifest.authority.constraints.permitted().len(), 2);
    let issuing: Vec<_> = manifest.issuing.iter().map(|issuing| issuing.name.as_str()).collect();
    assert_eq!(issuing, ["intermediate", "edge"]);
    let services: Vec<_> = manifest.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(services, ["api", "worker", "billing"], "in the order of the file");

    let [api, worker, billing] = &manifest.services[..] else {
        panic!()
    };
    assert_eq!(
        (api.profile, api.key, api.issuer.as_str()),
        (LeafProfile::Server, Some(KeyKind::P384), "edge")
    );
    assert_eq!((worker.lifetime, worker.rotate_key), (Duration::days(30), true));
    assert_eq!(worker.renew, RenewalPoint::Left(Duration::days(10)));
    assert_eq!(billing.names.len(), 1);
    assert_eq!(billing.names[0].to_string(), "uri:spiffe://svc.internal/billing");
    assert_eq!(manifest.crl.unwrap().lifetime, Duration::days(30));
    assert_eq!(
        manifest.revoked[0].what,
        RevocationTarget::Service("old-worker".to_owned())
    );
}

#[test]
fn the_least_manifest_has_an_issuing_authority_and_defaults() {
    let manifest = parse(&with("[services.api]"));
    assert_eq!(manifest.issuing[0].name, "intermediate");
    let api = &manifest.services[0];
    assert_eq!(api.names[0].to_string(), "dns:api");
    assert_eq!(
        (api.profile, api.lifetime, api.rotate_key),
        (LeafProfile::Peer, Duration::days(90), false)
    );
    assert!(manifest.crl.is_none() && manifest.revoked.is_empty());
}

#[test]
fn refusals_name_line_and_column_and_what_is_wrong() {
    for (rest, expected) in [
        (
            "[services.api]\nname = [\"a\"]",
            "line 5, column 1: unknown field `name`, expected one of `profile`, `names`",
        ),
        ("[service.api]", "line 4, column 2: unknown field `service`"),
        (
            "[services.api]\nprofile = 5",
            "line 5, column 11: invalid type: integer `5`, expected a string",
        ),
        (
            "[services.api]\nnames = \"a\"",
            "line 5, column 9: invalid type: string \"a\", expected a sequence",
        ),
        (
            "[services.api]\nrotate_key = \"yes\"",
            "line 5, column 14: invalid type",
        ),
        ("[services.api]\n[services.api]", "line 5, column 1"),
        (
            "[services.api]\nprofile = \"both\"",
            "line 5, column 11: `both` is no profile",
        ),
        (
            "[services.api]\nkey = \"rsa\"",
            "line 5, column 7: `rsa` is no kind of key",
        ),
        (
            "[services.api]\nnames = []",
            "do not fit its profile: a leaf has at least one",
        ),
        (
            "[services.api]\nnames = [\"a\", \"b_c\"]",
            "line 5, column 15: `b_c` cannot stand in a certificate",
        ),
        ("[services.api]\nnames = [\"a\", \"A\"]", "occurs twice"),
        (
            "[services.api]\nnames = [\"*.a.b\"]",
            "only server certificates may have wildcard names",
        ),
        ("[services.api]\nprofile = \"spiffe\"", "an X509-SVID has a SPIFFE id"),
        (
            "[services.api]\nissuer = \"edge\"",
            "line 5, column 10: there is no issuing authority `edge`",
        ),
        (
            "[services.api]\nlifetime = \"90\"",
            "line 5, column 12: `90` is not a lifetime of at most 3653 days",
        ),
        ("[services.api]\nlifetime = \"0d\"", "`0d` is not a lifetime"),
        (
            "[services.api]\nlifetime = \"3654d\"",
            "`3654d` is not a lifetime of at most 3653 days",
        ),
        (
            "[services.api]\nrenew = \"soon\"",
            "line 5, column 9: `soon` is not a point in a certificate's life",
        ),
        (
            "[services.api]\nlifetime = \"7d\"\nrenew = \"1w\"",
            "line 6, column 9: with `renew` at `1w` a certificate of 7 days",
        ),
        ("[defaults]\nrenew = \"90d\"", "line 5, column 9: with `renew` at `90d`"),
        (
            "[defaults]\nrenew = \"30d\"\n[services.api]\nlifetime = \"7d\"",
            "line 7, column 12: with `renew` at `30d`",
        ),
        (
            "[crl]\nlifetime = \"10w\"\nrenew = \"71d\"",
            "line 6, column 9: with `renew` at `71d`",
        ),
        ("[[revoked]]", "line 4, column 1: an entry of `revoked` has either"),
        (
            "[[revoked]]\nserial = \"4a\"\nservice = \"a\"",
            "an entry of `revoked` has either",
        ),
        (
            "[[revoked]]\nserial = \"4\"",
            "line 5, column 10: `4` is not a serial number",
        ),
        ("[[revoked]]\nserial = \"zz\"", "`zz` is not a serial number"),
        (
            "[[revoked]]\nservice = \"a\"\n[[revoked]]\nservice = \"a\"",
            "line 7, column 11: `a` is in `revoked` twice",
        ),
        (
            "[[revoked]]\nserial = \"4A:5f\"\n[[revoked]]\nserial = \"4a5F\"",
            "`4a5F` is in `revoked` twice",
        ),
        (
            "[[revoked]]\nservice = \"API\"\n[services.api]",
            "line 5, column 11: `API` is in `services` and in `revoked`",
        ),
        (
            "[[revoked]]\nservice = \"a\"\nreason = \"certificateHold\"",
            "`certificateHold` is no reason",
        ),
        ("country = \"UK\"", "line 4, column 11: the country must be"),
        ("organization = \" x\"", "line 4, column 16: the organization cannot"),
        (
            "trust_domain = \"spiffe://x/y\"",
            "line 4, column 16: `spiffe://x/y` is no trust domain",
        ),
        ("trust_domain = \"X\"", "`X` is no trust domain"),
        (
            "permit = [\"svc.internal\"]",
            "line 4, column 11: `svc.internal` is no name constraint",
        ),
        (
            "permit = [\"dns:a\"]\n[services.b]",
            "line 5, column 11: `dns:b` is outside the authority's own",
        ),
        ("lifetime = \"1000000d\"", "is not a lifetime of at most 9131 days"),
    ] {
        let refusal = refusal(&with(rest));
        assert!(refusal.contains(expected), "{rest}\n{refusal}\n{expected}");
    }
}

#[test]
fn a_manifest_of_another_version_is_refused_as_that_and_not_for_its_keys() {
    for (text, expected) in [
        ("", "line 1, column 1: `version` is missing"),
        (
            "\n version = 2\n[something]\nnew = 1",
            "line 2, column 12: `version` is 2",
        ),
        ("version = \"1\"", "`version` is \"1\""),
        ("version = 1.0", "`version` is 1.0"),
        ("version = { a = 1 }", "`version` is {"),
        ("version = 1", "missing field `authority`"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(expected), "{text}\n{refusal}");
    }
}

#[test]
fn names_lead_nowhere_else() {
    for name in [
        "..",
        ".",
        "",
        "../x",
        "a/b",
        "/etc",
        "a\\\\b",
        ".a",
        "a.",
        "-a",
        "a b",
        "a\\nb",
        "a\\u0000",
        "ä",
        "аpi",
        &"a".repeat(65),
    ] {
        for table in ["services", "issuing"] {
            let refusal = refusal(&with(&format!("[{table}.\"{name}\"]")));
            assert!(refusal.contains("cannot be the name of"), "{table} {name}\n{refusal}");
        }
        let refusal = refusal(&with(&format!("[[revoked]]\nservice = \"{name}\"")));
        assert!(refusal.contains("cannot be the name of a service"), "{name}\n{refusal}");
    }
    for directory in [
        "..",
        ".",
        "",
        "/",
        "/etc/pki",
        "../pki",
        "a/../../b",
        "./pki/..",
        "a\\u0000b",
        "a\\nb",
    ] {
        let refusal = refusal(&format!("directory = \"{directory}\"\n{LEAST}"));
        assert!(refusal.contains("is not a directory below"), "{directory}\n{refusal}");
    }
}

#[test]
fn no_two_services_share_a_directory_and_none_takes_a_file() {
    for rest in [
        "[services.api]\n[services.API]",
        "[issuing.edge]\n[issuing.Edge]",
        "[issuing.edge]\n[services.\"edge.pem\"]",
        "[services.\"Root.PEM\"]",
        "[services.\"intermediate.key.pem\"]",
        "[services.\"inventory.jsonl\"]",
        "[services.retired]",
        "[services.\"x.crl.der\"]",
        "[issuing.root]",
        "[issuing.retired]",
        "[issuing.crl]",
    ] {
        let refusal = refusal(&with(rest));
        assert!(refusal.contains("is already taken"), "{rest}\n{refusal}");
    }
}

#[test]
fn size_depth_and_encoding_are_bounded() {
    let padding = "#".repeat(Manifest::MAX_BYTES);
    assert!(refusal(&with(&padding)).contains("larger than 1048576 bytes"));
    let deep = format!("x = {}", "[".repeat(100_000));
    assert!(refusal(&with(&deep)).starts_with("line 4"));
    let deep = format!("[{}]", vec!["a"; 50_000].join("."));
    refusal(&with(&deep));
    let services: String = (0..=Manifest::MAX_SERVICES)
        .map(|number| format!("[services.s{number}]\n"))
        .collect();
    assert!(refusal(&with(&services)).contains("more than 10000 services"));
    let names = vec!["\"a\""; Manifest::MAX_NAMES + 1].join(",");
    assert!(refusal(&with(&format!("[services.a]\nnames = [{names}]"))).contains("more than 1000 names"));

    let mut bytes = with("# ä\n").into_bytes();
    bytes.extend(b"x = \xff");
    let error = Manifest::parse(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "line 5, column 5: this is not UTF-8 text");
}

#[test]
fn a_message_holds_nothing_that_a_terminal_obeys() {
    for hostile in ["\\u001b[31m", "\\u202e", "\\u0007", "\\u009b", "\\u2066", "\\u000d"] {
        for rest in [
            format!("[services.\"{hostile}\"]"),
            format!("\"{hostile}\" = 1"),
            format!("country = \"{hostile}\""),
            format!("[services.api]\nnames = [\"{hostile}\"]"),
            format!("[services.api]\nkey = \"{hostile}\""),
        ] {
            let error = Manifest::parse(with(&rest).as_bytes()).unwrap_err();
            let said = format!("{error} {}", error.hint());
            let is_plain = |character: char| !character.is_control() && !('\u{2000}'..='\u{2069}').contains(&character);
            assert!(
                said.chars().all(|character| is_plain(character) || character == '…'),
                "{said:?}"
            );
        }
    }
}
