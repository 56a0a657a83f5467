//! The header of encrypted files.

use cryptokit::jwe::{FileHeader, FileHeaderError, JweEncrypter, JweError, Recipient};

use crate::support::*;

#[test]
fn each_recipient_gets_the_same_key_and_nobody_else_any() {
    for provider in decrypting() {
        let encrypter = encrypter(provider, Alice).and(to(provider, Carol)).without_commitment();
        let (header, key) = FileHeader::create(&encrypter).unwrap();
        let (_, other) = FileHeader::create(&encrypter).unwrap();
        assert_ne!(key.expose_secret(), other.expose_secret(), "a key for each file");

        let file = [header.as_bytes(), b"stream"].concat();
        let read = FileHeader::read(&file).unwrap();
        assert_eq!(read, header);
        for who in [Alice, Carol] {
            let opened = read.open(&decrypter(provider, who)).unwrap();
            assert_eq!(opened.expose_secret(), key.expose_secret());
        }
        assert_eq!(read.open(&decrypter(provider, Bob)).unwrap_err(), JweError::Open);
    }
}

#[test]
fn a_file_key_is_no_message_and_a_message_no_file_key() {
    for provider in decrypting() {
        let encrypter = encrypter(provider, Alice);
        let (header, _) = FileHeader::create(&encrypter).unwrap();
        let message = std::str::from_utf8(&header.as_bytes()[FileHeader::PREFIX_LEN..]).unwrap();
        assert_eq!(
            decrypter(provider, Alice).decrypt_json(message).unwrap_err(),
            JweError::Open
        );

        let message = encrypter.encrypt_json(&[7; 32]).unwrap();
        assert_eq!(FileHeader::read(&framed(&message)), Err(FileHeaderError::Malformed));
        let bound = encrypter.associated_data(b"x");
        assert_eq!(FileHeader::create(&bound).unwrap_err(), JweError::AssociatedData);
    }
}

#[test]
fn a_header_that_nobody_could_read_is_not_made() {
    let provider = cryptokit::Provider::default();
    // A control character takes six bytes of JSON.
    let named = |index: u8| {
        let kid = format!("{}{}", index as char, "\u{1}".repeat(255));
        Recipient::with_key_id(&kid, encryption_key(provider, Carol)).unwrap()
    };
    let encrypter = (1..32).fold(JweEncrypter::new(named(b' ')), |encrypter, index| {
        encrypter.and(named(b' ' + index))
    });
    assert_eq!(FileHeader::create(&encrypter).unwrap_err(), JweError::TextTooLong);
}

fn framed(message: &str) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [b"cryptokit-file/1".as_slice(), &length, message.as_bytes()].concat()
}

#[test]
fn a_cut_header_says_what_it_needs_and_a_wrong_one_is_refused() {
    let (header, _) = FileHeader::create(&encrypter(cryptokit::Provider::default(), Alice)).unwrap();
    let bytes = header.as_bytes();
    for len in 0..FileHeader::PREFIX_LEN {
        let needed = FileHeader::PREFIX_LEN;
        assert_eq!(
            FileHeader::read(&bytes[..len]),
            Err(FileHeaderError::Incomplete { needed })
        );
    }
    for len in FileHeader::PREFIX_LEN..bytes.len() {
        let needed = bytes.len();
        assert_eq!(
            FileHeader::read(&bytes[..len]),
            Err(FileHeaderError::Incomplete { needed })
        );
    }
    for start in [b"x".as_slice(), b"cryptokit-file/2", b"age-encryption.org/v1"] {
        assert_eq!(FileHeader::read(start), Err(FileHeaderError::NotAFile));
    }
    let endless = [b"cryptokit-file/1".as_slice(), &[0xff; 4]].concat();
    assert_eq!(FileHeader::read(&endless), Err(FileHeaderError::Malformed));
    for message in ["", "{}", "\u{0}"] {
        assert_eq!(FileHeader::read(&framed(message)), Err(FileHeaderError::Malformed));
    }
}

#[test]
fn the_context_binds_header_and_purpose_without_mixing_them_up() {
    let encrypter = encrypter(cryptokit::Provider::default(), Alice);
    let (one, _) = FileHeader::create(&encrypter).unwrap();
    let (other, _) = FileHeader::create(&encrypter).unwrap();
    assert_eq!(
        one.context(b"backup"),
        FileHeader::read(one.as_bytes()).unwrap().context(b"backup")
    );
    assert_ne!(one.context(b"backup"), other.context(b"backup"));
    assert_ne!(one.context(b"backup"), one.context(b"export"));
}
