//! Manifests of `certgen apply`.

use std::collections::BTreeSet;
use std::path::Component;

use certgen::Explain as _;
use certgen::apply::manifest::Manifest;
use cryptokit::x509::Profile;

/// Reads the bytes as a manifest.
///
/// # Panics
///
/// When a refusal names a place outside the text or says something that a terminal obeys; when what is accepted leads
/// out of its directory, gives two services one directory, or is never in agreement with what it makes.
pub fn manifest(data: &[u8]) {
    let manifest = match Manifest::parse(data) {
        Ok(manifest) => manifest,
        Err(error) => {
            let lines = data.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "{error}");
            assert!(error.column >= 1 && error.column <= data.len() + 1, "{error}");
            let said = format!("{error}; {}", error.hint());
            assert!(!said.chars().any(char::is_control), "{said:?}");
            return;
        }
    };
    assert!(data.len() <= Manifest::MAX_BYTES && manifest.services.len() <= Manifest::MAX_SERVICES);
    let mut parts = manifest.directory.components();
    assert!(
        parts.all(|part| matches!(part, Component::Normal(_))),
        "{:?}",
        manifest.directory
    );

    let mut directories = BTreeSet::new();
    for service in &manifest.services {
        assert!(
            !service.name.contains('/') && !service.name.starts_with('.'),
            "{}",
            service.name
        );
        assert!(
            directories.insert(service.name.to_ascii_lowercase()),
            "{}",
            service.name
        );
        assert!(!service.renew.is_always_due(service.lifetime), "{}", service.name);
        assert!(service.lifetime.is_positive());
        assert!(service.lifetime <= Profile::Leaf(service.profile).max_lifetime());
        assert_eq!(service.profile.check_names(&service.names), Ok(()));
        assert!(
            service
                .names
                .iter()
                .all(|name| manifest.authority.constraints.allows(name))
        );
        assert!(manifest.issuing.iter().any(|issuing| issuing.name == service.issuer));
    }
}
