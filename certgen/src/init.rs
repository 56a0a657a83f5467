//! `certgen init` as a library call: root, intermediate and leaves in one new directory.

use std::path::PathBuf;

use cryptokit::random;
use cryptokit::x509::{
    AuthorityRequest, Certificate, CertificateAuthority, CertificateKey, DistinguishedName, KeyKind, LeafProfile,
    LeafRequest, SubjectAlternativeName, certificate_to_pem, certificates_to_pem, private_key_to_pem,
};
use time::OffsetDateTime;

use crate::home::{AuthorityKind, AuthorityRecord, Event, IssuedRecord, file_of, layout};
use crate::init_error::InitError;
use crate::output::NewDirectory;

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
    /// Country in the subjects of the two authorities: an ISO 3166-1 alpha-2 code in capitals.
    pub country: Option<String>,
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
            country: None,
            leaves: Vec::new(),
        }
    }

    /// The subject of one of the two authorities. The end tells authorities apart that were made under one name:
    /// RFC 5280 §4.1.2.6 wants a subject to belong to one authority.
    fn subject(&self, role: &str, end: &str) -> Result<DistinguishedName, InitError> {
        let mut subject = DistinguishedName::new(&format!("{} {role} CA {end}", self.name))?;
        if let Some(organization) = &self.organization {
            subject = subject.with_organization(organization)?;
        }
        if let Some(country) = &self.country {
            subject = subject.with_country(country)?;
        }
        Ok(subject)
    }
}

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

/// What was made. All paths begin with the directory of the request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InitReport {
    /// The directory.
    pub directory: PathBuf,
    /// The root.
    pub root: AuthorityFiles,
    /// The intermediate.
    pub intermediate: AuthorityFiles,
    /// The services, in the order of the request.
    pub leaves: Vec<LeafFiles>,
}

/// The files of an authority.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorityFiles {
    /// Its certificate, PEM.
    pub certificate_file: PathBuf,
    /// Its key, PKCS#8 PEM, not encrypted, mode 0600.
    pub key_file: PathBuf,
    /// The certificate itself.
    pub certificate: Certificate,
}

/// The files of a service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LeafFiles {
    /// Its name.
    pub name: String,
    /// Its profile.
    pub profile: LeafProfile,
    /// Its certificate alone, PEM.
    pub certificate_file: PathBuf,
    /// The intermediate, PEM: what it presents besides its certificate, for programs that want the two apart.
    pub chain_file: PathBuf,
    /// Certificate and intermediate, PEM: what it presents.
    pub fullchain_file: PathBuf,
    /// Its key, PKCS#8 PEM, not encrypted, mode 0600.
    pub key_file: PathBuf,
    /// The root, PEM: what its peers are verified against.
    pub ca_file: PathBuf,
    /// The certificate itself.
    pub certificate: Certificate,
}

/// Makes it all, or nothing. `now` is the time of issue.
///
/// Takes a few milliseconds of computing; flushing the files to disk takes longer.
///
/// # Errors
///
/// [`InitError`]; the directory is then as it was before.
pub fn init(request: &InitRequest, now: OffsetDateTime) -> Result<InitReport, InitError> {
    refuse_duplicates(&request.leaves)?;
    let end = format!("{:08x}", u32::from_be_bytes(random::bytes()));
    let (root_subject, intermediate_subject) = (request.subject("root", &end)?, request.subject("issuing", &end)?);

    let mut directory = NewDirectory::begin(&request.directory)?;
    let root_request = AuthorityRequest::root(root_subject).with_path_length(ROOT_PATH_LENGTH);
    let root_key = CertificateKey::generate(KeyKind::default()).map_err(|error| InitError::Authority(error.into()))?;
    let root = CertificateAuthority::create_root(&root_request, root_key, now).map_err(InitError::Authority)?;
    let intermediate = root
        .issue_intermediate(&intermediate_subject, now)
        .map_err(InitError::Authority)?;
    let report = InitReport {
        directory: directory.target().to_owned(),
        root: write_authority(&directory, layout::ROOT, &root)?,
        intermediate: write_authority(&directory, layout::INTERMEDIATE, &intermediate)?,
        leaves: request
            .leaves
            .iter()
            .map(|leaf| write_leaf(&mut directory, leaf, &intermediate, root.certificate(), now))
            .collect::<Result<_, _>>()?,
    };
    directory.private(layout::INVENTORY, inventory(&report, now).as_bytes())?;
    directory.private(layout::LOCK, b"")?;
    directory.commit()?;
    Ok(report)
}

