//! `certgen leaf`.

use std::fmt::Write as _;

use cryptokit::x509::{Certificate, LeafProfile, LeafRequest, Profile, TrustDomain};
use serde_json::json;
use time::Duration;

use super::home;
use super::init::json_leaf;
use super::{Context, Output};
use crate::cli::LeafArguments;
use crate::explain::Failure;
use crate::home::Overwrite;
use crate::init::{LeafFiles, LeafSpec};
use crate::init_error::InitError;
use crate::leaf::{self, NewLeaf};
use crate::lifecycle::AuthorityKeys;
use crate::{lifetime, passphrase};

pub(super) fn run(arguments: &LeafArguments, context: &Context) -> Result<Output, Failure> {
    let profile = arguments.profile.chosen().unwrap_or(LeafProfile::Peer);
    let lifetime = match arguments.lifetime.lifetime() {
        Some(lifetime) => Some(lifetime.span(Profile::Leaf(profile), context.now)?),
        None => None,
    };
    // Asked for before the lock is taken: somebody may have to type it.
    let key_passphrase = match arguments.key_passphrase.source() {
        Some(source) => Some(passphrase::new(passphrase::KEY, Some(&source))?),
        None => None,
    };
    let mut home = home::open(&arguments.home)?;
    home.check_issuer(&arguments.issuer, context.now)?;
    let authority = AuthorityKeys::new(arguments.passphrase.source()).load(&home, &arguments.issuer)?;
    let service = in_trust_domain_of(authority.certificate(), profile, &arguments.service)?;
    let names = service.subject_alternative_names().to_vec();
    let mut request = LeafRequest::new(service.profile(), names).with_key(arguments.key);
    if let Some(lifetime) = lifetime {
        request = request.with_lifetime(lifetime);
    }
    let new = NewLeaf {
        service: arguments.service.name(),
        request,
        lifetime,
        key_passphrase: key_passphrase.as_ref(),
        overwrite: if arguments.force {
            Overwrite::Anything
        } else {
            Overwrite::OnlyOurs
        },
    };
    let files = leaf::issue(&mut home, &arguments.issuer, &authority, &new, context.now)?;
    let asked = lifetime.unwrap_or(Profile::Leaf(profile).lifetime());
    let mut warnings = home.notices().to_vec();
    warnings.extend(lifetime::warning(profile, asked));
    let end = files.certificate.not_after();
    if end < context.now + asked - Duration::SECOND {
        warnings.push(format!(
            "the certificate ends on {}, with the authority that issued it",
            end.date()
        ));
    }
    if context.json {
        let mut report = json_leaf(&files);
        report["issuer"] = json!(arguments.issuer);
        report["warnings"] = json!(warnings);
        return Ok(Output::done(format!("{report}\n")));
    }
    let output = Output::done(text_report(&files, &arguments.issuer));
    Ok(warnings.into_iter().fold(output, Output::with_warning))
}

/// The service as `certgen init --trust-domain` would have made it, if that is how the authority was made.
fn in_trust_domain_of(authority: &Certificate, profile: LeafProfile, asked: &LeafSpec) -> Result<LeafSpec, InitError> {
    let names = asked.subject_alternative_names().to_vec();
    let service = LeafSpec::new(profile, asked.name(), names)?;
    match TrustDomain::of(authority) {
        Some(domain) => service.in_trust_domain(&domain),
        None => Ok(service),
    }
}

fn text_report(files: &LeafFiles, issuer: &str) -> String {
    let mut text = String::new();
    let directory = files.certificate_file.parent().unwrap_or(&files.certificate_file);
    let _ = writeln!(text, "Made in {}:\n", directory.display());
    let _ = writeln!(
        text,
        "  {:<13} {:<18} until {}, from {issuer}",
        files.profile.name(),
        files.name,
        files.certificate.not_after().date()
    );
    for name in files.certificate.subject_alternative_names() {
        let _ = writeln!(text, "{:16}{name}", "");
    }
    let _ = writeln!(
        text,
        "\nNext:\n  Give the service its directory: it presents fullchain.pem with key.pem and trusts ca.pem.\n  \
         Run `certgen renew {}` before the certificate ends.",
        files.name
    );
    text
}
