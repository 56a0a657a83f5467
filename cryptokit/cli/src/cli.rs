//! Arguments and their help text; no logic.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Hashes passwords, seals and encrypts files, keeps keysets, and looks at tokens.
#[derive(Debug, Parser)]
#[command(name = "cryptokit", version, arg_required_else_help = true, after_help = MANNERS)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hash a password for storage
    #[command(after_help = HASH_HELP)]
    Hash(HashArgs),
    /// Say whether a password is the one that was hashed
    #[command(after_help = VERIFY_HELP)]
    Verify(VerifyArgs),
    /// Measure this machine and print the Argon2id parameters that fit it
    Calibrate(CalibrateArgs),
    /// Make the key that seals keysets
    RootKey(RootKeyArgs),
    /// Make and change sets of keys
    #[command(subcommand)]
    Keyset(KeysetCommand),
    /// Encrypt for yourself, under a keyset
    #[command(after_help = SEAL_HELP)]
    Seal(SealArgs),
    /// Decrypt what `seal` made
    #[command(after_help = OPEN_HELP)]
    Open(SealArgs),
    /// Make an RSA key that others can encrypt to
    Keygen(KeygenArgs),
    /// Encrypt a file to the RSA keys of its recipients
    #[command(after_help = ENCRYPT_HELP)]
    Encrypt(EncryptArgs),
    /// Decrypt what `encrypt` made
    #[command(after_help = DECRYPT_HELP)]
    Decrypt(DecryptArgs),
    /// Look at tokens
    #[command(subcommand)]
    Jwt(JwtCommand),
}

/// A keyset and the root key that opens it.
#[derive(Args, Debug)]
pub(crate) struct KeysetArgs {
    /// The keyset
    #[arg(long = "keyset", value_name = "FILE")]
    pub file: PathBuf,

    /// The root key that it is sealed under
    #[arg(long, value_name = "FILE")]
    pub root_key: PathBuf,
}

/// The peppers, if any.
#[derive(Args, Debug)]
pub(crate) struct PepperArgs {
    /// A keyset of peppers; without it the hash has none
    #[arg(long, value_name = "FILE", requires = "root_key")]
    pub peppers: Option<PathBuf>,

    /// The root key that the peppers are sealed under
    #[arg(long, value_name = "FILE", requires = "peppers")]
    pub root_key: Option<PathBuf>,
}

/// Where a password comes from.
#[derive(Args, Debug)]
pub(crate) struct PasswordArgs {
    /// Read the password from the first line of FILE, `-` for standard input; without it, it is asked for
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// Where a passphrase comes from.
#[derive(Args, Debug)]
pub(crate) struct PassphraseArgs {
    /// Read the passphrase of the private key from the first line of FILE, `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// Where the result goes.
#[derive(Args, Debug)]
pub(crate) struct OutputArgs {
    /// Write to FILE, whole or not at all, for its owner alone; without it, to standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Replace FILE if it exists; only a regular file is replaced
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// How new hashes are made.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Scheme {
    /// Argon2id (RFC 9106), for everything new
    Argon2id,
    /// bcrypt over HMAC-SHA-256 of the password, where Argon2id's memory cannot be had; needs --peppers
    Bcrypt,
}

/// Arguments of `hash`.
#[derive(Args, Debug)]
pub(crate) struct HashArgs {
    /// How
    #[arg(long, value_enum, default_value_t = Scheme::Argon2id)]
    pub scheme: Scheme,

    /// Argon2id's memory in KiB
    #[arg(long, value_name = "KIB", default_value_t = 19_456)]
    pub memory_kib: u32,

    /// Argon2id's passes over that memory
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub passes: u32,

    /// Argon2id's lanes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub lanes: u32,

    /// Whether and how it is peppered.
    #[command(flatten)]
    pub peppers: PepperArgs,

    /// The password.
    #[command(flatten)]
    pub password: PasswordArgs,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Read the stored hash from FILE, which holds one line; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub hash_file: PathBuf,

    /// Obey stored hashes that take up to this much memory, in KiB
    #[arg(long, value_name = "KIB", default_value_t = 64 * 1024)]
    pub max_memory_kib: u32,

    /// Obey stored Argon2 hashes of up to this many passes
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub max_passes: u32,

    /// The peppers it may have been made with.
    #[command(flatten)]
    pub peppers: PepperArgs,

    /// The password.
    #[command(flatten)]
    pub password: PasswordArgs,
}

/// Arguments of `calibrate`.
#[derive(Args, Debug)]
pub(crate) struct CalibrateArgs {
    /// Time one hash may take, in milliseconds
    #[arg(long, value_name = "MS", default_value = "250", value_parser = milliseconds)]
    pub target: Duration,

