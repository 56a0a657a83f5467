//! What `certgen init` makes of its options: keys, lifetimes, subjects, limits, identities.

use std::fs;
use std::path::Path;

use cryptokit::x509::{
    Certificate, KeyAlgorithm, LeafProfile, NameConstraints, Profile, PublicKey, TrustDomain, certificates_from_pem,
};
use time::{Duration, OffsetDateTime};

use crate::support::{certgen, now, stderr, stdout};
use certgen::init::{InitRequest, LeafSpec, init};
use certgen::lifetime::Lifetime;

/// What `certgen init` made of these arguments.
struct Made {
    directory: tempfile::TempDir,
    said: String,
}

impl Made {
    fn with(arguments: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pki = directory.path().join("pki");
        let mut all = vec!["init", "--out", pki.to_str().unwrap()];
        all.extend(arguments.split_whitespace());
        let output = certgen(&all);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {said}");
        Self { directory, said }
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.directory.path().join("pki").join(file)).unwrap()
    }

    fn certificate(&self, file: &str) -> Certificate {
        certificates_from_pem(&self.read(file)).unwrap().remove(0)
    }

    /// Root, intermediate and the service `a`.
    fn chain(&self) -> [Certificate; 3] {
        ["root.pem", "intermediate.pem", "a/certificate.pem"].map(|file| self.certificate(file))
    }
}

fn algorithm(certificate: &Certificate) -> KeyAlgorithm {
    PublicKey::from_spki_der(certificate.spki_der()).unwrap().algorithm()
}

fn days_left(certificate: &Certificate) -> i64 {
    // Half a day more: the clock goes on.
    (certificate.not_after() - now() + Duration::hours(12)).whole_days()
}

#[test]
fn keys_are_of_the_kind_that_was_asked_for() {
    let rsa = KeyAlgorithm::Rsa { modulus_bits: 2048 };
    for (arguments, authority, leaf) in [
        ("--client a", KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP256),
        (
            "--client a --key p384",
            KeyAlgorithm::EcdsaP384,
            KeyAlgorithm::EcdsaP384,
        ),
        ("--client a --key ed25519", KeyAlgorithm::Ed25519, KeyAlgorithm::Ed25519),
        ("--client a --key rsa-2048", rsa, rsa),
        (
            "--client a --key p256 --ca-key p384",
            KeyAlgorithm::EcdsaP384,
            KeyAlgorithm::EcdsaP256,
        ),
        ("--client a --key ed25519 --ca-key rsa-2048", rsa, KeyAlgorithm::Ed25519),
    ] {
        let made = Made::with(arguments);
        let [root, intermediate, client] = made.chain();
        assert_eq!(
            [algorithm(&root), algorithm(&intermediate)],
            [authority; 2],
            "{arguments}"
        );
        assert_eq!(algorithm(&client), leaf, "{arguments}");
        assert_eq!(
            made.said.contains("no browser"),
            arguments.contains("ed25519"),
            "{}",
            made.said
        );
    }
}

#[test]
fn lifetimes_are_those_that_were_asked_for() {
    for (arguments, lifetimes) in [
        ("--server a", [3650, 1825, 90]),
        ("--server a --days 7", [3650, 1825, 7]),
        (
            "--server a --root-days 9131 --intermediate-days 3653 --days 3653",
            [9131, 3653, 3653],
        ),
        ("--server a --root-days 100 --days 30", [100, 100, 30]),
        ("--server a --intermediate-days 20", [3650, 20, 20]),
    ] {
        let made = Made::with(arguments);
        assert_eq!(
            made.chain().map(|certificate| days_left(&certificate)),
            lifetimes,
            "{arguments}"
        );
    }
    let long = Made::with("--server a --days 826");
    assert!(
        long.said.contains("Apple") && long.said.contains("825 days"),
        "{}",
        long.said
    );
    assert!(!Made::with("--server a --days 825").said.contains("Apple"));
    assert!(!Made::with("--client a --days 826").said.contains("Apple"));
    let cut = Made::with("--client a --intermediate-days 20");
    assert!(
        cut.said.contains("with the intermediate that issued them"),
        "{}",
        cut.said
    );
}

#[test]
fn an_end_is_met_to_the_second() {
    let directory = tempfile::tempdir().unwrap();
    let issued = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let mut request = InitRequest::new(directory.path().join("pki"));
    request.leaves.push(LeafSpec::parse(LeafProfile::Client, "a").unwrap());
    let until = Lifetime::parse_until("2027-03-01").unwrap();
    request.lifetime = Some(Lifetime::Until(until));
    let report = init(&request, issued).unwrap();
    assert_eq!(report.leaves[0].certificate.not_after(), until);
    assert_eq!(until.unix_timestamp(), 1_803_945_599);
    assert!(report.warnings.iter().all(|warning| !warning.contains("end on")));
}

#[test]
fn subjects_say_who_runs_the_authorities() {
    let made =
        Made::with("--client a --common-name Acme --organization Acme-Co --organizational-unit Ops --country DE");
    let [root, intermediate, client] = made.chain();
    for (certificate, role) in [(root, "root"), (intermediate, "issuing")] {
        let subject = certificate.subject_text();
        assert!(
            subject.starts_with(&format!("C=DE, O=Acme-Co, OU=Ops, CN=Acme {role} CA ")),
            "{subject}"
        );
    }
    assert_eq!(client.subject_text(), "CN=a");
}

