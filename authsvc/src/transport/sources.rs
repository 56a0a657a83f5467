//! How many connections each source holds, so that one cannot take them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The connections of one listener, by source. Holds one entry for each source that is connected now.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources(Arc<Mutex<HashMap<Source, usize>>>);

/// An IPv4 address or an IPv6 network of 64 bits: what one household or machine is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    V4([u8; 4]),
    V6([u8; 8]),
}

impl Source {
    fn of(address: IpAddr) -> Self {
        // An IPv4 peer of a socket for both families is written as an IPv6 address.
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

impl Sources {
    /// Takes a place for a connection from that address, unless the source holds `max` already.
    pub(super) fn enter(&self, address: IpAddr, max: usize) -> Option<Place> {
        let source = Source::of(address);
        let mut held = self.lock();
        let count = held.get(&source).copied().unwrap_or(0);
        if count >= max {
            return None;
        }
        held.insert(source, count + 1);
        Some(Place {
            sources: self.clone(),
            source,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Source, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    sources: Sources,
    source: Source,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.sources.lock();
        match held.get_mut(&self.source) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                held.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_holds_no_more_than_its_share_and_leaves_nothing_behind() {
        let sources = Sources::default();
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = sources.enter(at("192.0.2.1"), 2).unwrap();
        let second = sources.enter(at("::ffff:192.0.2.1"), 2).unwrap();
        assert!(sources.enter(at("192.0.2.1"), 2).is_none());
        let other = sources.enter(at("192.0.2.2"), 2).unwrap();
        let v6 = sources.enter(at("2001:db8::1"), 1).unwrap();
        assert!(sources.enter(at("2001:db8::ffff"), 1).is_none(), "the same network");
        assert!(sources.enter(at("2001:db8:0:1::1"), 1).is_some(), "another network");
        drop(first);
        assert!(sources.enter(at("192.0.2.1"), 2).is_some());
        drop((second, other, v6));
        assert!(sources.lock().is_empty());
    }
}
