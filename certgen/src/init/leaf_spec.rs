//! A service to make, as it is asked for.

use cryptokit::x509::{LeafProfile, SubjectAlternativeName, TrustDomain};

use crate::home::layout;
use crate::init_error::InitError;

/// A service that gets a key and a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafSpec {
    profile: LeafProfile,
    name: String,
    subject_alternative_names: Vec<SubjectAlternativeName>,
}

impl LeafSpec {
    /// A service `name`, which becomes its directory, with the names that its certificate is valid for.
    ///
    /// # Errors
    ///
    /// [`InitError::ServiceName`] unless `name` is 1 to 64 letters, digits, dots, dashes and underscores with a letter
    /// or digit at both ends: nothing that could lead out of the output directory.
    pub fn new(
        profile: LeafProfile,
        name: &str,
        subject_alternative_names: Vec<SubjectAlternativeName>,
    ) -> Result<Self, InitError> {
        check_service_name(name)?;
        Ok(Self {
            profile,
            name: name.to_owned(),
            subject_alternative_names,
        })
    }

    /// Reads `NAME` or `NAME=SAN,SAN…`; without names, NAME itself is the name.
    ///
    /// # Errors
    ///
    /// [`InitError::ServiceName`] as [`Self::new`]; [`InitError::SubjectAlternativeName`] for a malformed name.
    pub fn parse(profile: LeafProfile, text: &str) -> Result<Self, InitError> {
        let (name, names) = text.split_once('=').unwrap_or((text, text));
        check_service_name(name)?;
        let names = names
            .split(',')
            .map(|text| {
                SubjectAlternativeName::infer(text).map_err(|source| InitError::SubjectAlternativeName {
                    text: text.to_owned(),
                    source,
                })
            })
            .collect::<Result<_, _>>()?;
        Self::new(profile, name, names)
    }

    /// What is made when no service is asked for: a server `localhost` and a client `client`.
    pub(crate) fn defaults() -> Vec<Self> {
        [
            (LeafProfile::Server, "localhost=localhost,127.0.0.1,::1"),
            (LeafProfile::Client, "client"),
        ]
        .into_iter()
        .map(|(profile, text)| Self::parse(profile, text).expect("the defaults are well-formed"))
        .collect()
    }

    /// The service with a SPIFFE id in this trust domain: its name is the path. One that has an id keeps it, and one
    /// that is only server or only client gets none (X509-SVID §4.4).
    ///
    /// # Errors
    ///
    /// [`InitError::SubjectAlternativeName`] for a trust domain so long that the id becomes too long.
    pub fn in_trust_domain(mut self, domain: &TrustDomain) -> Result<Self, InitError> {
        let has_id = |names: &[SubjectAlternativeName]| {
            let mut names = names.iter();
            names.any(|name| matches!(name, SubjectAlternativeName::Uri(uri) if uri.is_spiffe()))
        };
        if self.profile == LeafProfile::Peer {
            if !has_id(&self.subject_alternative_names) {
                let id = domain.workload(&self.name);
                let id = id.map_err(|source| InitError::SubjectAlternativeName {
                    text: format!("{}/{}", domain.id(), self.name),
                    source,
                })?;
                self.subject_alternative_names.push(id);
            }
            self.profile = LeafProfile::Spiffe;
        }
        Ok(self)
    }

    /// Its profile.
    pub fn profile(&self) -> LeafProfile {
        self.profile
    }

    /// Its name and directory.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names that its certificate is valid for.
    pub fn subject_alternative_names(&self) -> &[SubjectAlternativeName] {
        &self.subject_alternative_names
    }
}

fn check_service_name(name: &str) -> Result<(), InitError> {
    if layout::is_name(name) {
        Ok(())
    } else {
        Err(InitError::ServiceName {
            name: name.escape_debug().to_string(),
        })
    }
}
