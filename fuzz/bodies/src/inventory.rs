//! The inventory of an authority's directory.

use certgen::home::Inventory;

/// Reads the bytes as an inventory.
///
/// # Panics
///
/// When a refusal names a line that is not there; when what is accepted leads out of its directory.
pub fn inventory(data: &[u8]) {
    let inventory = match Inventory::parse(data) {
        Ok(inventory) => inventory,
        Err(error) => {
            let lines = data.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "{error}");
            return;
        }
    };
    for authority in inventory.authorities() {
        let name = authority.name.strip_prefix("retired/").unwrap_or(&authority.name);
        assert!(!name.contains('/') && !name.starts_with('.'), "{name}");
    }
    for service in inventory.services().into_keys() {
        assert!(!service.contains('/') && !service.starts_with('.'), "{service}");
        assert!(inventory.knows_service(service));
    }
}
