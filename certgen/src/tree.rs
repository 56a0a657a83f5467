//! The authority as a tree: roots, what they signed, and the services below, each with what matters about it today.

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::duration::in_words;
use crate::home::{AuthorityKind, AuthorityRecord, HomeView, Inventory, IssuedRecord, RevokedRecord, layout};
use crate::renewal_point::{RenewalPoint, Standing};

/// A certificate in the tree.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Node {
    /// The authority's or service's name; for a certificate that was given away, its subject or first name.
    pub name: String,
    /// `root`, `issuing`, `cross`, or the profile of a service.
    pub kind: String,
    /// Kind of key.
    pub key: String,
    /// Whether an authority's key is in its directory.
    pub key_is_here: Option<bool>,
    /// Serial number.
    pub serial: String,
    /// Subject, for people.
    pub subject: String,
    /// The names that it is valid for.
    pub names: Vec<String>,
    /// First second of its validity.
    pub not_before: OffsetDateTime,
    /// Last second of its validity.
    pub not_after: OffsetDateTime,
    /// What may be said of it.
    pub state: State,
    /// An authority's revocation list: its number, and when the next one is due.
    pub list: Option<(String, OffsetDateTime)>,
    /// What it signed.
    pub children: Vec<Self>,
}

/// What may be said of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Valid.
    Valid,
    /// Valid, and two thirds of its life have passed.
    Due,
    /// Valid, but the service has a newer one.
    Superseded,
    /// Not valid yet.
    NotYetValid,
    /// No longer valid.
    Expired,
    /// Valid by itself, but an authority above it is revoked.
    IssuerRevoked,
    /// Revoked.
    Revoked {
        /// When.
        time: OffsetDateTime,
        /// Why, in the standard's words.
        reason: String,
    },
}

impl State {
    /// For programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Due => "due",
            Self::Superseded => "superseded",
            Self::NotYetValid => "not-yet-valid",
            Self::Expired => "expired",
            Self::IssuerRevoked => "issuer-revoked",
            Self::Revoked { .. } => "revoked",
        }
    }
}

/// Reads the tree of a home. Expired certificates of services are left out unless `all` are asked for, but not a
/// service's newest.
pub fn of(home: &HomeView, all: bool, now: OffsetDateTime) -> Vec<Node> {
    let inventory = home.inventory();
    // Later ones replace earlier ones.
    let issued = inventory.issued().iter();
    let newest = issued.filter_map(|record| Some((record.service.as_deref()?, record.serial.as_str())));
    let builder = Builder {
        home,
        inventory,
        newest: newest.collect(),
        all,
        now,
    };
    let roots = inventory.authorities().filter(|one| one.kind == AuthorityKind::Root);
    roots.map(|root| builder.authority(root, 0)).collect()
}

impl Node {
    fn lose_issuer(&mut self) {
        if matches!(self.state, State::Valid | State::Due) {
            self.state = State::IssuerRevoked;
        }
        self.children.iter_mut().for_each(Self::lose_issuer);
    }
}

/// Of authorities above one another: ours are two.
const MAX_DEPTH: usize = 16;

struct Builder<'a> {
    home: &'a HomeView,
    inventory: &'a Inventory,
    /// Serial numbers by service.
    newest: HashMap<&'a str, &'a str>,
    all: bool,
    now: OffsetDateTime,
}

