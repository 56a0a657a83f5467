//! From text to [`Manifest`]: every check, each with its place.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use cryptokit::x509::{
    DistinguishedName, DistinguishedNameError, KeyKind, LeafProfile, NameConstraints, Profile, RevocationReason,
    SubjectAlternativeName, Subtree, TrustDomain, UnknownKeyKind,
};
use time::Duration;
use toml::Spanned;

use super::document::{Authority, Defaults, Document, Issuing, Named, Revoked, Service, Text, Version};
use super::error::{ManifestError, ManifestProblem, shown, shown_message};
use super::{Manifest, RevocationTarget, WantedAuthority, WantedCrl, WantedIssuing, WantedRevocation, WantedService};
use crate::duration;
use crate::home::layout;
use crate::name_limits;
use crate::renewal_point::RenewalPoint;

/// What is wrong, and where.
struct Fault {
    span: Range<usize>,
    problem: ManifestProblem,
}

type Checked<T> = Result<T, Fault>;

pub(super) fn manifest(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let begin = |problem| ManifestError {
        line: 1,
        column: 1,
        problem,
    };
    if bytes.len() > Manifest::MAX_BYTES {
        return Err(begin(ManifestProblem::TooLarge {
            max_bytes: Manifest::MAX_BYTES,
        }));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let valid = std::str::from_utf8(valid).unwrap_or_default();
            return Err(placed(valid, valid.len(), ManifestProblem::NotText));
        }
    };
    read(text).map_err(|fault| placed(text, fault.span.start, fault.problem))
}

fn placed(text: &str, offset: usize, problem: ManifestProblem) -> ManifestError {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    ManifestError {
        line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        problem,
    }
}

fn read(text: &str) -> Checked<Manifest> {
    check_version(text)?;
    let document: Document = toml::from_str(text).map_err(document_fault)?;
    let authority = read_authority(&document.authority)?;
    let issuing = read_issuing(document.issuing, &authority)?;
    let services = read_services(document.services, &document.defaults, &authority, &issuing)?;
    let revoked = read_revoked(&document.revoked, &services)?;
    let crl = document.crl.as_ref().map(|crl| {
        let default = WantedCrl::default();
        let lifetime = lifetime_or(crl.lifetime.as_ref(), default.lifetime, MAX_CRL_LIFETIME)?;
        let root_lifetime = lifetime_or(crl.root_lifetime.as_ref(), default.root_lifetime, MAX_CRL_LIFETIME)?;
        let shorter = lifetime.min(root_lifetime);
        let renew = renewal_or(crl.renew.as_ref(), RenewalPoint::default(), shorter)?;
        Ok(WantedCrl {
            lifetime,
            root_lifetime,
            renew,
        })
    });
    Ok(Manifest {
        directory: read_directory(document.directory.as_ref())?,
        authority,
        issuing,
        services,
        revoked,
        crl: crl.transpose()?,
    })
}

fn check_version(text: &str) -> Checked<()> {
    let found: Version = toml::from_str(text).map_err(document_fault)?;
    let fault = |span, found: &str| {
        Err(Fault {
            span,
            problem: ManifestProblem::Version {
                found: found.to_owned(),
            },
        })
    };
    match found.version {
        None => fault(0..0, "missing"),
        Some(version) if version.get_ref().as_integer() == Some(1) => Ok(()),
        Some(version) => fault(version.span(), &shown(&version.get_ref().to_string())),
    }
}

/// The parser's own message, which may hold text of the manifest.
fn document_fault(error: toml::de::Error) -> Fault {
    let message: Vec<_> = error.message().lines().collect();
    Fault {
        span: error.span().unwrap_or(0..0),
        problem: ManifestProblem::Document {
            message: shown_message(&message.join("; ")),
        },
    }
}

fn read_directory(directory: Option<&Text>) -> Checked<PathBuf> {
    let Some(directory) = directory else {
        return Ok(PathBuf::from("pki"));
    };
    let path = Path::new(directory.get_ref());
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    let is_plain = !directory.get_ref().chars().any(char::is_control);
    if is_below && is_plain && path.components().next().is_some() {
        Ok(path.to_owned())
    } else {
        Err(fault(directory, |found| ManifestProblem::Directory { found }))
    }
}

