//! Which certificate of a file is the leaf, and what its order is worth saying.

use cryptokit::x509::{Certificate, CertificateDer, TrustAnchors};

use super::{Note, VerifyError};

/// The leaf's number, from 1: the first certificate, as in TLS (RFC 8446 §4.4.2), unless that is an authority's and
/// exactly one other is not.
pub(super) fn find(
    chain: &[CertificateDer<'static>],
    anchors: &TrustAnchors,
) -> Result<(usize, Vec<Note>), VerifyError> {
    let readable: Vec<Option<Certificate>> = chain.iter().map(|der| Certificate::from_der(der).ok()).collect();
    let first = readable.first().ok_or(VerifyError::Empty)?;
    let is_leaf = |one: &Option<Certificate>| one.as_ref().is_some_and(|one| !one.is_ca());
    let mut leaves = readable.iter().enumerate().filter(|(_, one)| is_leaf(one));
    let (only, another) = (leaves.next(), leaves.next());
    let mut notes = Vec::new();
    let number = match (first, only, another) {
        (Some(first), Some((index, _)), None) if first.is_ca() => {
            notes.push(Note::LeafIsNotFirst { number: index + 1 });
            index + 1
        }
        _ => 1,
    };
    let certificates: Vec<&Certificate> = readable.iter().flatten().collect();
    // A leaf that is last has been spoken of.
    if number == 1 && is_out_of_order(&certificates) {
        notes.push(Note::Order);
    }
    for one in certificates.iter().skip(1) {
        if anchors.certificates().contains(one) {
            let subject = one.subject_text().to_owned();
            notes.push(Note::AnchorIncluded { subject });
        }
    }
    Ok((number, notes))
}

/// Whether the issuer of some certificate is there and does not follow it at once.
fn is_out_of_order(certificates: &[&Certificate]) -> bool {
    let issued = |issuer: &Certificate, one: &Certificate| issuer.subject_der() == one.issuer_der();
    let follows_leaf = |pair: &[&Certificate]| issued(pair[1], pair[0]);
    // A certificate twice, or a second issuer of one name, is no question of order.
    let is_complete = certificates
        .iter()
        .skip(1)
        .all(|issuer| certificates.iter().any(|one| one != issuer && issued(issuer, one)));
    is_complete && !certificates.windows(2).all(follows_leaf)
}
