//! `certgen verify`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cryptokit::x509::{
    Certificate, CertificateDer, ExplainedCertificate, RejectedPath, RevocationList, RevocationListError,
    TrustAnchorError, TrustAnchors, VerifiedChain,
};
use serde_json::{Value, json};

use super::{Context, Output};
use crate::cli::{PurposeArgument, RequiredStatusArgument, VerifyArguments};
use crate::documents::{self, Document, DocumentError, DocumentKind};
use crate::explain::{Explain, Failure};
use crate::home::{HomeError, HomeView};
use crate::input;
use crate::text::{hex, timestamp};
use crate::verify::{Purpose, RequiredStatus, Verdict, Verification, VerifyRequest, code, name_of, verify, words};

pub(super) fn run(arguments: &VerifyArguments, context: &Context) -> Result<Output, Failure> {
    let path = super::chain_of(&arguments.chain);
    let chain = certificates_of(&path).map_err(Unusable::Chain)?;
    let purpose = match arguments.purpose {
        PurposeArgument::Server => Purpose::Server,
        PurposeArgument::Client => Purpose::Client,
        PurposeArgument::Any => Purpose::Any,
    };
    let (anchors, revocation_lists) = trust(arguments)?;
    let mut request = VerifyRequest::new(chain, anchors, purpose, arguments.at.unwrap_or(context.now));
    request.revocation_lists = revocation_lists;
    for path in &arguments.untrusted {
        request.untrusted.extend(certificates_of(path).map_err(Unusable::File)?);
    }
    request.names.clone_from(&arguments.name);
    request.revocation = match arguments.crl_required {
        None => RequiredStatus::Nothing,
        Some(RequiredStatusArgument::Leaf) => RequiredStatus::Leaf,
        Some(RequiredStatusArgument::Chain) => RequiredStatus::Chain,
    };
    let verification = verify(&request)?;
    let mut output = Output::done(if context.json {
        format!("{}\n", json_report(&path, &request, &verification))
    } else {
        text_report(&path, &request, &verification)
    });
    if !context.json {
        output.warnings = verification.notes.iter().map(|note| note.to_string().into()).collect();
    }
    output.exit_code = verification.verdict.exit_code();
    Ok(output)
}

/// Lists beside certificates are passed over, as keys are.
fn certificates_of(path: &Path) -> Result<Vec<CertificateDer<'static>>, DocumentError> {
    let of_kind = |document: Document| (document.kind == DocumentKind::Certificate).then(|| document.der.into());
    Ok(documents::read(path)?.into_iter().filter_map(of_kind).collect())
}

/// Where a path must end, and the lists in which certificates are looked up.
fn trust(arguments: &VerifyArguments) -> Result<(TrustAnchors, Vec<RevocationList>), Failure> {
    let mut certificates = Vec::new();
    let mut lists = arguments.crl.clone();
    // Strictly: what was passed over in a file that says whom to trust is what somebody believes to be in force.
    for path in &arguments.trust {
        certificates.extend(input::certificates(path)?);
    }
    if arguments.trust.is_empty() {
        let directory = arguments.home.directory();
        let home = match HomeView::open(&directory) {
            Err(HomeError::Missing { .. } | HomeError::NotAHome { .. }) => {
                return Err(Unusable::NothingToTrust { directory }.into());
            }
            opened => opened?,
        };
        certificates = home.roots()?;
        let own = home.path_of("crl.pem");
        // What an authority has revoked it does not vouch for.
        if lists.is_empty() && own.exists() {
            lists.push(own);
        }
    }
    let anchors = TrustAnchors::from_certificates(certificates).map_err(Unusable::Trust)?;
    let mut read = Vec::new();
    for path in &lists {
        read.extend(revocation_lists(path)?);
    }
    Ok((anchors, read))
}

fn revocation_lists(path: &Path) -> Result<Vec<RevocationList>, Failure> {
    let unusable = |source| Unusable::RevocationList {
        path: path.to_owned(),
        source,
    };
    // As strictly as trust: a list that was passed over may be the one with the revocation.
    let bytes = input::read(path, documents::MAX_FILE_BYTES)?;
    let lists = if input::is_der(&bytes) {
        RevocationList::from_der(&bytes).map(|list| vec![list])
    } else {
        RevocationList::several_from_pem(&bytes)
    };
    Ok(lists.map_err(unusable)?)
}

fn text_report(path: &Path, request: &VerifyRequest, verification: &Verification) -> String {
    let verdict = verification.verdict;
    let mut text = format!("{}: {}", path.display(), verdict.words());
    let purpose = match request.purpose {
        Purpose::Any => "any purpose".to_owned(),
        purpose => format!("{} authentication", purpose.name()),
    };
    let _ = writeln!(
        text,
        "\n  asked: {}{}, at {}",
        purpose,
        names(request),
        timestamp(request.time)
    );
    let explanation = &verification.explanation;
    if let Some(chain) = &explanation.accepted {
        text.push_str(&accepted(chain));
    }
    let count = explanation.rejected.len();
    for (index, rejected) in explanation.rejected.iter().enumerate() {
        let way = match (explanation.accepted.is_some(), count) {
            (true, 1) => "Another path".to_owned(),
            (true, _) => format!("Another path, {} of {count}", index + 1),
            (false, 1) => "The only path".to_owned(),
            (false, _) => format!("Path {} of {count}", index + 1),
        };
        text.push_str(&refused(&way, rejected));
    }
    if explanation.truncated {
        text.push_str("\nThere may be further paths; so many were not looked at.\n");
    }
    if let Some(hint) = verdict.hint() {
        let _ = writeln!(text, "\nNext: {hint}.");
    }
    text
}

