//! Java's trust store: that of an installation, or a key store that is named.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use cryptokit::hash::sha256;
use cryptokit::secret::SecretString;

use super::invocation::Invocation;
use super::machine::{Machine, is_executable};
use super::root::Root;
use super::{Standing, TrustError};
use crate::documents;
use crate::text::hex;

/// The password that the store of every Java installation has.
const DEFAULT_PASSWORD: &str = "changeit";
/// Where keytool finds another one: never in an argument.
const PASSWORD_VARIABLE: &str = "CERTGEN_STORE_PASSWORD";

/// A store with its tool.
#[derive(Debug)]
pub struct JavaStore {
    keytool: PathBuf,
    /// None for the store of the installation.
    store: Option<PathBuf>,
    password: Option<SecretString>,
}

impl JavaStore {
    /// The store of the Java installation that `JAVA_HOME` or the search path names, or another one. Without a password
    /// it is the one that every installation starts with.
    ///
    /// # Errors
    ///
    /// [`TrustError::NoTool`]; [`TrustError::Read`] when there is no such store.
    pub fn find(machine: &Machine, store: Option<&Path>, password: Option<SecretString>) -> Result<Self, TrustError> {
        let of_java_home = machine.java_home.as_ref().map(|home| home.join("bin/keytool"));
        let keytool = of_java_home
            .filter(|keytool| is_executable(keytool))
            .or_else(|| machine.program("keytool"))
            .ok_or(TrustError::NoTool {
                tool: "keytool",
                package: "it comes with Java",
            })?;
        let store = match store {
            None => None,
            Some(path) => {
                let failed = |source| TrustError::Read {
                    path: path.to_owned(),
                    source,
                };
                // keytool would make a new one.
                std::fs::metadata(path).map_err(failed)?;
                Some(std::path::absolute(path).map_err(failed)?)
            }
        };
        Ok(Self {
            keytool,
            store,
            password,
        })
    }

    pub(super) fn name(&self) -> String {
        match &self.store {
            Some(store) => format!("Java: {}", store.display()),
            None => format!("Java: cacerts of {}", self.keytool.display()),
        }
    }

    pub(super) fn standing(&self, root: &Root) -> Result<Standing, TrustError> {
        let listing = self.run(&self.keytool(["-J-Duser.language=en", "-list", "-rfc"]))?;
        let entries = aliases(&String::from_utf8_lossy(&listing), &root.fingerprint());
        Ok(Standing {
            is_trusted: !entries.is_empty(),
            entries,
        })
    }

    pub(super) fn install(&self, root: &Root) -> Vec<Invocation> {
        let name = root.name();
        let arguments: [&OsStr; 6] = [
            "-importcert".as_ref(),
            "-noprompt".as_ref(),
            "-alias".as_ref(),
            name.as_ref(),
            "-file".as_ref(),
            root.path().as_ref(),
        ];
        vec![self.keytool(arguments)]
    }

    pub(super) fn uninstall(&self, standing: &Standing) -> Vec<Invocation> {
        let delete = |alias: &String| self.keytool(["-delete", "-alias", alias]);
        standing.entries.iter().map(delete).collect()
    }

    /// Runs one of its commands, with its password.
    ///
    /// # Errors
    ///
    /// As [`Invocation::run`].
    pub fn run(&self, invocation: &Invocation) -> Result<Vec<u8>, TrustError> {
        let secret = self.password.as_ref().map(|password| (PASSWORD_VARIABLE, password));
        invocation.run_with_secret(secret)
    }

    fn keytool<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Invocation {
        let mut all: Vec<OsString> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        match &self.store {
            Some(store) => all.extend(["-keystore".into(), store.clone().into_os_string()]),
            None => all.push("-cacerts".into()),
        }
        match &self.password {
            Some(_) => all.extend(["-storepass:env", PASSWORD_VARIABLE].map(OsString::from)),
            None => all.extend(["-storepass", DEFAULT_PASSWORD].map(OsString::from)),
        }
        Invocation::new(&self.keytool, all)
    }
}

/// The aliases of trusted entries with this fingerprint in what `keytool -list -rfc` prints: for each entry its alias, its
/// type and its certificate.
fn aliases(listing: &str, fingerprint: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in listing.split("\nAlias name: ").skip(1) {
        let alias = entry.lines().next().unwrap_or_default();
        // A key's certificate is in the store and not trusted by it.
        if !entry.contains("\nEntry type: trustedCertEntry\n") {
            continue;
        }
        let has = documents::parse(entry.as_bytes()).is_ok_and(|certificates| {
            certificates
                .iter()
                .any(|certificate| hex(&sha256(&certificate.der)) == fingerprint)
        });
        if has {
            found.push(alias.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_found_by_the_certificate_and_only_if_trusted() {
        let block = "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n";
        let entry = |alias: &str, kind: &str| {
            format!("\nAlias name: {alias}\nCreation date: today\nEntry type: {kind}\n\n{block}\n\n*****\n")
        };
        let listing = format!(
            "Keystore type: JKS\n\nYour keystore contains 2 entries\n{}{}{}",
            entry("debian:a b.pem", "trustedCertEntry"),
            entry("mine", "PrivateKeyEntry"),
            entry("other", "trustedCertEntry").replace("MAMCAQA=", "MAMCAQE=")
        );
        let fingerprint = hex(&sha256(&[0x30, 3, 2, 1, 0]));
        assert_eq!(aliases(&listing, &fingerprint), ["debian:a b.pem"]);
    }
}