fn read_authority(authority: &Spanned<Authority>) -> Checked<WantedAuthority> {
    let found = authority.get_ref();
    check_subject(found)?;
    let trust_domain = found.trust_domain.as_ref().map(read_trust_domain).transpose()?;
    Ok(WantedAuthority {
        name: found.name.get_ref().clone(),
        organization: owned(found.organization.as_ref()),
        organizational_unit: owned(found.organizational_unit.as_ref()),
        country: owned(found.country.as_ref()),
        key: key_or(found.key.as_ref(), KeyKind::default())?,
        lifetime: lifetime_or(
            found.lifetime.as_ref(),
            Profile::Root.lifetime(),
            Profile::Root.max_lifetime(),
        )?,
        // What a limit on one kind of server's names leaves open, `init` closes too.
        constraints: name_limits::closed(
            NameConstraints::default()
                .permit(read_subtrees(&found.permit)?)
                .exclude(read_subtrees(&found.exclude)?),
        ),
        trust_domain,
    })
}

/// The names are checked here by what writes them; `init` makes the same subject of them, with an end of its own.
fn check_subject(authority: &Authority) -> Checked<()> {
    let at = |text: &Text, result: Result<DistinguishedName, DistinguishedNameError>| {
        result.map_err(|source| Fault {
            span: text.span(),
            problem: ManifestProblem::Subject { source },
        })
    };
    let longest = format!("{} {LONGEST_ROLE}", authority.name.get_ref());
    let mut name = at(&authority.name, DistinguishedName::new(&longest))?;
    at(&authority.name, DistinguishedName::new(authority.name.get_ref()))?;
    if let Some(organization) = &authority.organization {
        name = at(organization, name.with_organization(organization.get_ref()))?;
    }
    if let Some(unit) = &authority.organizational_unit {
        name = at(unit, name.with_organizational_unit(unit.get_ref()))?;
    }
    if let Some(country) = &authority.country {
        at(country, name.with_country(country.get_ref()))?;
    }
    Ok(())
}

/// What `init` writes, the role being what comes behind the name.
pub(super) fn subject(authority: &WantedAuthority, role: &str) -> Result<DistinguishedName, DistinguishedNameError> {
    let mut subject = DistinguishedName::new(&format!("{} {role}", authority.name))?;
    if let Some(organization) = &authority.organization {
        subject = subject.with_organization(organization)?;
    }
    if let Some(unit) = &authority.organizational_unit {
        subject = subject.with_organizational_unit(unit)?;
    }
    if let Some(country) = &authority.country {
        subject = subject.with_country(country)?;
    }
    Ok(subject)
}

fn read_trust_domain(text: &Text) -> Checked<TrustDomain> {
    TrustDomain::parse(text.get_ref()).map_err(|_| fault(text, |found| ManifestProblem::TrustDomain { found }))
}

fn read_subtrees(texts: &[Text]) -> Checked<Vec<Subtree>> {
    check_count(texts, "name constraints")?;
    texts
        .iter()
        .map(|text| {
            let limit = match text.get_ref().split_once(':') {
                Some(("dns", host)) => name_limits::dns_or_all(host),
                Some(("ip", network)) => name_limits::ip(network),
                Some(("uri", host)) => name_limits::uri(host),
                Some(("email", host)) => name_limits::email(host),
                _ => Err("its kind is missing".to_owned()),
            };
            limit.map_err(|why| fault(text, |found| ManifestProblem::Constraint { found, why }))
        })
        .collect()
}

fn read_issuing(tables: Named<Issuing>, authority: &WantedAuthority) -> Checked<Vec<WantedIssuing>> {
    let profile = Profile::Intermediate;
    let mut taken = Taken::default();
    let mut issuing = Vec::new();
    if !tables.keys().any(|name| name.get_ref() == layout::INTERMEDIATE) {
        issuing.push(WantedIssuing {
            name: layout::INTERMEDIATE.to_owned(),
            key: authority.key,
            lifetime: profile.lifetime(),
        });
    }
    for (name, table) in in_order(tables) {
        taken.take(&name, "an issuing authority", layout::is_reserved_authority)?;
        issuing.push(WantedIssuing {
            name: name.into_inner(),
            key: key_or(table.key.as_ref(), authority.key)?,
            lifetime: lifetime_or(table.lifetime.as_ref(), profile.lifetime(), profile.max_lifetime())?,
        });
    }
    Ok(issuing)
}

