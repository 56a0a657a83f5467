//! Whether a file is still the one that was read, without reading it again.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the system says of a file. Any way to change its content changes one of these: writing into it, renaming another
/// one over it, or leading a symbolic link elsewhere, as Kubernetes does for all files of a volume at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileState {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileState {
    /// `None` where there is none, or it cannot be looked at.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_way_to_change_a_file_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let file = at("file");
        assert_eq!(FileState::of(&file), None);
        std::fs::write(&file, "one").unwrap();
        let first = FileState::of(&file);
        assert!(first.is_some());
        assert_eq!(FileState::of(&file), first, "looking changes nothing");

        // Of the same length, within the same second.
        std::fs::write(at("other"), "two").unwrap();
        std::fs::rename(at("other"), &file).unwrap();
        let second = FileState::of(&file);
        assert_ne!(second, first);

        // As Kubernetes does it: the file is a link into `..data`, which is a link itself.
        for (version, text) in [("v1", "a"), ("v2", "b")] {
            std::fs::create_dir(at(version)).unwrap();
            std::fs::write(at(version).join("tls.crt"), text).unwrap();
        }
        symlink("v1", at("..data")).unwrap();
        symlink("..data/tls.crt", at("tls.crt")).unwrap();
        let before = FileState::of(&at("tls.crt"));
        symlink("v2", at("..data_tmp")).unwrap();
        std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
        assert_ne!(FileState::of(&at("tls.crt")), before);

        std::fs::remove_file(&file).unwrap();
        assert_eq!(FileState::of(&file), None);
    }
}
