//! Converts a key between the forms that `cryptokit::key_format` knows.
//!
//! ```text
//! cargo run -p cryptokit --example convert_key -- FROM TO [PASSPHRASE_FILE] <in >out
//! ```
//!
//! `FROM` and `TO` are `pem`, `der`, `encrypted-pem`, `encrypted-der`, `jwk`, `public-pem`, `public-der`, `public-jwk`;
//! `TO` may also be `thumbprint`. `FROM` a private form, `TO` may be a public one.

use std::error::Error;
use std::io::{Read, Write};

use cryptokit::key_format::{Jwk, PrivateKey, PublicKey};
use cryptokit::secret::SecretString;
use zeroize::Zeroizing;

fn main() {
    if let Err(error) = convert() {
        let mut cause: Option<&dyn Error> = Some(error.as_ref());
        while let Some(error) = cause {
            eprintln!("{error}");
            cause = error.source();
        }
        std::process::exit(1);
    }
}

fn convert() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, passphrase @ ..] = arguments.as_slice() else {
        return Err("usage: convert_key FROM TO [PASSPHRASE_FILE]".into());
    };
    let passphrase = match passphrase {
        [] => SecretString::new(String::new()),
        [file, ..] => SecretString::new(std::fs::read_to_string(file)?),
    };
    let mut input = Zeroizing::new(Vec::new());
    std::io::stdin().read_to_end(&mut input)?;
    let output = match read_private(from, &input, &passphrase)? {
        Some(key) if to.starts_with("public") || to == "thumbprint" => write_public(to, key.public_key())?,
        Some(key) => write_private(to, key, &passphrase)?,
        None => write_public(to, &read_public(from, &input)?)?,
    };
    std::io::stdout().write_all(&output)?;
    Ok(())
}

fn read_private(form: &str, input: &[u8], passphrase: &SecretString) -> Result<Option<PrivateKey>, Box<dyn Error>> {
    Ok(Some(match form {
        "pem" => PrivateKey::from_pem(input)?,
        "der" => PrivateKey::from_der(input)?,
        "encrypted-pem" => PrivateKey::from_encrypted_pem(input, passphrase)?,
        "encrypted-der" => PrivateKey::from_encrypted_der(input, passphrase)?,
        "jwk" => Jwk::<PrivateKey>::parse(input)?.key,
        _ => return Ok(None),
    }))
}

fn read_public(form: &str, input: &[u8]) -> Result<PublicKey, Box<dyn Error>> {
    Ok(match form {
        "public-pem" => PublicKey::from_spki_pem(input)?,
        "public-der" => PublicKey::from_spki_der(input)?,
        "public-jwk" => Jwk::<PublicKey>::parse(input)?.key,
        other => return Err(format!("unknown form {other}").into()),
    })
}

fn write_private(form: &str, key: PrivateKey, passphrase: &SecretString) -> Result<Zeroizing<Vec<u8>>, Box<dyn Error>> {
    Ok(Zeroizing::new(match form {
        "pem" => key.to_pem().expose_secret().as_bytes().to_vec(),
        "der" => key.pkcs8().expose_secret().to_vec(),
        "encrypted-pem" => key.to_encrypted_pem(passphrase)?.into_bytes(),
        "encrypted-der" => key.to_encrypted_der(passphrase)?,
        "jwk" => Jwk::from(key).to_json().expose_secret().as_bytes().to_vec(),
        other => return Err(format!("unknown form {other}").into()),
    }))
}

fn write_public(form: &str, key: &PublicKey) -> Result<Zeroizing<Vec<u8>>, Box<dyn Error>> {
    Ok(Zeroizing::new(match form {
        "public-pem" => key.to_spki_pem().into_bytes(),
        "public-der" => key.to_spki_der(),
        "public-jwk" => Jwk::from(key.clone()).to_json().into_bytes(),
        "thumbprint" => key.thumbprint().into_bytes(),
        other => return Err(format!("not a form of a public key: {other}").into()),
    }))
}
