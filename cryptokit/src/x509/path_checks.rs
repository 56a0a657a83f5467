//! What is asked of every certificate on a path, the trust anchor included (RFC 5280 §6.1, without policies).
//!
//! All checks are made, not only up to the first that fails: whoever asks why wants the whole answer.

use time::OffsetDateTime;

use super::certificate::Certificate;
use super::chain_policy::{ChainPolicy, Purpose, RevocationDepth, UnknownStatus};
use super::path::{Candidate, End, is_named_key};
use super::path_failure::PathFailure;
use super::revocation_list::RevocationListError;
use super::second_opinion;
use super::signature::SignatureFailure;
use super::subject_alternative_name::SubjectAlternativeName;
use super::trust_anchors::TrustAnchors;

/// Most signatures verified for one question, as in `webpki`.
const MAX_SIGNATURES: usize = 100;
/// Most comparisons of a name with a constraint, as in `webpki`. They come before any signature was found good, and a
/// bag of certificates can be made to ask for millions on each of its paths.
const MAX_NAME_COMPARISONS: usize = 250_000;

/// One question: the policy, the time, and what is left to spend.
pub(super) struct Question<'a> {
    pub(super) policy: &'a ChainPolicy<'a>,
    pub(super) anchors: &'a TrustAnchors,
    pub(super) now: OffsetDateTime,
    signatures_left: usize,
    name_comparisons_left: usize,
}

/// Failures with the position of the certificate on the path, 0 for the leaf.
pub(super) type Failures = Vec<(usize, PathFailure)>;

impl<'a> Question<'a> {
    pub(super) fn new(policy: &'a ChainPolicy<'a>, anchors: &'a TrustAnchors, now: OffsetDateTime) -> Self {
        Self {
            policy,
            anchors,
            now,
            signatures_left: MAX_SIGNATURES,
            name_comparisons_left: MAX_NAME_COMPARISONS,
        }
    }

    /// Every failure on a path; none when it is good.
    pub(super) fn failures(&mut self, candidate: &Candidate<'_>) -> Failures {
        let path = &candidate.certificates;
        let mut failures = Vec::new();
        let last = path.len() - 1;
        match candidate.end {
            End::Anchor => {}
            End::NoIssuer => failures.push((last, PathFailure::NoIssuer)),
            End::TooLong => failures.push((last, PathFailure::TooLong)),
        }
        for (position, certificate) in path.iter().enumerate() {
            let mut found = self.common(certificate);
            if position == 0 {
                found.extend(self.leaf(certificate));
            } else {
                found.extend(self.issuer(position, path));
            }
            failures.extend(found.into_iter().map(|failure| (position, failure)));
        }
        for (position, pair) in path.windows(2).enumerate() {
            let found = self.link(pair[0], pair[1]);
            failures.extend(found.map(|failure| (position, failure)));
        }
        let is_anchored = candidate.reaches_anchor();
        // Whether a certificate was revoked is its issuer's word: without a good path to the issuer it is nobody's.
        if is_anchored && failures.is_empty() {
            for (position, pair) in path.windows(2).enumerate() {
                let failure = self.revocation(position, pair[0], pair[1]);
                failures.extend(failure.map(|failure| (position, failure)));
            }
        }
        if is_anchored
            && failures.is_empty()
            && let Err(error) = second_opinion::ask(path, self)
        {
            failures.push((0, PathFailure::SecondOpinion(Box::new(error))));
        }
        failures
    }

    fn common(&self, certificate: &Certificate) -> Vec<PathFailure> {
        let mut failures = Vec::new();
        let (time, not_before, not_after) = (self.now, certificate.not_before(), certificate.not_after());
        // RFC 5280 §6.1.3 (a)(2). Of the anchor RFC 5280 does not ask it; an authority that ended has ended.
        if time < not_before {
            failures.push(PathFailure::NotYetValid { time, not_before });
        }
        if time > not_after {
            failures.push(PathFailure::Expired { time, not_after });
        }
        if let Err(error) = certificate.subject_public_key() {
            failures.push(PathFailure::Key(error));
        }
        // RFC 5280 §6.1.4 (o), §6.1.5 (f).
        let unknown = certificate.extensions.critical_others.iter();
        failures.extend(unknown.map(|oid| PathFailure::CriticalExtension { oid: oid.clone() }));
        failures
    }

