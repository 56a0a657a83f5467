//! Revocations by what they name: constant time to ask, bounded memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::entry::Revocation;
use crate::hash;
use crate::jose::AccessTokenClaims;
use crate::provider::Provider;

/// What a token was revoked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedBy {
    /// Its own `jti`.
    Token,
    /// Its `sid`.
    Family,
    /// Its `sub`, for having been issued too early.
    Subject,
    /// Having been issued too early, or for a login that was, whoever it is for.
    All,
}

/// Of names, 128 bits of SHA-256 are kept: an entry has one size, whatever the names are.
type Fingerprint = [u8; 16];

/// Tokens issued before `before` are revoked; forgotten after `exp`.
#[derive(Clone, Copy, Debug, Default)]
struct Cutoff {
    before: u64,
    exp: u64,
}

/// What is revoked, by what it names: constant time to ask, one size for each entry, whatever its name. A million take
/// some 60 MB.
///
/// A verifier has one inside its [`RevocationFeed`](super::RevocationFeed); an issuer that reads its own revocations
/// keeps one of its own.
#[derive(Debug, Default)]
pub struct RevocationIndex {
    tokens: HashMap<Fingerprint, u64>,
    families: HashMap<Fingerprint, u64>,
    subjects: HashMap<Fingerprint, Cutoff>,
    all: Cutoff,
}

impl RevocationIndex {
    /// How many revocations are kept.
    pub fn len(&self) -> usize {
        self.tokens.len() + self.families.len() + self.subjects.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.all.exp == 0
    }

    /// Adds a revocation; of two that name the same, the wider bounds count.
    pub fn insert(&mut self, revocation: &Revocation) {
        match revocation {
            Revocation::Token { jti, exp } => later(self.tokens.entry(fingerprint(jti)), *exp),
            Revocation::Family { sid, exp } => later(self.families.entry(fingerprint(sid)), *exp),
            Revocation::Subject { sub, before, exp } => {
                self.subjects.entry(fingerprint(sub)).or_default().widen(*before, *exp);
            }
            Revocation::All { before, exp } => self.all.widen(*before, *exp),
        }
    }

    /// What revoked a token, if anything did. The claims must be verified ones.
    pub fn revoked_by(&self, claims: &AccessTokenClaims) -> Option<RevokedBy> {
        // Whose login came before it has ended with it: a refresh that raced that end gave a younger token.
        if claims.auth_time.unwrap_or(claims.iat).min(claims.iat) < self.all.before {
            return Some(RevokedBy::All);
        }
        // A digest is dear beside the rest, and often there is nothing to look it up in.
        if !self.tokens.is_empty() && self.tokens.contains_key(&fingerprint(&claims.jti)) {
            return Some(RevokedBy::Token);
        }
        if let Some(sid) = &claims.sid
            && !self.families.is_empty()
            && self.families.contains_key(&fingerprint(sid))
        {
            return Some(RevokedBy::Family);
        }
        if self.subjects.is_empty() {
            return None;
        }
        let cutoff = self.subjects.get(&fingerprint(&claims.sub))?;
        (claims.iat < cutoff.before).then_some(RevokedBy::Subject)
    }

    /// Forgets what concerns no token that was still good at `time`. O(n).
    pub fn forget_before(&mut self, time: u64) {
        self.tokens.retain(|_, exp| *exp >= time);
        self.families.retain(|_, exp| *exp >= time);
        self.subjects.retain(|_, cutoff| cutoff.exp >= time);
        if self.all.exp < time {
            self.all = Cutoff::default();
        }
    }
}

impl Cutoff {
    fn widen(&mut self, before: u64, exp: u64) {
        self.before = self.before.max(before);
        self.exp = self.exp.max(exp);
    }
}

fn later(entry: Entry<'_, Fingerprint, u64>, exp: u64) {
    let known = entry.or_default();
    *known = (*known).max(exp);
}

fn fingerprint(name: &str) -> Fingerprint {
    let digest = hash::sha256_with(Provider::default(), &[name.as_bytes()]);
    let (first, _) = digest.split_at(size_of::<Fingerprint>());
    first.try_into().expect("the first half of a digest")
}
