//! Names that may and may not stand in a certificate: RFC 5280 §4.2.1.6, RFC 3986, the SPIFFE id standard.

use cryptokit::x509::{DistinguishedName, DistinguishedNameError, NameError, SubjectAlternativeName};
use proptest::prelude::*;

fn parse(text: &str) -> Result<String, NameError> {
    SubjectAlternativeName::parse(text).map(|name| name.to_string())
}

fn infer(text: &str) -> Result<String, NameError> {
    SubjectAlternativeName::infer(text).map(|name| name.to_string())
}

#[test]
fn refuses_dns_names_that_are_not_host_names() {
    let long_label = format!("dns:{}.example", "a".repeat(64));
    let long_name = format!("dns:{}example", "a.".repeat(124));
    for (text, error) in [
        ("dns:", NameError::Empty),
        ("dns:bad name!!", NameError::Label),
        ("dns:under_score.example", NameError::Label),
        ("dns:-dash.example", NameError::Label),
        ("dns:dash-.example", NameError::Label),
        ("dns:two..dots", NameError::Label),
        ("dns:.leading.dot", NameError::Label),
        ("dns:trailing.dot.", NameError::Label),
        ("dns:nul\0.example", NameError::Label),
        ("dns:host:8443", NameError::Label),
        (long_label.as_str(), NameError::Label),
        (long_name.as_str(), NameError::TooLong { max_bytes: 253 }),
        ("dns:bücher.example", NameError::NotAscii),
        ("dns:127.0.0.1", NameError::NumericTopLabel),
        ("dns:10.0.0.256", NameError::NumericTopLabel),
        ("dns:*", NameError::Wildcard),
        ("dns:*.example", NameError::Wildcard),
        ("dns:a*.example.com", NameError::Wildcard),
        ("dns:a.*.example.com", NameError::Wildcard),
        ("dns:*.*.example.com", NameError::Label),
    ] {
        assert_eq!(parse(text), Err(error), "{text}");
    }
}

#[test]
fn refuses_addresses_uris_and_mail_that_are_malformed() {
    for (text, error) in [
        ("ip:10.0.0.256", NameError::IpAddress),
        ("ip:10.0.0.0/8", NameError::IpAddress),
        ("ip:010.0.0.1", NameError::IpAddress),
        ("ip:[::1]", NameError::IpAddress),
        ("ip:fe80::1%eth0", NameError::IpAddress),
        ("uri:not a uri", NameError::UriScheme),
        ("uri:/relative", NameError::UriScheme),
        ("uri:urn:isbn:0451450523", NameError::UriScheme),
        ("uri:1http://host", NameError::UriScheme),
        ("uri:https://", NameError::UriAuthority),
        ("uri:https:///path", NameError::UriAuthority),
        ("uri:https://user@host/", NameError::UriAuthority),
        ("uri:https://host:99999/", NameError::UriAuthority),
        ("uri:https://host:/", NameError::UriAuthority),
        ("uri:https://host:+1/", NameError::UriAuthority),
        ("uri:https://[::1/", NameError::UriAuthority),
        ("uri:https://host/a b", NameError::UriCharacter),
        ("uri:https://host/%zz", NameError::UriCharacter),
        ("uri:https://host/%4", NameError::UriCharacter),
        ("uri:https://host/#fragment", NameError::UriCharacter),
        ("email:nobody", NameError::Email),
        ("email:@host", NameError::Email),
        ("email:a..b@host", NameError::Email),
        ("email:\"a b\"@host", NameError::Email),
        ("email:a@under_score", NameError::Label),
        ("host.example", NameError::UnknownPrefix),
        ("DNS:host.example", NameError::UnknownPrefix),
        ("rid:1.2.3", NameError::UnknownPrefix),
    ] {
        assert_eq!(parse(text), Err(error), "{text}");
    }
}

#[test]
fn refuses_spiffe_ids_that_break_their_standard() {
    for text in [
        "uri:spiffe://",
        "uri:spiffe:///path",
        "uri:spiffe://UPPER/path",
        "uri:spiffe://td:8443/path",
        "uri:spiffe://user@td/path",
        "uri:spiffe://td/",
        "uri:spiffe://td/a/",
        "uri:spiffe://td/a//b",
        "uri:spiffe://td/./a",
        "uri:spiffe://td/../a",
        "uri:spiffe://td/%61",
        "uri:spiffe://td/a?b",
        "uri:spiffe://td/a#b",
    ] {
        assert_eq!(parse(text), Err(NameError::Spiffe), "{text}");
    }
}

#[test]
fn accepts_good_names_in_one_canonical_form() {
    for (text, canonical) in [
        ("dns:API.Example.COM", "dns:api.example.com"),
        ("dns:localhost", "dns:localhost"),
        ("dns:*.example.com", "dns:*.example.com"),
        ("dns:xn--bcher-kva.example", "dns:xn--bcher-kva.example"),
        ("dns:3.example.co1", "dns:3.example.co1"),
        ("ip:127.0.0.1", "ip:127.0.0.1"),
        ("ip:0:0:0:0:0:0:0:1", "ip:::1"),
        (
            "uri:HTTPS://Host.Example:8443/Path?q=1",
            "uri:https://host.example:8443/Path?q=1",
        ),
        ("uri:https://[::1]:8443/", "uri:https://[::1]:8443/"),
        (
            "uri:SPIFFE://td.example/ns/prod/sa/api",
            "uri:spiffe://td.example/ns/prod/sa/api",
        ),
        ("uri:spiffe://trust_domain", "uri:spiffe://trust_domain"),
        ("email:First.Last+tag@Example.COM", "email:First.Last+tag@example.com"),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(canonical), "{text}");
    }
}

