//! Who can read a file of which profile.

use super::Profile;

/// A program that imports PKCS#12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its name and versions.
    pub program: &'static str,
    /// Whether it opens the file.
    pub answer: Answer,
    /// What there is to know besides.
    pub note: &'static str,
}

/// Whether a program opens a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It does in the tests of this project.
    Tested,
    /// It does by what its makers or users say.
    Reported,
    /// It does not.
    No,
}

impl Answer {
    /// For people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Tested => "yes",
            Self::Reported => "yes, as reported",
            Self::No => "no",
        }
    }
}

/// By research §7.6 of this project and `tests/interop/bundle.sh`.
pub(super) const fn of(profile: Profile) -> &'static [Reader] {
    match profile {
        Profile::Modern => &MODERN,
        Profile::JavaTrust => &JAVA_TRUST,
        Profile::Legacy => &LEGACY,
    }
}

const MODERN: [Reader; 7] = [
    reader("OpenSSL 1.1 and 3", Answer::Tested, "tested with 3.0"),
    reader(
        "Java 12 and later",
        Answer::Tested,
        "tested with 17; password of printable ASCII",
    ),
    reader("NSS, Firefox", Answer::Tested, "tested with pk12util 3.87"),
    reader("GnuTLS", Answer::Tested, "tested with certtool 3.7"),
    reader(".NET 9", Answer::Reported, "within its default limits"),
    reader("Windows 10, Server 2019 and later", Answer::Reported, ""),
    reader(
        "macOS Keychain",
        Answer::No,
        "failures are reported: use --profile legacy",
    ),
];

const JAVA_TRUST: [Reader; 3] = [
    reader(
        "Java 12 and later",
        Answer::Tested,
        "tested with 17: trusted certificate entries",
    ),
    reader(
        "OpenSSL 3, NSS, GnuTLS",
        Answer::Tested,
        "certificates; nothing is trusted by it",
    ),
    reader(
        "Java 8 before 8u301, 11 before 11.0.12",
        Answer::No,
        "use keytool -importcert there",
    ),
];

const LEGACY: [Reader; 7] = [
    reader("OpenSSL 1.1 and 3", Answer::Tested, "tested with 3.0; not in FIPS mode"),
    reader("Java", Answer::Tested, "tested with 17; password of printable ASCII"),
    reader("NSS, Firefox", Answer::Tested, "tested with pk12util 3.87"),
    reader("GnuTLS", Answer::Tested, "tested with certtool 3.7"),
    reader("macOS Keychain", Answer::Reported, ""),
    reader("Windows of any age", Answer::Reported, ""),
    reader(
        "what is held to FIPS 140-3",
        Answer::No,
        "3DES and SHA-1 are not approved",
    ),
];

const fn reader(program: &'static str, answer: Answer, note: &'static str) -> Reader {
    Reader { program, answer, note }
}