fn read_services(
    tables: Named<Service>,
    defaults: &Defaults,
    authority: &WantedAuthority,
    issuing: &[WantedIssuing],
) -> Checked<Vec<WantedService>> {
    if let Some(one_too_many) = in_order_of_place(&tables).nth(Manifest::MAX_SERVICES) {
        return Err(Fault {
            span: one_too_many.span(),
            problem: ManifestProblem::TooMany {
                what: "services",
                max: Manifest::MAX_SERVICES,
            },
        });
    }
    let context = ServiceContext::new(defaults, authority, issuing)?;
    let mut taken = Taken::default();
    in_order(tables)
        .map(|(name, table)| {
            taken.take(&name, "a service", layout::is_reserved)?;
            context.service(name, &table)
        })
        .collect()
}

/// What a service has where its own table says nothing.
struct ServiceContext<'a> {
    authority: &'a WantedAuthority,
    issuing: &'a [WantedIssuing],
    profile: LeafProfile,
    key: KeyKind,
    lifetime: Duration,
    renew: Option<&'a Text>,
    rotate_key: bool,
}

impl<'a> ServiceContext<'a> {
    fn new(defaults: &'a Defaults, authority: &'a WantedAuthority, issuing: &'a [WantedIssuing]) -> Checked<Self> {
        let leaf = Profile::Leaf(LeafProfile::Peer);
        let lifetime = lifetime_or(defaults.lifetime.as_ref(), leaf.lifetime(), leaf.max_lifetime())?;
        renewal_or(defaults.renew.as_ref(), RenewalPoint::default(), lifetime)?;
        Ok(Self {
            authority,
            issuing,
            profile: defaults.profile.as_ref().map_or(Ok(LeafProfile::Peer), read_profile)?,
            key: key_or(defaults.key.as_ref(), KeyKind::default())?,
            lifetime,
            renew: defaults.renew.as_ref(),
            rotate_key: defaults.rotate_key.unwrap_or(false),
        })
    }

    fn service(&self, name: Text, table: &Service) -> Checked<WantedService> {
        let profile = table.profile.as_ref().map_or(Ok(self.profile), read_profile)?;
        // As `init --trust-domain`: in a trust domain whatever is server and client has an identity of it.
        let in_domain = profile == LeafProfile::Peer && self.authority.trust_domain.is_some();
        let has_own_name = profile != LeafProfile::Spiffe || self.authority.trust_domain.is_none();
        let profile = if in_domain { LeafProfile::Spiffe } else { profile };
        let max_lifetime = Profile::Leaf(profile).max_lifetime();
        let lifetime = lifetime_or(table.lifetime.as_ref(), self.lifetime, max_lifetime)?;
        // A point of its own is at fault where it stands; one of the defaults where the lifetime is too short for it.
        let renew = match (&table.renew, &table.lifetime, self.renew) {
            (None, Some(own), Some(default)) => {
                let default = Spanned::new(own.span(), default.get_ref().clone());
                renewal_or(Some(&default), RenewalPoint::default(), lifetime)?
            }
            (own, _, default) => renewal_or(own.as_ref().or(default), RenewalPoint::default(), lifetime)?,
        };
        Ok(WantedService {
            names: self.names(&name, profile, has_own_name, table.names.as_deref())?,
            issuer: self.issuer(table.issuer.as_ref())?,
            key: service_key(table.key.as_ref(), self.key)?,
            rotate_key: table.rotate_key.unwrap_or(self.rotate_key),
            name: name.into_inner(),
            profile,
            lifetime,
            renew,
        })
    }

    fn issuer(&self, issuer: Option<&Text>) -> Checked<String> {
        let Some(issuer) = issuer else {
            return Ok(layout::INTERMEDIATE.to_owned());
        };
        if self.issuing.iter().any(|known| known.name == *issuer.get_ref()) {
            Ok(issuer.get_ref().clone())
        } else {
            Err(fault(issuer, |name| ManifestProblem::UnknownIssuer { name }))
        }
    }

