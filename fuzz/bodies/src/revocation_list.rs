//! Certificate revocation lists, from PEM and DER.

use cryptokit::x509::{RevocationList, RevocationListRequest};

/// Reads the bytes as PEM and as DER, looks every entry up, and begins the list that would follow.
///
/// # Panics
///
/// When a list that was accepted is not read the same way again, when an entry is not found under its own serial
/// number, or when a following list loses one.
pub fn revocation_list(data: &[u8]) {
    let from_der = RevocationList::from_der(data);
    if let Ok(list) = &from_der {
        assert_eq!(list.der(), data, "no byte is dropped");
        assert!(RevocationList::from_der(&data[..data.len() - 1]).is_err(), "truncated");
    }
    let Ok(list) = from_der.or_else(|_| RevocationList::from_pem(data)) else {
        return;
    };
    assert_eq!(
        RevocationList::from_pem(list.to_pem().as_bytes()).as_ref(),
        Ok(&list),
        "PEM round-trips"
    );
    for entry in list.revoked() {
        let found = list.find(&entry.serial).expect("what is listed is found");
        assert_eq!(found.serial, entry.serial);
    }
    if let Ok(next) = RevocationListRequest::after(&list, list.this_update(), list.this_update()) {
        assert!(Some(next.number()) > list.number(), "numbers grow");
        assert_eq!(next.entries(), list.revoked(), "what was revoked stays revoked");
    }
    let _ = format!("{list:?} {}", list.issuer_text());
}