#[test]
fn limits_stand_in_both_authorities_and_leave_no_way_around() {
    let made = Made::with(
        "--service a=a.svc.internal,10.1.2.3 --permit-dns svc.internal --permit-ip 10.0.0.0/8 --exclude-dns x.svc.internal",
    );
    let [root, intermediate, leaf] = made.chain();
    let text = |constraints: &NameConstraints| {
        let texts = |list: &[_]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        (texts(constraints.permitted()), texts(constraints.excluded()))
    };
    for authority in [root, intermediate] {
        let (permitted, excluded) = text(authority.name_constraints().unwrap());
        assert_eq!(permitted, "dns:svc.internal ip:10.0.0.0/8");
        assert_eq!(excluded, "dns:x.svc.internal");
    }
    assert!(leaf.name_constraints().is_none());

    let closed = Made::with("--service a=a.svc.internal --permit-dns svc.internal");
    let [root, _, _] = closed.chain();
    let (_, excluded) = text(root.name_constraints().unwrap());
    assert_eq!(excluded, "ip:0.0.0.0/0 ip:::/0");
    let uri = Made::with("--client a=uri:https://a.internal/ --permit-uri a.internal");
    assert!(
        uri.said.contains("GnuTLS") && uri.said.contains("rustls"),
        "{}",
        uri.said
    );
}

#[test]
fn a_trust_domain_gives_ids_to_authorities_and_services_and_a_bundle() {
    let made = Made::with(
        "--service a=a.internal --service b=spiffe://td.internal/ns/b --client c --trust-domain td.internal",
    );
    let domain = TrustDomain::parse("td.internal").unwrap();
    let [root, intermediate, service] = made.chain();
    for authority in [&root, &intermediate] {
        assert_eq!(TrustDomain::of(authority), Some(domain.clone()));
    }
    let names = |certificate: &Certificate| {
        let names = certificate.subject_alternative_names().iter();
        names.map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&service), "dns:a.internal uri:spiffe://td.internal/a");
    assert_eq!(Profile::Leaf(LeafProfile::Spiffe).check(&service), Ok(()));
    assert_eq!(
        names(&made.certificate("b/certificate.pem")),
        "uri:spiffe://td.internal/ns/b"
    );
    assert_eq!(names(&made.certificate("c/certificate.pem")), "dns:c");
    let bundle: serde_json::Value = serde_json::from_slice(&made.read("spiffe-bundle.json")).unwrap();
    let certificate: String = String::from_utf8(made.read("root.pem"))
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    assert_eq!(bundle["keys"][0]["x5c"], serde_json::json!([certificate]));
    assert!(
        !Made::with("--service a")
            .directory
            .path()
            .join("pki/spiffe-bundle.json")
            .exists()
    );
}

#[test]
fn a_service_added_later_belongs_to_the_trust_domain_too() {
    let made = Made::with("--service a --trust-domain td.internal");
    let pki = made.directory.path().join("pki");
    let add = |arguments: &[&str]| {
        let output = certgen(&[&["leaf", "--ca", pki.to_str().unwrap()], arguments].concat());
        assert!(output.status.success(), "{}", stderr(&output));
    };
    add(&["late=late.internal"]);
    add(&["web=web.internal", "--server"]);
    let names = |file: &str| {
        let certificate = made.certificate(file);
        let names = certificate.subject_alternative_names().iter();
        names.map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        names("late/certificate.pem"),
        "dns:late.internal uri:spiffe://td.internal/late"
    );
    assert_eq!(names("web/certificate.pem"), "dns:web.internal");
}

#[test]
fn without_out_the_directory_is_called_like_the_authority() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(crate::support::CERTGEN)
            .args(arguments)
            .current_dir(directory.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    assert!(run(&["init"]).contains("Made in local:"));
    assert!(run(&["init", "Acme Größe"]).contains("Made in Acme Größe:"));
    for name in ["local", "Acme Größe"] {
        let root = fs::read(directory.path().join(Path::new(name)).join("root.pem")).unwrap();
        let subject = certificates_from_pem(&root).unwrap()[0].subject_text().to_owned();
        assert!(subject.starts_with(&format!("CN={name} root CA ")), "{subject}");
    }
}

#[test]
fn what_is_refused_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let pki = directory.path().join("pki");
    for arguments in [
        "--days 0",
        "--until 2000-01-01",
        "--root-days 9132",
        "--permit-dns other.internal --service a",
        "--trust-domain td.internal --service a=https://a.internal/",
        "--passphrase-env NO_SUCH_VARIABLE",
        "--passphrase-fd 987654",
        "--encrypt",
    ] {
        let mut all = vec!["init", "--out", pki.to_str().unwrap()];
        all.extend(arguments.split_whitespace());
        assert_eq!(certgen(&all).status.code(), Some(3), "{arguments}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{arguments}");
    }
}
