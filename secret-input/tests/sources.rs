//! Every source but the terminal, which `cryptokit-cli` tests where there is one.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Write as _, pipe};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use rustix::fs::OFlags;
use secret_input::{Age, MAX_LEN, Secret, SecretInputError, SecretSource};

const SECRET: Secret = Secret {
    what: "passphrase",
    flags: "--passphrase-file FILE",
};

/// The secret, or what is said instead.
fn read(source: &SecretSource, age: Age) -> Result<String, String> {
    match source.read(SECRET, age) {
        Ok(secret) => Ok(secret.as_str().to_owned()),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            Err(format!("{error}{}; {}", cause.unwrap_or_default(), error.hint()))
        }
    }
}

fn existing(source: &SecretSource) -> Result<String, String> {
    read(source, Age::Existing)
}

fn descriptor(open: &impl AsRawFd) -> SecretSource {
    SecretSource::Descriptor(open.as_raw_fd().unsigned_abs())
}

fn secret_file(directory: &Path, content: &[u8]) -> SecretSource {
    let path = directory.join("secret");
    let _ = fs::remove_file(&path);
    private_files::write_new(&path, content).unwrap();
    SecretSource::from_file_argument(&path)
}

/// A pipe that holds this and whose writer has left.
fn pipe_with(content: &[u8]) -> std::io::PipeReader {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(content).unwrap();
    reader
}

#[test]
fn the_first_line_counts_without_its_end() {
    let directory = tempfile::tempdir().unwrap();
    for (content, secret) in [
        (&b"secret"[..], "secret"),
        (b"secret\n", "secret"),
        (b"secret\r\nmore\n", "secret"),
        (b" secret \n\n", " secret "),
        ("größer\n".as_bytes(), "größer"),
        (b"\n", ""),
        (b"", ""),
    ] {
        assert_eq!(existing(&secret_file(directory.path(), content)).unwrap(), secret);
        assert_eq!(existing(&descriptor(&pipe_with(content))).unwrap(), secret);
    }
}

#[test]
fn a_new_secret_is_not_empty() {
    let directory = tempfile::tempdir().unwrap();
    for content in [&b""[..], b"\n", b"\r\n", b"\nsecond line"] {
        for source in [secret_file(directory.path(), content), descriptor(&pipe_with(content))] {
            let refused = source.read(SECRET, Age::New);
            assert!(matches!(refused, Err(SecretInputError::Empty { .. })), "{content:?}");
        }
        assert_eq!(existing(&secret_file(directory.path(), content)).unwrap(), "");
    }
}

#[test]
fn what_could_never_be_typed_is_refused_and_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    for (content, why) in [
        (&b"\xef\xbb\xbfsecret"[..], "byte order mark"),
        (b"secret\xff", "not text"),
    ] {
        for source in [secret_file(directory.path(), content), descriptor(&pipe_with(content))] {
            let said = existing(&source).unwrap_err();
            assert!(said.contains(why) && !said.contains("secret\u{fffd}"), "{said}");
        }
    }
}

#[test]
fn a_secret_has_a_largest_length() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("long");
    fs::write(&path, vec![b'x'; MAX_LEN]).unwrap();
    let secret = existing(&descriptor(&File::open(&path).unwrap())).unwrap();
    assert_eq!(secret.len(), MAX_LEN);
    fs::write(&path, vec![b'x'; MAX_LEN + 1]).unwrap();
    let said = existing(&descriptor(&File::open(&path).unwrap())).unwrap_err();
    assert!(said.contains("too long"), "{said}");
}

#[test]
fn files_that_others_can_use_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let source = secret_file(directory.path(), b"secret");
    let path = directory.path().join("secret");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let said = existing(&source).unwrap_err();
    assert!(said.contains("mode 0644") && said.contains("; chmod go= "), "{said}");
    let said = existing(&SecretSource::File(directory.path().join("missing"))).unwrap_err();
    assert!(
        said.contains("No such file") && said.contains("check the path"),
        "{said}"
    );
    let said = existing(&SecretSource::File(directory.path().to_owned())).unwrap_err();
    assert!(said.contains("not a regular file"), "{said}");
}

#[test]
fn an_environment_variable_is_read_by_name() {
    // Set by Cargo for every test.
    let variable = |name: &str| SecretSource::Environment(name.to_owned());
    assert_eq!(existing(&variable("CARGO_PKG_NAME")).unwrap(), "secret-input");
    for name in ["NO_SUCH_VARIABLE_HERE", "", "A=B", "A\0B"] {
        let refused = variable(name).read(SECRET, Age::Existing);
        assert!(matches!(refused, Err(SecretInputError::NotSet { .. })), "{name:?}");
    }
}

#[test]
fn a_descriptor_is_read_to_its_end() {
    let (reader, mut writer) = pipe().unwrap();
    let slow = std::thread::spawn(move || {
        for part in ["sec", "ret", "\n"] {
            writer.write_all(part.as_bytes()).unwrap();
            std::thread::yield_now();
        }
    });
    assert_eq!(existing(&descriptor(&reader)).unwrap(), "secret");
    slow.join().unwrap();
    // It was used up.
    assert_eq!(existing(&descriptor(&reader)).unwrap(), "");
}

#[test]
fn a_named_pipe_whose_writer_has_left_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let reader = OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(&path)
        .unwrap();
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .write_all(b"secret\n")
        .unwrap();
    assert_eq!(existing(&descriptor(&reader)).unwrap(), "secret");
}

#[test]
fn descriptors_that_cannot_be_read_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (_reader, writer) = pipe().unwrap();
    let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    for (source, why) in [
        (
            SecretSource::Descriptor(987_654),
            "descriptor 987654 cannot be read: it is not open",
        ),
        (
            SecretSource::Descriptor(u32::MAX),
            "descriptor 4294967295 cannot be read",
        ),
        (descriptor(&writer), "cannot be read"),
        (descriptor(&File::open(directory.path()).unwrap()), "cannot be read"),
        (descriptor(&socket), "cannot be read"),
    ] {
        let said = existing(&source).unwrap_err();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn standard_input_is_known_by_each_of_its_names() {
    assert!(SecretSource::from_file_argument(Path::new("-")).is_standard_input());
    assert!(SecretSource::Descriptor(0).is_standard_input());
    assert!(!SecretSource::from_file_argument(Path::new("./-")).is_standard_input());
    assert!(!SecretSource::Descriptor(3).is_standard_input());
}
