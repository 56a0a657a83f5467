//! Encrypted PKCS#8.
//!
//! The vectors are the first key of RFC 8410 §10.3, a published one, encrypted by OpenSSL 3.0.19 with
//! `openssl pkcs8 -topk8 -passout pass:Rabbit` and the options named beside each.

use cryptokit::encoding::pem;
use cryptokit::key_format::{
    KeyFormatError, MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY_BYTES, MAX_SCRYPT_WORK, PBKDF2_ITERATIONS, PrivateKey,
};
use cryptokit::secret::SecretString;
use hex_literal::hex;

use super::forms::{one_of_each, tlv};

const PLAIN: [u8; 48] =
    hex!("302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842");

const OPENED: [&[u8]; 4] = [
    // `-v2 aes-128-cbc -v2prf hmacWithSHA1`
    &hex!(
        "30818d304906092a864886f70d01050d303c301b06092a864886f70d01050c300e0408118922044800ce9a02020800301d06
         096086480165030401020410d5d22bb4929ecc8ec8c68ca2ac79870a04402ee1da1d9548aeaa1dddca0ee60ef376d95bf6e4
         3956154e53495cdbb1c274a78f2b5a7783999be6e2dccc0c9faaf02ebcef392cf37c37f5b11ee3162c785d98"
    ),
    // `-v2 aes-256-cbc`
    &hex!(
        "30819b305706092a864886f70d01050d304a302906092a864886f70d01050c301c0408aede8aa7f9822b7f02020800300c06
         082a864886f70d02090500301d060960864801650304012a0410aa27f4c477c4630d976efe07f39ae0ce04405afc459d948e
         470e23745f40886e221bacb425d5862dc99c7e07937324ae944ce350ccaa524439785da41b3479e06eebed0f88596c0f56e1
         d964c4aeedd53e87"
    ),
    // `-v2 aes-192-cbc -v2prf hmacWithSHA512`
    &hex!(
        "30819b305706092a864886f70d01050d304a302906092a864886f70d01050c301c0408c346ed65d0a7a72602020800300c06
         082a864886f70d020b0500301d060960864801650304011604102c3a25a48144ba3427428b58ba3bb18a0440cb07f65b4db7
         5b54308518177502144d0ebd8cb41f94a5e855e24982290c917cd48dc6d631eb3b6d20ef0f3c7801bcdeb29ed9f1c40a7314
         42bb704e00a6036d"
    ),
    // `-scrypt`
    &hex!(
        "308193304f06092a864886f70d01050d3042302106092b06010401da47040b3014040876bc4a201649f1f302024000020108
         020101301d060960864801650304012a041076dcdf40ec4a09efe5ed6bfb744f71d20440184c905a857de3f0fce4fd11b75f
         48b433f320fddd5431d597860da816d14041540786d55dfb9c6673d8cc9e325a5cac485b8e32d02544f539d42dd584b24388"
    ),
];

