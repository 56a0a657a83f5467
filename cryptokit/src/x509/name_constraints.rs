//! Which names an authority may issue for (RFC 5280 §4.2.1.10).

use std::fmt;
use std::net::IpAddr;

use super::certificate::{Certificate, name_text_of_der};
use super::der::{self, Malformed, Reader, SEQUENCE, context, context_constructed};
use super::directory_name::ComparableName;
use super::distinguished_name::{DistinguishedName, DistinguishedNameError};
use super::encode;
use super::subject_alternative_name::{DnsName, EmailAddress, NameError, SubjectAlternativeName, Uri, check_host};

/// Constraints on the names in everything below an authority.
///
/// A name of some kind must lie in one of the permitted subtrees of its kind, where there are any, and in none of the
/// excluded ones. Kinds without a subtree are free: exclude `dns:`, `ip:0.0.0.0/0` and so on to close them.
///
/// All verifiers looked at enforce DNS and address constraints. Constraints on URIs are ignored by GnuTLS 3.7 and make
/// rustls refuse every URI; those on directory names make rustls refuse every chain. This crate enforces all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
    /// Context tags of kinds that are not known here.
    unsupported: Vec<u8>,
}

impl NameConstraints {
    /// Most subtrees in one extension: each is compared with each name below.
    pub const MAX_SUBTREES: usize = 1024;

    /// Permits names in these subtrees.
    #[must_use]
    pub fn permit(mut self, subtrees: impl IntoIterator<Item = Subtree>) -> Self {
        self.permitted.extend(subtrees);
        self
    }

    /// Excludes names in these subtrees.
    #[must_use]
    pub fn exclude(mut self, subtrees: impl IntoIterator<Item = Subtree>) -> Self {
        self.excluded.extend(subtrees);
        self
    }

    /// The permitted subtrees.
    pub fn permitted(&self) -> &[Subtree] {
        &self.permitted
    }

    /// The excluded subtrees.
    pub fn excluded(&self) -> &[Subtree] {
        &self.excluded
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.permitted.is_empty() && self.excluded.is_empty() && self.unsupported.is_empty()
    }

    /// Whether this name may stand below the authority.
    pub fn allows(&self, name: &SubjectAlternativeName) -> bool {
        let form = match name {
            SubjectAlternativeName::Dns(_) => Form::Dns,
            SubjectAlternativeName::Ip(_) => Form::Ip,
            SubjectAlternativeName::Uri(_) => Form::Uri,
            SubjectAlternativeName::Email(_) => Form::Email,
        };
        self.allows_by(form, |subtree, side| subtree.contains(name, side))
    }

    /// Whether everything that a certificate says it is may stand below the authority.
    ///
    /// # Errors
    ///
    /// The first name that may not, in text form.
    pub(super) fn check(&self, certificate: &Certificate) -> Result<(), String> {
        for name in certificate.subject_alternative_names() {
            if !self.allows(name) {
                return Err(name.to_string());
            }
        }
        let names = certificate.extensions.subject_alternative_names.as_ref();
        // A name that cannot be read cannot be compared (RFC 5280 §4.2.1.10: process the constraint, or reject).
        for tag in names.iter().flat_map(|names| &names.value.unusable_tags) {
            if self.constrains(*tag) {
                return Err(format!("a name of kind [{tag}] that is not readable"));
            }
        }
        let directory_names = names.iter().flat_map(|names| &names.value.directory_names);
        for name in std::iter::once(certificate.subject_der()).chain(directory_names.map(Vec::as_slice)) {
            self.check_directory_name(name)?;
        }
        Ok(())
    }

    /// How many comparisons of a name with a subtree [`Self::check`] makes at most.
    pub(super) fn comparisons(&self, certificate: &Certificate) -> usize {
        let names = certificate
            .extensions
            .subject_alternative_names
            .as_ref()
            .map_or(0, |names| {
                let names = &names.value;
                let directory: usize = names.directory_names.iter().map(|name| attributes(name)).sum();
                names.usable.len() + names.unusable_tags.len() + directory
            });
        let subtrees = self.permitted.len() + self.excluded.len() + self.unsupported.len();
        (names + attributes(certificate.subject_der())).saturating_mul(subtrees)
    }

