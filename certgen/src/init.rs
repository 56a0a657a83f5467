//! `certgen init` as a library call: root, intermediate and leaves in one new directory.

mod files;
mod leaf_spec;
mod report;
mod warnings;

use std::fmt;
use std::path::PathBuf;

use cryptokit::random;
use cryptokit::secret::SecretString;
use cryptokit::x509::{
    AuthorityRequest, CertificateAuthority, CertificateKey, DistinguishedName, IssueError, KeyKind, LeafRequest,
    NameConstraints, Profile, TrustDomain,
};
use time::{Duration, OffsetDateTime};

use crate::home::layout;
use crate::init_error::InitError;
use crate::key_generation;
use crate::lifetime::Lifetime;
use crate::output::NewDirectory;

use files::Writer;
pub use leaf_spec::LeafSpec;
pub use report::{AuthorityFiles, InitReport, LeafFiles};

/// What to make.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InitRequest {
    /// The directory to make. It must not exist, or be empty; the one above it must exist.
    pub directory: PathBuf,
    /// What the authority is called in its certificates, at most 40 characters.
    pub name: String,
    /// Organization in the subjects of the two authorities.
    pub organization: Option<String>,
    /// Organizational unit in the subjects of the two authorities.
    pub organizational_unit: Option<String>,
    /// Country in the subjects of the two authorities: an ISO 3166-1 alpha-2 code in capitals.
    pub country: Option<String>,
    /// The kind of the services' keys.
    pub key: KeyKind,
    /// The kind of the two authorities' keys; that of the services' where it is `None`.
    pub authority_key: Option<KeyKind>,
    /// The kind of the intermediate's key; that of the root's where it is `None`.
    pub intermediate_key: Option<KeyKind>,
    /// How long the services' certificates live; 90 days where it is `None`.
    pub lifetime: Option<Lifetime>,
    /// How long the root lives; ten years where it is `None`.
    pub root_lifetime: Option<Lifetime>,
    /// How long the intermediate lives; five years where it is `None`.
    pub intermediate_lifetime: Option<Lifetime>,
    /// What the names of all services are limited to. Both authorities get it: not every program looks at the root.
    pub name_limits: NameConstraints,
    /// The SPIFFE trust domain of the authorities and of every service that is a peer.
    pub trust_domain: Option<TrustDomain>,
    /// The services.
    pub leaves: Vec<LeafSpec>,
}

impl InitRequest {
    /// An authority called `local`, without services yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            name: "local".to_owned(),
            organization: None,
            organizational_unit: None,
            country: None,
            key: KeyKind::default(),
            authority_key: None,
            intermediate_key: None,
            lifetime: None,
            root_lifetime: None,
            intermediate_lifetime: None,
            name_limits: NameConstraints::default(),
            trust_domain: None,
            leaves: Vec::new(),
        }
    }

    /// Refuses what [`init`] would refuse before it makes anything, so that nobody is asked for a passphrase in vain.
    ///
    /// # Errors
    ///
    /// As [`init`].
    pub fn check(&self, now: OffsetDateTime) -> Result<(), InitError> {
        self.services()?;
        self.lifetimes(now)?;
        self.subject("issuing", "00000000")?;
        NewDirectory::check(&self.directory)
    }

    /// How many keys it takes.
    pub fn key_count(&self) -> usize {
        2 + self.leaves.len()
    }

    /// The kinds of all keys: root, intermediate, leaves.
    fn key_kinds(&self) -> Vec<KeyKind> {
        let authority = self.authority_key.unwrap_or(self.key);
        let mut kinds = vec![authority, self.intermediate_key.unwrap_or(authority)];
        kinds.resize(self.key_count(), self.key);
        kinds
    }

    /// The request for one of the two authorities.
    fn authority(&self, mut request: AuthorityRequest, lifetime: Duration) -> AuthorityRequest {
        if let Some(domain) = &self.trust_domain {
            request = request.with_trust_domain(domain);
        }
        request
            .with_lifetime(lifetime)
            .with_name_constraints(self.name_limits.clone())
    }

    /// The subject of one of the two authorities. The end tells authorities apart that were made under one name:
    /// RFC 5280 §4.1.2.6 wants a subject to belong to one authority.
    fn subject(&self, role: &str, end: &str) -> Result<DistinguishedName, InitError> {
        let mut subject = DistinguishedName::new(&format!("{} {role} CA {end}", self.name))?;
        if let Some(organization) = &self.organization {
            subject = subject.with_organization(organization)?;
        }
        if let Some(unit) = &self.organizational_unit {
            subject = subject.with_organizational_unit(unit)?;
        }
        if let Some(country) = &self.country {
            subject = subject.with_country(country)?;
        }
        Ok(subject)
    }

    /// The services as they will be, refused before anything is made when they cannot be.
    fn services(&self) -> Result<Vec<LeafSpec>, InitError> {
        refuse_duplicates(&self.leaves)?;
        let mut leaves = self.leaves.clone();
        if let Some(domain) = &self.trust_domain {
            leaves = leaves
                .into_iter()
                .map(|leaf| leaf.in_trust_domain(domain))
                .collect::<Result<_, _>>()?;
        }
        for leaf in &leaves {
            let refused = |source| InitError::Leaf {
                name: leaf.name().to_owned(),
                source,
            };
            let names = leaf.subject_alternative_names();
            leaf.profile()
                .check_names(names)
                .map_err(|rule| refused(IssueError::Request(rule)))?;
            if let Some(name) = names.iter().find(|name| !self.name_limits.allows(name)) {
                let name = name.to_string();
                return Err(refused(IssueError::NameConstraint { name }));
            }
        }
        Ok(leaves)
    }

    /// The lifetimes of root, intermediate and leaves.
    fn lifetimes(&self, now: OffsetDateTime) -> Result<[Duration; 3], InitError> {
        let leaf = self
            .leaves
            .first()
            .map_or(cryptokit::x509::LeafProfile::Peer, LeafSpec::profile);
        let span = |asked: Option<Lifetime>, whose: &'static str, profile: Profile| {
            asked.map_or(Ok(profile.lifetime()), |lifetime| {
                let refused = |source| InitError::Lifetime { whose, source };
                lifetime.span(profile, now).map_err(refused)
            })
        };
        Ok([
            span(self.root_lifetime, "the root", Profile::Root)?,
            span(self.intermediate_lifetime, "the intermediate", Profile::Intermediate)?,
            span(self.lifetime, "the services", Profile::Leaf(leaf))?,
        ])
    }
}

