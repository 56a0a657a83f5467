//! Why something was refused or failed: a kind out of a closed catalogue, and what is particular to the case.

use std::borrow::Cow;

/// A row of the catalogue. The rows are in [`reasons`](super::reasons), and in `docs/events.md` for operators.
#[derive(Debug, PartialEq, Eq)]
pub struct ReasonKind {
    /// A stable code for logs and metrics.
    pub code: &'static str,
    /// The event's name in the OWASP logging vocabulary.
    pub event: &'static str,
    /// What happened, in words.
    pub description: &'static str,
    /// What an operator can do about it.
    pub advice: &'static str,
}

/// Why something was refused or failed: exact, and for operators only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    kind: &'static ReasonKind,
    detail: Option<String>,
}

impl Reason {
    /// A case of that kind, with what is particular to it. Nothing that came from outside goes in here.
    pub fn new(kind: &'static ReasonKind, detail: String) -> Self {
        Self {
            kind,
            detail: Some(detail),
        }
    }

    /// The row of the catalogue.
    pub fn kind(&self) -> &'static ReasonKind {
        self.kind
    }

    /// A stable code for logs and metrics; a closed set.
    pub fn code(&self) -> &'static str {
        self.kind.code
    }

    /// The event's name in the OWASP logging vocabulary.
    pub fn event(&self) -> &'static str {
        self.kind.event
    }

    /// What happened, in words: the particulars where there are some, else the kind's description.
    pub fn detail(&self) -> Cow<'_, str> {
        match &self.detail {
            Some(detail) => Cow::Borrowed(detail),
            None => Cow::Borrowed(self.kind.description),
        }
    }

    /// What an operator can do about it.
    pub fn advice(&self) -> &'static str {
        self.kind.advice
    }
}

impl From<&'static ReasonKind> for Reason {
    fn from(kind: &'static ReasonKind) -> Self {
        Self { kind, detail: None }
    }
}
