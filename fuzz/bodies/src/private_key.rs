//! Keys of other programs: private and public, DER, PEM and JWK.

use cryptokit::key_format::{Jwk, KeyFormatError, PrivateKey, PublicKey};

/// Reads the bytes as a key in every form there is. Nothing is decrypted, since a file may ask for seconds of work; what
/// it asks for is read.
///
/// # Panics
///
/// When an accepted key does not survive being written and read again in every form, when one text is two forms at once,
/// when a public key has a second spelling, or when a private key passes as a public one.
pub fn private_key(data: &[u8]) {
    let forms = [
        PrivateKey::from_der(data),
        PrivateKey::from_pem(data),
        Jwk::<PrivateKey>::parse(data).map(|jwk| jwk.key),
    ];
    assert!(
        forms.iter().filter(|form| form.is_ok()).count() <= 1,
        "one text is one form"
    );
    if matches!(forms[0], Err(KeyFormatError::Encrypted)) {
        assert_eq!(PrivateKey::from_pkcs8_der(data).err(), Some(KeyFormatError::Encrypted));
    }
    let public = [
        PublicKey::from_spki_der(data),
        PublicKey::from_spki_pem(data),
        Jwk::<PublicKey>::parse(data).map(|jwk| jwk.key),
    ];
    let private = forms.into_iter().flatten().next();
    if let Some(key) = &private {
        assert!(public.iter().all(Result::is_err), "a private key is no public one");
        private_key_round_trips(key);
        public_key_round_trips(key.public_key());
    }
    if let Ok(key) = &public[0] {
        assert_eq!(key.to_spki_der(), data, "one form for one key");
    }
    for key in public.iter().flatten() {
        public_key_round_trips(key);
    }
}

fn private_key_round_trips(key: &PrivateKey) {
    let same = |read: Result<PrivateKey, KeyFormatError>| {
        let read = read.expect("what was written is read");
        assert!(read.pkcs8().ct_eq(key.pkcs8().expose_secret()), "the same key");
        assert_eq!(read.public_key(), key.public_key());
        read
    };
    same(PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret()));
    same(PrivateKey::from_der(key.pkcs8().expose_secret()));
    let copy = same(PrivateKey::from_pem(key.to_pem().expose_secret().as_bytes()));
    let json = Jwk::from(copy).to_json();
    same(Jwk::<PrivateKey>::parse(json.expose_secret().as_bytes()).map(|jwk| jwk.key));
    assert_eq!(
        Jwk::<PublicKey>::parse(json.expose_secret().as_bytes()).err(),
        Some(KeyFormatError::UnexpectedPrivateKey)
    );
    assert!(format!("{key:?}").len() < 64, "a debug text holds no key");
}

fn public_key_round_trips(key: &PublicKey) {
    assert_eq!(PublicKey::from_spki_der(&key.to_spki_der()).as_ref(), Ok(key));
    assert_eq!(PublicKey::from_spki_pem(key.to_spki_pem().as_bytes()).as_ref(), Ok(key));
    let jwk = Jwk::from(key.clone());
    assert_eq!(jwk.metadata.key_id.as_deref(), Some(key.thumbprint().as_str()));
    let again = Jwk::<PublicKey>::parse(jwk.to_json().as_bytes()).expect("what was written is read");
    assert_eq!(again.key, *key);
    assert_eq!(again.metadata, jwk.metadata);
    assert_eq!(key.thumbprint().len(), 43);
}
