//! What is wrong with certificates, revocation lists and requests of any maker, by section: RFC 5280, the documents
//! beside it, and what verifiers in the field refuse.
//!
//! The documents are read leniently, so that what the strict reader refuses can be told in words. No signature is
//! looked at and no time: that is for [`crate::verify`].
//!
//! ```
//! use certgen::lint::{Severity, lint};
//! use certgen::documents::{Document, DocumentKind};
//! # use cryptokit::x509::{CertificateAuthority, DistinguishedName};
//! # let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! let root = CertificateAuthority::new_root(&DistinguishedName::new("Example root CA")?, now)?;
//! let der = root.certificate().der().to_vec();
//! let document = Document { kind: DocumentKind::Certificate, der };
//! assert!(lint(&document, &[]).iter().all(|finding| finding.lint.severity < Severity::Notice));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod certificate;
mod encoding;
mod extensions;
mod fields;
mod key;
mod key_usage;
mod names;
mod pair;
mod request;
mod revocation_list;
mod spiffe;
mod subject_names;
mod table;
#[cfg(test)]
mod tests;
mod view;

use crate::documents::{Document, DocumentKind};

pub use table::LINTS;

/// Something that may be wrong with a document.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lint {
    /// What it is called; never changes its meaning.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Who says so.
    pub section: &'static str,
    /// What is wrong, as a clause.
    pub what: &'static str,
}

/// How bad a finding is. Greater is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing, and not against any rule.
    Notice,
    /// Against advice, or refused by some.
    Warning,
    /// Against a rule.
    Error,
}

impl Severity {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that is wrong with one document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What.
    pub lint: &'static Lint,
    /// Where, or what was found instead.
    pub detail: Option<String>,
}

/// Everything that is found in a document, worst first. `others` are documents in which its issuer may be.
pub fn lint(document: &Document, others: &[Document]) -> Vec<Finding> {
    let mut findings = Findings::default();
    match document.kind {
        DocumentKind::Certificate => certificate::check(&document.der, others, &mut findings),
        DocumentKind::RevocationList => revocation_list::check(&document.der, others, &mut findings),
        DocumentKind::Request => request::check(&document.der, &mut findings),
    }
    let mut found = findings.found;
    found.sort_by_key(|finding| std::cmp::Reverse(finding.lint.severity));
    found
}

/// What the document is called: its subject, or a list's issuer; nothing when it cannot be read.
pub fn name_of(document: &Document) -> Option<String> {
    let name = match document.kind {
        DocumentKind::Certificate => view::CertificateView::read(&document.der).ok()?.subject,
        DocumentKind::RevocationList => view::RevocationListView::read(&document.der).ok()?.issuer,
        DocumentKind::Request => view::RequestView::read(&document.der).ok()?.subject,
    };
    let text = names::text(name);
    (!text.is_empty()).then_some(text)
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Findings {
    found: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, lint: &'static Lint) {
        self.found.push(Finding { lint, detail: None });
    }

    fn add_at(&mut self, lint: &'static Lint, detail: impl Into<String>) {
        let detail = Some(detail.into());
        let finding = Finding { lint, detail };
        // The same of two names at the same place says nothing more.
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
    }

    fn add_if(&mut self, lint: &'static Lint, is_wrong: bool) {
        if is_wrong {
            self.add(lint);
        }
    }
}
