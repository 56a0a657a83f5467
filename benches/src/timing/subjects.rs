//! What is measured: pairs of inputs that must take the same time, and planted leaks that must be found.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use cryptokit::Provider;
use cryptokit::aead::{AeadKey, AssociatedData};
use cryptokit::encoding::base64url;
use cryptokit::encrypt::{RsaDecryptionKey, RsaEncryptionKey};
use cryptokit::jwe::{JweDecrypter, JweEncrypter, Recipient};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretBytes;
use cryptokit::sign::RsaKeySize;

use super::oaep::{self, Fault};

/// Inputs of each class; each run takes one of them, so that no single input's peculiarity counts as the class's.
/// Few where making them is slow and nothing is measured.
const POOL: usize = if cfg!(debug_assertions) { 4 } else { 64 };

/// A pair of classes.
pub struct Subject {
    /// Names both.
    pub what: String,
    /// What a finding means.
    pub expected: Expected,
    /// Puts an input of class 0 or 1 into its place, for subjects that have one place for both. Not timed.
    pub prepare: Box<dyn FnMut(usize, usize)>,
    /// Runs the operation on an input of class 0 or 1, picked by the second number.
    pub run: Box<dyn FnMut(usize, usize)>,
}

/// What the classes are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// They must take the same time.
    Same,
    /// They differ by design or by planting, and must be found to.
    Leak,
    /// Whoever sends the input can tell them apart by looking at it; measured for the record.
    Public,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}

/// All pairs. The planted leaks come first: when they are not found, the rest says nothing.
pub fn subjects() -> Vec<Subject> {
    let mut all = vec![planted_comparison()];
    all.extend(tag_comparisons());
    #[cfg(feature = "aws-lc")]
    all.push(peppers());
    // Never on ring: its decryption is known to leak (RUSTSEC-2023-0071) and is not for what a peer can time.
    if Provider::default().name() == "aws-lc" {
        let key = Rc::new(Key::new());
        all.push(planted_in_oaep(&key));
        all.extend(oaep_faults(&key));
        all.extend(jwe(&key));
    }
    all
}

fn subject(what: &str, expected: Expected, run: impl FnMut(usize, usize) + 'static) -> Subject {
    Subject {
        what: what.to_owned(),
        expected,
        prepare: Box::new(|_, _| ()),
        run: Box::new(run),
    }
}

/// A comparison that stops at the first difference, of 32 bytes.
fn planted_comparison() -> Subject {
    let secret: [u8; 32] = cryptokit::random::bytes();
    let guesses = [0, 31].map(|at| {
        let mut guess = secret;
        guess[at] ^= 1;
        guess
    });
    subject(
        "planted: early exit, byte 0 / byte 31",
        Expected::Leak,
        move |class, _| {
            // Several, as a clock of some 20 ns would otherwise hide what a million samples show.
            for _ in 0..4 {
                let (one, other) = (black_box(&secret), black_box(&guesses[class]));
                black_box(
                    one.iter()
                        .zip(other)
                        .all(|(one, other)| black_box(one) == black_box(other)),
                );
            }
        },
    )
}

/// One buffer holds the message of either class, and what is put there is not timed: with a place of its own for each,
/// alignment alone showed as a difference of 0.3 ns. The control has two classes that differ in nothing.
fn tag_comparisons() -> [Subject; 2] {
    [
        ("AES-GCM tag: first byte / last byte wrong", [16, 1]),
        ("control: last byte / last byte wrong", [1, 1]),
    ]
    .map(|(what, from_end)| {
        let keys = Keyset::new("timing", AeadKey::generate());
        let bound = AssociatedData::new("timing");
        let sealed = keys.seal(&[7; 64], &bound).expect("within the limits");
        let altered = from_end.map(|from_end| {
            let mut altered = sealed.clone();
            let at = altered.len() - from_end;
            altered[at] ^= 1;
            altered
        });
        let message = Rc::new(RefCell::new(sealed));
        let place = Rc::clone(&message);
        Subject {
            prepare: Box::new(move |class, _| place.borrow_mut().copy_from_slice(black_box(&altered[class]))),
            ..subject(what, Expected::Same, move |_, _| {
                black_box(keys.open(black_box(&message.borrow()), &bound).is_err());
            })
        }
    })
}

/// Sixteen unlabelled peppers: the first matches, or the last.
#[cfg(feature = "aws-lc")]
fn peppers() -> Subject {
    use cryptokit::password::{
        HashPool, Password, PasswordHasher, Pepper, Policy, Scheme, StoredHash, UnlabelledPeppers,
    };

    const SALT: &str = "6b1f6f0c8f0a4c399d610d6f3c1f7a526b1f6f0c8f0a4c399d610d6f3c1f7a52";
    let names: Vec<String> = (0..16).map(|index| format!("pepper-{index:02}")).collect();
    let stored = [&names[0], &names[15]].map(|pepper| {
        let text = [SALT, pepper, "correct horse battery staple"].concat();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, text.as_bytes());
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        StoredHash::from_unlabelled(&digest, SALT).expect("a digest and a salt")
    });
    let peppers = names
        .into_iter()
        .map(|name| SecretBytes::new(name.into_bytes()))
        .collect();
    let hasher = PasswordHasher::new(
        Policy::default().accepting([Scheme::UnlabelledSha512]),
        Keyset::new("peppers", Pepper::generate()),
    )
    .with_unlabelled_peppers(UnlabelledPeppers::new(peppers).expect("within the bounds"));
    let pool = HashPool::new(std::num::NonZeroUsize::MIN);
    let mut permit = pool.try_acquire().expect("a new pool is free");
    let password = Password::new("correct horse battery staple").expect("within the bounds");
    subject("16 peppers: first / last matches", Expected::Same, move |class, _| {
        let verdict = hasher.verify(&mut permit, &password, black_box(&stored[class]));
        assert!(verdict.expect("an accepted scheme").ok);
    })
}

