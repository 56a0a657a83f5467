//! SPIFFE trust domains (SPIFFE-ID §2.1): what the ids of an authority and of its workloads begin with.

use std::fmt;
use std::str::FromStr;

use super::certificate::Certificate;
use super::subject_alternative_name::{NameError, SubjectAlternativeName, Uri};

/// The name of a SPIFFE trust domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TrustDomain(String);

impl TrustDomain {
    /// Reads `td.internal` or the id `spiffe://td.internal`: 1 to 255 lower-case letters, digits, dots, dashes and
    /// underscores.
    ///
    /// # Errors
    ///
    /// [`NameError::Spiffe`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = text.strip_prefix(SCHEME).unwrap_or(text);
        let id = Uri::parse(&format!("{SCHEME}{name}")).map_err(|_| NameError::Spiffe)?;
        if id.is_spiffe_workload() {
            return Err(NameError::Spiffe);
        }
        Ok(Self(name.to_owned()))
    }

    /// The trust domain of an authority: that of the path-less SPIFFE id which is its only alternative name.
    pub fn of(authority: &Certificate) -> Option<Self> {
        match authority.subject_alternative_names() {
            [SubjectAlternativeName::Uri(uri)] if authority.is_ca() && !uri.is_spiffe_workload() => {
                uri.as_str().strip_prefix(SCHEME).map(|name| Self(name.to_owned()))
            }
            _ => None,
        }
    }

    /// The name, such as `td.internal`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The SPIFFE id of the trust domain itself, which its authorities have (X509-SVID §3.2).
    ///
    /// # Panics
    ///
    /// Never: it was read as one.
    pub fn id(&self) -> SubjectAlternativeName {
        let id = Uri::parse(&format!("{SCHEME}{}", self.0)).expect("it was read as one");
        SubjectAlternativeName::Uri(id)
    }

    /// The SPIFFE id of a workload: segments of letters, digits, dots, dashes and underscores with slashes between.
    ///
    /// # Errors
    ///
    /// [`NameError`] for any other path, and for ids that become longer than [`Uri::MAX_LEN`].
    pub fn workload(&self, path: &str) -> Result<SubjectAlternativeName, NameError> {
        Uri::parse(&format!("{SCHEME}{}/{path}", self.0)).map(SubjectAlternativeName::Uri)
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TrustDomain {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

const SCHEME: &str = "spiffe://";
