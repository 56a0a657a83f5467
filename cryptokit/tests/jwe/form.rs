//! What is refused for its text, with the cause that `inspect` names and the one error that opening gives.

use cryptokit::encoding::base64url;
use cryptokit::jwe::{JweError, JweFormError, MAX_TEXT_LEN, Serialization, inspect};
use proptest::prelude::*;

use crate::support::*;

/// Opening refuses it as it refuses everything; inspecting says why.
fn refused(message: &str, cause: JweFormError) {
    assert_eq!(inspect(message), Err(cause), "{:.300}", message);
    for provider in decrypting() {
        let decrypter = decrypter(provider, Alice);
        assert_eq!(decrypter.decrypt_compact(message).unwrap_err(), JweError::Open);
        assert_eq!(decrypter.decrypt_json(message).unwrap_err(), JweError::Open);
    }
}

fn compact() -> String {
    encrypter(cryptokit::Provider::default(), Alice)
        .encrypt_compact(b"message")
        .unwrap()
}

fn json() -> String {
    encrypter(cryptokit::Provider::default(), Alice)
        .and(to(cryptokit::Provider::default(), Carol))
        .encrypt_json(b"message")
        .unwrap()
}

#[test]
fn inspection_says_what_a_message_says_about_itself() {
    let found = inspect(&compact()).unwrap();
    assert_eq!(found.serialization, Serialization::Compact);
    assert_eq!(
        found.kids,
        [Some(encryption_key(cryptokit::Provider::default(), Alice).thumbprint())]
    );
    assert_eq!((found.plaintext_len, found.committed), (7, true));
    let found = inspect(&json()).unwrap();
    assert_eq!(found.serialization, Serialization::GeneralJson);
    assert_eq!((found.kids.len(), found.plaintext_len), (2, 7));
}

