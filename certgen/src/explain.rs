//! What every error says besides what happened: what to do next. And how it is printed.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};

use serde_json::json;

use crate::printable::{printable_json_text, printable_lines};

/// Exit code of a command that was refused or failed.
pub const FAILED: u8 = 3;

/// An error that knows what its reader can do about it.
pub trait Explain: Error + Send + Sync + 'static {
    /// The next step, as one sentence without a full stop.
    fn hint(&self) -> Cow<'static, str>;

    /// What the process ends with when this ends it; [`FAILED`] unless a script has to tell this cause from others.
    fn exit_code(&self) -> u8 {
        FAILED
    }
}

/// Why a command did not do what it was asked for: an error of any area, ready to be printed.
#[derive(Debug)]
pub struct Failure(Box<dyn Explain>);

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_causes(&*self.0))
    }
}

impl Failure {
    /// What the process ends with.
    pub fn exit_code(&self) -> u8 {
        self.0.exit_code()
    }

    /// For people: what happened, with its causes, and on the next line what to do.
    pub fn to_text(&self) -> String {
        printable_lines(&format!("error: {self}\nhint: {}\n", self.0.hint()))
    }

    /// The same for programs: one line of JSON with `error`, `hint` and `exit_code`.
    pub fn to_json(&self) -> String {
        let object = json!({"error": self.to_string(), "hint": self.0.hint(), "exit_code": self.exit_code()});
        format!("{}\n", printable_json_text(&object.to_string()))
    }
}

/// Error and hint as one line, for the command line's own messages.
pub(crate) fn one_line(error: &impl Explain) -> String {
    format!("{}; {}", with_causes(error), error.hint())
}

/// An error with its causes.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some messages already hold their cause because it is all there is to say.
        if !text.ends_with(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    text
}