struct Key {
    private: RsaDecryptionKey,
    public: RsaEncryptionKey,
}

impl Key {
    fn new() -> Self {
        let private = RsaDecryptionKey::generate(RsaKeySize::Bits2048).expect("the backend makes keys");
        let public = private.encryption_key().expect("made above");
        Self { private, public }
    }

    fn pool(&self, fault: Fault) -> Vec<Vec<u8>> {
        (0..POOL)
            .map(|_| oaep::encrypt(&self.public, &cryptokit::random::bytes::<32>(), fault))
            .collect()
    }

    fn copy(&self) -> RsaDecryptionKey {
        let pkcs8 = SecretBytes::new(self.private.pkcs8().expose_secret().to_vec());
        RsaDecryptionKey::from_pkcs8(pkcs8).expect("made above")
    }
}

fn decrypting(what: &str, expected: Expected, key: &Rc<Key>, pools: [Vec<Vec<u8>>; 2]) -> Subject {
    let key = Rc::clone(key);
    subject(what, expected, move |class, pick| {
        let ciphertext = &pools[class][pick % POOL];
        black_box(key.private.decrypt(b"", black_box(ciphertext)).is_ok());
    })
}

/// A decryption that does 2 µs of work more when the padding is wrong: a hundredth of the whole.
fn planted_in_oaep(key: &Rc<Key>) -> Subject {
    let pools = [key.pool(Fault::None), key.pool(Fault::Separator)];
    let key = Rc::clone(key);
    subject(
        "planted: 2 µs more for wrong padding",
        Expected::Leak,
        move |class, pick| {
            if key.private.decrypt(b"", black_box(&pools[class][pick % POOL])).is_err() {
                let start = std::time::Instant::now();
                while start.elapsed().as_nanos() < 2_000 {}
            }
        },
    )
}

fn oaep_faults(key: &Rc<Key>) -> Vec<Subject> {
    let above = |key: &Key| {
        let mut above = key.public.modulus().to_vec();
        *above.last_mut().expect("not empty") |= 1;
        vec![above; POOL]
    };
    let pool = |fault| key.pool(fault);
    let pair = |what, expected, pools| decrypting(what, expected, key, pools);
    vec![
        pair(
            "OAEP: first byte / label digest wrong",
            Expected::Same,
            [pool(Fault::FirstByte), pool(Fault::Label)],
        ),
        pair(
            "OAEP: first byte wrong / no separator",
            Expected::Same,
            [pool(Fault::FirstByte), pool(Fault::Separator)],
        ),
        pair(
            "OAEP: label digest wrong / no separator",
            Expected::Same,
            [pool(Fault::Label), pool(Fault::Separator)],
        ),
        // What comes back differs; whoever calls this directly shows which it was anyway.
        pair(
            "OAEP: valid / label digest wrong",
            Expected::Public,
            [pool(Fault::None), pool(Fault::Label)],
        ),
        pair(
            "OAEP: valid / the modulus itself",
            Expected::Public,
            [pool(Fault::None), above(key)],
        ),
    ]
}

fn jwe(key: &Rc<Key>) -> Vec<Subject> {
    let decrypter = Rc::new(JweDecrypter::new(Keyset::new("timing", key.copy())));
    let encrypter = |kid: &str| {
        let public = key.private.encryption_key().expect("made above");
        JweEncrypter::new(Recipient::with_key_id(kid, public).expect("a short id"))
    };
    let thumbprint = key.private.thumbprint();
    let unknown: String = thumbprint.chars().rev().collect();
    // All of them fail in the end. The content key is a good one in `tag`, and no key can be had in the others.
    let messages = |kid: &str, fault: Option<Fault>| -> Vec<String> {
        (0..POOL)
            .map(|_| {
                let message = encrypter(kid).encrypt_compact(&[7; 256]).expect("within the limits");
                let mut parts: Vec<String> = message.split('.').map(str::to_owned).collect();
                parts[4] = base64url::encode(&[0; 16]);
                if let Some(fault) = fault {
                    let wrapped = oaep::encrypt(&key.public, &cryptokit::random::bytes::<32>(), fault);
                    parts[1] = base64url::encode(&wrapped);
                }
                parts.join(".")
            })
            .collect()
    };
    let pair = |what: &str, pools: [Vec<String>; 2]| {
        let decrypter = Rc::clone(&decrypter);
        subject(what, Expected::Same, move |class, pick| {
            let opened = decrypter.decrypt_compact(black_box(&pools[class][pick % POOL]));
            assert!(opened.is_err());
        })
    };
    vec![
        pair(
            "JWE: wrapping does not open (first byte) / tag wrong",
            [
                messages(&thumbprint, Some(Fault::FirstByte)),
                messages(&thumbprint, None),
            ],
        ),
        pair(
            "JWE: wrapping does not open (separator) / tag wrong",
            [
                messages(&thumbprint, Some(Fault::Separator)),
                messages(&thumbprint, None),
            ],
        ),
        pair(
            "JWE: unknown kid / tag wrong",
            [messages(&unknown, None), messages(&thumbprint, None)],
        ),
    ]
}
