//! Accounts, as administrators see and change them.

use std::convert::Infallible;
use std::time::Duration;

use authsvc_core::domain::{
    EmailAddress, NameSet, PageSize, RecordVersion, RoleName, Roles, ScopeName, Scopes, UserId,
};
use authsvc_core::service::administration::{Change, Question, UserView};
use authsvc_core::service::{Account, Grants, ResetLink};
use cryptokit::encoding::base64url;
use serde::Serialize;
use utoipa::ToSchema;

use super::{moment, names, page_size};
use crate::transport::http::dto::DecodeError;
use crate::transport::http::json_object::Fields;

/// Most names in a list: a token carries them.
const MAX_NAMES: usize = authsvc_core::domain::MAX_NAMES;
/// How long a link may be good, in seconds.
const LINK_SECONDS: std::ops::RangeInclusive<u64> = 60..=604_800;
const LINK_SECONDS_DEFAULT: u64 = 3600;

/// `POST /v1/admin/users`
#[derive(ToSchema)]
pub(in crate::transport::http) struct NewUserRequest {
    /// The address, which is the account's name.
    #[schema(value_type = String, required = true, format = "email", min_length = 5, max_length = 254)]
    email: Option<EmailAddress>,
    /// Its roles.
    #[schema(value_type = Option<Vec<String>>, max_items = 64)]
    roles: Option<Roles>,
    /// The scopes that it may ask for.
    #[schema(value_type = Option<Vec<String>>, max_items = 64)]
    scopes: Option<Scopes>,
    /// How long the link is good, in seconds.
    #[schema(minimum = 60, maximum = 604800, default = 3600)]
    expires_in: Option<u64>,
}

/// From a body to a new account. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_new_user(body: &[u8]) -> Result<Change, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let email = fields.parsed("email", "must be an e-mail address");
    let request = NewUserRequest {
        email: fields.require("email", email),
        roles: roles(&mut fields),
        scopes: scopes(&mut fields),
        expires_in: fields.number("expires_in", LINK_SECONDS),
    };
    fields.done()?;
    Ok(Change::AddUser {
        email: request.email.ok_or(DecodeError::Malformed)?,
        password: None,
        grants: Grants {
            roles: request.roles.unwrap_or_default(),
            scopes: request.scopes.unwrap_or_default(),
        },
        link: Some(lifetime(request.expires_in)),
    })
}

/// `PATCH /v1/admin/users/{id}`
#[derive(ToSchema)]
pub(in crate::transport::http) struct GrantsRequest {
    /// All its roles from now on; unchanged if absent.
    #[schema(value_type = Option<Vec<String>>, max_items = 64)]
    roles: Option<Roles>,
    /// All its scopes from now on; unchanged if absent.
    #[schema(value_type = Option<Vec<String>>, max_items = 64)]
    scopes: Option<Scopes>,
}

/// From a body to other roles and scopes of an account. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_grants(body: &[u8], id: UserId, version: Option<RecordVersion>) -> Result<Change, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = GrantsRequest {
        roles: roles(&mut fields),
        scopes: scopes(&mut fields),
    };
    fields.done()?;
    Ok(Change::SetGrants {
        account: Account::Id(id),
        version,
        roles: request.roles,
        scopes: request.scopes,
    })
}

/// `POST /v1/admin/users/{id}/reset-link`
#[derive(ToSchema)]
pub(in crate::transport::http) struct ResetLinkRequest {
    /// How long the link is good, in seconds.
    #[schema(minimum = 60, maximum = 604800, default = 3600)]
    expires_in: Option<u64>,
}

/// From a body to a link. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_reset_link(body: &[u8], id: UserId) -> Result<Change, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = ResetLinkRequest {
        expires_in: fields.number("expires_in", LINK_SECONDS),
    };
    fields.done()?;
    Ok(Change::MakeResetLink {
        account: Account::Id(id),
        lifetime: lifetime(request.expires_in),
    })
}

/// `POST /v1/admin/users/search`
#[derive(ToSchema)]
pub(in crate::transport::http) struct UserSearchRequest {
    /// Only the account of this address.
    #[schema(value_type = Option<String>, format = "email", max_length = 254)]
    email: Option<EmailAddress>,
    /// Go on after the page that gave this as `next`.
    #[schema(value_type = Option<String>, max_length = 340)]
    after: Option<UserCursor>,
    /// How many; 100 if absent.
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 500, default = 100)]
    limit: PageSize,
}

