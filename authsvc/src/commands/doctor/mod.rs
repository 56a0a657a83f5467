//! `authsvc doctor`: everything that `serve` needs, looked at without changing it. One line a check, with what to do next.

mod checks;

use std::fmt;
use std::process::ExitCode;

use serde_json::json;

use super::{CommandError, load, print};
use crate::cli::DoctorArgs;

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As it should be.
    Ok,
    /// The service runs, and somebody should see to this before it does not.
    Warn,
    /// The service does not start, or does not do its work.
    Fail,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// A line of the report.
struct Finding {
    check: &'static str,
    state: State,
    says: String,
    next: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Ok,
            says: says.into(),
            next: None,
        }
    }

    fn warn(check: &'static str, says: impl Into<String>, next: &str) -> Self {
        Self {
            check,
            state: State::Warn,
            says: says.into(),
            next: Some(next.to_owned()),
        }
    }

    fn fail(check: &'static str, says: impl Into<String>, next: &str) -> Self {
        Self {
            state: State::Fail,
            ..Self::warn(check, says, next)
        }
    }

    fn to_json(&self) -> String {
        json!({ "check": self.check, "state": self.state.name(), "says": self.says, "next": self.next }).to_string()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:4}  {:13}  {}", self.state.name(), self.check, self.says)?;
        match &self.next {
            Some(next) => write!(f, "; next: {next}"),
            None => Ok(()),
        }
    }
}

/// 0 when nothing fails, 1 otherwise. Warnings do not fail: the service runs.
pub(super) async fn run(args: DoctorArgs) -> Result<ExitCode, CommandError> {
    let findings = match load(&args.config) {
        Err(error) => vec![Finding::fail(
            "configuration",
            one_line(error.as_ref()),
            "authsvc config check names every fault; docs/configuration.md says what is expected",
        )],
        Ok(config) => {
            let file = args.config.config.display();
            let mut findings = vec![Finding::ok("configuration", format!("{file} can be used"))];
            findings.extend(checks::all(&config, &args.config).await);
            findings
        }
    };
    let mut text = String::new();
    for finding in &findings {
        let line = if args.json {
            finding.to_json()
        } else {
            finding.to_string()
        };
        text.push_str(&line);
        text.push('\n');
    }
    print(&text)?;
    Ok(match findings.iter().any(|finding| finding.state == State::Fail) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// An error and its causes. Whatever a file or a name contains, it stays on its line.
fn one_line(error: &dyn std::error::Error) -> String {
    let text = authsvc_core::service::error::describe(error);
    text.split('\n').map(str::trim).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_one_line_each_and_say_what_to_do() {
        let finding = Finding::fail("database", "gone", "look for it");
        assert_eq!(finding.to_string(), "fail  database       gone; next: look for it");
        assert_eq!(
            finding.to_json(),
            r#"{"check":"database","next":"look for it","says":"gone","state":"fail"}"#
        );
        assert_eq!(Finding::ok("ports", "free").to_string(), "ok    ports          free");
    }
}
