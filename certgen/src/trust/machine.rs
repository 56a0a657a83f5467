//! What there is on a machine: tools, and somebody's home directory.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Where to look for tools and stores. A value, so that tests choose it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Directories with programs, in order.
    pub programs: Vec<PathBuf>,
    /// The home directory of the user whose browsers are meant.
    pub home: Option<PathBuf>,
    /// Where Java is, if it is said.
    pub java_home: Option<PathBuf>,
    /// The directory that all others are in: `/`.
    pub top: PathBuf,
}

/// Where administrators' tools are that a user's `PATH` often leaves out.
const ADMINISTRATION: [&str; 2] = ["/usr/sbin", "/sbin"];

impl Machine {
    /// This machine, by the values of `PATH`, `HOME` and `JAVA_HOME`. What is not absolute in them is passed over: a tool
    /// is never taken from wherever one happens to be.
    pub fn new(path: Option<&OsStr>, home: Option<&OsStr>, java_home: Option<&OsStr>) -> Self {
        let absolute = |path: Option<&OsStr>| path.map(PathBuf::from).filter(|path| path.is_absolute());
        let mut programs: Vec<_> = std::env::split_paths(path.unwrap_or_default())
            .filter(|directory| directory.is_absolute())
            .collect();
        programs.extend(ADMINISTRATION.map(PathBuf::from));
        Self {
            programs,
            home: absolute(home),
            java_home: absolute(java_home),
            top: PathBuf::from("/"),
        }
    }

    /// The first program of this name.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        self.programs
            .iter()
            .map(|directory| directory.join(name))
            .find(|path| is_executable(path))
    }

    /// A path below the top.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.top.join(path)
    }
}

pub(super) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| there.is_file() && there.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_never_taken_from_a_relative_directory() {
        let machine = Machine::new(Some(OsStr::new(".:bin::/usr/bin")), Some(OsStr::new("home")), None);
        let expected = ["/usr/bin", "/usr/sbin", "/sbin"].map(PathBuf::from);
        assert_eq!(machine.programs, expected);
        assert_eq!(machine.home, None);
    }
}