/// The first lines of the inventory.
fn inventory(report: &InitReport, now: OffsetDateTime) -> String {
    let authorities = [
        (layout::ROOT, AuthorityKind::Root, &report.root),
        (layout::INTERMEDIATE, AuthorityKind::Issuing, &report.intermediate),
    ];
    let authorities = authorities
        .map(|(name, kind, files)| Event::Authority(AuthorityRecord::of(&files.certificate, name, kind, now)));
    let issued = report.leaves.iter().map(|leaf| {
        let (service, profile) = (Some(leaf.name.as_str()), leaf.profile.name());
        Event::Issued(IssuedRecord::of(
            &leaf.certificate,
            layout::INTERMEDIATE,
            service,
            profile,
            now,
        ))
    });
    authorities
        .into_iter()
        .chain(issued)
        .map(|event| event.to_line())
        .collect()
}

fn write_authority(
    directory: &NewDirectory,
    name: &str,
    authority: &CertificateAuthority,
) -> Result<AuthorityFiles, InitError> {
    Ok(AuthorityFiles {
        certificate_file: directory.certificate(
            &layout::certificate_of(name),
            &certificate_to_pem(authority.certificate().der()),
        )?,
        key_file: write_key(directory, &layout::key_of(name), authority.key())?,
        certificate: authority.certificate().clone(),
    })
}

fn write_leaf(
    directory: &mut NewDirectory,
    spec: &LeafSpec,
    authority: &CertificateAuthority,
    root: &Certificate,
    now: OffsetDateTime,
) -> Result<LeafFiles, InitError> {
    let name = &spec.name;
    let leaf_request = LeafRequest::new(spec.profile, spec.subject_alternative_names.clone());
    let (issued, key) = authority
        .issue_leaf(&leaf_request, now)
        .map_err(|source| InitError::Leaf {
            name: name.clone(),
            source,
        })?;
    directory.directory(name)?;
    let certificate = issued.certificate();
    let chain = certificates_to_pem(issued.chain().into_iter().skip(1));
    Ok(LeafFiles {
        name: name.clone(),
        profile: spec.profile,
        certificate_file: directory.certificate(
            &file_of(name, layout::CERTIFICATE),
            &certificate_to_pem(certificate.der()),
        )?,
        chain_file: directory.certificate(&file_of(name, layout::CHAIN), &chain)?,
        fullchain_file: directory.certificate(&file_of(name, layout::FULLCHAIN), &issued.chain_pem())?,
        key_file: write_key(directory, &file_of(name, layout::KEY), &key)?,
        ca_file: directory.certificate(&file_of(name, layout::CA), &certificate_to_pem(root.der()))?,
        certificate: certificate.clone(),
    })
}

fn write_key(directory: &NewDirectory, name: &str, key: &CertificateKey) -> Result<PathBuf, InitError> {
    directory.key(name, &private_key_to_pem(key.pkcs8()))
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

/// Upper and lower case count as the same: on some file systems they are.
fn refuse_duplicates(leaves: &[LeafSpec]) -> Result<(), InitError> {
    let mut taken: Vec<String> = Vec::new();
    for leaf in leaves {
        let name = leaf.name.to_ascii_lowercase();
        if taken.contains(&name) || layout::is_reserved(&name) {
            return Err(InitError::DuplicateService {
                name: leaf.name.clone(),
            });
        }
        taken.push(name);
    }
    Ok(())
}

/// One authority below the root for each of: an issuing authority, and the next root when roots are exchanged, which the
/// old one then signs so that those who trust only the old one follow.
pub(crate) const ROOT_PATH_LENGTH: u8 = 2;
