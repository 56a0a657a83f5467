//! The trust store of the system, which OpenSSL, GnuTLS, curl, Go and others use.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use cryptokit::hash::sha256;

use super::invocation::Invocation;
use super::machine::Machine;
use super::root::Root;
use super::{Standing, TrustError};
use crate::documents;
use crate::text::hex;

/// How a family of systems keeps its roots.
#[derive(Clone, Copy, Debug)]
struct Layout {
    system: &'static str,
    /// Puts what is in the directory of additional roots into force.
    tool: &'static str,
    install: &'static [&'static str],
    uninstall: &'static [&'static str],
    /// The directory of additional roots.
    anchors: &'static str,
    extension: &'static str,
    /// What programs read.
    bundle: &'static str,
}

/// In the order in which they are looked for: on some systems the directory or the tool of another one is there as well.
const LAYOUTS: [Layout; 4] = [
    Layout {
        system: "Fedora, RHEL",
        tool: "update-ca-trust",
        install: &["extract"],
        uninstall: &["extract"],
        anchors: "etc/pki/ca-trust/source/anchors",
        extension: "pem",
        bundle: "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    },
    Layout {
        system: "Arch",
        tool: "trust",
        install: &["extract-compat"],
        uninstall: &["extract-compat"],
        anchors: "etc/ca-certificates/trust-source/anchors",
        extension: "pem",
        bundle: "etc/ca-certificates/extracted/tls-ca-bundle.pem",
    },
    Layout {
        system: "SUSE",
        tool: "update-ca-certificates",
        install: &[],
        uninstall: &[],
        anchors: "etc/pki/trust/anchors",
        extension: "pem",
        bundle: "var/lib/ca-certificates/ca-bundle.pem",
    },
    Layout {
        system: "Debian, Ubuntu",
        tool: "update-ca-certificates",
        install: &[],
        // Without it, the link to a root that is gone stays.
        uninstall: &["--fresh"],
        anchors: "usr/local/share/ca-certificates",
        extension: "crt",
        bundle: "etc/ssl/certs/ca-certificates.crt",
    },
];

/// The trust store of the system.
#[derive(Clone, Debug)]
pub struct SystemStore {
    layout: Layout,
    tool: PathBuf,
    install: PathBuf,
    remove: PathBuf,
    anchors: PathBuf,
    bundle: PathBuf,
}

impl SystemStore {
    /// Finds it.
    ///
    /// # Errors
    ///
    /// [`TrustError::UnknownSystem`], [`TrustError::NoTool`].
    pub fn find(machine: &Machine) -> Result<Self, TrustError> {
        let (layout, tool) = LAYOUTS
            .into_iter()
            .filter(|layout| machine.at(layout.anchors).is_dir())
            .find_map(|layout| Some((layout, machine.program(layout.tool)?)))
            .ok_or(TrustError::UnknownSystem)?;
        let program = |tool: &'static str| {
            let package = "coreutils";
            machine.program(tool).ok_or(TrustError::NoTool { tool, package })
        };
        Ok(Self {
            layout,
            tool,
            install: program("install")?,
            remove: program("rm")?,
            anchors: machine.at(layout.anchors),
            bundle: machine.at(layout.bundle),
        })
    }

    pub(super) fn name(&self) -> String {
        format!("system ({})", self.layout.system)
    }

    pub(super) fn standing(&self, root: &Root) -> Result<Standing, TrustError> {
        let is_trusted = self.bundle.exists() && read(&self.bundle)?.contains(&root.fingerprint());
        let read_directory = |source| TrustError::Read {
            path: self.anchors.clone(),
            source,
        };
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.anchors).map_err(read_directory)? {
            let path = entry.map_err(read_directory)?.path();
            // A file with other certificates besides is somebody else's to change.
            if path.is_file() && read(&path).is_ok_and(|found| found == [root.fingerprint()]) {
                entries.push(path.to_string_lossy().into_owned());
            }
        }
        entries.sort();
        Ok(Standing { is_trusted, entries })
    }

    pub(super) fn install(&self, root: &Root) -> Vec<Invocation> {
        let file = self.anchors.join(format!("{}.{}", root.name(), self.layout.extension));
        let arguments: [&OsStr; 5] = [
            "-m".as_ref(),
            "0644".as_ref(),
            "--".as_ref(),
            root.path().as_ref(),
            file.as_ref(),
        ];
        vec![
            Invocation::new(&self.install, arguments),
            Invocation::new(&self.tool, self.layout.install),
        ]
    }

    pub(super) fn uninstall(&self, standing: &Standing) -> Vec<Invocation> {
        let files = standing.entries.iter().map(String::as_str);
        vec![
            Invocation::new(&self.remove, ["--"].into_iter().chain(files)),
            Invocation::new(&self.tool, self.layout.uninstall),
        ]
    }
}

/// The fingerprints of the certificates in a file.
fn read(path: &Path) -> Result<Vec<String>, TrustError> {
    let documents = documents::read(path).map_err(|error| TrustError::Read {
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    Ok(documents.iter().map(|document| hex(&sha256(&document.der))).collect())
}