#[test]
fn guesses_the_kind_of_bare_text() {
    for (text, guessed) in [
        ("10.0.0.5", "ip:10.0.0.5"),
        ("::1", "ip:::1"),
        ("spiffe://td/worker", "uri:spiffe://td/worker"),
        ("https://host/", "uri:https://host/"),
        ("ops@example.com", "email:ops@example.com"),
        ("api.svc.internal", "dns:api.svc.internal"),
        ("dns:api", "dns:api"),
        ("ip:::1", "ip:::1"),
    ] {
        assert_eq!(infer(text).as_deref(), Ok(guessed), "{text}");
    }
    assert_eq!(
        infer("10.0.0.256"),
        Err(NameError::NumericTopLabel),
        "a mistyped address is no DNS name"
    );
    assert_eq!(infer("host:8443"), Err(NameError::Label));
    assert_eq!(infer(""), Err(NameError::Empty));
}

#[test]
fn kind_and_value_are_the_two_halves_of_the_written_form() {
    let name = SubjectAlternativeName::parse("uri:spiffe://td/worker").unwrap();
    assert_eq!((name.kind(), name.value().as_str()), ("uri", "spiffe://td/worker"));
}

#[test]
fn a_subject_is_written_as_its_certificate_will_show_it() {
    let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    for text in ["Acme, Inc.", "a=b+c", "\u{202e}evil", "\"quoted\"", "Größe <x>"] {
        let subject = DistinguishedName::new(text).unwrap().with_organization(text).unwrap();
        let subject = subject
            .with_organizational_unit(text)
            .unwrap()
            .with_country("DE")
            .unwrap();
        let root = cryptokit::x509::CertificateAuthority::new_root(&subject, now).unwrap();
        assert_eq!(subject.to_string(), root.certificate().subject_text(), "{text}");
    }
}

#[test]
fn subjects_have_bounds_and_real_countries() {
    let name = |text: &str| DistinguishedName::new(text).map(|name| name.to_string());
    assert_eq!(name(""), Err(DistinguishedNameError::Length { field: "common name" }));
    assert_eq!(
        name(&"ü".repeat(65)),
        Err(DistinguishedNameError::Length { field: "common name" })
    );
    assert_eq!(
        name(&"ü".repeat(64)).unwrap(),
        format!("CN={}", "ü".repeat(64)),
        "64 characters, not bytes"
    );
    assert_eq!(
        name("a\nb"),
        Err(DistinguishedNameError::Character { field: "common name" })
    );
    assert_eq!(
        name(" a"),
        Err(DistinguishedNameError::Character { field: "common name" })
    );

    let subject = DistinguishedName::new("Root").unwrap();
    for country in ["UK", "gb", "GBR", "", "XX", "D E", "AF AG"] {
        assert_eq!(
            subject.clone().with_country(country),
            Err(DistinguishedNameError::Country),
            "{country}"
        );
    }
    let subject = subject.with_organization("Acme").unwrap().with_country("GB").unwrap();
    assert_eq!(subject.to_string(), "C=GB, O=Acme, CN=Root");
    for unit in ["", " Payments", "a\u{7}b", &"ö".repeat(65)] {
        assert!(subject.clone().with_organizational_unit(unit).is_err(), "{unit:?}");
    }
    let subject = subject.with_organizational_unit("Zahlungsverkehr").unwrap();
    assert_eq!(subject.to_string(), "C=GB, O=Acme, OU=Zahlungsverkehr, CN=Root");
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_written_in_a_form_that_reads_back(
        text in "(dns:|ip:|uri:(https|spiffe)://|email:)?[ -~]{0,40}",
    ) {
        for name in [SubjectAlternativeName::parse(&text), SubjectAlternativeName::infer(&text)].into_iter().flatten() {
            let written = name.to_string();
            prop_assert_eq!(SubjectAlternativeName::parse(&written), Ok(name.clone()));
            prop_assert_eq!(SubjectAlternativeName::infer(&written), Ok(name));
        }
    }

    #[test]
    fn names_of_every_kind_read_back(
        name in prop_oneof![
            "dns:[a-z]([a-z0-9-]{0,5}[a-z0-9])?(\\.[a-z]{1,5}){0,3}",
            any::<std::net::IpAddr>().prop_map(|address| format!("ip:{address}")),
            "uri:spiffe://[a-z0-9._-]{1,12}(/[A-Za-z0-9_-]{1,6}){0,3}",
            "uri:https://[a-z]{1,8}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9~!$]{0,6}){0,3}",
            "email:[a-z0-9+]{1,8}@[a-z]{1,8}\\.[a-z]{2,3}",
        ],
    ) {
        prop_assert_eq!(parse(&name), Ok(name));
    }
}
