//! The TLS side of the listeners as it is now. Each part is exchanged by itself when its files change, and stays as it
//! is while they are broken: a server certificate that cannot be read does not hold up a revocation.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use authsvc_core::clock::Clock;
use time::OffsetDateTime;
use tokio::sync::watch;

use super::client_trust::ClientTrust;
use super::tls::{InternalTls, PublicTls, ServerIdentity, TlsError};
use crate::config::{InternalListener, PublicListener};

/// What the two TLS listeners use for their next handshake.
pub struct LiveTls {
    public: watch::Sender<Arc<PublicTls>>,
    internal: watch::Sender<Arc<InternalTls>>,
    parts: Mutex<Parts>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Parts {
    public: ServerIdentity,
    internal: ServerIdentity,
    trust: Arc<ClientTrust>,
}

/// Until when the parts are good.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// The public listener's certificate.
    pub public_certificate: OffsetDateTime,
    /// The internal listener's.
    pub internal_certificate: OffsetDateTime,
    /// When a third of the life of the first of the two is left.
    pub renewal_due: OffsetDateTime,
    /// The first revocation list, if lists are configured.
    pub revocation_lists: Option<OffsetDateTime>,
}

/// What a reload did.
#[derive(Debug, Default)]
pub struct Reloaded {
    /// The parts that are new.
    pub changed: Vec<&'static str>,
    /// The parts that could not be read, which stay as they were.
    pub failed: Vec<(&'static str, TlsError)>,
}

impl LiveTls {
    /// Reads all parts.
    ///
    /// # Errors
    ///
    /// [`TlsError`] for the first that cannot be used. A revocation list that has ended is no error: nobody is let in
    /// by it, and the public listener does not depend on it.
    pub fn load(
        public: &PublicListener,
        internal: &InternalListener,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let now = clock.now();
        let parts = Parts {
            public: ServerIdentity::load(&public.certificate_file, &public.key_file, now)?,
            internal: ServerIdentity::load(&internal.certificate_file, &internal.key_file, now)?,
            trust: Arc::new(ClientTrust::load(internal)?),
        };
        let public = PublicTls::new(&parts.public, clock)?;
        let internal = InternalTls::new(&parts.internal, Arc::clone(&parts.trust), clock)?;
        Ok(Self {
            public: watch::Sender::new(Arc::new(public)),
            internal: watch::Sender::new(Arc::new(internal)),
            parts: Mutex::new(parts),
            clock: Arc::clone(clock),
        })
    }

    /// Reads all parts again and puts those that are good and new into use.
    pub fn reload(&self, public: &PublicListener, internal: &InternalListener) -> Reloaded {
        let now = self.clock.now();
        let mut current = self.parts();
        let mut reloaded = Reloaded::default();

        let identity = ServerIdentity::load(&public.certificate_file, &public.key_file, now);
        let new_public = reloaded.part("public certificate", identity, |new| !new.is_same_as(&current.public));
        if let Some(new) = new_public {
            match PublicTls::new(&new, &self.clock) {
                Ok(tls) => {
                    self.public.send_replace(Arc::new(tls));
                    current.public = new;
                }
                Err(error) => reloaded.fail("public certificate", error),
            }
        }

        let identity = ServerIdentity::load(&internal.certificate_file, &internal.key_file, now);
        let identity = reloaded.part("internal certificate", identity, |new| {
            !new.is_same_as(&current.internal)
        });
        let trust = ClientTrust::load(internal).and_then(|new| {
            new.check_succeeds(&current.trust, now)?;
            Ok(new)
        });
        let trust = reloaded.part("client CAs and revocation lists", trust, |new| {
            !new.is_same_as(&current.trust)
        });
        if identity.is_some() || trust.is_some() {
            let identity = identity.unwrap_or_else(|| current.internal.clone());
            let trust = trust.map_or_else(|| Arc::clone(&current.trust), Arc::new);
            match InternalTls::new(&identity, Arc::clone(&trust), &self.clock) {
                Ok(tls) => {
                    self.internal.send_replace(Arc::new(tls));
                    (current.internal, current.trust) = (identity, trust);
                }
                Err(error) => reloaded.fail("internal listener", error),
            }
        }
        *self.parts.lock().unwrap_or_else(PoisonError::into_inner) = current;
        reloaded
    }

    /// The public listener's side, now and whenever it changes.
    pub fn public(&self) -> watch::Receiver<Arc<PublicTls>> {
        self.public.subscribe()
    }

    /// The internal listener's side, now and whenever it changes.
    pub fn internal(&self) -> watch::Receiver<Arc<InternalTls>> {
        self.internal.subscribe()
    }

    /// Until when the parts are good.
    pub fn ends(&self) -> Ends {
        let parts = self.parts();
        Ends {
            public_certificate: parts.public.not_after(),
            internal_certificate: parts.internal.not_after(),
            renewal_due: parts.public.renewal_due().min(parts.internal.renewal_due()),
            revocation_lists: parts.trust.lists_end(),
        }
    }

    fn parts(&self) -> Parts {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Reloaded {
    fn part<T>(
        &mut self,
        name: &'static str,
        loaded: Result<T, TlsError>,
        is_new: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        match loaded {
            Ok(part) if is_new(&part) => {
                self.changed.push(name);
                Some(part)
            }
            Ok(_) => None,
            Err(error) => {
                self.failed.push((name, error));
                None
            }
        }
    }

    fn fail(&mut self, name: &'static str, error: TlsError) {
        self.changed.clear();
        self.failed.push((name, error));
    }
}

impl fmt::Debug for LiveTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveTls").field("ends", &self.ends()).finish()
    }
}
