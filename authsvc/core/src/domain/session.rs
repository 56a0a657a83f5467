//! Sessions: what a login begins, and every refresh goes on with.

use std::fmt;
use std::str::FromStr;

use cryptokit::hash;
use cryptokit::random;
use time::OffsetDateTime;
use uuid::Uuid;

use super::audience::AudienceName;
use super::service::ServiceIdentity;
use super::user::UserId;

/// Identifies a session, which is a family of refresh tokens: the `sid` of its access tokens. No secret: services see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Uuid);

/// The text is not such an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a session")]
pub struct InvalidSessionId;

impl SessionId {
    /// A fresh id.
    pub fn generate() -> Self {
        Self(uuid::Builder::from_random_bytes(random::bytes()).into_uuid())
    }

    /// The id's bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, InvalidSessionId> {
        // The hyphenated form in lower case and no other: an id has one spelling.
        match Uuid::try_parse(text) {
            Ok(id) if id.to_string() == text => Ok(Self(id)),
            _ => Err(InvalidSessionId),
        }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is kept of a refresh token, or of a part of it: SHA-256. The tokens are uniformly random, so nothing slower is
/// needed, and a stolen database holds none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenDigest(pub [u8; 32]);

/// Who holds a family of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionHolder {
    /// A registered service, known by its certificate: its token is not rotated, and nobody else can use it.
    Service(ServiceIdentity),
    /// Anybody else, such as a browser: the token is good for one use.
    Bearer,
}

/// By what a retry is told from somebody else's use of the same token: a digest of the `User-Agent`.
///
/// The source address is no part of it. An answer is lost when a network is changed, which is when a retry comes from
/// another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientPrint(pub [u8; 32]);

impl ClientPrint {
    /// Of a client that calls itself `user_agent`.
    pub fn of(user_agent: Option<&str>) -> Self {
        Self(hash::sha256(user_agent.unwrap_or_default().as_bytes()))
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Its user logged out.
    Logout,
    /// Its user ended all sessions, from this one or another.
    LogoutEverywhere,
    /// A spent refresh token came a second time.
    Reuse,
    /// The account has another password.
    PasswordChanged,
    /// The account has another second factor.
    FactorChanged,
    /// The account was disabled.
    Disabled,
    /// The account was deleted.
    Deleted,
    /// An operator or a registered administrator ended it.
    Operator,
    /// The account had as many sessions as it may, and this one was unused for longest.
    Displaced,
    /// The service that held it revoked it.
    Revoked,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Logout,
        Self::LogoutEverywhere,
        Self::Reuse,
        Self::PasswordChanged,
        Self::FactorChanged,
        Self::Disabled,
        Self::Deleted,
        Self::Operator,
        Self::Displaced,
        Self::Revoked,
    ];

    /// A stable name for logs and rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutEverywhere => "logout-everywhere",
            Self::Reuse => "reuse",
            Self::PasswordChanged => "password-changed",
            Self::FactorChanged => "factor-changed",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
            Self::Operator => "operator",
            Self::Displaced => "displaced",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no such reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reason for which sessions end")]
pub struct UnknownEndReason;

impl FromStr for EndReason {
    type Err = UnknownEndReason;

    fn from_str(text: &str) -> Result<Self, UnknownEndReason> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.name() == text)
            .ok_or(UnknownEndReason)
    }
}

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// Who may use it.
    pub holder: SessionHolder,
    /// The `client_id` of its access tokens.
    pub client_id: String,
    /// Of what all tokens of the family have in common.
    pub family: TokenDigest,
    /// How often it was rotated; the only thing by which generations are told apart.
    pub generation: u64,
    /// Of the token that is good now.
    pub current: TokenDigest,
    /// What a lost answer is made good with.
    pub spent: Option<SpentToken>,
    /// Whom its access tokens are for.
    pub audience: AudienceName,
    /// What they permit, separated by spaces.
    pub scope: Option<String>,
    /// Whether its access tokens are bound to the client's certificate (RFC 8705 §3).
    pub bind_tokens: bool,
    /// How the user logged in (RFC 8176).
    pub amr: Vec<String>,
    /// When.
    pub created_at: OffsetDateTime,
    /// When it was last used.
    pub last_used_at: OffsetDateTime,
    /// When it ends unless it is used before.
    pub idle_end: OffsetDateTime,
    /// When it ends at the latest.
    pub absolute_end: OffsetDateTime,
    /// Where the login came from, for people.
    pub source: Option<String>,
    /// What the client called itself, for people; printable and cut.
    pub user_agent: Option<String>,
    /// When and why it ended.
    pub ended: Option<(OffsetDateTime, EndReason)>,
    /// What shows that this program began it.
    pub seal: Option<String>,
}

impl Session {
    /// Whether it has neither ended nor run out.
    pub fn is_alive(&self, now: OffsetDateTime) -> bool {
        self.ended.is_none() && now < self.idle_end && now < self.absolute_end
    }
}

/// The token of the generation before, for as long as it may come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpentToken {
    /// Of the spent token.
    pub digest: TokenDigest,
    /// Its successor, sealed under a key that only the spent token gives; erased when `retry_end` is over.
    pub successor: Option<Vec<u8>>,
    /// Until when it is answered with the same successor.
    pub retry_end: OffsetDateTime,
    /// Who spent it.
    pub client: ClientPrint,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = SessionId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        let text = id.to_string();
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            format!("{{{text}}}"),
            format!("urn:uuid:{text}"),
            format!(" {text}"),
            String::new(),
        ] {
            // An id without letters has no upper case.
            assert!(other == text || other.parse::<SessionId>().is_err(), "{other}");
        }
    }

    #[test]
    fn reasons_are_read_back() {
        for reason in EndReason::ALL {
            assert_eq!(reason.name().parse(), Ok(reason));
        }
        assert_eq!("".parse::<EndReason>(), Err(UnknownEndReason));
    }
}
