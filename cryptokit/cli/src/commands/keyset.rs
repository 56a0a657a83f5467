//! `keyset …` and `root-key`.

use std::path::Path;

use cryptokit::aead::AeadKey;
use cryptokit::encrypt::RsaDecryptionKey;
use cryptokit::jose::{Jwk, JwkSet, JwsAlgorithm, TokenSigningKey};
use cryptokit::key_format::PrivateKey;
use cryptokit::keyset::{KeyEntry, KeyId, KeyMaterial, KeyStatus, Keyset, KeysetError, RootKey};
use cryptokit::password::Pepper;
use cryptokit::sign::RsaKeySize;
use cryptokit::stream::StreamKey;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::{Algorithm, KeysetArgs, KeysetCommand, Purpose, RootKeyArgs};
use crate::error::{Error, printable};
use crate::keyset_file::{Lock, SealedKeyset, root_key};
use crate::streams::print;

/// Makes a root key.
pub(crate) fn make_root_key(args: &RootKeyArgs) -> Result<(), Error> {
    let text = RootKey::generate().to_text();
    Ok(private_files::write_new(&args.out, format!("{}\n", *text).as_bytes())?)
}

/// Runs one of the subcommands of `keyset`.
pub(crate) fn run(command: &KeysetCommand, now: OffsetDateTime) -> Result<(), Error> {
    match command {
        KeysetCommand::Create {
            name,
            purpose,
            algorithm,
            keyset,
        } => create(name, *purpose, *algorithm, keyset),
        KeysetCommand::Show { keyset, json } => show(keyset, *json),
        KeysetCommand::Add { keyset, algorithm } => {
            let algorithm = *algorithm;
            change(keyset, Change::Add { algorithm })
        }
        KeysetCommand::Promote(key) => change(&key.keyset, Change::Promote { id: id(&key.id)?, now }),
        KeysetCommand::Retire { key, needed_until } => {
            let (id, needed_until) = (id(&key.id)?, *needed_until);
            change(&key.keyset, Change::Retire { id, needed_until })
        }
        KeysetCommand::Revoke(key) => change(&key.keyset, Change::Revoke { id: id(&key.id)? }),
        KeysetCommand::Prune(key) => change(&key.keyset, Change::Prune { id: id(&key.id)?, now }),
        KeysetCommand::Rewrap { keyset, new_root_key } => rewrap(keyset, new_root_key),
        KeysetCommand::Public { keyset } => print_public(keyset),
    }
}

/// A kind of key as this command knows it.
trait Kind: KeyMaterial {
    /// Makes a key, of the algorithm asked for or else that of `primary`.
    fn generate(algorithm: Option<Algorithm>, primary: Option<&Self>) -> Result<Self, Error>;

    /// The public halves, as text.
    fn public(keyset: &Keyset<Self>) -> Result<String, Error> {
        let _ = keyset;
        Err(Error::input(
            "the keyset",
            "its keys have no public half",
            "only keys that sign tokens and keys that decrypt have one",
        ))
    }
}

impl Kind for StreamKey {
    fn generate(algorithm: Option<Algorithm>, _: Option<&Self>) -> Result<Self, Error> {
        no_choice(algorithm).map(|()| Self::generate())
    }
}

impl Kind for AeadKey {
    fn generate(algorithm: Option<Algorithm>, _: Option<&Self>) -> Result<Self, Error> {
        no_choice(algorithm).map(|()| Self::generate())
    }
}

impl Kind for Pepper {
    fn generate(algorithm: Option<Algorithm>, _: Option<&Self>) -> Result<Self, Error> {
        no_choice(algorithm).map(|()| Self::generate())
    }
}

impl Kind for RsaDecryptionKey {
    fn generate(algorithm: Option<Algorithm>, _: Option<&Self>) -> Result<Self, Error> {
        no_choice(algorithm)?;
        Self::generate(RsaKeySize::Bits3072).map_err(|error| Error::library("making a key", error))
    }

    /// That of the primary key: what others encrypt to from now on.
    fn public(keyset: &Keyset<Self>) -> Result<String, Error> {
        let key = PrivateKey::from_pkcs8_der(keyset.primary().1.pkcs8().expose_secret())
            .map_err(|error| Error::library("reading a public key", error))?;
        Ok(key.public_key().to_spki_pem())
    }
}