    fn check_directory_name(&self, der: &[u8]) -> Result<(), String> {
        let text = || name_text_of_der(der).unwrap_or_default();
        let name = ComparableName::from_der(der).map_err(|Malformed| text())?;
        if name.is_empty() {
            return Ok(());
        }
        let allowed = self.allows_by(Form::Directory, |subtree, side| match (subtree, side) {
            (Subtree::Directory(base), Side::Permitted) => name.lies_below(&base.comparable),
            (Subtree::Directory(base), Side::Excluded) => name.may_lie_below(&base.comparable),
            _ => false,
        });
        let addresses_allowed = name.email_addresses().all(|address| {
            let address = address.and_then(|address| EmailAddress::parse(address).ok());
            address.map_or(!self.constrains(Form::Email.tag()), |address| {
                self.allows(&SubjectAlternativeName::Email(address))
            })
        });
        if allowed && addresses_allowed {
            Ok(())
        } else {
            Err(text())
        }
    }

    fn allows_by(&self, form: Form, matches: impl Fn(&Subtree, Side) -> bool) -> bool {
        let of_form = |subtrees: &'_ [Subtree], side| {
            let mut any = false;
            let mut matched = false;
            for subtree in subtrees.iter().filter(|subtree| subtree.form() == form) {
                any = true;
                matched = matched || matches(subtree, side);
            }
            (any, matched)
        };
        let (is_limited, is_permitted) = of_form(&self.permitted, Side::Permitted);
        let (_, is_excluded) = of_form(&self.excluded, Side::Excluded);
        (!is_limited || is_permitted) && !is_excluded
    }

    fn constrains(&self, tag: u8) -> bool {
        let mut subtrees = self.permitted.iter().chain(&self.excluded);
        self.unsupported.contains(&tag) || subtrees.any(|subtree| subtree.form().tag() == tag)
    }

    /// Whether it has constraints that `webpki` answers by refusing every name of their kind.
    pub(super) fn exceeds_webpki(&self) -> bool {
        [Form::Uri, Form::Email, Form::Directory]
            .iter()
            .any(|form| self.constrains(form.tag()))
    }

    /// Reads the extension's value.
    pub(super) fn from_der(value: &[u8]) -> Result<Self, Malformed> {
        let mut whole = Reader::new(value);
        let mut fields = whole.nested(SEQUENCE)?;
        whole.end()?;
        let mut constraints = Self::default();
        let permitted = fields.optional(context_constructed(0))?;
        let excluded = fields.optional(context_constructed(1))?;
        fields.end()?;
        for (list, is_permitted) in [(permitted, true), (excluded, false)] {
            let Some(list) = list else { continue };
            let mut subtrees = Reader::new(list.contents);
            if subtrees.is_empty() {
                return Err(Malformed);
            }
            while !subtrees.is_empty() {
                constraints.read_subtree(subtrees.nested(SEQUENCE)?, is_permitted)?;
            }
        }
        let count = constraints.permitted.len() + constraints.excluded.len() + constraints.unsupported.len();
        // RFC 5280 §4.2.1.10: never empty.
        if (1..=Self::MAX_SUBTREES).contains(&count) {
            Ok(constraints)
        } else {
            Err(Malformed)
        }
    }

    fn read_subtree(&mut self, mut fields: Reader<'_>, is_permitted: bool) -> Result<(), Malformed> {
        let base = fields.element()?;
        // RFC 5280 §4.2.1.10: minimum is 0, which DER leaves out, and maximum is absent.
        fields.end()?;
        match Subtree::from_element(base.tag, base.contents)? {
            Some(subtree) if is_permitted => self.permitted.push(subtree),
            Some(subtree) => self.excluded.push(subtree),
            None if KINDS_WITHOUT_MEANING.contains(&base.tag) => self.unsupported.push(base.tag & 0x1f),
            // A known kind in another form would constrain here what it does not constrain elsewhere.
            None => return Err(Malformed),
        }
        Ok(())
    }

    /// The extension's value.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let list = |tag: u8, subtrees: &[Subtree]| {
            let encoded: Vec<Vec<u8>> = subtrees.iter().map(Subtree::to_der).collect();
            let parts: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
            if parts.is_empty() {
                Vec::new()
            } else {
                der::write(context_constructed(tag), &parts)
            }
        };
        der::write(SEQUENCE, &[&list(0, &self.permitted), &list(1, &self.excluded)])
    }
}

