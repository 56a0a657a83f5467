//! `keygen`, `encrypt` and `decrypt`: files to the RSA keys of their recipients.

use std::io::{Read as _, Write as _};
use std::path::Path;

use cryptokit::encrypt::{RsaDecryptionKey, RsaEncryptionKey};
use cryptokit::jwe::{FileHeader, FileHeaderError, JweDecrypter, JweEncrypter, Recipient};
use cryptokit::key_format::{KeyFormatError, PrivateKey, PublicKey};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretString;
use cryptokit::sign::RsaKeySize;
use cryptokit::stream::StreamKey;

use super::seal::failure;
use crate::cli::{DecryptArgs, EncryptArgs, KeygenArgs, KeysetArgs};
use crate::error::Error;
use crate::keyset_file;
use crate::secrets::{self, PASSPHRASE, Typed};
use crate::streams::{Input, Output, print};

/// Tells these files from whatever else carries a key in the same kind of header.
const PURPOSE: &[u8] = b"cryptokit encrypt";

/// Largest key file read, in bytes.
const MAX_KEY_LEN: usize = 64 * 1024;

/// Makes a key.
pub(crate) fn keygen(args: &KeygenArgs) -> Result<(), Error> {
    let size = match args.bits.as_str() {
        "2048" => RsaKeySize::Bits2048,
        "4096" => RsaKeySize::Bits4096,
        _ => RsaKeySize::Bits3072,
    };
    let passphrase = match (args.encrypt, &args.passphrase.passphrase_file) {
        (false, None) => None,
        (_, file) => Some(SecretString::from(secrets::read(
            PASSPHRASE,
            file.as_deref(),
            Typed::Twice,
        )?)),
    };
    let failed = |error| Error::library("making a key", error);
    let key = RsaDecryptionKey::generate(size).map_err(failed)?;
    let key = PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret())
        .map_err(|error| Error::library("making a key", error))?;
    let public = key.public_key().to_spki_pem();
    match &passphrase {
        None => {
            eprintln!(
                "warning: {} is not encrypted; --encrypt asks for a passphrase",
                args.out.display()
            );
            private_files::write_new(&args.out, key.to_pem().expose_secret().as_bytes())?;
        }
        Some(passphrase) => {
            let pem = key
                .to_encrypted_pem(passphrase)
                .map_err(|error| Error::input("the passphrase", error, "choose another one"))?;
            private_files::write_new(&args.out, pem.as_bytes())?;
        }
    }
    match &args.public {
        Some(path) => Ok(private_files::write_new(path, public.as_bytes())?),
        None => print(public.trim_end()),
    }
}

/// Encrypts.
pub(crate) fn encrypt(args: &EncryptArgs) -> Result<(), Error> {
    let (first, others) = args.recipient.split_first().expect("one is required");
    let mut encrypter = JweEncrypter::new(recipient(first)?);
    for other in others {
        encrypter = encrypter.and(recipient(other)?);
    }
    let (header, key) = FileHeader::create(&encrypter)
        .map_err(|error| Error::input("the recipients", error, "name each of at most 32 once"))?;
    let input = Input::open(args.input.as_deref())?;
    let mut output = Output::create(&args.output)?;
    output.refuse_terminal()?;
    output.write_all(header.as_bytes()).map_err(Error::from_copying)?;
    let workers = input.workers();
    StreamKey::new(key)
        .encrypt(&header.context(PURPOSE), input, &mut output, workers)
        .map_err(failure)?;
    output.commit()
}

/// Decrypts.
pub(crate) fn decrypt(args: &DecryptArgs) -> Result<(), Error> {
    let keys = match (&args.identity, &args.keyset, &args.root_key) {
        (None, Some(file), Some(root_key)) => keyset_file::open(&KeysetArgs {
            file: file.clone(),
            root_key: root_key.clone(),
        })?,
        (identity_file, ..) => {
            let file = identity_file.as_deref().expect("one of the two is required");
            // Only the key's own thumbprint counts, whatever the set is called.
            Keyset::new("identity", identity(file, args.passphrase.passphrase_file.as_deref())?)
        }
    };
    let mut input = Input::open(args.input.as_deref())?;
    let header = read_header(&mut input)?;
    let key = header.open(&JweDecrypter::new(keys)).map_err(|_| {
        Error::Refused("it does not open: it is not for this key, or its header was altered".to_owned())
    })?;
    let mut output = Output::create(&args.output)?;
    let workers = input.workers();
    StreamKey::new(key)
        .decrypt(&header.context(PURPOSE), input, &mut output, workers)
        .map_err(failure)?;
    output.commit()
}

fn read_header(input: &mut Input) -> Result<FileHeader, Error> {
    let mut start = Vec::new();
    loop {
        match FileHeader::read(&start) {
            Ok(header) => return Ok(header),
            Err(FileHeaderError::Incomplete { needed }) => {
                let missing = (needed - start.len()) as u64;
                let read = input.take(missing).read_to_end(&mut start).map_err(Error::ReadInput)?;
                if (read as u64) < missing {
                    return Err(Error::Refused("it does not open: it was cut off".to_owned()));
                }
            }
            Err(error) => return Err(Error::Refused(format!("it does not open: {error}"))),
        }
    }
}

fn recipient(path: &Path) -> Result<Recipient, Error> {
    let pem = Input::open(Some(path))?.text(MAX_KEY_LEN)?;
    let unusable = |why: String| Error::input(path.display().to_string(), why, "give an RSA public key in PEM");
    let public = PublicKey::from_spki_pem(pem.as_bytes()).map_err(|error| unusable(error.to_string()))?;
    let (n, e) = public
        .rsa_components()
        .ok_or_else(|| unusable("it is no RSA key".to_owned()))?;
    RsaEncryptionKey::from_components(n, e)
        .map(Recipient::new)
        .map_err(|error| unusable(error.to_string()))
}

fn identity(path: &Path, passphrase_file: Option<&Path>) -> Result<RsaDecryptionKey, Error> {
    let pem = private_files::read(path)?;
    let shown = path.display().to_string();
    let key = match PrivateKey::from_pem(pem.as_bytes()) {
        Err(KeyFormatError::Encrypted) => {
            let passphrase = SecretString::from(secrets::read(PASSPHRASE, passphrase_file, Typed::Once)?);
            PrivateKey::from_encrypted_pem(pem.as_bytes(), &passphrase)
        }
        read => read,
    };
    let key = key.map_err(|error| Error::input(&shown, error, "give an RSA private key in PEM and its passphrase"))?;
    RsaDecryptionKey::from_pkcs8(key.into_pkcs8())
        .map_err(|error| Error::input(&shown, error, "give the RSA key that the file was encrypted to"))
}
