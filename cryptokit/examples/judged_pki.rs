//! Writes one of everything that `cryptokit::x509` makes, for other implementations to judge: see
//! `tests/interop/x509.sh`.
//!
//! ```text
//! judged_pki DIR
//! ```
//!
//! For each kind of key a directory with root, constrained issuing CA, a leaf of every profile, a request and
//! revocation lists. Private keys are not written.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use cryptokit::sign::RsaKeySize;
use cryptokit::x509::{
    AllowedNames, AuthorityRequest, CertificateAuthority, CertificateKey, CertificationRequest, DistinguishedName,
    IssuancePolicy, KeyKind, LeafProfile, LeafRequest, NameConstraints, RevocationListRequest, RevocationReason,
    RevokedCertificate, SubjectAlternativeName, Subtree, certificate_to_pem, certificates_to_pem,
};
use time::{Duration, OffsetDateTime};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = env::args_os().nth(1).ok_or("usage: judged_pki DIR")?;
    let kinds = [
        ("p256", KeyKind::P256),
        ("p384", KeyKind::P384),
        ("ed25519", KeyKind::Ed25519),
        ("rsa2048", KeyKind::Rsa(RsaKeySize::Bits2048)),
        ("rsa3072", KeyKind::Rsa(RsaKeySize::Bits3072)),
        ("rsa4096", KeyKind::Rsa(RsaKeySize::Bits4096)),
    ];
    for (name, kind) in kinds {
        write_pki(&Path::new(&directory).join(name), kind)?;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the judges compare with the clock of this machine"
)]
fn write_pki(directory: &Path, kind: KeyKind) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    let write = |name: &str, text: &str| fs::write(directory.join(name), text);
    let now = OffsetDateTime::now_utc();
    let subject = |name: &str| {
        DistinguishedName::new(name)?
            .with_organization("Größe & Co")?
            .with_country("DE")
    };

    let request = AuthorityRequest::root(subject("Judged root")?);
    let root = CertificateAuthority::create_root(&request, CertificateKey::generate(kind)?, now)?;
    let constraints = NameConstraints::default()
        .permit(
            ["dns:svc.internal", "ip:10.0.0.0/8", "email:svc.internal"]
                .map(Subtree::parse)
                .into_iter()
                .collect::<Result<Vec<_>, _>>()?,
        )
        .exclude([Subtree::parse("dns:secret.svc.internal")?]);
    let request = AuthorityRequest::intermediate(subject("Judged issuing")?).with_name_constraints(constraints);
    let issuing = root.issue_authority(&request, CertificateKey::generate(kind)?, now)?;
    let other = CertificateAuthority::new_root(&subject("Other root")?, now)?;
    let cross = other.cross_sign(issuing.certificate(), now)?;
    write("root.pem", &certificate_to_pem(root.certificate().der()))?;
    write("issuing.pem", &certificate_to_pem(issuing.certificate().der()))?;
    write("other-root.pem", &certificate_to_pem(other.certificate().der()))?;
    write("cross.pem", &certificate_to_pem(cross.der()))?;

    let leaves = [
        (
            "server",
            LeafProfile::Server,
            &["dns:api.svc.internal", "ip:10.0.0.5"][..],
        ),
        ("client", LeafProfile::Client, &["email:worker@svc.internal"]),
        ("spiffe", LeafProfile::Spiffe, &["uri:spiffe://svc.internal/mesh"]),
        ("revoked", LeafProfile::Peer, &["dns:revoked.svc.internal"]),
    ];
    let mut revoked = Vec::new();
    for (name, profile, names) in leaves {
        let names: Vec<SubjectAlternativeName> = names.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        // Through a request, as a service would.
        let key = CertificateKey::generate(kind)?;
        let request = CertificationRequest::create(&LeafRequest::new(profile, names), &key)?;
        write(&format!("{name}.csr.pem"), &request.to_pem())?;
        let granted = IssuancePolicy::new(profile, AllowedNames::WhateverIsAsked)
            .review(&request)
            .grant()?;
        let issued = issuing.issue_granted(&granted, now)?;
        write(&format!("{name}.pem"), &certificate_to_pem(issued.certificate().der()))?;
        write(&format!("{name}.fullchain.pem"), &certificates_to_pem(issued.chain()))?;
        revoked = issued.certificate().serial().to_vec();
    }

    let tomorrow = now + Duration::DAY;
    let empty = root.issue_revocation_list(&RevocationListRequest::first(now, tomorrow))?;
    write("root.crl.pem", &empty.to_pem())?;
    let mut request = RevocationListRequest::first(now, tomorrow);
    let entries = [
        (revoked, RevocationReason::KeyCompromise, Some(now - Duration::DAY)),
        (vec![0x01, 0x02], RevocationReason::Unspecified, None),
        (vec![0x00, 0x80], RevocationReason::CertificateHold, None),
    ];
    for (serial, reason, invalidity_date) in entries {
        request.revoke(RevokedCertificate {
            serial,
            revocation_date: now,
            reason,
            invalidity_date,
        })?;
    }
    let list = issuing.issue_revocation_list(&request)?;
    write("issuing.crl.pem", &list.to_pem())?;
    fs::write(directory.join("issuing.crl.der"), list.der())?;
    Ok(())
}