const REFUSED: [(&str, &[u8]); 7] = [
    // `-v2 aes-256-cbc -v2prf hmacWithSHA384`
    (
        "PBKDF2 with HMAC-SHA-384",
        &hex!(
            "30819b305706092a864886f70d01050d304a302906092a864886f70d01050c301c0408077c24f5949c7b4f02020800300c06
         082a864886f70d020a0500301d060960864801650304012a0410eb15a6c09efe9eff4872c62c9b0e654304409444cf06d4d9
         5081dcab140d05bad7d2c63989f5112c7e5bcd3882f955c8582b151eb7ba4c1fb08be05bb0d6372bb921a61ffb1e67be93e0
         7e0d9c83154058cf"
        ),
    ),
    // `-v2 des3`
    (
        "3DES",
        &hex!(
            "30818a304e06092a864886f70d01050d3041302906092a864886f70d01050c301c0408fa722e287166c12602020800300c06
         082a864886f70d02090500301406082a864886f70d03070408a888185dea4a67490438d34d46cd630f817f38b342dbf2e4da
         fa69b1de11ef73ef8475a958c0361f9581b1760efff4cad50bc4e86f5ca4992a3aa955d944428d263d"
        ),
    ),
    // `-v2 rc2`
    (
        "RC2",
        &hex!(
            "308192305606092a864886f70d01050d3049302c06092a864886f70d01050c301f04081e489880fe7dc5fb02020800020110
         300c06082a864886f70d02090500301906082a864886f70d0302300d02013a04083d57f41ef23d89c204387b0ec05575c1ed
         4c0e37b6601c4ab0e0ed9abdc1eec1acdd6c11b08aa255c584cfca630ad70f2dc6306fc160e2a4bd0b79c0be4c2d0d75d1"
        ),
    ),
    // `-v2 des`
    (
        "DES",
        &hex!(
            "308187304b06092a864886f70d01050d303e302906092a864886f70d01050c301c0408e1c0e51d8059a3ac02020800300c06
         082a864886f70d02090500301106052b0e0302070408d912a41fbdf3f8180438719635d33223349fd8f413fc1302c1634bfa
         68dd79b437f9e3b615fbcd6384d4dc923b3380a59b86cb92c52c6c459339e36d9960207c3c0d"
        ),
    ),
    // `-v1 PBE-SHA1-3DES`
    (
        "PKCS#12 encryption (3DES)",
        &hex!(
            "3058301c060a2a864886f70d010c0103300e040874154e291080f3d4020208000438d654819ca14727b018fe4931927dc87b
         8d49d4de6e6d7f60aa04d66ab45a7811d3f35d80c2c3dc156de06e0a40a099b8c134215899897eb8"
        ),
    ),
    // `-v1 PBE-SHA1-RC2-40`
    (
        "PKCS#12 encryption (RC2)",
        &hex!(
            "3058301c060a2a864886f70d010c0106300e0408e464c6d196657a6b02020800043861c02d08becd6a17bf2a9ef5b3ae4017
         222cc70b615bd8e14b0424362b80ac2ccb2905341b403dd40d62044736f843c576c5aa20ae8552a3"
        ),
    ),
    // `-v1 PBE-MD5-DES`
    (
        "PBES1 (MD5 and DES)",
        &hex!(
            "3057301b06092a864886f70d010503300e040827ce93da9fb1ba28020208000438ae7e612258d090ba5df30bcbc6cdc2d7c5
         61083e0b239ba6129550dc7f6a6bbe57635737e66a48b45249fb732c3142481eded948433faa98"
        ),
    ),
];

