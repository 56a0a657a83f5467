//! Values that are right once they exist.

mod audience;
mod base32;
mod certificate_thumbprint;
mod email;
mod login_methods;
mod moment;
mod name_set;
mod one_time_password;
mod page_size;
mod recovery_code;
mod refresh_token;
mod role;
mod row_seal;
mod scope;
mod sealed_field;
mod second_factor;
mod service;
mod session;
mod source;
mod totp_secret;
mod user;
mod user_record;

pub use audience::{AudienceName, InvalidAudience};
pub use certificate_thumbprint::{CertificateThumbprint, InvalidThumbprint};
pub use email::{EmailAddress, InvalidEmailAddress};
pub use login_methods::LoginMethods;
pub use moment::{InvalidMoment, Moment};
pub use name_set::{InvalidNameSet, MAX_NAMES, NameSet, Roles, Scopes};
pub use one_time_password::{NotAOneTimePassword, OneTimePassword};
pub use page_size::PageSize;
pub use recovery_code::{NotARecoveryCode, RecoveryCode};
pub use refresh_token::RefreshToken;
pub use role::{InvalidRole, RoleName};
pub use row_seal::SealedRow;
pub use scope::{InvalidScope, ScopeName};
pub use sealed_field::{Place, SealedField};
pub use second_factor::{FactorId, PendingSecondFactor, SecondFactor, StoredRecoveryCode};
pub use service::{InvalidServiceName, Service, ServiceIdentity, ServiceName};
pub use session::{
    ClientPrint, EndReason, InvalidSessionId, Session, SessionHolder, SessionId, SpentToken, TokenDigest,
    UnknownEndReason,
};
pub use source::SourceNetwork;
pub use totp_secret::TotpSecret;
pub use user::{User, UserId};
pub use user_record::{AlteredRecord, OWN_HASH, RecordFault, RecordVersion, UserRecord};