impl Kind for TokenSigningKey {
    fn generate(algorithm: Option<Algorithm>, primary: Option<&Self>) -> Result<Self, Error> {
        let algorithm = match (algorithm, primary) {
            (Some(Algorithm::Rs256), _) | (None, None) => JwsAlgorithm::Rs256,
            (Some(Algorithm::Ps256), _) => JwsAlgorithm::Ps256,
            (Some(Algorithm::Es256), _) => JwsAlgorithm::Es256,
            (Some(Algorithm::Eddsa), _) => JwsAlgorithm::EdDsa,
            (None, Some(primary)) => Self::algorithm(primary),
        };
        Self::generate(algorithm).map_err(|error| Error::library("making a key", error))
    }

    /// Those of all keys that are not revoked.
    fn public(keyset: &Keyset<Self>) -> Result<String, Error> {
        let failed = |error| Error::library("reading a public key", error);
        let mut set = JwkSet::default();
        for entry in keyset
            .entries()
            .iter()
            .filter(|entry| entry.status != KeyStatus::Revoked)
        {
            set.keys
                .push(Jwk::from_key(&entry.key.verifying_key().map_err(failed)?));
        }
        Ok(set.to_json())
    }
}

fn no_choice(algorithm: Option<Algorithm>) -> Result<(), Error> {
    match algorithm {
        None => Ok(()),
        Some(_) => Err(Error::input(
            "--algorithm",
            "it is for token-signing keys",
            "leave it out: other keys have one algorithm",
        )),
    }
}

/// Calls a generic function for the kind of key that a keyset's file says it holds. Saying it wrongly opens nothing:
/// the purpose is part of the seal.
macro_rules! for_kind_of {
    ($sealed:expr, $function:ident($($argument:expr),*)) => {
        match $sealed.purpose() {
            purpose if is::<StreamKey>(purpose) => $function::<StreamKey>($($argument),*),
            purpose if is::<AeadKey>(purpose) => $function::<AeadKey>($($argument),*),
            purpose if is::<Pepper>(purpose) => $function::<Pepper>($($argument),*),
            purpose if is::<RsaDecryptionKey>(purpose) => $function::<RsaDecryptionKey>($($argument),*),
            purpose if is::<TokenSigningKey>(purpose) => $function::<TokenSigningKey>($($argument),*),
            purpose => Err(Error::input(
                "the keyset",
                format!("its keys are for `{purpose}`, which this version does not know"),
                "use the version that made it, or a later one",
            )),
        }
    };
}

fn is<K: KeyMaterial>(purpose: &str) -> bool {
    purpose == K::PURPOSE || K::VERSION_1.is_some_and(|version| version.purpose == purpose)
}

fn create(name: &str, purpose: Purpose, algorithm: Option<Algorithm>, args: &KeysetArgs) -> Result<(), Error> {
    fn make<K: Kind>(name: &str, algorithm: Option<Algorithm>, args: &KeysetArgs) -> Result<(), Error> {
        let root = root_key(&args.root_key)?;
        let json = seal(&root, &Keyset::new(name, K::generate(algorithm, None)?))?;
        Ok(private_files::write_new(&args.file, json.as_bytes())?)
    }
    match purpose {
        Purpose::Stream => make::<StreamKey>(name, algorithm, args),
        Purpose::Aead => make::<AeadKey>(name, algorithm, args),
        Purpose::Pepper => make::<Pepper>(name, algorithm, args),
        Purpose::TokenSigning => make::<TokenSigningKey>(name, algorithm, args),
        Purpose::Decryption => make::<RsaDecryptionKey>(name, algorithm, args),
    }
}

/// What is done to a keyset.
enum Change {
    Add {
        algorithm: Option<Algorithm>,
    },
    Promote {
        id: KeyId,
        now: OffsetDateTime,
    },
    Retire {
        id: KeyId,
        needed_until: Option<OffsetDateTime>,
    },
    Revoke {
        id: KeyId,
    },
    Prune {
        id: KeyId,
        now: OffsetDateTime,
    },
}

/// The keyset to be written, and the id to be printed once it is.
struct Changed {
    json: String,
    added: Option<KeyId>,
}

