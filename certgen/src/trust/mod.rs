//! Trust stores: where a root has to be for the programs of a machine to accept what it issued.
//!
//! Nothing is written by this module itself. It looks where a root is, and says which commands of the systems' own tools
//! put it there or take it away; [`Invocation`] shows such a command as a line for a shell and runs it without one.
//! A root is known by its bytes, never by its name: only that very certificate is taken away.

mod invocation;
mod java;
mod machine;
mod nss;
mod root;
mod system;

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

pub use invocation::Invocation;
pub use java::JavaStore;
pub use machine::Machine;
pub use nss::NssDatabase;
pub use root::{Root, RootError};
pub use system::SystemStore;

use crate::explain::Explain;

/// One trust store.
#[derive(Debug)]
#[non_exhaustive]
pub enum Store {
    /// The system's.
    System(SystemStore),
    /// A browser's.
    Nss(NssDatabase),
    /// Java's.
    Java(JavaStore),
}

/// Where a root stands in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the store trusts it to issue certificates of servers.
    pub is_trusted: bool,
    /// What holds it: files, nicknames or aliases.
    pub entries: Vec<String>,
}

impl Store {
    /// As it is called in reports.
    pub fn name(&self) -> String {
        match self {
            Self::System(store) => store.name(),
            Self::Nss(database) => database.name(),
            Self::Java(store) => store.name(),
        }
    }

    /// Where the root stands. Reads, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`TrustError`] when the store cannot be read.
    pub fn standing(&self, root: &Root) -> Result<Standing, TrustError> {
        match self {
            Self::System(store) => store.standing(root),
            Self::Nss(database) => database.standing(root),
            Self::Java(store) => store.standing(root),
        }
    }

    /// What makes the store trust the root; nothing if it does.
    pub fn install(&self, root: &Root, standing: &Standing) -> Vec<Invocation> {
        match self {
            _ if standing.is_trusted => Vec::new(),
            Self::System(store) => store.install(root),
            Self::Nss(database) => database.install(root, standing),
            Self::Java(store) => store.install(root),
        }
    }

    /// What takes the root out of the store; nothing if it is not in it.
    pub fn uninstall(&self, standing: &Standing) -> Vec<Invocation> {
        match self {
            _ if standing.entries.is_empty() => Vec::new(),
            Self::System(store) => store.uninstall(standing),
            Self::Nss(database) => database.uninstall(standing),
            Self::Java(store) => store.uninstall(standing),
        }
    }

    /// Whether only the superuser can change it.
    pub fn needs_superuser(&self) -> bool {
        matches!(self, Self::System(_))
    }
}

/// Why a store was not read or not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The tool that keeps the store is not installed.
    #[error("{tool} is not installed")]
    NoTool {
        /// Its name.
        tool: &'static str,
        /// What it is installed with.
        package: &'static str,
    },
    /// No known trust store of the system.
    #[error("this system has no trust store that certgen knows")]
    UnknownSystem,
    /// A tool could not be started.
    #[error("cannot run `{}`", program.display())]
    Start {
        /// The tool.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A tool failed.
    #[error("`{command}` failed with {status}{}", said(output))]
    Failed {
        /// The command as a shell would take it.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        output: String,
    },
    /// A file of the store cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The commands ran, and the store is not as it should be.
    #[error("the commands ran, but the root is {} there", if *is_trusted { "still trusted" } else { "not trusted" })]
    NotEffective {
        /// What was found.
        is_trusted: bool,
    },
    /// It is trusted by something that certgen cannot take away.
    #[error("the root is trusted there, but not by an entry of its own")]
    NoEntry,
}

fn said(output: &str) -> String {
    match output.trim() {
        "" => String::new(),
        output => format!(": {output}"),
    }
}

impl Explain for TrustError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::NoTool { package, .. } => format!("install it: {package}").into(),
            Self::UnknownSystem => "install the certificate by hand, as the system's manual says".into(),
            Self::Start { .. } | Self::Read { .. } => "check who may read and run it".into(),
            Self::Failed { .. } => "correct what it says; --dry-run prints the commands, to be run by hand".into(),
            Self::NotEffective { .. } | Self::NoEntry => "look into the store with its own tool".into(),
        }
    }
}
