//! `certgen intermediate`.

use std::borrow::Cow;
use std::fmt::Write as _;

use cryptokit::random;
use cryptokit::x509::{AuthorityRequest, DistinguishedName, DistinguishedNameError, Profile};
use serde_json::json;

use super::home;
use super::init::json_authority;
use super::{Context, Output};
use crate::cli::IntermediateArguments;
use crate::explain::Failure;
use crate::home::{Overwrite, layout};
use crate::init::AuthorityFiles;
use crate::init_error::InitError;
use crate::intermediate::{self, NewIntermediate};
use crate::lifecycle::AuthorityKeys;
use crate::name_limits;

pub(super) fn run(arguments: &IntermediateArguments, context: &Context) -> Result<Output, Failure> {
    let request = request(arguments, context)?;
    let mut home = home::open(&arguments.home)?;
    intermediate::check_name(&home, &arguments.name)?;
    let mut keys = AuthorityKeys::new(arguments.passphrase.source()).with_root_key(arguments.root_key.clone());
    let root = keys.load(&home, layout::ROOT)?;
    let new = NewIntermediate {
        name: &arguments.name,
        request,
        key: arguments.key,
        passphrase: keys.for_new_key()?,
        overwrite: if arguments.force {
            Overwrite::Anything
        } else {
            Overwrite::OnlyOurs
        },
    };
    let files = intermediate::issue(&mut home, &root, &new, context.now)?;
    let mut warnings: Vec<Cow<'static, str>> = home.notices().iter().cloned().map(Cow::from).collect();
    if !files.key_is_encrypted {
        let file = layout::key_of(&arguments.name);
        warnings.push(
            format!("{file} is not encrypted: whoever reads it can issue certificates that your services trust").into(),
        );
    }
    warnings.extend(
        name_limits::warnings(&arguments.limits.limits())
            .into_iter()
            .map(Cow::from),
    );
    if context.json {
        let mut report = json_authority(&files);
        report["name"] = json!(arguments.name);
        report["warnings"] = json!(warnings);
        return Ok(Output::done(format!("{report}\n")));
    }
    let output = Output::done(text_report(&arguments.name, &files));
    Ok(warnings.into_iter().fold(output, Output::with_warning))
}

fn request(arguments: &IntermediateArguments, context: &Context) -> Result<AuthorityRequest, InitError> {
    let mut request =
        AuthorityRequest::intermediate(subject(arguments)?).with_name_constraints(arguments.limits.limits());
    if let Some(domain) = &arguments.trust_domain {
        request = request.with_trust_domain(domain);
    }
    if let Some(lifetime) = arguments.lifetime() {
        let span = lifetime.span(Profile::Intermediate, context.now);
        request = request.with_lifetime(span.map_err(|source| InitError::Lifetime {
            whose: "the authority",
            source,
        })?);
    }
    Ok(request)
}

/// The end tells authorities apart that were made under one name (RFC 5280 §4.1.2.6).
fn subject(arguments: &IntermediateArguments) -> Result<DistinguishedName, DistinguishedNameError> {
    let given = &arguments.subject;
    let end = format!("{:08x}", u32::from_be_bytes(random::bytes()));
    let name = given.common_name.as_ref().unwrap_or(&arguments.name);
    let mut subject = DistinguishedName::new(&format!("{name} issuing CA {end}"))?;
    if let Some(organization) = &given.organization {
        subject = subject.with_organization(organization)?;
    }
    if let Some(unit) = &given.organizational_unit {
        subject = subject.with_organizational_unit(unit)?;
    }
    if let Some(country) = &given.country {
        subject = subject.with_country(country)?;
    }
    Ok(subject)
}

fn text_report(name: &str, files: &AuthorityFiles) -> String {
    let mut text = String::new();
    let file = files.certificate_file.file_name().unwrap_or_default().to_string_lossy();
    let directory = files.certificate_file.parent().unwrap_or(&files.certificate_file);
    let _ = writeln!(text, "Made in {}:\n", directory.display());
    let _ = writeln!(
        text,
        "  {:<13} {file:<18} until {}",
        "intermediate",
        files.certificate.not_after().date()
    );
    let _ = writeln!(text, "\nNext:\n  Issue from it: certgen leaf --issuer {name} SERVICE");
    text
}
