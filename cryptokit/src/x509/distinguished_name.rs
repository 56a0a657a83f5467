//! The subject of a certificate authority (RFC 5280 §4.1.2.6): a common name, and where wanted country, organization
//! and organizational unit.

use std::fmt;

use x509_parser::asn1_rs::FromDer;
use x509_parser::x509::X509Name;

use super::certificate::{Certificate, push_escaped};

/// A subject of at most one country, organization and organizational unit, and one common name, in that order.
///
/// Each at most once: verifiers agree on how names are compared, encoders not on how repeated attributes are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DistinguishedName {
    country: Option<String>,
    organization: Option<String>,
    organizational_unit: Option<String>,
    common_name: String,
}

impl DistinguishedName {
    /// Longest common name, organization and organizational unit in characters (RFC 5280 appendix A.1,
    /// `ub-common-name`, `ub-organization-name` and `ub-organizational-unit-name`).
    pub const MAX_CHARACTERS: usize = 64;

    /// A subject of a common name alone.
    ///
    /// # Errors
    ///
    /// [`DistinguishedNameError::Length`] or [`DistinguishedNameError::Character`] for the common name.
    pub fn new(common_name: &str) -> Result<Self, DistinguishedNameError> {
        check_text("common name", common_name)?;
        Ok(Self {
            country: None,
            organization: None,
            organizational_unit: None,
            common_name: common_name.to_owned(),
        })
    }

    /// Adds an organization.
    ///
    /// # Errors
    ///
    /// [`DistinguishedNameError::Length`] or [`DistinguishedNameError::Character`] for the organization.
    pub fn with_organization(mut self, organization: &str) -> Result<Self, DistinguishedNameError> {
        check_text("organization", organization)?;
        self.organization = Some(organization.to_owned());
        Ok(self)
    }

    /// Adds an organizational unit.
    ///
    /// # Errors
    ///
    /// [`DistinguishedNameError::Length`] or [`DistinguishedNameError::Character`] for the organizational unit.
    pub fn with_organizational_unit(mut self, unit: &str) -> Result<Self, DistinguishedNameError> {
        check_text("organizational unit", unit)?;
        self.organizational_unit = Some(unit.to_owned());
        Ok(self)
    }

    /// Adds a country: an officially assigned ISO 3166-1 alpha-2 code in capitals, such as `GB` (not `UK`).
    ///
    /// # Errors
    ///
    /// [`DistinguishedNameError::Country`] for anything else.
    pub fn with_country(mut self, code: &str) -> Result<Self, DistinguishedNameError> {
        check_country(code)?;
        self.country = Some(code.to_owned());
        Ok(self)
    }

    /// The subject of a certificate, if it is one that this type can express: the four attributes, each at most once, and
    /// a common name among them. To make another authority of the same house, not to compare names: the order of the
    /// attributes and their string types are not kept.
    pub fn of(certificate: &Certificate) -> Option<Self> {
        let (_, name) = X509Name::from_der(certificate.subject_der()).ok()?;
        let [mut country, mut organization, mut unit, mut common_name] = [const { None::<String> }; 4];
        for relative in name.iter_rdn() {
            let mut attributes = relative.iter();
            let (attribute, None) = (attributes.next()?, attributes.next()) else {
                return None;
            };
            let place = match attribute.attr_type().as_bytes() {
                [0x55, 0x04, 0x06] => &mut country,
                [0x55, 0x04, 0x0a] => &mut organization,
                [0x55, 0x04, 0x0b] => &mut unit,
                [0x55, 0x04, 0x03] => &mut common_name,
                _ => return None,
            };
            if place.replace(attribute.as_str().ok()?.to_owned()).is_some() {
                return None;
            }
        }
        let mut subject = Self::new(&common_name?).ok()?;
        if let Some(country) = country {
            subject = subject.with_country(&country).ok()?;
        }
        if let Some(organization) = organization {
            subject = subject.with_organization(&organization).ok()?;
        }
        if let Some(unit) = unit {
            subject = subject.with_organizational_unit(&unit).ok()?;
        }
        Some(subject)
    }

    /// The common name.
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// The organization.
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// The organizational unit.
    pub fn organizational_unit(&self) -> Option<&str> {
        self.organizational_unit.as_deref()
    }

    /// The country code.
    pub fn country(&self) -> Option<&str> {
        self.country.as_deref()
    }
}

impl fmt::Display for DistinguishedName {
    /// As [`super::Certificate::subject_text`] has it for a certificate of this subject, escapes included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = [
            ("C=", &self.country),
            ("O=", &self.organization),
            ("OU=", &self.organizational_unit),
        ];
        let mut text = String::new();
        for (name, value) in before {
            if let Some(value) = value {
                text.push_str(name);
                push_escaped(&mut text, value);
                text.push_str(", ");
            }
        }
        text.push_str("CN=");
        push_escaped(&mut text, &self.common_name);
        f.write_str(&text)
    }
}

/// Why text cannot stand in a subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DistinguishedNameError {
    /// Empty, or longer than [`DistinguishedName::MAX_CHARACTERS`].
    #[error("the {field} must have 1 to {max} characters", max = DistinguishedName::MAX_CHARACTERS)]
    Length {
        /// `common name`, `organization` or `organizational unit`.
        field: &'static str,
    },
    /// A control character, or a space at either end.
    #[error("the {field} cannot contain control characters, nor begin or end with a space")]
    Character {
        /// `common name`, `organization` or `organizational unit`.
        field: &'static str,
    },
    /// Not an assigned ISO 3166-1 alpha-2 code.
    #[error("the country must be a two-letter ISO 3166-1 code in capitals, such as DE or GB")]
    Country,
}

fn check_text(field: &'static str, text: &str) -> Result<(), DistinguishedNameError> {
    if !(1..=DistinguishedName::MAX_CHARACTERS).contains(&text.chars().count()) {
        return Err(DistinguishedNameError::Length { field });
    }
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(DistinguishedNameError::Character { field });
    }
    Ok(())
}

fn check_country(code: &str) -> Result<(), DistinguishedNameError> {
    // Compared code by code: a substring search would also find pairs that straddle two codes.
    let assigned = COUNTRIES.split_ascii_whitespace().any(|country| country == code);
    if assigned {
        Ok(())
    } else {
        Err(DistinguishedNameError::Country)
    }
}

/// ISO 3166-1 alpha-2, officially assigned.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_countries_is_whole_sorted_and_without_repetition() {
        let codes: Vec<_> = COUNTRIES.split_ascii_whitespace().collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.is_sorted_by(|a, b| a < b));
    }
}
