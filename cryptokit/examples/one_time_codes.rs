//! Prints the codes that an authenticator app shows, to be compared with others': for each line of standard input, a
//! secret of 20 bytes in hexadecimal and a time in seconds since 1970.
//!
//! ```sh
//! echo 3132333435363738393031323334353637383930 59 | cargo run -p cryptokit --example one_time_codes
//! ```

use std::error::Error;
use std::{io, process};

use cryptokit::otp::{OtpKey, time_step};

fn main() {
    if let Err(error) = run() {
        eprintln!("one_time_codes: {error}");
        process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lines() {
        let line = line?;
        let (secret, seconds) = line.split_once(' ').ok_or("a secret, a space, a time")?;
        let bytes = (0..secret.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(secret.get(at..at + 2).unwrap_or_default(), 16))
            .collect::<Result<Vec<u8>, _>>()?;
        let step = time_step(seconds.parse()?);
        println!("{}", OtpKey::from_bytes(&bytes)?.code(step).expose_secret());
    }
    Ok(())
}