    /// Memory one hash may take, in KiB
    #[arg(long, value_name = "KIB", default_value_t = 64 * 1024)]
    pub memory_kib: u32,
}

/// Arguments of `root-key`.
#[derive(Args, Debug)]
pub(crate) struct RootKeyArgs {
    /// Where it goes: a file that does not exist yet
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What a keyset's keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Purpose {
    /// Cobblestone-256 keys: `seal` and `open`
    Stream,
    /// AES-256-GCM keys: records of programs that use the library
    Aead,
    /// Peppers: `hash` and `verify`
    Pepper,
    /// Keys that sign tokens
    TokenSigning,
    /// RSA-OAEP keys: `decrypt`
    Decryption,
}

/// What a token-signing key signs with.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: understood everywhere
    Rs256,
    /// RSASSA-PSS with SHA-256
    Ps256,
    /// ECDSA on P-256
    Es256,
    /// Ed25519
    Eddsa,
}

/// The subcommands of `keyset`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysetCommand {
    /// Make a keyset with one key
    Create {
        /// What it is called; the name is sealed with it
        #[arg(long)]
        name: String,
        /// What its keys are for
        #[arg(long, value_enum)]
        purpose: Purpose,
        /// What token-signing keys sign with; without it, RS256
        #[arg(long, value_enum)]
        algorithm: Option<Algorithm>,
        /// The keyset, a file that does not exist yet, and its root key.
        #[command(flatten)]
        keyset: KeysetArgs,
    },
    /// Show the keys of a set: id, status, dates; never the keys themselves
    Show {
        /// The keyset.
        #[command(flatten)]
        keyset: KeysetArgs,
        /// Print one JSON object instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Add an active key, which opens and verifies but does not yet make anything
    Add {
        /// The keyset.
        #[command(flatten)]
        keyset: KeysetArgs,
        /// What a token-signing key signs with; without it, what the primary key does
        #[arg(long, value_enum)]
        algorithm: Option<Algorithm>,
    },
    /// Make an active key the one that makes new things
    Promote(KeyArgs),
    /// Put a key on its way out: it still opens and verifies, and is never promoted again
    Retire {
        /// The key.
        #[command(flatten)]
        key: KeyArgs,
        /// When the last thing it made will have been used; afterwards it can be pruned. RFC 3339, such as 2027-01-31T00:00:00Z
        #[arg(long, value_name = "TIME", value_parser = time)]
        needed_until: Option<OffsetDateTime>,
    },
    /// End a key at once: what only it can open is lost. Older copies of the keyset still hold it: destroy them
    Revoke(KeyArgs),
    /// Drop a revoked key, or a retired one that is no longer needed, for good
    Prune(KeyArgs),
    /// Seal the keyset under another root key
    Rewrap {
        /// The keyset and the root key it is sealed under now.
        #[command(flatten)]
        keyset: KeysetArgs,
        /// The root key to seal it under
        #[arg(long, value_name = "FILE")]
        new_root_key: PathBuf,
    },
    /// Print the public halves: of token-signing keys a JWK Set, of the primary decryption key PEM
    Public {
        /// The keyset.
        #[command(flatten)]
        keyset: KeysetArgs,
    },
}

/// One key of a keyset.
#[derive(Args, Debug)]
pub(crate) struct KeyArgs {
    /// The key's id, as `keyset show` prints it
    pub id: String,

    /// The keyset.
    #[command(flatten)]
    pub keyset: KeysetArgs,
}

/// Arguments of `seal` and `open`.
#[derive(Args, Debug)]
pub(crate) struct SealArgs {
    /// What to read; without it, or with `-`, standard input
    pub input: Option<PathBuf>,

    /// The keyset and its root key.
    #[command(flatten)]
    pub keyset: KeysetArgs,

    /// What the data is and where it belongs, such as `backup/2026-11-22`; not secret, not stored, the same at both ends
    #[arg(long)]
    pub context: String,

    /// Where it goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `keygen`.
#[derive(Args, Debug)]
pub(crate) struct KeygenArgs {
    /// Bits of the modulus
    #[arg(long, default_value = "3072", value_parser = ["2048", "3072", "4096"])]
    pub bits: String,

    /// Where the private key goes, PKCS#8 in PEM: a file that does not exist yet
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Where the public key goes, PEM; without it, to standard output
    #[arg(long, value_name = "FILE")]
    pub public: Option<PathBuf>,

    /// Encrypt the private key under a passphrase
    #[arg(long)]
    pub encrypt: bool,