/// A set of names of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subtree {
    /// A host and every name below it.
    Dns(HostSubtree),
    /// A network.
    Ip(IpNetwork),
    /// E-mail addresses.
    Email(EmailSubtree),
    /// URIs by their host; a SPIFFE id's is its trust domain.
    Uri(HostSubtree),
    /// Names that begin with this one.
    Directory(DirectorySubtree),
}

impl Subtree {
    /// Reads `dns:example.com`, `ip:10.0.0.0/8`, `email:example.com` (that host), `email:.example.com` (below it),
    /// `email:a@example.com`, `uri:example.com` (that host) or `uri:.example.com` (below it). `dns:` is every host.
    ///
    /// # Errors
    ///
    /// [`NameError`], as for names of the kind.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (kind, value) = text.split_once(':').ok_or(NameError::UnknownPrefix)?;
        match kind {
            "dns" => HostSubtree::parse(value).map(Self::Dns),
            "ip" => IpNetwork::parse(value).map(Self::Ip),
            "email" => EmailSubtree::parse(value).map(Self::Email),
            "uri" => HostSubtree::parse(value).map(Self::Uri),
            _ => Err(NameError::UnknownPrefix),
        }
    }

    /// Names of this organization, in this country where one is given.
    ///
    /// # Errors
    ///
    /// As [`DistinguishedName::with_country`] and [`DistinguishedName::with_organization`].
    pub fn directory(country: Option<&str>, organization: &str) -> Result<Self, DistinguishedNameError> {
        DirectorySubtree::new(country, organization).map(Self::Directory)
    }

    fn form(&self) -> Form {
        match self {
            Self::Dns(_) => Form::Dns,
            Self::Ip(_) => Form::Ip,
            Self::Email(_) => Form::Email,
            Self::Uri(_) => Form::Uri,
            Self::Directory(_) => Form::Directory,
        }
    }

    fn contains(&self, name: &SubjectAlternativeName, side: Side) -> bool {
        match (self, name) {
            (Self::Dns(subtree), SubjectAlternativeName::Dns(name)) => subtree.contains_dns_name(name, side),
            (Self::Ip(network), SubjectAlternativeName::Ip(address)) => network.contains(*address),
            (Self::Email(subtree), SubjectAlternativeName::Email(address)) => subtree.contains(address, side),
            (Self::Uri(subtree), SubjectAlternativeName::Uri(uri)) => subtree.contains_uri(uri, side),
            _ => false,
        }
    }

    /// `None` for kinds that are not known here.
    fn from_element(tag: u8, contents: &[u8]) -> Result<Option<Self>, Malformed> {
        let text = || std::str::from_utf8(contents).map_err(|_| Malformed);
        Ok(Some(if tag == Form::Dns.encoded() {
            Self::Dns(HostSubtree::parse(text()?).map_err(|_| Malformed)?)
        } else if tag == Form::Uri.encoded() {
            Self::Uri(HostSubtree::parse(text()?).map_err(|_| Malformed)?)
        } else if tag == Form::Email.encoded() {
            Self::Email(EmailSubtree::parse(text()?).map_err(|_| Malformed)?)
        } else if tag == Form::Ip.encoded() {
            Self::Ip(IpNetwork::from_octets(contents)?)
        } else if tag == Form::Directory.encoded() {
            Self::Directory(DirectorySubtree::from_der(contents)?)
        } else {
            return Ok(None);
        }))
    }

    fn to_der(&self) -> Vec<u8> {
        let contents = match self {
            Self::Dns(subtree) | Self::Uri(subtree) => subtree.as_text().into_bytes(),
            Self::Email(EmailSubtree::Hosts(subtree)) => subtree.as_text().into_bytes(),
            Self::Email(EmailSubtree::Mailbox(address)) => address.as_str().as_bytes().to_vec(),
            Self::Ip(network) => network.to_octets(),
            Self::Directory(name) => name.der.clone(),
        };
        der::write(SEQUENCE, &[&der::write(self.form().encoded(), &[&contents])])
    }
}

impl fmt::Display for Subtree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(subtree) => write!(f, "dns:{}", subtree.as_text()),
            Self::Ip(network) => write!(f, "ip:{network}"),
            Self::Email(EmailSubtree::Hosts(subtree)) => write!(f, "email:{}", subtree.as_text()),
            Self::Email(EmailSubtree::Mailbox(address)) => write!(f, "email:{}", address.as_str()),
            Self::Uri(subtree) => write!(f, "uri:{}", subtree.as_text()),
            Self::Directory(name) => write!(f, "directory:{}", name_text_of_der(&name.der).unwrap_or_default()),
        }
    }
}