    fn names(
        &self,
        service: &Text,
        profile: LeafProfile,
        has_own_name: bool,
        texts: Option<&[Text]>,
    ) -> Checked<Vec<SubjectAlternativeName>> {
        let own = [service.clone()];
        // A service without names has its own; where it is asked to have an identity only, that is name enough.
        let texts = texts.unwrap_or(if has_own_name { &own } else { &[] });
        check_count(texts, "names of a service")?;
        let mut names = texts.iter().map(|text| self.name(text)).collect::<Checked<Vec<_>>>()?;
        let has_spiffe_id =
            |name: &SubjectAlternativeName| matches!(name, SubjectAlternativeName::Uri(uri) if uri.is_spiffe());
        if let Some(trust_domain) = &self.authority.trust_domain
            && profile == LeafProfile::Spiffe
            && !names.iter().any(has_spiffe_id)
        {
            let id = trust_domain
                .workload(service.get_ref())
                .map_err(|source| fault(service, |found| ManifestProblem::AlternativeName { found, source }))?;
            names.push(self.name(&Spanned::new(service.span(), id.to_string()))?);
        }
        profile.check_names(&names).map_err(|source| {
            let span = texts.first().map_or(service.span(), Spanned::span);
            let service = shown(service.get_ref());
            let problem = ManifestProblem::Profile { service, source };
            Fault { span, problem }
        })?;
        Ok(names)
    }

    fn name(&self, text: &Text) -> Checked<SubjectAlternativeName> {
        let name = SubjectAlternativeName::infer(text.get_ref())
            .map_err(|source| fault(text, |found| ManifestProblem::AlternativeName { found, source }))?;
        if self.authority.constraints.allows(&name) {
            Ok(name)
        } else {
            Err(fault(text, |_| ManifestProblem::OutsideConstraints {
                name: shown(&name.to_string()),
            }))
        }
    }
}

fn read_revoked(entries: &[Spanned<Revoked>], services: &[WantedService]) -> Checked<Vec<WantedRevocation>> {
    check_count(entries, "entries of `revoked`")?;
    let mut revoked: Vec<WantedRevocation> = Vec::new();
    for entry in entries {
        let found = entry.get_ref();
        let (text, what) = match (&found.serial, &found.service) {
            (Some(serial), None) => (serial, RevocationTarget::Serial(read_serial(serial)?)),
            (None, Some(service)) => {
                check_service_name(service, "a service")?;
                (service, RevocationTarget::Service(service.get_ref().clone()))
            }
            _ => {
                return Err(Fault {
                    span: entry.span(),
                    problem: ManifestProblem::RevokedWhat,
                });
            }
        };
        if let RevocationTarget::Service(name) = &what
            && services.iter().any(|service| service.name.eq_ignore_ascii_case(name))
        {
            return Err(fault(text, |name| ManifestProblem::RevokedService { name }));
        }
        if revoked.iter().any(|earlier| earlier.what == what) {
            return Err(fault(text, |what| ManifestProblem::RevokedTwice { what }));
        }
        let reason = found
            .reason
            .as_ref()
            .map_or(Ok(RevocationReason::Unspecified), read_reason)?;
        revoked.push(WantedRevocation { what, reason });
    }
    Ok(revoked)
}

/// RFC 5280 §4.1.2.2: at most 20 octets. Colons, as OpenSSL writes them, are left out.
fn read_serial(text: &Text) -> Checked<String> {
    let digits: String = text.get_ref().chars().filter(|character| *character != ':').collect();
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && (2..=40).contains(&digits.len()) && digits.len().is_multiple_of(2) {
        Ok(digits.to_ascii_lowercase())
    } else {
        Err(fault(text, |found| ManifestProblem::Serial { found }))
    }
}

fn read_reason(text: &Text) -> Checked<RevocationReason> {
    let wanted = REASONS.iter().find(|reason| reason.name() == text.get_ref());
    wanted.copied().ok_or_else(|| {
        fault(text, |found| ManifestProblem::Choice {
            what: "reason for a revocation",
            found,
            choices: "`unspecified`, `keyCompromise`, `affiliationChanged`, `superseded`, `cessationOfOperation`, \
                `privilegeWithdrawn`",
        })
    })
}

/// Those for leaves and for good: a hold can be taken back, which a list of what is revoked cannot say.
const REASONS: [RevocationReason; 6] = [
    RevocationReason::Unspecified,
    RevocationReason::KeyCompromise,
    RevocationReason::AffiliationChanged,
    RevocationReason::Superseded,
    RevocationReason::CessationOfOperation,
    RevocationReason::PrivilegeWithdrawn,
];