fn names(request: &VerifyRequest) -> String {
    request.names.iter().fold(String::new(), |mut text, name| {
        let _ = write!(text, ", as {name}");
        text
    })
}

fn accepted(chain: &VerifiedChain) -> String {
    let mut text = "\nThe path, leaf first:\n".to_owned();
    let last = chain.path().len() - 1;
    for (position, certificate) in chain.path().iter().enumerate() {
        let _ = writeln!(
            text,
            "  {}{}\n    serial {}, valid until {}",
            name_of(certificate),
            if position == last { " (trusted)" } else { "" },
            hex(certificate.serial()),
            timestamp(certificate.not_after())
        );
        if position == 0 {
            let names: Vec<String> = certificate
                .subject_alternative_names()
                .iter()
                .map(ToString::to_string)
                .collect();
            let _ = writeln!(
                text,
                "    for {}",
                if names.is_empty() {
                    "no name".into()
                } else {
                    names.join(" ")
                }
            );
        }
    }
    text
}

fn refused(way: &str, path: &RejectedPath) -> String {
    let end = if path.reaches_anchor {
        "to a trusted certificate"
    } else {
        "to no trusted certificate"
    };
    let mut text = format!("\n{way}, leaf first, {end}:\n");
    let last = path.certificates.len() - 1;
    for (position, one) in path.certificates.iter().enumerate() {
        let trusted = path.reaches_anchor && position == last;
        let _ = writeln!(
            text,
            "  {}{}, serial {}",
            name_of(&one.certificate),
            if trusted { " (trusted)" } else { "" },
            hex(one.certificate.serial())
        );
        for failure in &one.failures {
            let said = words(&one.certificate, failure);
            let section = failure.section();
            if said.ends_with(&format!("({section})")) {
                let _ = writeln!(text, "    - {said}");
            } else {
                let _ = writeln!(text, "    - {said} ({section})");
            }
        }
        if one.failures.is_empty() {
            let _ = writeln!(text, "    nothing wrong");
        }
    }
    text
}

fn json_report(path: &Path, request: &VerifyRequest, verification: &Verification) -> Value {
    let explanation = &verification.explanation;
    let accepted = explanation
        .accepted
        .as_ref()
        .map(|chain| chain.path().iter().map(json_certificate).collect::<Vec<_>>());
    let rejected = explanation.rejected.iter().map(|path| {
        json!({
            "reaches_trust_anchor": path.reaches_anchor,
            "certificates": path.certificates.iter().map(json_explained).collect::<Vec<_>>(),
        })
    });
    json!({
        "file": path.to_string_lossy(),
        "trusted": verification.verdict == Verdict::Trusted,
        "verdict": verification.verdict.name(),
        "exit_code": verification.verdict.exit_code(),
        "hint": verification.verdict.hint(),
        "purpose": request.purpose.name(),
        "names": request.names.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "time": timestamp(request.time),
        "path": accepted,
        "rejected_paths": rejected.collect::<Vec<_>>(),
        "truncated": explanation.truncated,
        "warnings": verification.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn json_certificate(certificate: &Certificate) -> Value {
    let names = certificate.subject_alternative_names().iter().map(ToString::to_string);
    json!({
        "subject": certificate.subject_text(),
        "issuer": certificate.issuer_text(),
        "subject_alternative_names": names.collect::<Vec<_>>(),
        "serial": hex(certificate.serial()),
        "not_before": timestamp(certificate.not_before()),
        "not_after": timestamp(certificate.not_after()),
        "sha256": hex(&certificate.sha256()),
    })
}

fn json_explained(explained: &ExplainedCertificate) -> Value {
    let mut object = json_certificate(&explained.certificate);
    let failures = explained.failures.iter().map(|failure| {
        json!({
            "code": code(failure),
            "message": words(&explained.certificate, failure),
            "section": failure.section(),
        })
    });
    object["failures"] = failures.collect::<Vec<_>>().into();
    object
}

/// What is not there to be verified, or to verify with.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("there is no chain to verify")]
    Chain(#[source] DocumentError),
    #[error(transparent)]
    File(DocumentError),
    #[error("there is nothing to trust: no --trust, and no authority in `{}`", directory.display())]
    NothingToTrust { directory: PathBuf },
    #[error("the trusted certificates cannot be used")]
    Trust(#[source] TrustAnchorError),
    #[error("the revocation lists in `{}` cannot be used", path.display())]
    RevocationList {
        path: PathBuf,
        #[source]
        source: RevocationListError,
    },
}

impl Explain for Unusable {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Chain(error) | Self::File(error) => error.hint(),
            Self::NothingToTrust { .. } => "name the root with --trust, or the authority's directory with --ca".into(),
            Self::Trust(_) => "--trust takes certificates of authorities, such as root.pem or ca.pem".into(),
            Self::RevocationList { .. } => {
                "--crl takes PEM blocks `X509 CRL` and nothing else, or one list in DER".into()
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Chain(DocumentError::Content { .. }) => Verdict::Malformed.exit_code(),
            // Read or not, it speaks of nothing.
            Self::RevocationList { .. } => Verdict::RevocationUnknown.exit_code(),
            _ => crate::explain::FAILED,
        }
    }
}