    /// The passphrase.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}

/// Arguments of `encrypt`.
#[derive(Args, Debug)]
pub(crate) struct EncryptArgs {
    /// What to read; without it, or with `-`, standard input
    pub input: Option<PathBuf>,

    /// A recipient's public key in PEM; once for each recipient
    #[arg(short, long, value_name = "FILE", required = true)]
    pub recipient: Vec<PathBuf>,

    /// Where it goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `decrypt`.
#[derive(Args, Debug)]
pub(crate) struct DecryptArgs {
    /// What to read; without it, or with `-`, standard input
    pub input: Option<PathBuf>,

    /// The recipient's private key in PEM, encrypted or not
    #[arg(short, long, value_name = "FILE", required_unless_present = "keyset")]
    pub identity: Option<PathBuf>,

    /// Instead of it, a keyset of decryption keys
    #[arg(long, value_name = "FILE", requires = "root_key", conflicts_with = "identity")]
    pub keyset: Option<PathBuf>,

    /// The root key that the keyset is sealed under
    #[arg(long, value_name = "FILE", requires = "keyset")]
    pub root_key: Option<PathBuf>,

    /// Its passphrase.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,

    /// Where it goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The subcommands of `jwt`.
#[derive(Debug, Subcommand)]
pub(crate) enum JwtCommand {
    /// Print what a token says of itself. Nothing is checked: never decide anything by it
    Inspect {
        /// A file that holds the token; without it, or with `-`, standard input
        input: Option<PathBuf>,
    },
    /// Verify an access token (RFC 9068) and print its claims
    #[command(after_help = JWT_VERIFY_HELP)]
    Verify {
        /// A file that holds the token; without it, or with `-`, standard input
        input: Option<PathBuf>,
        /// The issuer's JWK Set
        #[arg(long, value_name = "FILE")]
        jwks: PathBuf,
        /// Who must have issued it
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// Whom it must be for; once for each name you go by
        #[arg(long, value_name = "NAME", required = true)]
        audience: Vec<String>,
        /// Tolerated difference between the clocks, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 5)]
        leeway: u32,
    },
}

fn time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "give a time such as 2027-01-31T00:00:00Z".to_owned())
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    match text.parse::<NonZeroU32>() {
        Ok(ms) if ms.get() <= 60_000 => Ok(Duration::from_millis(u64::from(ms.get()))),
        _ => Err("give milliseconds from 1 to 60000".to_owned()),
    }
}

const MANNERS: &str = "\
Secrets come from files that only their owner can use, from standard input, or from a prompt on the terminal; \
never from arguments or the environment. Results go to standard output, everything else to standard error.

Exit codes: 0 done, or the answer is yes; 1 the answer is no; 2 wrong usage; 3 it could not be done.";

const HASH_HELP: &str = "\
Example:
  cryptokit hash --password-file new-password > stored-hash";

const VERIFY_HELP: &str = "\
Prints `accepted`, or `accepted, rehash` when the hash should be replaced by a new one. Exit code 1: refused.
Understood beside our own: $argon2id$, $argon2i$, $argon2d$, $2a$, $2b$, $2y$, PBKDF2 (Django and PHC), scrypt (PHC).

Example:
  cryptokit verify --hash-file stored-hash --password-file attempt";

const SEAL_HELP: &str = "\
Binary output is not written to a terminal.

Example:
  tar c data | cryptokit seal --keyset backups.json --root-key root.key --context backup/data > data.sealed";

const OPEN_HELP: &str = "\
With --output the file is there when all of it was authentic, or not at all. A pipe gets each part as soon as that \
part is authentic: only exit code 0 says that nothing is missing at the end.

Example:
  cryptokit open --keyset backups.json --root-key root.key --context backup/data data.sealed | tar x";

const ENCRYPT_HELP: &str = "\
`cryptokit keygen` makes a recipient's keys. \
Whoever has a recipient's public key can do this: what opens says nothing about who made it. Sign what needs an author.

Example:
  cryptokit encrypt -r alice.pub.pem -r bob.pub.pem report.pdf -o report.pdf.enc";

const DECRYPT_HELP: &str = "\
With --output the file is there when all of it was authentic, or not at all. A pipe gets each part as soon as that \
part is authentic: only exit code 0 says that nothing is missing at the end.

Example:
  cryptokit decrypt -i alice.key.pem report.pdf.enc -o report.pdf";

const JWT_VERIFY_HELP: &str = "\
Example:
  cryptokit jwt verify --jwks jwks.json --issuer https://auth.example --audience https://api.example token";