    fn leaf(&self, leaf: &Certificate) -> Vec<PathFailure> {
        let mut failures = Vec::new();
        if leaf.is_ca() {
            failures.push(PathFailure::AuthorityAsLeaf);
        }
        if let Some(usage) = leaf.key_usage() {
            // RFC 8446 §4.4.2.2: digitalSignature.
            if self.policy.purpose != Purpose::Any && !usage.digital_signature() {
                failures.push(PathFailure::KeyUsage {
                    needed: "digitalSignature",
                });
            }
            // RFC 5280 §4.2.1.9: without cA no keyCertSign.
            if usage.key_cert_sign() && !leaf.is_ca() {
                failures.push(PathFailure::KeyUsage {
                    needed: "to be a leaf, which signs no certificates",
                });
            }
        }
        // RFC 5280 §4.2.1.12 reads a missing extension as "any"; here a leaf states its purpose.
        if let Some(needed) = self.policy.purpose.needed()
            && !leaf
                .extended_key_usage()
                .is_some_and(|usage| self.policy.purpose.is_in(usage))
        {
            failures.push(PathFailure::ExtendedKeyUsage { needed });
        }
        failures.extend(spiffe(leaf));
        for name in &self.policy.names {
            if !second_opinion::is_for(leaf, name) {
                failures.push(PathFailure::Name { name: name.to_string() });
            }
        }
        failures
    }

    fn issuer(&mut self, position: usize, path: &[&Certificate]) -> Vec<PathFailure> {
        let issuer = path[position];
        let mut failures = Vec::new();
        // RFC 5280 §6.1.4 (k).
        if !issuer.is_ca() {
            failures.push(PathFailure::NotAnAuthority);
        }
        // RFC 5280 §6.1.4 (n).
        if issuer.key_usage().is_some_and(|usage| !usage.key_cert_sign()) {
            failures.push(PathFailure::KeyUsage { needed: "keyCertSign" });
        }
        // Not of RFC 5280, and of every TLS library: an issuer's purposes bound those below it.
        if let Some(needed) = self.policy.purpose.needed()
            && issuer
                .extended_key_usage()
                .is_some_and(|usage| !self.policy.purpose.is_in(usage))
        {
            failures.push(PathFailure::ExtendedKeyUsage { needed });
        }
        // RFC 5280 §6.1.4 (l), (m): self-issued certificates do not count.
        let below = path[1..position].iter().filter(|between| !between.is_self_issued());
        let found = u32::try_from(below.count()).unwrap_or(u32::MAX);
        let allowed = issuer
            .basic_constraints()
            .and_then(|constraints| constraints.path_length);
        if let Some(allowed) = allowed.filter(|allowed| found > *allowed) {
            failures.push(PathFailure::PathLength { allowed, found });
        }
        if let Some(constraints) = issuer.name_constraints() {
            for (index, certificate) in path[..position].iter().enumerate() {
                // RFC 5280 §6.1.3 (b), (c): not of self-issued certificates, but of the last.
                if index > 0 && certificate.is_self_issued() {
                    continue;
                }
                let comparisons = constraints.comparisons(certificate);
                let Some(left) = self.name_comparisons_left.checked_sub(comparisons) else {
                    failures.push(PathFailure::NamesNotCompared);
                    break;
                };
                self.name_comparisons_left = left;
                if let Err(name) = constraints.check(certificate) {
                    failures.push(PathFailure::NameConstraint { name });
                }
            }
        }
        failures
    }

