//! What commands that work in an authority's directory have in common.

use std::io::Write as _;

use crate::cli::HomeArguments;
use crate::explain::Failure;
use crate::home::{Home, Patience};

/// Opens the home for changes. Says so on standard error when it has to wait for another certgen.
pub(super) fn open(arguments: &HomeArguments) -> Result<Home, Failure> {
    let directory = arguments.directory();
    let mut tell = || {
        let directory = directory.display();
        // Standard error may be closed; that is no reason to stop.
        let _ = writeln!(
            std::io::stderr(),
            "waiting for another certgen to end its work in `{directory}`"
        );
    };
    let patience = Patience {
        on_wait: Some(&mut tell),
        ..Patience::default()
    };
    Ok(Home::open_with(&directory, patience)?)
}