fn passphrase(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

fn open(der: &[u8], text: &str) -> Result<PrivateKey, KeyFormatError> {
    PrivateKey::from_encrypted_der(der, &passphrase(text))
}

#[test]
fn what_openssl_encrypted_is_opened() {
    for der in OPENED {
        let key = open(der, "Rabbit").unwrap();
        assert_eq!(key.pkcs8().expose_secret(), PLAIN);
        let text = pem::encode("ENCRYPTED PRIVATE KEY", der);
        let key = PrivateKey::from_encrypted_pem(text.as_bytes(), &passphrase("Rabbit")).unwrap();
        assert_eq!(key.pkcs8().expose_secret(), PLAIN);
        assert_eq!(
            PrivateKey::from_pem(text.as_bytes()).unwrap_err(),
            KeyFormatError::Encrypted
        );
        assert_eq!(PrivateKey::from_der(der).unwrap_err(), KeyFormatError::Encrypted);
        assert_eq!(PrivateKey::from_pkcs8_der(der).unwrap_err(), KeyFormatError::Encrypted);
    }
}

#[test]
fn a_wrong_passphrase_and_a_damaged_file_are_one_error() {
    for der in OPENED {
        // Not `Rabbit\0`: HMAC (RFC 2104 §2) pads short keys with zeros, so PBKDF2 cannot tell that one apart.
        for wrong in ["rabbit", "Rabbit ", "R", "Rabbit\u{1}"] {
            assert_eq!(open(der, wrong).unwrap_err(), KeyFormatError::Passphrase, "{wrong:?}");
        }
        assert_eq!(open(der, "").unwrap_err(), KeyFormatError::EmptyPassphrase);
        for bit in 0..8 {
            let mut damaged = der.to_vec();
            *damaged.last_mut().unwrap() ^= 1 << bit;
            assert_eq!(open(&damaged, "Rabbit").unwrap_err(), KeyFormatError::Passphrase);
        }
        assert_eq!(
            open(&der[..der.len() - 1], "Rabbit").unwrap_err(),
            KeyFormatError::Malformed
        );
        assert_eq!(
            open(&[der, &[0]].concat(), "Rabbit").unwrap_err(),
            KeyFormatError::Malformed
        );
    }
}

#[test]
fn broken_encryption_is_refused_by_name_with_what_to_do() {
    for (scheme, der) in REFUSED {
        let refused = open(der, "Rabbit").unwrap_err();
        assert_eq!(refused, KeyFormatError::UnsupportedEncryption { scheme });
        let text = refused.to_string();
        assert!(text.contains(scheme) && text.contains("openssl pkcs8 -topk8"), "{text}");
        // Without a passphrase as well: it would be asked for in vain.
        assert_eq!(PrivateKey::from_der(der).unwrap_err(), refused);
    }
    for label in ["RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY"] {
        let text = pem::encode(label, &[0; 64]).replacen(
            "-----\n",
            "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123456789ABCDEF0123456789ABCDEF\n\n",
            1,
        );
        let refused = PrivateKey::from_encrypted_pem(text.as_bytes(), &passphrase("x")).unwrap_err();
        assert_eq!(refused, KeyFormatError::TraditionalEncryption);
        assert!(refused.to_string().contains("openssl pkcs8 -topk8"));
        assert_eq!(PrivateKey::from_pem(text.as_bytes()).unwrap_err(), refused);
    }
}

#[test]
fn what_is_written_is_opened_again_and_never_twice_the_same() {
    for key in one_of_each() {
        let text = key.to_encrypted_pem(&passphrase("pässword \u{1f407}")).unwrap();
        let again = PrivateKey::from_encrypted_pem(text.as_bytes(), &passphrase("pässword \u{1f407}")).unwrap();
        assert!(again.pkcs8().ct_eq(key.pkcs8().expose_secret()));
        assert_eq!(again.public_key(), key.public_key());
    }
    let key = &one_of_each()[3];
    let [one, two] = [0; 2].map(|_| key.to_encrypted_der(&passphrase("x")).unwrap());
    assert_ne!(one, two);
    assert_eq!(
        key.to_encrypted_der(&passphrase("")),
        Err(KeyFormatError::EmptyPassphrase)
    );
    assert_eq!(
        key.to_encrypted_pem(&passphrase("")),
        Err(KeyFormatError::EmptyPassphrase)
    );
}

#[test]
fn what_is_written_says_600_000_iterations_of_hmac_sha_256_and_aes_256() {
    let der = one_of_each()[3].to_encrypted_der(&passphrase("x")).unwrap();
    // RFC 8018 appendix A: PBES2, PBKDF2, salt, iterations, HMAC-SHA-256, AES-256-CBC, initialisation vector.
    let [salt, iv] = [&der[35..51], &der[85..101]];
    let expected = encrypted(
        &pbkdf2(salt, &hex!("020309 27c0"), &hex!("300c06082a864886f70d02090500")),
        &aes_256(iv),
        &der[103..],
    );
    assert_eq!(PBKDF2_ITERATIONS, 0x0009_27c0);
    assert_eq!(der, expected);
}

/// EncryptedPrivateKeyInfo with PBES2.
fn encrypted(kdf: &[u8], cipher: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let parameters = tlv(0x30, &[kdf, cipher].concat());
    let pbes2 = tlv(0x30, &[&hex!("06092a864886f70d01050d")[..], &parameters].concat());
    tlv(0x30, &[pbes2, tlv(4, ciphertext)].concat())
}

fn aes_256(iv: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&hex!("060960864801650304012a")[..], &tlv(4, iv)].concat())
}

/// `iterations` is a whole INTEGER, and `rest` follows it.
fn pbkdf2(salt: &[u8], iterations: &[u8], rest: &[u8]) -> Vec<u8> {
    let parameters = tlv(0x30, &[&tlv(4, salt), iterations, rest].concat());
    tlv(0x30, &[&hex!("06092a864886f70d01050c")[..], &parameters].concat())
}

fn scrypt(n: u64, r: u64, p: u64) -> Vec<u8> {
    // DER: no leading zeros but the one that keeps the number positive.
    let number = |value: u64| {
        let bytes = [&[0][..], &value.to_be_bytes()].concat();
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(8);
        let positive = bytes[start] & 0x80 == 0;
        tlv(2, &bytes[if positive { start } else { start - 1 }..])
    };
    let parameters = tlv(0x30, &[tlv(4, &[7; 8]), number(n), number(r), number(p)].concat());
    tlv(0x30, &[&hex!("06092b06010401da47040b")[..], &parameters].concat())
}

