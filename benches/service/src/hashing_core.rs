//! The bare Argon2id rate on the core of the server, while the server is idle.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use argon2::{Algorithm, Argon2, Block, Params, Version};

/// A thread on that core which hashes when it is asked to.
pub(crate) struct HashingCore {
    ask: Sender<u32>,
    done: Receiver<u8>,
}

impl HashingCore {
    /// Where the system does not let a thread choose its core, it runs on any.
    pub(crate) fn new(core: usize) -> Self {
        let (ask, asked) = channel::<u32>();
        let (tell, done) = channel();
        thread::spawn(move || {
            let mut cores = rustix::thread::CpuSet::new();
            cores.set(core);
            if let Err(error) = rustix::thread::sched_setaffinity(None, &cores) {
                eprintln!("note: the baseline is not on core {core}: {error}");
            }
            let params = Params::new(19_456, 2, 1, None).expect("the service's default parameters");
            let mut memory = vec![Block::new(); params.block_count()];
            let bare = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            for count in asked {
                let mut tag = [0; 32];
                for _ in 0..count {
                    bare.hash_password_into_with_memory(
                        b"correct horse battery staple",
                        &[9; 16],
                        &mut tag,
                        &mut memory,
                    )
                    .expect("honest parameters");
                }
                if tell.send(tag[0]).is_err() {
                    break;
                }
            }
        });
        Self { ask, done }
    }

    /// Computes so many hashes, one after the other.
    pub(crate) fn hash(&self, count: u32) {
        self.ask
            .send(count)
            .expect("the thread hashes for as long as it is asked");
        std::hint::black_box(self.done.recv().expect("the thread answers"));
    }
}
