//! What the binary can do, one command a file.

mod audit;
mod config;
mod db;
mod dev;
mod doctor;
mod init;
mod installation;
mod key;
mod password_input;
mod pepper;
mod serve;
mod service;
mod session;
mod smoke;
mod terminal;
mod user;
mod user_import;
mod user_list;
mod user_otp;
mod user_seal;

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use authsvc_core::clock::{Clock, SystemClock};

use crate::cli::{Cli, Command, ConfigArgs};
use crate::config::{Config, Overrides};

/// An error on its way to the person at the terminal.
type CommandError = Box<dyn Error + Send + Sync>;

/// Runs a command: 0 when it worked, 1 when it did not. Wrong arguments have ended the process with 2 before.
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(dispatch(cli)) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}

async fn dispatch(cli: Cli) -> Result<ExitCode, CommandError> {
    crate::lifecycle::harden_process();
    match cli.command {
        Command::Dev(args) => dev::run(args).await,
        Command::Init(args) => init::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::User(command) => user::run(command).await,
        Command::Service(command) => service::run(command).await,
        Command::Session(command) => session::run(command).await,
        Command::Token(command) => session::run_token(command).await,
        Command::Key(command) => key::run(command).await,
        Command::Pepper(command) => pepper::run(command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Explain(args) => audit::explain(args).await,
        Command::Db(command) => db::run(command).await,
        Command::Config(command) => config::run(command),
        Command::Doctor(args) => doctor::run(args).await,
        Command::Smoke(args) => smoke::run(args).await,
        Command::Openapi => print(&format!("{}\n", crate::transport::http::openapi_json())),
    }
}

/// Prints to standard output; a reader that has left is no error.
fn print(text: &str) -> Result<ExitCode, CommandError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The error and its causes, one a line.
fn fail(error: &dyn Error) -> ExitCode {
    let mut text = format!("error: {error}\n");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("  because: {cause}\n"));
        source = cause.source();
    }
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
    ExitCode::FAILURE
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The configuration of the installation that a command works on.
fn load(args: &ConfigArgs) -> Result<Config, CommandError> {
    load_with(&args.config, &Overrides::default())
}

fn load_with(file: &Path, overrides: &Overrides) -> Result<Config, CommandError> {
    private_files::check_unchangeable(file)?;
    Ok(Config::load(file, environment(), overrides)?)
}

/// The environment. A value that is not text keeps its name, so that it is refused as a value and not overlooked.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads settings from the environment"
)]
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
}

fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}
