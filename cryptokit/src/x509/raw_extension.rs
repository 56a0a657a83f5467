//! Extensions as they are written (RFC 5280 §4.1), their values unread.

use super::der::{BOOLEAN, Malformed, OCTET_STRING, OID, Reader, SEQUENCE};

/// One extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawExtension<'a> {
    /// Contents octets of its identifier.
    pub(super) oid: &'a [u8],
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

/// Contents octets of the identifiers of RFC 5280 §4.2.1 and §5.2, §5.3.
pub(super) mod oid {
    pub(in crate::x509) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 14];
    pub(in crate::x509) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub(in crate::x509) const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 17];
    pub(in crate::x509) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub(in crate::x509) const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 20];
    pub(in crate::x509) const REASON_CODE: &[u8] = &[0x55, 0x1d, 21];
    pub(in crate::x509) const INVALIDITY_DATE: &[u8] = &[0x55, 0x1d, 24];
    pub(in crate::x509) const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 27];
    pub(in crate::x509) const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
    pub(in crate::x509) const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 29];
    pub(in crate::x509) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];
    pub(in crate::x509) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
}

/// Most extensions in one sequence: each is compared with each before it. What is seen in the field has a dozen.
pub(super) const MAX_EXTENSIONS: usize = 128;

/// Reads the contents of a SEQUENCE OF Extension: at least one, none twice (RFC 5280 §4.2), at most
/// [`MAX_EXTENSIONS`].
pub(super) fn read_extensions(contents: &[u8]) -> Result<Vec<RawExtension<'_>>, Malformed> {
    let mut list = Reader::new(contents);
    let mut extensions: Vec<RawExtension<'_>> = Vec::new();
    while !list.is_empty() {
        let mut fields = list.nested(SEQUENCE)?;
        let oid = fields.contents(OID)?;
        let critical = fields.flag(BOOLEAN)?;
        let value = fields.contents(OCTET_STRING)?;
        fields.end()?;
        if oid.is_empty() || extensions.len() == MAX_EXTENSIONS || extensions.iter().any(|earlier| earlier.oid == oid) {
            return Err(Malformed);
        }
        extensions.push(RawExtension { oid, critical, value });
    }
    if extensions.is_empty() {
        Err(Malformed)
    } else {
        Ok(extensions)
    }
}
