//! NSS databases: Firefox's, one for each profile, and Chromium's, one for each user.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use cryptokit::hash::sha256;

use super::invocation::Invocation;
use super::machine::Machine;
use super::root::Root;
use super::{Standing, TrustError};
use crate::documents;
use crate::text::hex;

/// Trusted to issue certificates of servers, and of nothing else.
const TRUSTED: &str = "C,,";

/// Databases by themselves.
const DATABASES: [(&str, &str); 4] = [
    ("Chromium", ".pki/nssdb"),
    ("Chromium", ".local/share/pki/nssdb"),
    ("Chromium snap", "snap/chromium/current/.pki/nssdb"),
    ("Chromium flatpak", ".var/app/org.chromium.Chromium/data/pki/nssdb"),
];

/// Directories in which each profile is a directory with a database.
const PROFILES: [(&str, &str); 4] = [
    ("Firefox", ".mozilla/firefox"),
    ("Firefox", ".config/mozilla/firefox"),
    ("Firefox snap", "snap/firefox/common/.mozilla/firefox"),
    ("Firefox flatpak", ".var/app/org.mozilla.firefox/.mozilla/firefox"),
];

/// A database with its tool.
#[derive(Clone, Debug)]
pub struct NssDatabase {
    program: &'static str,
    directory: PathBuf,
    certutil: PathBuf,
}

impl NssDatabase {
    /// Finds the databases of the user. There is none before a browser has been started.
    ///
    /// # Errors
    ///
    /// [`TrustError::NoTool`] when there are some and certutil is missing.
    pub fn find(machine: &Machine) -> Result<Vec<Self>, TrustError> {
        let found = directories(machine);
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let certutil = machine.program("certutil").ok_or(TrustError::NoTool {
            tool: "certutil",
            package: "libnss3-tools on Debian, nss-tools on Fedora, nss on Arch",
        })?;
        let database = |(program, directory)| Self {
            program,
            directory,
            certutil: certutil.clone(),
        };
        Ok(found.into_iter().map(database).collect())
    }

    pub(super) fn name(&self) -> String {
        format!("NSS, {}: {}", self.program, self.directory.display())
    }

    pub(super) fn standing(&self, root: &Root) -> Result<Standing, TrustError> {
        let listing = self.certutil(["-L"]).run()?;
        let mut standing = Standing::default();
        for (nickname, flags) in nicknames(&String::from_utf8_lossy(&listing)) {
            let Ok(pem) = self.certutil(["-L", "-n", nickname, "-a"]).run() else {
                // A nickname that does not survive the listing, with spaces at its end for example: not one of ours.
                continue;
            };
            let Ok(certificates) = documents::parse(&pem) else {
                continue;
            };
            // Certificates of one subject share a nickname, and then certutil deletes whichever comes first.
            if let [only] = &certificates[..]
                && hex(&sha256(&only.der)) == root.fingerprint()
            {
                standing.entries.push(nickname.to_owned());
                standing.is_trusted |= flags.split(',').next().is_some_and(|servers| servers.contains('C'));
            }
        }
        Ok(standing)
    }

    pub(super) fn install(&self, root: &Root, standing: &Standing) -> Vec<Invocation> {
        match standing.entries.first() {
            // It is there and not trusted.
            Some(nickname) => vec![self.certutil(["-M", "-n", nickname, "-t", TRUSTED])],
            None => {
                let name = root.name();
                let arguments: [&OsStr; 7] = [
                    "-A".as_ref(),
                    "-n".as_ref(),
                    name.as_ref(),
                    "-t".as_ref(),
                    TRUSTED.as_ref(),
                    "-i".as_ref(),
                    root.path().as_ref(),
                ];
                vec![self.certutil(arguments)]
            }
        }
    }

    pub(super) fn uninstall(&self, standing: &Standing) -> Vec<Invocation> {
        let delete = |nickname: &String| self.certutil(["-D", "-n", nickname]);
        standing.entries.iter().map(delete).collect()
    }

    fn certutil<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Invocation {
        let mut database = OsString::from("sql:");
        database.push(&self.directory);
        let which = [OsString::from("-d"), database];
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        Invocation::new(&self.certutil, arguments.chain(which))
    }
}

fn directories(machine: &Machine) -> Vec<(&'static str, PathBuf)> {
    let Some(home) = &machine.home else {
        return Vec::new();
    };
    let mut found: Vec<_> = DATABASES
        .into_iter()
        .map(|(program, directory)| (program, home.join(directory)))
        .collect();
    for (program, directory) in PROFILES {
        let Ok(profiles) = fs::read_dir(home.join(directory)) else {
            continue;
        };
        let mut profiles: Vec<_> = profiles.flatten().map(|profile| profile.path()).collect();
        profiles.sort();
        found.extend(profiles.into_iter().map(|profile| (program, profile)));
    }
    found.retain(|(_, directory)| is_database(directory));
    found
}

fn is_database(directory: &Path) -> bool {
    directory.join("cert9.db").is_file()
}

/// What `certutil -L` lists: a nickname, spaces, and three groups of flags with commas between them.
fn nicknames(listing: &str) -> impl Iterator<Item = (&str, &str)> {
    listing.lines().filter_map(|line| {
        let (nickname, flags) = line.trim_end().rsplit_once(char::is_whitespace)?;
        let is_flags = flags.matches(',').count() == 2 && flags.chars().all(|flag| "pPcCTuwgG,".contains(flag));
        is_flags.then_some((nickname.trim_end(), flags))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nicknames_are_read_from_a_listing() {
        let listing = "\nCertificate Nickname                    Trust Attributes\n\
                       \x20                                        SSL,S/MIME,JAR/XPI\n\n\
                       my root                                  C,,  \nplain   ,,\nwith, comma      CT,C,c\n";
        let found: Vec<_> = nicknames(listing).collect();
        assert_eq!(found, [("my root", "C,,"), ("plain", ",,"), ("with, comma", "CT,C,c")]);
    }
}