    fn link(&mut self, certificate: &Certificate, issuer: &Certificate) -> impl Iterator<Item = PathFailure> + use<> {
        let key = (!is_named_key(certificate, issuer)).then_some(PathFailure::KeyIdentifier);
        let signature = if self.signatures_left == 0 {
            Some(PathFailure::SignatureNotVerified)
        } else {
            self.signatures_left -= 1;
            match certificate.verify_signature(issuer.spki_der()) {
                Ok(()) => None,
                Err(SignatureFailure::Bad) => Some(PathFailure::Signature),
                Err(SignatureFailure::Unsupported { oid }) => Some(PathFailure::SignatureAlgorithm { oid }),
            }
        };
        signature.into_iter().chain(key)
    }

    fn revocation(&mut self, position: usize, certificate: &Certificate, issuer: &Certificate) -> Option<PathFailure> {
        let revocation = self.policy.revocation.as_ref()?;
        if position > 0 && revocation.depth == RevocationDepth::Leaf {
            return None;
        }
        let mut unusable = None;
        let mut good = false;
        for list in revocation.lists {
            match list.verify_origin(issuer) {
                Ok(()) => {}
                // Another authority's list says nothing about this certificate.
                Err(RevocationListError::WrongIssuer | RevocationListError::WrongKeyIdentifier) => continue,
                Err(error) => {
                    unusable = Some(error);
                    continue;
                }
            }
            if !list.scope().covers(certificate) {
                continue;
            }
            // What was not looked at may be what revokes it.
            if self.signatures_left == 0 {
                return Some(PathFailure::SignatureNotVerified);
            }
            self.signatures_left -= 1;
            match list.verify(issuer, self.now) {
                Ok(()) => good = true,
                // Of a list that is not wholly understood, such as a delta, what it says of this certificate is still
                // its authority's word; only that it says nothing proves nothing.
                Err(error @ RevocationListError::Unsupported { .. }) if list.is_word_of(issuer, self.now) => {
                    unusable = Some(error);
                }
                Err(error) => {
                    unusable = Some(error);
                    continue;
                }
            }
            if let Some(entry) = list.find(certificate.serial()) {
                return Some(PathFailure::Revoked {
                    revocation_date: entry.revocation_date,
                    reason: entry.reason,
                });
            }
        }
        match (good, unusable) {
            (true, _) => None,
            // A list that is there and cannot be used is refused whatever the policy says of no list at all.
            (false, Some(error)) => Some(PathFailure::RevocationList(error)),
            (false, None) if revocation.unknown == UnknownStatus::Accept => None,
            (false, None) => Some(PathFailure::UnknownRevocationStatus),
        }
    }
}

impl Purpose {
    const fn needed(self) -> Option<&'static str> {
        match self {
            Self::Client => Some("clientAuth"),
            Self::Server => Some("serverAuth"),
            Self::Peer => Some("serverAuth and clientAuth"),
            Self::Any => None,
        }
    }

    const fn is_in(self, usage: super::extensions::ExtendedKeyUsage) -> bool {
        match self {
            Self::Client => usage.client_auth,
            Self::Server => usage.server_auth,
            Self::Peer => usage.server_auth && usage.client_auth,
            Self::Any => true,
        }
    }
}

/// What X509-SVID §5.2 asks of a leaf that has a SPIFFE id.
fn spiffe(leaf: &Certificate) -> Option<PathFailure> {
    let names = leaf.extensions.subject_alternative_names.as_ref()?;
    let uris: Vec<_> = names
        .value
        .usable
        .iter()
        .filter_map(|name| match name {
            SubjectAlternativeName::Uri(uri) => Some(uri),
            _ => None,
        })
        .collect();
    if !uris.iter().any(|uri| uri.is_spiffe()) {
        return None;
    }
    let unreadable = names.value.unusable_tags.contains(&6);
    let rule = if uris.len() != 1 || unreadable {
        "its SPIFFE id is its only URI (X509-SVID §2)"
    } else if !uris[0].is_spiffe_workload() {
        "the SPIFFE id of a leaf has a path (X509-SVID §5.2)"
    } else if leaf.key_usage().is_some_and(|usage| usage.crl_sign()) {
        "a leaf signs no revocation lists (X509-SVID §5.2)"
    } else {
        return None;
    };
    Some(PathFailure::Spiffe { rule })
}