#[test]
fn algorithms_are_an_exact_list_of_one_each() {
    for alg in [
        "RSA-OAEP",
        "RSA1_5",
        "RSA-OAEP-384",
        "RSA-OAEP-512",
        "rsa-oaep-256",
        "RSA-OAEP-256 ",
        "dir",
        "A256KW",
        "ECDH-ES",
        "PBES2-HS256+A128KW",
        "none",
        "",
    ] {
        let header = format!(r#"{{"alg":"{alg}","enc":"A256GCM"}}"#);
        refused(&with_header(&compact(), &header), JweFormError::Algorithm);
    }
    for enc in [
        "A128GCM",
        "A192GCM",
        "A128CBC-HS256",
        "A256CBC-HS512",
        "a256gcm",
        "none",
        "",
    ] {
        let header = format!(r#"{{"alg":"RSA-OAEP-256","enc":"{enc}"}}"#);
        refused(&with_header(&compact(), &header), JweFormError::ContentEncryption);
    }
}

#[test]
fn rfc_7516_appendix_a_1_is_rsa_oaep_with_sha_1_and_therefore_refused() {
    // RFC 7516 §A.1.7; {"alg":"RSA-OAEP","enc":"A256GCM"}.
    let message = concat!(
        "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.",
        "OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGeipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-",
        "StnImGyFDbSv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaVmqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyey",
        "PGLBIO56YJ7eObdv0je81860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi6UklfCpIMfIjf7iGdXKHzg.",
        "48V1_ALb6US04U3b.",
        "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A.",
        "XFBoMYUZodetZdvTiFvSkQ",
    );
    refused(message, JweFormError::Algorithm);
}

#[test]
fn members_that_would_let_the_sender_choose_are_refused_wherever_they_stand() {
    for name in [
        "zip", "crit", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256",
        "b64",
    ] {
        for value in [r#""DEF""#, "[]", "{}", "null", "2147483647", "true"] {
            let member = format!(r#""{name}":{value}"#);
            let header = format!(r#"{{"alg":"RSA-OAEP-256","enc":"A256GCM",{member}}}"#);
            refused(&with_header(&compact(), &header), JweFormError::RefusedMember);
            let shared = json().replace(
                r#","recipients""#,
                &format!(r#","unprotected":{{{member}}},"recipients""#),
            );
            refused(&shared, JweFormError::RefusedMember);
            let own = json().replacen(r#""header":{"#, &format!(r#""header":{{{member},"#), 1);
            refused(&own, JweFormError::RefusedMember);
        }
    }
}

#[test]
fn other_members_are_ignored_as_the_standard_asks() {
    // RFC 7516 §4; the tag covers the header, so this one is inspected and not opened.
    let header = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","iat":1,"https://example.com/x":{"a":[1]}}"#;
    assert!(inspect(&with_header(&compact(), header)).is_ok());
    let json = json()
        .replacen(r#""header":{"#, r#""x":[],"header":{"y":7,"#, 1)
        .replacen('{', r#"{"z":0,"#, 1);
    for provider in decrypting() {
        assert!(decrypter(provider, Alice).decrypt_json(&json).is_ok());
    }
}

#[test]
fn headers_with_duplicate_missing_mistyped_or_misplaced_members_are_refused() {
    for header in [
        "",
        "[]",
        r#"["RSA-OAEP-256","A256GCM"]"#,
        r#""x""#,
        r#"{"alg":"RSA-OAEP-256"}"#,
        r#"{"enc":"A256GCM"}"#,
        r#"{"alg":"RSA-OAEP-256","alg":"RSA-OAEP-256","enc":"A256GCM"}"#,
        r#"{"alg":"dir","alg":"RSA-OAEP-256","enc":"A256GCM"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","x":1,"x":1}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","x":{"y":1,"y":2}}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","a\u006cg":"dir"}"#,
        r#"{"alg":["RSA-OAEP-256"],"enc":"A256GCM"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":7}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":null}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","typ":""}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"a b"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"} x"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}{}"#,
        "\u{feff}{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}",
    ] {
        refused(&with_header(&compact(), header), JweFormError::Header);
    }
    let long_kid = format!(
        r#"{{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"{}"}}"#,
        "k".repeat(257)
    );
    refused(&with_header(&compact(), &long_kid), JweFormError::Header);
    let commitment =
        |value: &str| format!(r#"{{"alg":"RSA-OAEP-256","enc":"A256GCM","cryptokit-commitment":{value}}}"#);
    refused(&with_header(&compact(), &commitment("7")), JweFormError::Header);
    refused(&with_header(&compact(), &commitment("\"AAAA\"")), JweFormError::Length);
    refused(
        &with_header(&compact(), &commitment(&format!("\"{}B\"", "A".repeat(42)))),
        JweFormError::Header,
    );

    let json = json();
    for (from, to) in [
        // `enc`, `typ`, `cty` and the commitment outside the protection of the tag
        (r#""header":{"#, r#""header":{"enc":"A256GCM","#),
        (r#""header":{"#, r#""header":{"typ":"x","#),
        (r#""header":{"#, r#""header":{"cty":"x","#),
        (r#""header":{"#, r#""header":{"cryptokit-commitment":"x","#),
        // in two headers at once
        (r#""header":{"#, r#""header":{"alg":"RSA-OAEP-256","#),
        (
            r#","recipients""#,
            r#","unprotected":{"alg":"RSA-OAEP-256"},"recipients""#,
        ),
        (r#","recipients""#, r#","unprotected":{"kid":"x"},"recipients""#),
    ] {
        let altered = json.replacen(from, to, 1);
        assert_ne!(altered, json);
        refused(&altered, JweFormError::Header);
    }
}

#[test]
fn parts_have_the_length_they_must_have() {
    let message = compact();
    for (index, len) in [
        (1, 255),
        (1, 513),
        (1, 0),
        (2, 11),
        (2, 13),
        (2, 16),
        (2, 0),
        (4, 15),
        (4, 17),
        (4, 12),
        (4, 0),
    ] {
        let part = base64url::encode(&vec![1; len]);
        refused(&with_part(&message, index, &part), JweFormError::Length);
    }
}

#[test]
fn only_five_parts_of_canonical_base64url_are_a_compact_message() {
    let message = compact();
    for text in [
        "",
        ".",
        ".....",
        "x",
        "\u{0}",
        "eyJ",
        &message[1..],
        &format!("{message}."),
        &format!("{message}.x"),
    ] {
        refused(text, JweFormError::Malformed);
    }
    let header = &parts(&message)[0];
    refused(&with_part(&message, 0, &format!("{header}=")), JweFormError::Malformed);
    let key = &parts(&message)[1];
    refused(
        &with_part(&message, 1, &format!(" {}", &key[1..])),
        JweFormError::Malformed,
    );
    refused(
        &with_part(&message, 1, &key.replacen(|_| true, "+", 1)),
        JweFormError::Malformed,
    );
    let tag = &parts(&message)[4];
    refused(
        &with_part(&message, 4, &format!("{}/", &tag[..21])),
        JweFormError::Malformed,
    );
    // Trailing bits that are not zero: a second way to write the same tag.
    let last = if tag.ends_with('A') { 'B' } else { 'z' };
    let twin = format!("{}{last}", &tag[..21]);
    if base64url::decode(&twin).is_err() {
        refused(&with_part(&message, 4, &twin), JweFormError::Malformed);
    }
    let ciphertext = &parts(&message)[3];
    for text in [format!("{ciphertext}="), format!("{ciphertext}A+A"), " ".to_owned()] {
        refused(&with_part(&message, 3, &text), JweFormError::Malformed);
    }
}

#[test]
fn only_the_general_form_is_read_and_only_one_way() {
    let json = json();
    let replaced = |from: &str, to: &str| {
        let altered = json.replacen(from, to, 1);
        assert_ne!(altered, json, "{from}");
        altered
    };
    let flattened = replaced(r#""recipients":["#, r#""encrypted_key":"AA","recipients":["#);
    for text in [
        "{}",
        "{",
        "[]",
        "null",
        &json[..json.len() - 1],
        &format!("{json}x"),
        &format!("[{json}]"),
        &flattened,
        &replaced(r#"{"protected""#, r#"{"header":{},"protected""#),
        &replaced(r#"{"protected""#, r#"{"payload":"","protected""#),
        &replaced(r#"{"protected""#, r#"{"iv":"AAAAAAAAAAAAAAAA","protected""#),
        &replaced(r#"{"protected""#, r#"{"x":1,"x":1,"protected""#),
        &replaced(r#""protected""#, r#""x""#),
        &replaced(r#""tag""#, r#""x""#),
        &replaced(r#""iv":""#, r#""iv":"\u0041"#),
        &replaced(r#""iv":""#, r#""iv":7,"x":""#),
        &replaced(r#""header""#, r#""header":{},"header""#),
        &replaced(r#""header":{"#, r#""header":{"kid":"x","#),
        &replaced(r#""header":{"#, r#""header":["x"],"x":{"#),
        &replaced(r#""recipients":["#, r#""recipients":[[],"#),
        &replaced(r#""recipients":["#, r#""recipients":{},"x":["#),
        &replaced(r#""recipients":["#, r#""recipients":[],"x":["#),
        &replaced(r#","iv""#, r#","aad":"A=","iv""#),
    ] {
        refused(text, JweFormError::Malformed);
    }
    refused(&replaced(r#""encrypted_key""#, r#""x""#), JweFormError::Length);
}

#[test]
fn sizes_and_counts_are_bounded_before_anything_is_decoded() {
    let long = format!("{}.....", "A".repeat(MAX_TEXT_LEN));
    refused(&long, JweFormError::TooLong);
    refused(&long.replace('A', "{"), JweFormError::TooLong);
    let header = format!(r#"{{"alg":"RSA-OAEP-256","enc":"A256GCM","x":"{}"}}"#, "x".repeat(8192));
    refused(&with_header(&compact(), &header), JweFormError::TooLong);

    let json = json();
    let start = json.find(r#"{"header""#).unwrap();
    let wrapped = start + json[start..].find(r#""encrypted_key""#).unwrap();
    let end = wrapped + json[wrapped..].find('}').unwrap() + 1;
    let recipient = &json[start..end];
    let many = |count: usize| {
        let list = vec![recipient; count].join(",");
        let close = json.find("],").unwrap();
        format!("{}{list}{}", &json[..start], &json[close..])
    };
    assert!(inspect(&many(32)).is_ok());
    refused(&many(33), JweFormError::Malformed);

    // What is ignored is skipped without using stack or memory for it, however deep.
    let deep = json.replacen(
        '{',
        &format!(r#"{{"x":{}{},"#, "[".repeat(100_000), "]".repeat(100_000)),
        1,
    );
    assert!(inspect(&deep).is_ok());
    let nested = format!(
        r#"{{"alg":"RSA-OAEP-256","enc":"A256GCM","x":{}{}}}"#,
        "[".repeat(99),
        "]".repeat(99)
    );
    refused(&with_header(&compact(), &nested), JweFormError::Header);
    let members: String = (0..70).map(|index| format!(r#""m{index}":0,"#)).collect();
    refused(&json.replacen('{', &format!("{{{members}"), 1), JweFormError::Malformed);
    refused(
        &json.replacen(r#""header":{"#, &format!(r#""header":{{{members}"#), 1),
        JweFormError::Malformed,
    );
}

proptest! {
    #[test]
    fn any_text_is_refused_and_never_a_panic(text in ".{0,200}") {
        prop_assert!(inspect(&text).is_err());
    }

    #[test]
    fn any_json_like_text_is_refused_and_never_a_panic(text in r#"\{("(protected|recipients|iv|aad|tag|x)":("[A-Za-z]{0,4}"|\[\{?\}?\]|7),?){0,6}\}"#) {
        prop_assert!(inspect(&text).is_err());
    }

    /// Everything a sealer can set comes back from its text, on both serializations.
    #[test]
    fn headers_round_trip(kid in "\\PC{1,64}", typ in "[!-~]{1,127}", cty in "[!-~]{1,127}", len in 0_usize..200, commits: bool) {
        use cryptokit::jwe::{JweEncrypter, Recipient};

        prop_assume!(kid.len() <= 256);
        let key = encryption_key(cryptokit::Provider::default(), Alice);
        let mut encrypter = JweEncrypter::new(Recipient::with_key_id(&kid, key).unwrap())
            .message_type(&typ).unwrap()
            .content_type(&cty).unwrap();
        if !commits {
            encrypter = encrypter.without_commitment();
        }
        let plaintext = vec![0; len];
        for message in [encrypter.encrypt_compact(&plaintext).unwrap(), encrypter.encrypt_json(&plaintext).unwrap()] {
            let found = inspect(&message).unwrap();
            prop_assert_eq!(&found.kids, &[Some(kid.clone())]);
            prop_assert_eq!(found.typ.as_deref(), Some(typ.as_str()));
            prop_assert_eq!(found.cty.as_deref(), Some(cty.as_str()));
            prop_assert_eq!((found.plaintext_len, found.committed), (len, commits));
        }
    }
}
