//! What each kind of certificate contains. The same rules build a certificate and judge it after it was signed.

use time::Duration;

use super::certificate::Certificate;
use super::extensions::{ExtendedKeyUsage, KeyUsage};
use super::subject_alternative_name::SubjectAlternativeName;
use super::trust_domain::TrustDomain;
use crate::hash::sha256;

/// How far notBefore lies in the past, so that a peer whose clock is slow accepts a certificate just made.
pub(super) const BACKDATE: Duration = Duration::minutes(5);

/// A kind of certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Self-signed, 10 years where nothing else is asked for: what relying parties are told to trust.
    Root,
    /// 5 years where nothing else is asked for: what issues leaves.
    Intermediate,
    /// No certificate authority.
    Leaf(LeafProfile),
}

/// A kind of leaf: what its key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeafProfile {
    /// A TLS server, which a client reaches under one of the names.
    Server,
    /// A TLS client, which a server knows by one of the names.
    Client,
    /// Both. SPIFFE ids need it: an X509-SVID that has extended key usages has both (X509-SVID §4.4).
    Peer,
    /// An X509-SVID: as `Peer`, with exactly one SPIFFE id, of a workload; names of other kinds may stand beside it.
    Spiffe,
}

impl LeafProfile {
    /// `server`, `client`, `peer` or `spiffe`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Peer => "peer",
            Self::Spiffe => "spiffe",
        }
    }

    pub(super) const fn extended_key_usage(self) -> ExtendedKeyUsage {
        ExtendedKeyUsage {
            server_auth: matches!(self, Self::Server | Self::Peer | Self::Spiffe),
            client_auth: matches!(self, Self::Client | Self::Peer | Self::Spiffe),
            any: false,
            others: false,
        }
    }

    /// Whether a leaf of this profile may have these names: RFC 5280 §4.2.1.6 wants one at least; wildcards belong to
    /// servers; X509-SVID §2 wants exactly one URI, with a path. What is issued is checked anyway; this tells earlier.
    ///
    /// # Errors
    ///
    /// The first rule that they break.
    pub fn check_names(self, names: &[SubjectAlternativeName]) -> Result<(), ProfileViolation> {
        require(
            !names.is_empty(),
            "a leaf has at least one subject alternative name (RFC 5280 §4.2.1.6)",
        )?;
        for (index, name) in names.iter().enumerate() {
            require(
                !names[..index].contains(name),
                "a subject alternative name occurs twice",
            )?;
            if let SubjectAlternativeName::Dns(name) = name {
                require(
                    !name.is_wildcard() || self == Self::Server,
                    "only server certificates may have wildcard names (RFC 9525 §6.3)",
                )?;
            }
        }
        let uris: Vec<_> = names
            .iter()
            .filter_map(|name| match name {
                SubjectAlternativeName::Uri(uri) => Some(uri),
                _ => None,
            })
            .collect();
        let has_spiffe_id = uris.iter().any(|uri| uri.is_spiffe());
        require(
            has_spiffe_id || self != Self::Spiffe,
            "an X509-SVID has a SPIFFE id (X509-SVID §2)",
        )?;
        if has_spiffe_id {
            require(
                uris.len() == 1,
                "a SPIFFE id is the only URI of its certificate (X509-SVID §2)",
            )?;
            require(
                uris[0].is_spiffe_workload(),
                "a leaf's SPIFFE id has a path (X509-SVID §5.2)",
            )?;
            require(
                matches!(self, Self::Peer | Self::Spiffe),
                "a certificate with a SPIFFE id is for server and client: use the peer profile (X509-SVID §4.4)",
            )?;
        }
        Ok(())
    }
}

impl Profile {
    /// Apple's systems refuse a server's certificate that lives longer, also of a private authority
    /// (<https://support.apple.com/103769>).
    pub const APPLE_SERVER_LIFETIME: Duration = Duration::days(825);