/// What making it takes besides the request.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct InitContext<'a> {
    /// Encrypts the keys of the two authorities. Costs 0.1 s for both together where there are two processors.
    pub passphrase: Option<&'a SecretString>,
    /// Called after each key that was made, of [`InitRequest::key_count`]; RSA keys take their time.
    pub key_made: Option<&'a (dyn Fn() + Sync)>,
}

impl fmt::Debug for InitContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InitContext {{ encrypted: {}, .. }}", self.passphrase.is_some())
    }
}

/// Makes it all, or nothing, with keys that are not encrypted. `now` is the time of issue.
///
/// Takes a few milliseconds of computing, with RSA keys much longer; flushing the files to disk takes longer.
///
/// # Errors
///
/// [`InitError`]; the directory is then as it was before.
pub fn init(request: &InitRequest, now: OffsetDateTime) -> Result<InitReport, InitError> {
    init_with(request, InitContext::default(), now)
}

/// As [`init`], with keys of the authorities that are encrypted, or with news of how far it is.
///
/// # Errors
///
/// As [`init`].
///
/// # Panics
///
/// Never: a key is made for each certificate.
pub fn init_with(
    request: &InitRequest,
    context: InitContext<'_>,
    now: OffsetDateTime,
) -> Result<InitReport, InitError> {
    // Everything that can be refused is, before the first key is made.
    let leaves = request.services()?;
    let [root_life, intermediate_life, leaf_life] = request.lifetimes(now)?;
    let end = format!("{:08x}", u32::from_be_bytes(random::bytes()));
    let (root_subject, intermediate_subject) = (request.subject("root", &end)?, request.subject("issuing", &end)?);
    NewDirectory::check(&request.directory)?;

    let made = context.key_made.unwrap_or(&|| {});
    let keys = key_generation::generate(&request.key_kinds(), made).map_err(InitError::Key)?;
    let mut keys = keys.into_iter();
    let mut key = || keys.next().expect("a key was made for each");

    let root = AuthorityRequest::root(root_subject).with_path_length(ROOT_PATH_LENGTH);
    let root = CertificateAuthority::create_root(&request.authority(root, root_life), key(), now)
        .map_err(InitError::Authority)?;
    let intermediate = AuthorityRequest::intermediate(intermediate_subject);
    let intermediate = root
        .issue_authority(&request.authority(intermediate, intermediate_life), key(), now)
        .map_err(InitError::Authority)?;

    let mut writer = Writer::begin(&request.directory, &root, leaves.len())?;
    let [root_files, intermediate_files] = writer.authorities(
        [(layout::ROOT, &root), (layout::INTERMEDIATE, &intermediate)],
        context.passphrase,
    )?;
    let mut leaf_files = Vec::with_capacity(leaves.len());
    for leaf in &leaves {
        leaf_files.push(issue(&mut writer, leaf, &intermediate, (key(), leaf_life), now)?);
    }
    let spiffe_bundle_file = match &request.trust_domain {
        Some(_) => Some(writer.spiffe_bundle(now)?),
        None => None,
    };
    let mut report = InitReport {
        directory: writer.target().to_owned(),
        root: root_files,
        intermediate: intermediate_files,
        spiffe_bundle_file,
        trust_domain: request.trust_domain.clone(),
        name_limits: request.name_limits.clone(),
        leaves: leaf_files,
        warnings: Vec::new(),
    };
    report.warnings = warnings::of(request, &report, leaf_life, now);
    writer.inventory(&report, leaf_life, now)?;
    writer.commit()?;
    Ok(report)
}

fn issue(
    writer: &mut Writer<'_>,
    spec: &LeafSpec,
    authority: &CertificateAuthority,
    (key, lifetime): (CertificateKey, Duration),
    now: OffsetDateTime,
) -> Result<LeafFiles, InitError> {
    let request = LeafRequest::new(spec.profile(), spec.subject_alternative_names().to_vec()).with_lifetime(lifetime);
    let issued = authority
        .issue_leaf_for_key(&request, key.public_key(), now)
        .map_err(|source| InitError::Leaf {
            name: spec.name().to_owned(),
            source,
        })?;
    writer.leaf(spec, &issued, &key)
}

/// Upper and lower case count as the same: on some file systems they are.
fn refuse_duplicates(leaves: &[LeafSpec]) -> Result<(), InitError> {
    let mut taken = std::collections::HashSet::new();
    for leaf in leaves {
        let name = leaf.name().to_ascii_lowercase();
        if layout::is_reserved(&name) || !taken.insert(name) {
            return Err(InitError::DuplicateService {
                name: leaf.name().to_owned(),
            });
        }
    }
    Ok(())
}

/// One authority below the root for each of: an issuing authority, and the next root when roots are exchanged, which the
/// old one then signs so that those who trust only the old one follow.
pub(crate) const ROOT_PATH_LENGTH: u8 = 2;
