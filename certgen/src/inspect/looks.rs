//! What bytes look like that are none of the things that can be shown, and what to do with them.

/// What they look like, and the next step.
pub(super) fn looks_like(bytes: &[u8]) -> (&'static str, &'static str) {
    let text = bytes.trim_ascii_start();
    for (magic, name, step) in KNOWN {
        if bytes.starts_with(magic) || (magic.is_ascii() && text.starts_with(magic)) {
            return (name, step);
        }
    }
    match bytes {
        [] => ("nothing at all: it is empty", "check how it was written"),
        [0x30, ..] => (
            "DER of a kind that is not shown, or damaged DER",
            "`openssl asn1parse -inform DER` shows its structure",
        ),
        _ if text.is_empty() => ("white space", "check how it was written"),
        _ if bytes
            .iter()
            .all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace()) =>
        {
            (
                "text without PEM blocks",
                "give a file with -----BEGIN CERTIFICATE----- or the like in it, or DER",
            )
        }
        _ => ("binary data of another kind", "give PEM or DER"),
    }
}

const CONVERT_STORE: &str =
    "convert it with: keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype pkcs12";
const UNPACK: &str = "unpack it first";

/// Beginnings of files.
const KNOWN: &[(&[u8], &str, &str)] = &[
    (b"\xfe\xed\xfe\xed", "a Java keystore (JKS)", CONVERT_STORE),
    (b"\xce\xce\xce\xce", "a Java keystore (JCEKS)", CONVERT_STORE),
    (b"\xff\xfe", "UTF-16 text", "convert it with: iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "convert it with: iconv -f UTF-16 -t UTF-8"),
    (b"\x1f\x8b", "gzip", UNPACK),
    (b"PK\x03\x04", "a ZIP archive", UNPACK),
    (b"BZh", "bzip2", UNPACK),
    (b"\x28\xb5\x2f\xfd", "zstd", UNPACK),
    (b"\x7fELF", "a program", "give PEM or DER"),
    (b"%PDF", "a PDF document", "give PEM or DER"),
    (
        b"SQLite format 3\0",
        "an SQLite database, such as NSS keeps",
        "export from it with: certutil -L -d DIR -n NAME -a",
    ),
    (b"ssh-", "an SSH public key", "`ssh-keygen -lf FILE` shows it"),
    (b"ecdsa-sha2-", "an SSH public key", "`ssh-keygen -lf FILE` shows it"),
    (
        b"SSH PRIVATE KEY FILE FORMAT",
        "an SSH private key",
        "`ssh-keygen -lf FILE` shows it",
    ),
    (b"age-encryption.org/", "a file encrypted with age", "decrypt it first"),
    (
        b"<",
        "HTML or XML, perhaps the page of an error",
        "look at it in an editor",
    ),
    (b"{", "JSON", "give PEM or DER"),
    (b"[", "JSON or a configuration file", "give PEM or DER"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_recognised() {
        for (bytes, expected) in [
            (&b""[..], "nothing at all: it is empty"),
            (b" \n", "white space"),
            (b"\n<html>", "HTML or XML, perhaps the page of an error"),
            (b"\xfe\xed\xfe\xed\0", "a Java keystore (JKS)"),
            (b"\x30\x03\x02\x01", "DER of a kind that is not shown, or damaged DER"),
            (b"hello\n", "text without PEM blocks"),
            (b"\0\x01", "binary data of another kind"),
        ] {
            assert_eq!(looks_like(bytes).0, expected);
        }
    }
}
