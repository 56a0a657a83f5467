//! Encrypts or decrypts a file as a bare Cobblestone-256 stream. For measuring and for trying against other
//! implementations: the key is read from a file of 32 bytes and the context is empty.
//!
//! ```sh
//! head -c 32 /dev/urandom > key
//! cargo run --release -p cryptokit --example stream -- encrypt key WORKERS < message > sealed
//! cargo run --release -p cryptokit --example stream -- decrypt key WORKERS < sealed > message
//! ```

use std::error::Error;
use std::io;
use std::{env, fs, process};

use cryptokit::secret::SecretKey;
use cryptokit::stream::StreamKey;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Err(error) = run(&arguments) {
        eprintln!("stream: {error}");
        process::exit(1);
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [command, key, workers] = arguments else {
        return Err("usage: stream encrypt|decrypt KEY_FILE WORKERS < input > output".into());
    };
    let key: [u8; SecretKey::LEN] = fs::read(key)?.try_into().map_err(|_| "a key has 32 bytes")?;
    let (key, workers) = (StreamKey::new(SecretKey::from_bytes(key)), workers.parse()?);
    match command.as_str() {
        "encrypt" => key.encrypt(b"", input()?, output()?, workers)?,
        "decrypt" => key.decrypt(b"", input()?, output()?, workers)?,
        _ => return Err("encrypt or decrypt".into()),
    };
    Ok(())
}

/// Standard input without the buffer of `io::stdin`: what is read here comes in pieces of a chunk and more.
#[cfg(unix)]
fn input() -> io::Result<fs::File> {
    use std::os::fd::AsFd;
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

/// Standard output without the line buffer of `io::stdout`.
#[cfg(unix)]
fn output() -> io::Result<fs::File> {
    use std::os::fd::AsFd;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(not(unix))]
fn input() -> io::Result<io::StdinLock<'static>> {
    Ok(io::stdin().lock())
}

#[cfg(not(unix))]
fn output() -> io::Result<io::StdoutLock<'static>> {
    Ok(io::stdout().lock())
}
