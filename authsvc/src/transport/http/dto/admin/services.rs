//! The registry, as administrators see and change it.

use authsvc_core::domain::{AudienceName, ScopeName, ServiceIdentity, ServiceName};
use authsvc_core::service::NewService;
use authsvc_core::service::administration::{Change, ServiceView};
use cryptokit::x509::SubjectAlternativeName;
use serde::Serialize;
use utoipa::ToSchema;

use super::{moment, texts};
use crate::transport::http::dto::DecodeError;
use crate::transport::http::json_object::Fields;

const MAX_NAMES: usize = 64;

/// `POST /v1/admin/services`
#[derive(ToSchema)]
pub(in crate::transport::http) struct NewServiceRequest {
    /// A short name: a-z, 0-9 and -.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 64, example = "orders")]
    name: Option<ServiceName>,
    /// The name in its certificate, with its type.
    #[schema(value_type = String, required = true, max_length = 512, example = "dns:orders.internal")]
    san: Option<SubjectAlternativeName>,
    /// SHA-256 of the SubjectPublicKeyInfo of the CA that issues its certificates, in hexadecimal.
    #[schema(value_type = String, required = true, min_length = 64, max_length = 64)]
    issuer_spki_sha256: Option<SpkiDigest>,
    /// The audiences about whose tokens it may ask.
    #[schema(value_type = Option<Vec<String>>, max_items = 64)]
    audiences: Option<Vec<AudienceName>>,
    /// The scopes it is told of when a token has them.
    #[schema(value_type = Option<Vec<String>>, max_items = 64)]
    scopes: Option<Vec<ScopeName>>,
    /// Whether it may administer; false if absent.
    admin: Option<bool>,
}

/// From a body to a registration. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_new_service(body: &[u8]) -> Result<Change, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let name = fields.parsed("name", "must be 1 to 64 of a-z, 0-9 and -");
    let (san, issuer_spki_sha256) = identity_fields(&mut fields);
    let request = NewServiceRequest {
        name: fields.require("name", name),
        san,
        issuer_spki_sha256,
        audiences: fields.list("audiences", MAX_NAMES, "must be a list of up to 64 audiences"),
        scopes: fields.list("scopes", MAX_NAMES, "must be a list of up to 64 scopes"),
        admin: fields.flag("admin"),
    };
    fields.done()?;
    let identity = identity(request.san, request.issuer_spki_sha256)?;
    let mut service = NewService::new(request.name.ok_or(DecodeError::Malformed)?, identity);
    service.audiences = request.audiences.unwrap_or_default();
    service.scopes = request.scopes.unwrap_or_default();
    service.admin = request.admin.unwrap_or_default();
    Ok(Change::AddService(service))
}

/// `POST /v1/admin/services/{name}/identities` and `…/identities/remove`
#[derive(ToSchema)]
pub(in crate::transport::http) struct IdentityRequest {
    /// The name in its certificate, with its type.
    #[schema(value_type = String, required = true, max_length = 512, example = "dns:orders.internal")]
    san: Option<SubjectAlternativeName>,
    /// SHA-256 of the SubjectPublicKeyInfo of the CA that issues its certificates, in hexadecimal.
    #[schema(value_type = String, required = true, min_length = 64, max_length = 64)]
    issuer_spki_sha256: Option<SpkiDigest>,
}

/// From a body to one more identity. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_add_identity(body: &[u8], name: ServiceName) -> Result<Change, DecodeError> {
    let identity = decode_identity(body)?;
    Ok(Change::AddIdentity { name, identity })
}

/// From a body to one identity less. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_remove_identity(body: &[u8], name: ServiceName) -> Result<Change, DecodeError> {
    let identity = decode_identity(body)?;
    Ok(Change::RemoveIdentity { name, identity })
}

fn decode_identity(body: &[u8]) -> Result<ServiceIdentity, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let (san, issuer_spki_sha256) = identity_fields(&mut fields);
    let request = IdentityRequest {
        san,
        issuer_spki_sha256,
    };
    fields.done()?;
    identity(request.san, request.issuer_spki_sha256)
}

fn identity_fields(fields: &mut Fields) -> (Option<SubjectAlternativeName>, Option<SpkiDigest>) {
    let san = fields.parsed("san", "must be dns:NAME or uri:spiffe://…");
    let san = fields.require("san", san);
    let digest = fields.parsed("issuer_spki_sha256", "must be 64 hexadecimal digits");
    (san, fields.require("issuer_spki_sha256", digest))
}

fn identity(san: Option<SubjectAlternativeName>, issuer: Option<SpkiDigest>) -> Result<ServiceIdentity, DecodeError> {
    let (Some(subject_alternative_name), Some(SpkiDigest(issuer_spki_sha256))) = (san, issuer) else {
        return Err(DecodeError::Malformed);
    };
    Ok(ServiceIdentity {
        issuer_spki_sha256,
        subject_alternative_name,
    })
}

/// The digest of a CA's key.
struct SpkiDigest([u8; 32]);

impl std::str::FromStr for SpkiDigest {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let bytes: Option<Vec<u8>> = text
            .as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                &[high, low] => Some((digit(high)? << 4) | digit(low)?),
                _ => None,
            })
            .collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(())
    }
}

/// The registry.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct ServicesResponse {
    /// By name.
    services: Vec<ServiceEntry>,
}

/// A registered service.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct ServiceEntry {
    /// Its name.
    name: String,
    /// How it proves to be itself.
    identities: Vec<IdentityEntry>,
    /// The audiences about whose tokens it may ask.
    audiences: Vec<String>,
    /// The scopes it is told of.
    scopes: Vec<String>,
    /// Whether it may administer.
    admin: bool,
    /// When it was registered (RFC 3339, UTC).
    #[schema(format = "date-time")]
    created_at: String,
    /// What is wrong with the registration, if anything: it is not let in then.
    #[serde(skip_serializing_if = "Option::is_none")]
    altered: Option<String>,
}

/// A name that one particular CA says.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct IdentityEntry {
    /// The name, with its type.
    san: String,
    /// SHA-256 of the CA's SubjectPublicKeyInfo, in hexadecimal.
    issuer_spki_sha256: String,
}

impl ServicesResponse {
    pub(in crate::transport::http) fn new(services: &[ServiceView]) -> Self {
        let identity = |identity: &ServiceIdentity| IdentityEntry {
            san: identity.subject_alternative_name.to_string(),
            issuer_spki_sha256: identity
                .issuer_spki_sha256
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        };
        let entry = |ServiceView { service, fault }: &ServiceView| ServiceEntry {
            name: service.name.to_string(),
            identities: service.identities.iter().map(identity).collect(),
            audiences: texts(&service.audiences),
            scopes: texts(&service.scopes),
            admin: service.admin,
            created_at: moment(service.created_at),
            altered: fault.map(|fault| fault.to_string()),
        };
        Self {
            services: services.iter().map(entry).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_64_digits_and_nothing_else() {
        let digest: SpkiDigest = "0Aff".repeat(16).parse().unwrap_or(SpkiDigest([0; 32]));
        assert_eq!(digest.0[..2], [0x0a, 0xff]);
        for bad in [
            "",
            "0",
            &"0".repeat(63),
            &"0".repeat(66),
            &"0x".repeat(32),
            &"ää".repeat(16),
        ] {
            assert!(bad.parse::<SpkiDigest>().is_err(), "{bad}");
        }
    }
}
