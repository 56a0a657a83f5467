//! Candidate paths from a leaf to the trust anchors (RFC 4158): which certificates could have issued which, by name.
//!
//! Finding paths costs no signature. A bag of certificates can be made to have more paths than anybody can look at, so
//! what is looked at is bounded; what was cut off is said.

use super::certificate::Certificate;

/// Most intermediates on one path, as in `webpki`.
pub(super) const MAX_INTERMEDIATES: usize = 6;
/// Most paths looked at.
pub(super) const MAX_PATHS: usize = 64;
/// Most steps taken while looking for them.
const MAX_STEPS: usize = 4096;

/// A way from the leaf upwards.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    /// Leaf first; with an anchor, that comes last.
    pub(super) certificates: Vec<&'a Certificate>,
    pub(super) end: End,
}

impl Candidate<'_> {
    pub(super) fn reaches_anchor(&self) -> bool {
        self.end == End::Anchor
    }
}

/// How a way upwards ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At a trust anchor.
    Anchor,
    /// At a certificate that nothing at hand is named to have issued.
    NoIssuer,
    /// At [`MAX_INTERMEDIATES`].
    TooLong,
}

/// The paths found, those that reach an anchor first.
#[derive(Debug)]
pub(super) struct Candidates<'a> {
    pub(super) paths: Vec<Candidate<'a>>,
    /// Whether there may be more.
    pub(super) truncated: bool,
}

pub(super) fn candidates<'a>(
    leaf: &'a Certificate,
    others: &'a [Certificate],
    anchors: &'a [Certificate],
) -> Candidates<'a> {
    let mut search = Search {
        others,
        anchors,
        steps: 0,
        found: Candidates {
            paths: Vec::new(),
            truncated: false,
        },
    };
    search.extend(&mut vec![leaf]);
    let mut found = search.found;
    found.paths.sort_by_key(|path| !path.reaches_anchor());
    found
}

struct Search<'a> {
    others: &'a [Certificate],
    anchors: &'a [Certificate],
    steps: usize,
    found: Candidates<'a>,
}

impl<'a> Search<'a> {
    fn extend(&mut self, path: &mut Vec<&'a Certificate>) {
        let head = *path.last().expect("a path begins with its leaf");
        let mut dead_end = true;
        for anchor in self.anchors {
            if anchor.subject_der() == head.issuer_der() {
                dead_end = false;
                let certificates = path.iter().copied().chain([anchor]).collect();
                self.keep(certificates, End::Anchor);
            }
        }
        let named = |other: &&Certificate| other.subject_der() == head.issuer_der() && !was_passed(path, other);
        let mut issuers: Vec<&'a Certificate> = self.others.iter().filter(named).collect();
        // The right key first: most bags hold one path worth looking at.
        issuers.sort_by_key(|issuer| !is_named_key(head, issuer));
        for issuer in issuers {
            dead_end = false;
            self.steps += 1;
            if self.steps > MAX_STEPS || self.found.paths.len() >= MAX_PATHS {
                self.found.truncated = true;
                return;
            }
            if path.len() > MAX_INTERMEDIATES {
                self.keep(path.clone(), End::TooLong);
                return;
            }
            path.push(issuer);
            self.extend(path);
            path.pop();
        }
        if dead_end {
            self.keep(path.clone(), End::NoIssuer);
        }
    }

    fn keep(&mut self, certificates: Vec<&'a Certificate>, end: End) {
        if self.found.paths.len() < MAX_PATHS {
            self.found.paths.push(Candidate { certificates, end });
        } else {
            self.found.truncated = true;
        }
    }
}

/// RFC 4158 §5.2: the same name and key a second time is a loop.
fn was_passed(path: &[&Certificate], other: &Certificate) -> bool {
    path.iter()
        .any(|passed| passed.subject_der() == other.subject_der() && passed.spki_der() == other.spki_der())
}

/// RFC 5280 §4.2.1.1: whether the issuer's key is the one that the certificate names.
pub(super) fn is_named_key(certificate: &Certificate, issuer: &Certificate) -> bool {
    match (certificate.authority_key_identifier(), issuer.subject_key_identifier()) {
        (Some(named), Some(own)) => named == own,
        _ => true,
    }
}