/// From a body to a page of accounts. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_user_search(body: &[u8]) -> Result<Question, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = UserSearchRequest {
        email: fields.parsed("email", "must be an e-mail address"),
        after: fields.parsed("after", "must be what a page gave as next"),
        limit: page_size(&mut fields, "limit"),
    };
    fields.done()?;
    Ok(match request.email {
        Some(email) => Question::UserByAddress(email),
        None => Question::Users {
            after: request.after.map(|UserCursor(email)| email),
            size: request.limit,
        },
    })
}

/// A place in the order of names: the last name seen, in base64url, because clients are not to take it apart.
struct UserCursor(EmailAddress);

impl std::str::FromStr for UserCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let name = base64url::decode(text).map_err(drop)?;
        let name = std::str::from_utf8(&name).map_err(drop)?;
        name.parse().map(Self).map_err(drop)
    }
}

fn roles(fields: &mut Fields) -> Option<Roles> {
    let names: Option<Vec<RoleName>> = fields.list("roles", MAX_NAMES, "must be a list of up to 64 roles");
    names.and_then(|names| NameSet::new::<Infallible>(names).ok())
}

fn scopes(fields: &mut Fields) -> Option<Scopes> {
    let names: Option<Vec<ScopeName>> = fields.list("scopes", MAX_NAMES, "must be a list of up to 64 scopes");
    names.and_then(|names| NameSet::new::<Infallible>(names).ok())
}

fn lifetime(seconds: Option<u64>) -> Duration {
    Duration::from_secs(seconds.unwrap_or(LINK_SECONDS_DEFAULT))
}

/// An account.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct UserEntry {
    /// Its id, the `sub` of its tokens.
    id: String,
    /// Its name.
    email: String,
    /// Whether nobody may log in.
    disabled: bool,
    /// Its roles.
    roles: Vec<String>,
    /// Its scopes.
    scopes: Vec<String>,
    /// Whether it has a second factor.
    second_factor: bool,
    /// Whether its password hash is one of another system, until the next login.
    imported_hash: bool,
    /// When it was made (RFC 3339, UTC).
    #[schema(format = "date-time")]
    created_at: String,
    /// What is wrong with the record, if anything: nothing that is said here is believed then, and nobody can log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    altered: Option<String>,
}

impl From<&UserView> for UserEntry {
    fn from(view: &UserView) -> Self {
        let user = view.record.unverified();
        Self {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            disabled: user.disabled,
            roles: names(&user.roles),
            scopes: names(&user.scopes),
            second_factor: user.second_factor,
            imported_hash: view.record.has_imported_hash(),
            created_at: moment(user.created_at),
            altered: view.fault.map(|fault| fault.to_string()),
        }
    }
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct UsersResponse {
    /// In the order of their names.
    users: Vec<UserEntry>,
    /// To be sent as `after`; absent when this was the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl UsersResponse {
    pub(in crate::transport::http) fn new(users: &[UserView], next: Option<&EmailAddress>) -> Self {
        Self {
            users: users.iter().map(UserEntry::from).collect(),
            next: next.map(|email| base64url::encode(email.as_str().as_bytes())),
        }
    }
}

/// A link with which a password is set once. Shown once; only its digest is stored.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct LinkResponse<'a> {
    /// The token, for `POST /v1/password-reset`.
    #[schema(min_length = 43, max_length = 43)]
    token: &'a str,
    /// The address of the page that takes it, with it, if one is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Until when it is good (RFC 3339, UTC).
    #[schema(format = "date-time")]
    expires_at: String,
}

impl<'a> LinkResponse<'a> {
    pub(in crate::transport::http) fn new(link: &'a ResetLink, reset_url: Option<&str>) -> Self {
        let token = link.token.expose_secret();
        Self {
            token,
            url: reset_url.map(|url| format!("{url}#{token}")),
            expires_at: moment(link.expires_at),
        }
    }
}

/// A new account and its link.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct NewUserResponse<'a> {
    /// The account.
    pub(in crate::transport::http) user: UserEntry,
    /// The link for its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::transport::http) link: Option<LinkResponse<'a>>,
}