impl Builder<'_> {
    fn authority(&self, record: &AuthorityRecord, depth: usize) -> Node {
        let is_below = |one: &&AuthorityRecord| one.issuer_key_id == record.key_id && one.serial != record.serial;
        let mut children = Vec::new();
        // What a second certificate leads to stands below the first one. An inventory written by hand could go in a circle.
        if record.kind != AuthorityKind::Cross && depth < MAX_DEPTH {
            let below = self.inventory.authorities().filter(is_below);
            children.extend(
                below
                    .filter(|one| one.kind != AuthorityKind::Root)
                    .map(|one| self.authority(one, depth + 1)),
            );
            // Newest first.
            let issued = self
                .inventory
                .issued()
                .iter()
                .rev()
                .filter(|one| one.issuer_key_id == record.key_id);
            let mut services: Vec<_> = issued.filter(|one| self.is_shown(one)).collect();
            services.sort_by_key(|one| (one.service.is_none(), one.service.clone()));
            children.extend(services.into_iter().map(|one| self.service(one)));
        }
        let state = self.state(&record.serial, record.not_before, record.not_after);
        if matches!(state, State::Revoked { .. }) {
            children.iter_mut().for_each(Node::lose_issuer);
        }
        let list = self.inventory.revocation_list(&record.key_id);
        let list = list.filter(|_| record.kind != AuthorityKind::Cross);
        Node {
            name: record.name.clone(),
            kind: match record.kind {
                AuthorityKind::Root => "root",
                AuthorityKind::Issuing => "issuing",
                AuthorityKind::Cross => "cross",
            }
            .to_owned(),
            key: record.key.clone(),
            key_is_here: Some(self.home.path_of(&layout::key_of(&record.name)).exists()),
            serial: record.serial.clone(),
            subject: record.subject.clone(),
            names: Vec::new(),
            not_before: record.not_before,
            not_after: record.not_after,
            state,
            list: list.map(|list| (decimal(&list.number), list.next_update)),
            children,
        }
    }

    fn service(&self, record: &IssuedRecord) -> Node {
        let mut state = self.state(&record.serial, record.not_before, record.not_after);
        if matches!(state, State::Valid | State::Due) && !self.is_newest(record) {
            state = State::Superseded;
        }
        let given_away = || record.names.first().unwrap_or(&record.subject).clone();
        Node {
            name: record.service.clone().unwrap_or_else(given_away),
            kind: record.profile.clone(),
            key: record.key.clone(),
            key_is_here: None,
            serial: record.serial.clone(),
            subject: record.subject.clone(),
            names: record.names.clone(),
            not_before: record.not_before,
            not_after: record.not_after,
            state,
            list: None,
            children: Vec::new(),
        }
    }

    fn is_shown(&self, record: &IssuedRecord) -> bool {
        self.all || record.not_after >= self.now || (record.service.is_some() && self.is_newest(record))
    }

    /// One that was given away has no successor that could be known.
    fn is_newest(&self, record: &IssuedRecord) -> bool {
        let service = record.service.as_deref();
        service.is_none_or(|service| self.newest.get(service) == Some(&record.serial.as_str()))
    }

    fn state(&self, serial: &str, not_before: OffsetDateTime, not_after: OffsetDateTime) -> State {
        if let Some(RevokedRecord { time, reason, .. }) = self.inventory.revocation(serial) {
            let reason = reason.clone();
            return State::Revoked { time: *time, reason };
        }
        match RenewalPoint::default().standing_of(not_before, not_after, self.now) {
            Standing::NotYetValid => State::NotYetValid,
            Standing::NotYetDue { .. } => State::Valid,
            Standing::Due => State::Due,
            Standing::Expired => State::Expired,
        }
    }
}

