//! `keygen`, `encrypt` and `decrypt`: files to the RSA keys of their recipients.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use cryptokit::encrypt::{RsaDecryptionKey, RsaEncryptionKey};
use cryptokit::jwe::{FileHeader, FileHeaderError, JweDecrypter, JweEncrypter, Recipient};
use cryptokit::key_format::{KeyFormatError, PrivateKey, PublicKey};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretString;
use cryptokit::sign::RsaKeySize;
use cryptokit::stream::StreamKey;
use private_files::{Existing, NewFile, PrivateFileError};

use super::seal::{ANOTHER_COPY, failure};
use crate::cli::{DecryptArgs, EncryptArgs, KeygenArgs, KeysetArgs};
use crate::error::{Error, printable};
use crate::keyset_file;
use crate::secrets::{self, PASSPHRASE};
use crate::streams::{Input, Output, is_stdin, print, refuse_stdin_twice};
use secret_input::Age;

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
            Age::New,
        )?)),
    };
    if args.public.as_deref() == Some(args.out.as_path()) {
        return Err(Error::input(
            args.out.display().to_string(),
            "it cannot be both the private and the public key",
            "give the public key another name",
        ));
    }
    // Both are in reach before either is written: half a key pair serves nobody.
    let mut out = NewFile::begin(&args.out, Existing::Keep)?;
    let public_out = match &args.public {
        Some(path) => Some(NewFile::begin(path, Existing::Keep)?),
        None => None,
    };
    let failed = |error| Error::library("making a key", error);
    let key = RsaDecryptionKey::generate(size).map_err(failed)?;
    let key = PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret())
        .map_err(|error| Error::library("making a key", error))?;
    let public = key.public_key().to_spki_pem();
    let written = |path: &Path| {
        let path = path.display().to_string();
        |source| Error::from(PrivateFileError::Write { path, source })
    };
    match &passphrase {
        None => out.write_all(key.to_pem().expose_secret().as_bytes()),
        Some(passphrase) => {
            let pem = key
                .to_encrypted_pem(passphrase)
                .map_err(|error| Error::input("the passphrase", error, "choose another one"))?;
            out.write_all(pem.as_bytes())
        }
    }
    .map_err(written(&args.out))?;
    out.commit()?;
    if passphrase.is_none() {
        let path = args.out.display().to_string();
        eprintln!(
            "warning: {} is not encrypted; --encrypt asks for a passphrase",
            printable(&path)
        );
    }
    match (public_out, &args.public) {
        (Some(mut file), Some(path)) => {
            file.write_all(public.as_bytes()).map_err(written(path))?;
            Ok(file.commit()?)
        }
        _ => print(public.trim_end()),
    }
}

/// Encrypts.
pub(crate) fn encrypt(args: &EncryptArgs) -> Result<(), Error> {
    let from_stdin = args.recipient.iter().filter(|path| is_stdin(Some(path))).count();
    if from_stdin + usize::from(is_stdin(args.input.as_deref())) > 1 {
        return Err(refuse_stdin_twice("a recipient's key", "something else"));
    }
    let (first, others) = args.recipient.split_first().expect("one is required");
    let mut encrypter = JweEncrypter::new(recipient(first)?);
    for other in others {
        encrypter = encrypter.and(recipient(other)?);
    }
    let (header, key) = FileHeader::create(&encrypter)
        .map_err(|error| Error::input("the recipients", error, "name each of at most 32 once"))?;
    let input = Input::open(args.input.as_deref())?;
    let keys: Vec<_> = args.recipient.iter().map(PathBuf::as_path).collect();
    let mut output = Output::create(&args.output, &keys)?;
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
    let passphrase_file = args.passphrase.passphrase_file.as_deref();
    if passphrase_file.is_some() && is_stdin(passphrase_file) && is_stdin(args.input.as_deref()) {
        return Err(refuse_stdin_twice("the passphrase", "what to decrypt"));
    }
    let keys = match (&args.identity, &args.keyset, &args.root_key) {
        (None, Some(file), Some(root_key)) => keyset_file::open(&KeysetArgs {
            file: file.clone(),
            root_key: root_key.clone(),
        })?,
        (identity_file, ..) => {
            let file = identity_file.as_deref().expect("one of the two is required");
            // Only the key's own thumbprint counts, whatever the set is called.
            Keyset::new("identity", identity(file, passphrase_file)?)
        }
    };
    let mut input = Input::open(args.input.as_deref())?;
    let header = read_header(&mut input)?;
    let key = header.open(&JweDecrypter::new(keys)).map_err(|_| {
        Error::does_not_open(
            "it is not for this key, or its header was altered",
            "give the private key of a recipient; only whoever encrypted it knows who they are",
        )
    })?;
    let keys = [&args.identity, &args.keyset, &args.root_key].into_iter().flatten();
    let keys: Vec<_> = keys.map(PathBuf::as_path).collect();
    let mut output = Output::create(&args.output, &keys)?;
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
                    return Err(Error::does_not_open("it was cut off", ANOTHER_COPY));
                }
            }
            Err(error) => {
                return Err(Error::does_not_open(
                    error,
                    "give a file that `cryptokit encrypt` made, whole",
                ));
            }
        }
    }
}

fn recipient(path: &Path) -> Result<Recipient, Error> {
    let pem = Input::open(Some(path))?.text(MAX_KEY_LEN)?;
    let unusable = |why: String| {
        Error::input(
            path.display().to_string(),
            why,
            "give an RSA public key of at least 2048 bits in PEM",
        )
    };
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
            let passphrase = SecretString::from(secrets::read(PASSPHRASE, passphrase_file, Age::Existing)?);
            PrivateKey::from_encrypted_pem(pem.as_bytes(), &passphrase)
        }
        read => read,
    };
    let key = key.map_err(|error| Error::input(&shown, error, "give an RSA private key in PEM and its passphrase"))?;
    RsaDecryptionKey::from_pkcs8(key.into_pkcs8())
        .map_err(|error| Error::input(&shown, error, "give the RSA key that the file was encrypted to"))
}
