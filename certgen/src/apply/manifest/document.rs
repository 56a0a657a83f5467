//! The manifest as serde reads it: names of keys and types of values, each with its place in the text.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

pub(super) type Text = Spanned<String>;
pub(super) type Named<T> = BTreeMap<Spanned<String>, T>;

/// Read first and alone: what a later version of the format has besides is not an unknown key but another version.
#[derive(Deserialize)]
pub(super) struct Version {
    pub(super) version: Option<Spanned<toml::Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(rename = "version")]
    pub(super) _version: i64,
    pub(super) directory: Option<Text>,
    pub(super) authority: Spanned<Authority>,
    #[serde(default)]
    pub(super) issuing: Named<Issuing>,
    #[serde(default)]
    pub(super) defaults: Defaults,
    #[serde(default)]
    pub(super) services: Named<Service>,
    #[serde(default)]
    pub(super) revoked: Vec<Spanned<Revoked>>,
    pub(super) crl: Option<Crl>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authority {
    pub(super) name: Text,
    pub(super) organization: Option<Text>,
    pub(super) organizational_unit: Option<Text>,
    pub(super) country: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) lifetime: Option<Text>,
    pub(super) trust_domain: Option<Text>,
    #[serde(default)]
    pub(super) permit: Vec<Text>,
    #[serde(default)]
    pub(super) exclude: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issuing {
    pub(super) key: Option<Text>,
    pub(super) lifetime: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    pub(super) profile: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) lifetime: Option<Text>,
    pub(super) renew: Option<Text>,
    pub(super) rotate_key: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) profile: Option<Text>,
    pub(super) names: Option<Vec<Text>>,
    pub(super) issuer: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) lifetime: Option<Text>,
    pub(super) renew: Option<Text>,
    pub(super) rotate_key: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoked {
    pub(super) serial: Option<Text>,
    pub(super) service: Option<Text>,
    pub(super) reason: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crl {
    pub(super) lifetime: Option<Text>,
    pub(super) root_lifetime: Option<Text>,
    pub(super) renew: Option<Text>,
}