/// The tree as text, a line for each certificate in columns as wide as they need to be.
pub fn render(roots: &[Node], colour: bool, now: OffsetDateTime) -> String {
    let mut lines = Vec::new();
    for root in roots {
        add_lines(root, String::new(), String::new(), now, &mut lines);
    }
    let widths: Vec<usize> = (0..COLUMNS)
        .map(|column| {
            lines
                .iter()
                .map(|line| line.cells[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (cell, width) in line.cells.iter().zip(&widths) {
            row.push_str(cell);
            row.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
        }
        let said = match line.colour.filter(|_| colour) {
            Some(code) => format!("\x1b[{code}m{}\x1b[0m", line.said),
            None => line.said.clone(),
        };
        text.push_str(&row);
        text.push_str(&said);
        if !line.rest.is_empty() {
            text.push_str("  ");
            text.push_str(&line.rest);
        }
        text.push('\n');
    }
    text
}

const COLUMNS: usize = 4;

struct Line {
    /// Name with its branches, kind, key, beginning of the serial number.
    cells: [String; COLUMNS],
    said: String,
    /// SGR code.
    colour: Option<&'static str>,
    rest: String,
}

fn add_lines(node: &Node, branch: String, indent: String, now: OffsetDateTime, lines: &mut Vec<Line>) {
    let (said, colour) = said(node, now);
    let serial = node.serial.get(..SHOWN_DIGITS).unwrap_or(&node.serial).to_owned();
    lines.push(Line {
        cells: [
            format!("{branch}{}", node.name),
            node.kind.clone(),
            node.key.clone(),
            serial,
        ],
        said,
        colour,
        rest: rest(node, now),
    });
    for (index, child) in node.children.iter().enumerate() {
        let is_last = index + 1 == node.children.len();
        let (branch, below) = if is_last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        add_lines(
            child,
            format!("{indent}{branch}"),
            format!("{indent}{below}"),
            now,
            lines,
        );
    }
}

/// As many digits as `certgen revoke` wants.
const SHOWN_DIGITS: usize = 8;
const RED: &str = "31";
const YELLOW: &str = "33";
const GREEN: &str = "32";
const DIM: &str = "2";

fn said(node: &Node, now: OffsetDateTime) -> (String, Option<&'static str>) {
    let span = in_words(node.not_after - now);
    match &node.state {
        State::Valid => (format!("{span} left"), Some(GREEN)),
        State::Due => (format!("{span} left, renew it"), Some(YELLOW)),
        State::Superseded => (format!("superseded, {span} left"), Some(DIM)),
        State::NotYetValid => (format!("valid from {}", node.not_before.date()), Some(YELLOW)),
        State::Expired => (format!("expired {span} ago"), Some(RED)),
        State::IssuerRevoked => ("its authority is revoked".to_owned(), Some(RED)),
        State::Revoked { time, reason } if reason == "unspecified" => (format!("revoked {}", time.date()), Some(RED)),
        State::Revoked { time, reason } => (format!("revoked {} ({reason})", time.date()), Some(RED)),
    }
}

/// As far as 64 bits reach.
fn decimal(number: &str) -> String {
    u64::from_str_radix(number, 16).map_or_else(|_| format!("0x{number}"), |number| number.to_string())
}

fn rest(node: &Node, now: OffsetDateTime) -> String {
    let mut parts = Vec::new();
    if node.key_is_here == Some(false) && node.kind != "cross" {
        parts.push("key not here".to_owned());
    }
    if let Some((number, next_update)) = &node.list {
        parts.push(if *next_update < now {
            format!("CRL {number} expired {}", next_update.date())
        } else {
            format!("CRL {number} until {}", next_update.date())
        });
    }
    // The first stands in the place of the name where there is no other.
    let names = node.names.iter().filter(|name| **name != node.name);
    parts.extend(names.cloned());
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
    }

    fn node(name: &str, kind: &str, state: State, children: Vec<Node>) -> Node {
        Node {
            name: name.to_owned(),
            kind: kind.to_owned(),
            key: "Ed25519".to_owned(),
            key_is_here: None,
            serial: "0123456789abcdef".to_owned(),
            subject: String::new(),
            names: vec![format!("dns:{name}.example")],
            not_before: now() - Duration::days(10),
            not_after: now() + Duration::days(20),
            state,
            list: None,
            children,
        }
    }

    fn tree() -> Vec<Node> {
        let revoked = State::Revoked {
            time: now(),
            reason: "keyCompromise".to_owned(),
        };
        let mut issuing = node(
            "intermediate",
            "issuing",
            State::Due,
            vec![
                node("api", "server", State::Valid, vec![]),
                node("api", "server", State::Superseded, vec![]),
            ],
        );
        issuing.list = Some(("10".to_owned(), now() - Duration::DAY));
        issuing.key_is_here = Some(false);
        issuing.names.clear();
        let other = node("other", "issuing", revoked, vec![]);
        vec![node("root", "root", State::NotYetValid, vec![issuing, other])]
    }

    #[test]
    fn lines_say_what_matters_in_aligned_columns() {
        let expected = "\
root             root     Ed25519  01234567  valid from 2027-01-05  dns:root.example
├─ intermediate  issuing  Ed25519  01234567  20 days left, renew it  key not here, CRL 10 expired 2027-01-14
│  ├─ api        server   Ed25519  01234567  20 days left  dns:api.example
│  └─ api        server   Ed25519  01234567  superseded, 20 days left  dns:api.example
└─ other         issuing  Ed25519  01234567  revoked 2027-01-15 (keyCompromise)  dns:other.example
";
        assert_eq!(render(&tree(), false, now()), expected);
    }

    #[test]
    fn only_the_state_is_coloured() {
        let text = render(&tree(), true, now());
        assert!(text.contains("\x1b[33m20 days left, renew it\x1b[0m"), "{text}");
        assert!(
            text.contains("\x1b[31mrevoked 2027-01-15 (keyCompromise)\x1b[0m"),
            "{text}"
        );
        assert_eq!(text.matches('\x1b').count(), 2 * text.lines().count());
    }
}
