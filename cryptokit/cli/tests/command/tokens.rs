//! `jwt`.

use crate::support::Folder;

/// `{"alg":"RS256","typ":"at+jwt","kid":"k"}` and `{"sub":"s"}`, signed by nobody.
const UNSIGNED: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImsifQ.eyJzdWIiOiJzIn0.AAAA";

#[test]
fn inspect_shows_and_warns() {
    let folder = Folder::new();
    let shown = folder.run_with("jwt inspect", UNSIGNED.as_bytes());
    assert!(shown.text().contains(r#""sub": "s""#), "{}", shown.text());
    assert!(shown.stderr.contains("NOT VERIFIED"), "{}", shown.stderr);
    for not_a_token in ["", "a.b", "a.b.c", "e30.e30", "e30=.e30.AA"] {
        let refused = folder.run_with("jwt inspect", not_a_token.as_bytes());
        assert_eq!((refused.code, refused.stdout.len()), (3, 0), "{not_a_token}");
    }
}

#[test]
fn verify_refuses_what_the_issuer_did_not_sign() {
    let folder = Folder::with_keyset("token-signing");
    let jwks = folder.run("keyset public --keyset set.json --root-key root.key").text();
    folder.write("jwks.json", jwks);
    let arguments = "jwt verify --jwks jwks.json --issuer https://issuer.example --audience https://api.example";
    let refused = folder.run_with(arguments, UNSIGNED.as_bytes());
    assert_eq!((refused.code, refused.stdout.len()), (1, 0));
    assert!(
        refused.stderr.starts_with("error: the token is not good: "),
        "{}",
        refused.stderr
    );
}

/// The key is opened and the token made by the library, as an issuer would.
#[test]
fn verify_accepts_what_it_did() {
    use cryptokit::jose::{AccessTokenClaims, Audience, TokenKeys, TokenSigningKey};
    use cryptokit::keyset::{Keyset, RootKey};

    let folder = Folder::with_keyset("token-signing");
    let jwks = folder.run("keyset public --keyset set.json --root-key root.key").text();
    folder.write("jwks.json", jwks);
    let root = RootKey::from_text(&String::from_utf8(folder.read("root.key")).unwrap()).unwrap();
    let json = String::from_utf8(folder.read("set.json")).unwrap();
    let keyset: Keyset<TokenSigningKey> = root.open("test", &json).unwrap();
    let claims = AccessTokenClaims::new(
        "https://issuer.example",
        "somebody",
        Audience::one("https://api.example"),
        "client",
        "1",
        1_700_000_000,
        4_000_000_000,
    );
    let token = TokenKeys::new(keyset).unwrap().signer.sign(&claims).unwrap();
    folder.write("token", format!("{}\n", token.expose_secret()));

    let verify = |issuer: &str, audience: &str| {
        folder.run(&format!(
            "jwt verify --jwks jwks.json --issuer {issuer} --audience {audience} token"
        ))
    };
    let good = verify("https://issuer.example", "https://api.example");
    assert!(good.text().contains(r#""sub": "somebody""#), "{}", good.text());
    assert_eq!(verify("https://issuer.example", "https://other.example").code, 1);
    assert_eq!(verify("https://other.example", "https://api.example").code, 1);
}
