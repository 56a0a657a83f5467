//! Certificates, revocation lists and requests of any maker: what `certgen lint` and `certgen verify` make of them.

use certgen::documents::{Document, DocumentKind, parse};
use certgen::lint::{LINTS, lint, name_of};
use certgen::verify::{Purpose, Verdict, VerifyRequest, code, name_of as name_of_certificate, verify, words};
use cryptokit::x509::{
    Certificate, CertificateDer, LeafProfile, Profile, RevocationList, SubjectAlternativeName, TrustAnchors,
};

/// Reads the bytes as a file of documents, lints each beside the others, and verifies the certificates as a chain to the
/// last of them.
///
/// # Panics
///
/// When the lenient reader refuses what the strict one takes; when an error is found in a certificate that is right by
/// our own profiles; when verdict and explanation differ; when a text could steer a terminal.
pub fn document(data: &[u8]) {
    let Ok(documents) = parse(data) else {
        return;
    };
    for one in &documents {
        let findings = lint(one, &documents);
        assert!(
            findings
                .windows(2)
                .all(|pair| pair[0].lint.severity >= pair[1].lint.severity),
            "worst first"
        );
        for finding in &findings {
            assert!(LINTS.contains(&finding.lint), "in the table");
            is_plain(finding.detail.as_deref().unwrap_or_default());
        }
        is_plain(&name_of(one).unwrap_or_default());
        let is_malformed = findings.iter().any(|finding| finding.lint.id == "malformed");
        assert!(
            !is_malformed || !is_read_strictly(one),
            "the lenient reader is the more lenient"
        );
    }
    verify_to_the_last(&documents);
}

fn is_read_strictly(document: &Document) -> bool {
    match document.kind {
        DocumentKind::Certificate => Certificate::from_der(&document.der)
            .is_ok_and(|read| Profile::Leaf(LeafProfile::Server).check(&read).is_ok()),
        DocumentKind::RevocationList => RevocationList::from_der(&document.der).is_ok(),
        DocumentKind::Request => false,
    }
}

fn verify_to_the_last(documents: &[Document]) {
    let of_kind = |document: &&Document| document.kind == DocumentKind::Certificate;
    let chain: Vec<CertificateDer<'static>> = documents
        .iter()
        .filter(of_kind)
        .map(|document| document.der.clone().into())
        .collect();
    let Some(anchor) = chain.last().and_then(|last| Certificate::from_der(last).ok()) else {
        return;
    };
    let time = anchor.not_before();
    let Ok(anchors) = TrustAnchors::from_certificates(vec![anchor]) else {
        return;
    };
    let lists = documents
        .iter()
        .filter_map(|one| RevocationList::from_der(&one.der).ok());
    for purpose in [Purpose::Server, Purpose::Any] {
        let mut request = VerifyRequest::new(chain.clone(), anchors.clone(), purpose, time);
        request.revocation_lists = lists.clone().collect();
        request.names.extend(SubjectAlternativeName::infer("api.example"));
        let Ok(answer) = verify(&request) else {
            continue;
        };
        let is_trusted = answer.verdict == Verdict::Trusted;
        assert_eq!(is_trusted, answer.explanation.accepted.is_some());
        assert_eq!(is_trusted, answer.verdict.exit_code() == 0);
        for explained in answer.explanation.rejected.iter().flat_map(|path| &path.certificates) {
            is_plain(&name_of_certificate(&explained.certificate));
            for failure in &explained.failures {
                is_plain(&words(&explained.certificate, failure));
                assert_ne!(code(failure), "other", "every failure has a code");
            }
        }
    }
}

/// Nothing in it moves a cursor, hides text or turns its direction.
fn is_plain(text: &str) {
    let is_visible = |character: char| {
        character.is_alphanumeric() || character.is_ascii_graphic() || matches!(character, ' ' | '§' | '…')
    };
    assert!(text.chars().all(is_visible), "{text:?}");
}