fn read_profile(text: &Text) -> Checked<LeafProfile> {
    let profiles = [
        LeafProfile::Server,
        LeafProfile::Client,
        LeafProfile::Peer,
        LeafProfile::Spiffe,
    ];
    let wanted = profiles.into_iter().find(|profile| profile.name() == text.get_ref());
    wanted.ok_or_else(|| {
        fault(text, |found| ManifestProblem::Choice {
            what: "profile",
            found,
            choices: "`server`, `client`, `peer`, `spiffe`",
        })
    })
}

fn key_or(text: Option<&Text>, default: KeyKind) -> Checked<KeyKind> {
    let Some(text) = text else { return Ok(default) };
    text.get_ref().parse().map_err(|UnknownKeyKind| {
        fault(text, |found| ManifestProblem::Choice {
            what: "kind of key",
            found,
            choices: "`p256`, `p384`, `ed25519`, `rsa-2048`, `rsa-3072`, `rsa-4096`",
        })
    })
}

/// `elsewhere`: its holder makes the key, and asks for the certificate with a request.
fn service_key(text: Option<&Text>, default: KeyKind) -> Checked<Option<KeyKind>> {
    match text {
        Some(text) if text.get_ref() == "elsewhere" => Ok(None),
        _ => key_or(text, default).map(Some),
    }
}

fn lifetime_or(text: Option<&Text>, default: Duration, longest: Duration) -> Checked<Duration> {
    let Some(text) = text else { return Ok(default) };
    let lifetime = duration::parse(text.get_ref()).ok();
    lifetime
        .filter(|lifetime| lifetime.is_positive() && *lifetime <= longest)
        .ok_or_else(|| {
            fault(text, |found| ManifestProblem::Lifetime {
                found,
                max_days: longest.whole_days(),
            })
        })
}

fn renewal_or(text: Option<&Text>, default: RenewalPoint, lifetime: Duration) -> Checked<RenewalPoint> {
    let Some(text) = text else { return Ok(default) };
    let point: RenewalPoint = text
        .get_ref()
        .parse()
        .map_err(|_| fault(text, |found| ManifestProblem::RenewalPoint { found }))?;
    if point.is_always_due(lifetime) {
        return Err(fault(text, |point| ManifestProblem::AlwaysDue {
            point,
            lifetime: duration::in_words(lifetime),
        }));
    }
    Ok(point)
}

/// Names of directories and files. Upper and lower case count as the same: on some file systems they are.
#[derive(Default)]
struct Taken(BTreeSet<String>);

impl Taken {
    fn take(&mut self, name: &Text, what: &'static str, is_reserved: fn(&str) -> bool) -> Checked<()> {
        check_service_name(name, what)?;
        let lower = name.get_ref().to_ascii_lowercase();
        if is_reserved(&lower) || !self.0.insert(lower) {
            return Err(fault(name, |name| ManifestProblem::Taken { name }));
        }
        Ok(())
    }
}

fn check_service_name(name: &Text, what: &'static str) -> Checked<()> {
    if layout::is_name(name.get_ref()) {
        Ok(())
    } else {
        Err(fault(name, |name| ManifestProblem::Name { what, name }))
    }
}

fn check_count<T>(items: &[Spanned<T>], what: &'static str) -> Checked<()> {
    match items.get(Manifest::MAX_NAMES) {
        None => Ok(()),
        Some(one_too_many) => Err(Fault {
            span: one_too_many.span(),
            problem: ManifestProblem::TooMany {
                what,
                max: Manifest::MAX_NAMES,
            },
        }),
    }
}

/// As they stand in the file: that is the order people read them in.
fn in_order<T>(tables: Named<T>) -> impl Iterator<Item = (Text, T)> {
    let mut tables: Vec<_> = tables.into_iter().collect();
    tables.sort_by_key(|(name, _)| name.span().start);
    tables.into_iter()
}

fn in_order_of_place<T>(tables: &Named<T>) -> impl Iterator<Item = &Text> {
    let mut names: Vec<_> = tables.keys().collect();
    names.sort_by_key(|name| name.span().start);
    names.into_iter()
}

fn fault(text: &Text, problem: impl FnOnce(String) -> ManifestProblem) -> Fault {
    Fault {
        span: text.span(),
        problem: problem(shown(text.get_ref())),
    }
}

fn owned(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.get_ref().clone())
}

/// What `init` writes behind the name, at its longest.
const LONGEST_ROLE: &str = "issuing CA 00000000";
/// RFC 5280 has no bound; this is an intermediate's.
const MAX_CRL_LIFETIME: Duration = Duration::days(3653);