/// A host, or with a leading dot what lies below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSubtree {
    /// Empty for every host.
    host: String,
    below_only: bool,
}

impl HostSubtree {
    fn parse(text: &str) -> Result<Self, NameError> {
        let (host, below_only) = match text.strip_prefix('.') {
            Some(host) => (host, true),
            None => (text, false),
        };
        let host = host.to_ascii_lowercase();
        if !host.is_empty() || below_only {
            check_subtree_host(&host)?;
        }
        Ok(Self { host, below_only })
    }

    fn as_text(&self) -> String {
        let dot = if self.below_only { "." } else { "" };
        format!("{dot}{}", self.host)
    }

    fn is_parent_of(&self, host: &str) -> bool {
        self.host.is_empty()
            || host
                .strip_suffix(self.host.as_str())
                .is_some_and(|rest| rest.ends_with('.'))
    }

    /// RFC 5280 §4.2.1.10: the host itself and what is made by adding labels to its left.
    fn contains_dns_name(&self, name: &DnsName, side: Side) -> bool {
        let Some(parent) = name.as_str().strip_prefix("*.") else {
            return self.is_parent_of(name.as_str()) || (!self.below_only && name.as_str() == self.host);
        };
        // A wildcard stands for every label. It is inside when all of them are, and excluded when one is.
        let all_inside = self.is_parent_of(parent) || parent == self.host;
        let one_inside = all_inside || self.host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
        match side {
            Side::Permitted => all_inside,
            Side::Excluded => one_inside,
        }
    }

    /// RFC 5280 §4.2.1.10: a host stands for itself only, with a leading dot for what lies below. A URI whose host is
    /// an address can satisfy no constraint on hosts.
    fn contains_uri(&self, uri: &Uri, side: Side) -> bool {
        match uri_host(uri) {
            Some(host) => self.contains_host(host),
            None => side == Side::Excluded,
        }
    }

    fn contains_host(&self, host: &str) -> bool {
        if self.below_only || self.host.is_empty() {
            self.is_parent_of(host)
        } else {
            host == self.host
        }
    }
}

/// E-mail addresses: one, or those of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailSubtree {
    /// This address.
    Mailbox(EmailAddress),
    /// Every address at the host, or with a leading dot at hosts below it.
    Hosts(HostSubtree),
}

impl EmailSubtree {
    fn parse(text: &str) -> Result<Self, NameError> {
        if text.contains('@') {
            EmailAddress::parse(text).map(Self::Mailbox)
        } else {
            HostSubtree::parse(text).map(Self::Hosts)
        }
    }

    /// The part before the `@` is compared exactly to permit, in any case to exclude: some hosts tell the cases apart.
    fn contains(&self, address: &EmailAddress, side: Side) -> bool {
        match self {
            Self::Mailbox(mailbox) => match side {
                Side::Permitted => mailbox == address,
                Side::Excluded => mailbox.as_str().eq_ignore_ascii_case(address.as_str()),
            },
            Self::Hosts(hosts) => address
                .as_str()
                .rsplit_once('@')
                .is_some_and(|(_, host)| hosts.contains_host(host)),
        }
    }
}

/// An IPv4 or IPv6 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpNetwork {
    address: IpAddr,
    prefix: u8,
}