    /// How long a certificate lives when its issuer does, counted from the moment it is made.
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::Root => Duration::days(3650),
            Self::Intermediate => Duration::days(1825),
            Self::Leaf(_) => Duration::days(90),
        }
    }

    /// The longest life that may be asked for: 25 years for a root, 10 for an intermediate or a leaf. See
    /// [`Self::APPLE_SERVER_LIFETIME`].
    pub const fn max_lifetime(self) -> Duration {
        match self {
            Self::Root => Duration::days(9131),
            Self::Intermediate | Self::Leaf(_) => Duration::days(3653),
        }
    }

    /// RFC 5280 §4.2.1.3; for a leaf with an elliptic-curve key RFC 5480 §3: no keyEncipherment.
    pub(super) const fn key_usage(self) -> KeyUsage {
        let bits = match self {
            Self::Root | Self::Intermediate => KeyUsage::KEY_CERT_SIGN | KeyUsage::CRL_SIGN,
            Self::Leaf(_) => KeyUsage::DIGITAL_SIGNATURE,
        };
        KeyUsage { bits }
    }

    /// Whether the certificate is what this profile makes, extension by extension.
    ///
    /// Says nothing about its signature or issuer: see [`super::verify_client_chain`].
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn check(self, certificate: &Certificate) -> Result<(), ProfileViolation> {
        check_serial(certificate.serial())?;
        self.check_validity(certificate)?;
        self.check_key_identifiers(certificate)?;
        self.check_key_usage(certificate)?;
        match self {
            Self::Root | Self::Intermediate => self.check_authority(certificate)?,
            Self::Leaf(leaf) => check_leaf(leaf, certificate)?,
        }
        require(
            certificate.extensions.others == 0,
            "there is an extension that the profile does not have",
        )?;
        let constraints = certificate.extensions.name_constraints.as_ref();
        require(
            constraints.is_none_or(|found| found.critical && !matches!(self, Self::Leaf(_))),
            "nameConstraints are critical and in an authority's certificate only (RFC 5280 §4.2.1.10)",
        )
    }

    fn check_validity(self, certificate: &Certificate) -> Result<(), ProfileViolation> {
        let lifetime = certificate.not_after() - certificate.not_before();
        require(
            lifetime.is_positive(),
            "notAfter comes after notBefore (RFC 5280 §4.1.2.5)",
        )?;
        require(
            lifetime <= self.max_lifetime() + BACKDATE,
            "the validity is longer than the profile allows",
        )
    }

    fn check_key_identifiers(self, certificate: &Certificate) -> Result<(), ProfileViolation> {
        let extensions = &certificate.extensions;
        let subject = extensions.subject_key_identifier.as_ref();
        require(
            subject.is_some_and(|id| !id.critical && id.value == key_identifier(certificate.public_key())),
            "subjectKeyIdentifier is that of RFC 7093 §2 method 1, not critical (RFC 5280 §4.2.1.2)",
        )?;
        let Some(authority) = &extensions.authority_key_identifier else {
            return require(
                self == Self::Root,
                "authorityKeyIdentifier is present (RFC 5280 §4.2.1.1)",
            );
        };
        require(
            !authority.critical && !authority.value.has_issuer_or_serial && authority.value.key_identifier.is_some(),
            "authorityKeyIdentifier is a key identifier alone, not critical (RFC 5280 §4.2.1.1)",
        )?;
        let own = subject.map(|id| id.value.as_slice());
        require(
            self != Self::Root || certificate.authority_key_identifier() == own,
            "a root's authorityKeyIdentifier is its own key's (RFC 5280 §4.2.1.1)",
        )
    }

    fn check_key_usage(self, certificate: &Certificate) -> Result<(), ProfileViolation> {
        let found = certificate.extensions.key_usage.as_ref();
        require(
            found.is_some_and(|usage| usage.critical && usage.value == self.key_usage()),
            "keyUsage is critical and exactly the profile's (RFC 5280 §4.2.1.3)",
        )
    }

    fn check_authority(self, certificate: &Certificate) -> Result<(), ProfileViolation> {
        let constraints = certificate.extensions.basic_constraints.as_ref();
        require(
            constraints.is_some_and(|found| found.critical && found.value.ca && found.value.path_length.is_some()),
            "basicConstraints is critical with cA and a path length (RFC 5280 §4.2.1.9)",
        )?;
        require(
            !certificate.subject_text().is_empty(),
            "a CA has a subject (RFC 5280 §4.1.2.6)",
        )?;
        require(
            certificate.names_itself_as_issuer() == (self == Self::Root),
            "a root, and only a root, is its own issuer (RFC 5280 §3.2)",
        )?;
        require(
            certificate.extensions.extended_key_usage.is_none(),
            "a CA has no extended key usages",
        )?;
        let names = certificate.extensions.subject_alternative_names.as_ref();
        let usable = certificate.unusable_name_count() == 0 && TrustDomain::of(certificate).is_some();
        require(
            names.is_none_or(|names| usable && !names.critical),
            "a CA has no alternative name but the SPIFFE id of its trust domain (X509-SVID §3.2)",
        )
    }
}

/// A rule of a profile that a request or a certificate breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct ProfileViolation {
    /// The rule, with the section of the standard where it has one.
    pub rule: &'static str,
}

/// RFC 7093 §2 method 1: the first 160 bits of the SHA-256 of the public key's bits.
pub(super) fn key_identifier(public_key: &[u8]) -> Vec<u8> {
    sha256(public_key)[..20].to_vec()
}

/// RFC 5280 §4.1.2.2: positive, at most 20 octets. CA/Browser Forum BR §7.1: at least 64 random bits.
fn check_serial(serial: &[u8]) -> Result<(), ProfileViolation> {
    let positive = serial.first().is_some_and(|first| first & 0x80 == 0);
    require(
        positive && (9..=20).contains(&serial.len()),
        "the serial number is positive and has 9 to 20 octets (RFC 5280 §4.1.2.2)",
    )
}

fn check_leaf(leaf: LeafProfile, certificate: &Certificate) -> Result<(), ProfileViolation> {
    require(!certificate.is_ca(), "a leaf is no CA (RFC 5280 §4.2.1.9)")?;
    let usages = certificate.extensions.extended_key_usage.as_ref();
    require(
        usages.is_some_and(|found| !found.critical && found.value == leaf.extended_key_usage()),
        "extKeyUsage is exactly the profile's, not critical (RFC 5280 §4.2.1.12)",
    )?;
    leaf.check_names(certificate.subject_alternative_names())?;
    let subject = certificate.subject_text();
    let is_copy = |name: &SubjectAlternativeName| subject.strip_prefix("CN=") == Some(&name.value());
    require(
        subject.is_empty() || certificate.subject_alternative_names().iter().any(is_copy),
        "a leaf's subject is empty or one of its names (BR §7.1.2.7.2)",
    )?;
    require(
        certificate.unusable_name_count() == 0,
        "every subject alternative name is of a known kind",
    )?;
    let names = certificate.extensions.subject_alternative_names.as_ref();
    require(
        names.is_some_and(|names| names.critical == certificate.subject_text().is_empty()),
        "subjectAltName is critical exactly when there is no subject (RFC 5280 §4.2.1.6)",
    )
}

fn require(holds: bool, rule: &'static str) -> Result<(), ProfileViolation> {
    if holds { Ok(()) } else { Err(ProfileViolation { rule }) }
}