fn change(args: &KeysetArgs, change: Change) -> Result<(), Error> {
    fn apply<K: Kind>(sealed: &SealedKeyset, root: &RootKey, change: Change) -> Result<Changed, Error> {
        let mut keyset = sealed.open::<K>(root)?;
        let mut added = None;
        match change {
            Change::Add { algorithm } => {
                let key = K::generate(algorithm, Some(keyset.primary().1))?;
                added = Some(keyset.add(key));
            }
            Change::Promote { id, now } => keyset.promote_at(id, now).map_err(refused)?,
            Change::Retire { id, needed_until } => match needed_until {
                Some(time) => keyset.retire_until(id, time).map_err(refused)?,
                None => keyset.retire(id).map_err(refused)?,
            },
            Change::Revoke { id } => keyset.revoke(id).map_err(refused)?,
            Change::Prune { id, now } => keyset.prune(id, now).map_err(refused)?,
        }
        let json = seal(root, &keyset)?;
        Ok(Changed { json, added })
    }
    let lock = Lock::wait(&args.file)?;
    let sealed = SealedKeyset::read(&args.file)?;
    let root = root_key(&args.root_key)?;
    let changed = for_kind_of!(sealed, apply(&sealed, &root, change))?;
    lock.replace(&changed.json)?;
    changed.added.map_or(Ok(()), |id| print(&id.to_string()))
}

fn refused(error: KeysetError) -> Error {
    Error::input("the keyset", error, "`cryptokit keyset show` prints ids and statuses")
}

fn rewrap(args: &KeysetArgs, new_root_key: &Path) -> Result<(), Error> {
    fn apply<K: Kind>(sealed: &SealedKeyset, old: &RootKey, new: &RootKey) -> Result<String, Error> {
        seal(new, &sealed.open::<K>(old)?)
    }
    let lock = Lock::wait(&args.file)?;
    let sealed = SealedKeyset::read(&args.file)?;
    let (old, new) = (root_key(&args.root_key)?, root_key(new_root_key)?);
    let json = for_kind_of!(sealed, apply(&sealed, &old, &new))?;
    lock.replace(&json)
}

fn print_public(args: &KeysetArgs) -> Result<(), Error> {
    fn public<K: Kind>(sealed: &SealedKeyset, root: &RootKey) -> Result<String, Error> {
        K::public(&sealed.open(root)?)
    }
    let sealed = SealedKeyset::read(&args.file)?;
    let root = root_key(&args.root_key)?;
    let text = for_kind_of!(sealed, public(&sealed, &root))?;
    print(text.trim_end())
}

fn show(args: &KeysetArgs, json: bool) -> Result<(), Error> {
    fn describe<K: Kind>(sealed: &SealedKeyset, root: &RootKey) -> Result<serde_json::Value, Error> {
        let keyset = sealed.open::<K>(root)?;
        let keys: Vec<_> = keyset.entries().iter().map(describe_key).collect();
        let pruned: Vec<_> = keyset.pruned().iter().map(ToString::to_string).collect();
        Ok(serde_json::json!({ "name": keyset.name(), "purpose": K::PURPOSE, "keys": keys, "pruned": pruned }))
    }
    let sealed = SealedKeyset::read(&args.file)?;
    let root = root_key(&args.root_key)?;
    let keyset = for_kind_of!(sealed, describe(&sealed, &root))?;
    if json {
        return print(&keyset.to_string());
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    print(&format!(
        "{} ({})",
        printable(&text(&keyset["name"])),
        text(&keyset["purpose"])
    ))?;
    for key in keyset["keys"].as_array().into_iter().flatten() {
        print(&format!(
            "{}  {:<8}  {}  not before {}  not after {}  needed until {}",
            text(&key["id"]),
            text(&key["status"]),
            text(&key["algorithm"]),
            text(&key["not_before"]),
            text(&key["not_after"]),
            text(&key["needed_until"]),
        ))?;
    }
    Ok(())
}

fn describe_key<K: KeyMaterial>(entry: &KeyEntry<K>) -> serde_json::Value {
    let time = |time: Option<OffsetDateTime>| time.and_then(|time| time.format(&Rfc3339).ok());
    serde_json::json!({
        "id": entry.id.to_string(),
        "status": entry.status,
        "algorithm": entry.key.algorithm(),
        "not_before": time(entry.usage_period.not_before()),
        "not_after": time(entry.usage_period.not_after()),
        "needed_until": time(entry.needed_until),
    })
}

fn seal<K: KeyMaterial>(root: &RootKey, keyset: &Keyset<K>) -> Result<String, Error> {
    root.seal(keyset)
        .map_err(|error| Error::input("the keyset", error, "prune keys that are no longer needed"))
}

fn id(text: &str) -> Result<KeyId, Error> {
    KeyId::from_hex(text).ok_or_else(|| {
        Error::input(
            text,
            "it is not the id of a key",
            "give the 16 hexadecimal digits that `cryptokit keyset show` prints",
        )
    })
}