#[test]
fn cost_is_bounded_before_anything_is_computed() {
    let sha_256 = hex!("300c06082a864886f70d02090500");
    let pbkdf2_with =
        |iterations: &[u8]| encrypted(&pbkdf2(&[7; 8], iterations, &sha_256), &aes_256(&[0; 16]), &[0; 16]);
    let scrypt_with = |n, r, p| encrypted(&scrypt(n, r, p), &aes_256(&[0; 16]), &[0; 16]);

    assert_eq!(MAX_PBKDF2_ITERATIONS, 0x0098_9680);
    for iterations in [
        &hex!("0204 00989681")[..],
        &hex!("0204 7fffffff"),
        &hex!("0205 00ffffffff"),
        &hex!("0208 7fffffffffffffff"),
    ] {
        assert_eq!(
            open(&pbkdf2_with(iterations), "x").unwrap_err(),
            KeyFormatError::TooCostly
        );
    }
    let memory = MAX_SCRYPT_MEMORY_BYTES;
    for (n, r, p) in [
        (memory / 128, 2, 1),
        (memory / 128 / 8 * 2, 8, 1),
        (1 << 14, 8, MAX_SCRYPT_WORK / (8 << 14) + 1),
        (1 << 20, 8, 1), // RFC 7914 §12: a gibibyte
        (1 << 62, 8, 1),
        (2, 1 << 31, 1),
        (2, 1, 1 << 31),
        // N·r·p at its bound, and a memory of p blocks beside N: half a gibibyte.
        (2, 1, MAX_SCRYPT_WORK / 2),
    ] {
        assert_eq!(
            open(&scrypt_with(n, r, p), "x").unwrap_err(),
            KeyFormatError::TooCostly,
            "{n} {r} {p}"
        );
    }
    // None of this has run anything: seven gibibytes and 2⁶³ iterations take longer than a test.
    for malformed in [
        pbkdf2_with(&hex!("0201 00")),
        pbkdf2_with(&hex!("0201 ff")),
        scrypt_with(0, 8, 1),
        scrypt_with(1, 8, 1),
        scrypt_with(1000, 8, 1),
        scrypt_with(1 << 14, 0, 1),
        scrypt_with(1 << 14, 8, 0),
    ] {
        assert_eq!(open(&malformed, "x").unwrap_err(), KeyFormatError::Malformed);
    }
}

#[test]
fn malformed_parameters_are_refused() {
    let sha_256 = hex!("300c06082a864886f70d02090500");
    let one = hex!("020101");
    let cases = [
        encrypted(&pbkdf2(&[7; 1025], &one, &sha_256), &aes_256(&[0; 16]), &[0; 16]),
        // keyLength 16 for a cipher of 32 bytes
        encrypted(
            &pbkdf2(&[7; 8], &one, &[&hex!("020110")[..], &sha_256].concat()),
            &aes_256(&[0; 16]),
            &[0; 16],
        ),
        encrypted(
            &pbkdf2(&[7; 8], &one, &hex!("300d06082a864886f70d0209020101")),
            &aes_256(&[0; 16]),
            &[0; 16],
        ),
        encrypted(&pbkdf2(&[7; 8], &one, &sha_256), &aes_256(&[0; 15]), &[0; 16]),
        encrypted(
            &pbkdf2(&[7; 8], &one, &sha_256),
            &hex!("300b060960864801650304012a"),
            &[0; 16],
        ),
        encrypted(&hex!("300b06092a864886f70d01050c"), &aes_256(&[0; 16]), &[0; 16]),
        encrypted(&[], &aes_256(&[0; 16]), &[0; 16]),
    ];
    for case in cases {
        assert_eq!(open(&case, "x").unwrap_err(), KeyFormatError::Malformed);
    }
    // Ciphertexts that no padding fits.
    for ciphertext in [&[][..], &[0; 15], &[0; 17]] {
        let der = encrypted(&pbkdf2(&[7; 8], &one, &sha_256), &aes_256(&[0; 16]), ciphertext);
        assert_eq!(open(&der, "x").unwrap_err(), KeyFormatError::Passphrase);
    }
    // keyLength 32 and a PRF without parameters are as good.
    let prf = hex!("300a06082a864886f70d0209");
    let der = encrypted(
        &pbkdf2(&[7; 8], &one, &[&hex!("020120")[..], &prf].concat()),
        &aes_256(&[0; 16]),
        &[0; 16],
    );
    assert_eq!(open(&der, "x").unwrap_err(), KeyFormatError::Passphrase);
}
