//! Does a process that forks draw the same nonce twice? The generators of the backends keep state in memory, and a
//! child begins with a copy of it: one that did not notice would seal its first message under its parent's next nonce,
//! with its parent's key. Parent and two children seal under one key here, and no nonce and no salt comes twice.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[cfg(not(unix))]
fn main() {
    println!("fork: skipped, this system has no fork");
}

#[cfg(unix)]
fn main() {
    // Asked by `cargo test -- --list` and the like: there is one test.
    if std::env::args().any(|argument| argument == "--list") {
        println!("no_nonce_comes_twice_after_a_fork: test");
        return;
    }
    unix::no_nonce_comes_twice_after_a_fork();
    println!("test no_nonce_comes_twice_after_a_fork ... ok");
}

#[cfg(unix)]
mod unix {
    use std::collections::HashSet;
    use std::io::{PipeWriter, Read, Write};

    use cryptokit::aead::{AeadKey, AssociatedData};
    use cryptokit::keyset::Keyset;
    use cryptokit::stream::StreamKey;
    use fork::Fork;

    const CHILDREN: usize = 2;
    const MESSAGES: usize = 500;
    const NONCE_LEN: usize = 12;

    pub(crate) fn no_nonce_comes_twice_after_a_fork() {
        let keys = Keys {
            messages: Keyset::new("test", AeadKey::generate()),
            streams: StreamKey::generate(),
        };
        let mut nonces = Vec::new();
        // The generator is running before the fork, as it would be in a server.
        keys.seal_to(&mut nonces);

        let mut children = Vec::new();
        for _ in 0..CHILDREN {
            let (reader, writer) = std::io::pipe().unwrap();
            match fork::fork().unwrap() {
                Fork::Child => child(&keys, writer),
                Fork::Parent(id) => children.push((id, reader)),
            }
        }
        keys.seal_to(&mut nonces);
        for (id, mut reader) in children {
            let before = nonces.len();
            reader.read_to_end(&mut nonces).unwrap();
            assert_eq!(nonces.len() - before, MESSAGES * 2 * NONCE_LEN, "a child sealed all");
            assert_eq!(fork::waitpid(id).unwrap(), 0, "a child ended well");
        }

        let different: HashSet<&[u8]> = nonces.chunks_exact(NONCE_LEN).collect();
        assert_eq!(different.len(), (2 + CHILDREN) * MESSAGES * 2);
    }

    fn child(keys: &Keys, mut writer: PipeWriter) -> ! {
        let mut nonces = Vec::new();
        keys.seal_to(&mut nonces);
        let written = writer.write_all(&nonces);
        std::process::exit(i32::from(written.is_err()))
    }

    struct Keys {
        messages: Keyset<AeadKey>,
        streams: StreamKey,
    }

    impl Keys {
        /// The nonces of some messages and as much of the salts of some streams.
        fn seal_to(&self, nonces: &mut Vec<u8>) {
            let about = AssociatedData::new("test");
            for _ in 0..MESSAGES {
                let sealed = self.messages.seal(b"message", &about).unwrap();
                nonces.extend_from_slice(&sealed[9..9 + NONCE_LEN]);
                let stream = self.streams.encrypt_writer(b"", Vec::new()).unwrap().finish().unwrap();
                nonces.extend_from_slice(&stream[..NONCE_LEN]);
            }
        }
    }
}