impl IpNetwork {
    /// Takes the network of an address; bits behind the prefix must be zero.
    ///
    /// # Errors
    ///
    /// [`NameError::IpAddress`] when they are not, or the prefix is longer than the address.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, NameError> {
        let network = Self { address, prefix };
        let octets = octets(address);
        let is_network = octets
            .iter()
            .zip(network.mask())
            .all(|(octet, mask)| octet & !mask == 0);
        if usize::from(prefix) <= 8 * octets.len() && is_network {
            Ok(network)
        } else {
            Err(NameError::IpAddress)
        }
    }

    fn parse(text: &str) -> Result<Self, NameError> {
        let (address, prefix) = text.split_once('/').ok_or(NameError::IpAddress)?;
        let address = address.parse().map_err(|_| NameError::IpAddress)?;
        let is_decimal = prefix.bytes().all(|byte| byte.is_ascii_digit()) && prefix.len() <= 3;
        let prefix = prefix.parse().ok().filter(|_| is_decimal).ok_or(NameError::IpAddress)?;
        Self::new(address, prefix)
    }

    fn contains(self, address: IpAddr) -> bool {
        let (own, other) = (octets(self.address), octets(address));
        let masked = own.iter().zip(&other).zip(self.mask());
        own.len() == other.len()
            && masked
                .into_iter()
                .all(|((own, other), mask)| own & mask == other & mask)
    }

    fn mask(self) -> Vec<u8> {
        (0..octets(self.address).len())
            .map(|index| {
                let bits = usize::from(self.prefix).saturating_sub(8 * index).min(8);
                // The highest `bits` bits.
                u8::try_from(0xff00_u16 >> bits & 0xff).unwrap_or(u8::MAX)
            })
            .collect()
    }

    fn to_octets(self) -> Vec<u8> {
        [octets(self.address), self.mask()].concat()
    }

    /// RFC 5280 §4.2.1.10: address and mask, "in the style of RFC 4632".
    fn from_octets(octets: &[u8]) -> Result<Self, Malformed> {
        let (address, mask) = octets.split_at(octets.len() / 2);
        let address: IpAddr = match address.len() {
            4 => <[u8; 4]>::try_from(address).map_err(|_| Malformed)?.into(),
            16 => <[u8; 16]>::try_from(address).map_err(|_| Malformed)?.into(),
            _ => return Err(Malformed),
        };
        let prefix: u32 = mask.iter().map(|octet| octet.leading_ones()).sum();
        let network = Self::new(address, u8::try_from(prefix).map_err(|_| Malformed)?).map_err(|_| Malformed)?;
        if network.mask() == mask {
            Ok(network)
        } else {
            Err(Malformed)
        }
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Distinguished names that begin with this one.
#[derive(Clone, Debug)]
pub struct DirectorySubtree {
    der: Vec<u8>,
    comparable: ComparableName,
}

impl DirectorySubtree {
    fn new(country: Option<&str>, organization: &str) -> Result<Self, DistinguishedNameError> {
        // The common name is not written; it only makes the type complete.
        let mut name = DistinguishedName::new("x")?.with_organization(organization)?;
        if let Some(country) = country {
            name = name.with_country(country)?;
        }
        let der = encode::organization_name(&name);
        let comparable = ComparableName::from_der(&der).expect("what is written here is a name");
        Ok(Self { der, comparable })
    }

    fn from_der(der: &[u8]) -> Result<Self, Malformed> {
        Ok(Self {
            der: der.to_vec(),
            comparable: ComparableName::from_der(der)?,
        })
    }
}

impl PartialEq for DirectorySubtree {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for DirectorySubtree {}

/// otherName, x400Address, ediPartyName and registeredID (RFC 5280 §4.2.1.6).
const KINDS_WITHOUT_MEANING: [u8; 4] = [
    context_constructed(0),
    context_constructed(3),
    context_constructed(5),
    context(8),
];

/// The kinds of GeneralName (RFC 5280 §4.2.1.6) that constraints are known for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Email,
    Dns,
    Directory,
    Uri,
    Ip,
}

impl Form {
    const fn tag(self) -> u8 {
        match self {
            Self::Email => 1,
            Self::Dns => 2,
            Self::Directory => 4,
            Self::Uri => 6,
            Self::Ip => 7,
        }
    }

    /// directoryName is a CHOICE, and its tag explicit therefore.
    const fn encoded(self) -> u8 {
        match self {
            Self::Directory => context_constructed(4),
            _ => context(self.tag()),
        }
    }
}

/// On which side a subtree stands: what cannot be decided is not permitted, and is excluded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Permitted,
    Excluded,
}

/// A host name; trust domains of SPIFFE may have underscores, which host names may not.
fn check_subtree_host(host: &str) -> Result<(), NameError> {
    check_host(&host.replace('_', "x")).map_err(|_| NameError::Label)
}

/// The host of a URI, unless it is an address.
fn uri_host(uri: &Uri) -> Option<&str> {
    let (_, rest) = uri.as_str().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if authority.starts_with('[') {
        return None;
    }
    let host = authority.split(':').next()?;
    (host.parse::<std::net::Ipv4Addr>().is_err()).then_some(host)
}

/// More than a name of this DER has attributes, each of which may be compared, and one for the name itself.
fn attributes(name: &[u8]) -> usize {
    // SET, SEQUENCE, OID and value of one octet each.
    const SHORTEST: usize = 10;
    1 + name.len() / SHORTEST
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}
