//! What is revoked.

use serde::{Deserialize, Serialize};

/// One revocation. `exp` is when the last token that it concerns expires, in seconds since 1970: afterwards the
/// revocation says nothing any more and is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Revocation {
    /// One token.
    Token {
        /// Its `jti`.
        jti: String,
        /// Its `exp`.
        exp: u64,
    },
    /// All tokens of a session or family of refresh tokens.
    Family {
        /// Their `sid`.
        sid: String,
        /// The latest `exp` among them.
        exp: u64,
    },
    /// All tokens of a subject that were issued before a moment.
    Subject {
        /// Their `sub`.
        sub: String,
        /// Tokens whose `iat` is earlier are revoked.
        before: u64,
        /// The latest `exp` among them.
        exp: u64,
    },
    /// All tokens of the issuer that were issued before a moment, or for a login before it.
    All {
        /// Tokens whose `iat` or `auth_time` is earlier are revoked.
        before: u64,
        /// The latest `exp` among them.
        exp: u64,
    },
}

/// A name is empty or longer than [`Revocation::MAX_NAME_LEN`], or a member is missing or does not belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a revocation: a member is missing, superfluous or too long")]
pub struct InvalidRevocation;

impl Revocation {
    /// Longest accepted `jti`, `sid` or `sub` in bytes.
    pub const MAX_NAME_LEN: usize = 256;

    /// When it can be forgotten, in seconds since 1970.
    pub fn exp(&self) -> u64 {
        match self {
            Self::Token { exp, .. } | Self::Family { exp, .. } | Self::Subject { exp, .. } | Self::All { exp, .. } => {
                *exp
            }
        }
    }

    /// Whether it can be published.
    ///
    /// # Errors
    ///
    /// [`InvalidRevocation`] for an empty name or one that is too long.
    pub fn check(&self) -> Result<(), InvalidRevocation> {
        match self {
            Self::Token { jti: name, .. } | Self::Family { sid: name, .. } | Self::Subject { sub: name, .. }
                if name.is_empty() || name.len() > Self::MAX_NAME_LEN =>
            {
                Err(InvalidRevocation)
            }
            _ => Ok(()),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Token,
    Family,
    Subject,
    All,
}

/// The JSON form: one object for all kinds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    revoke: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    exp: u64,
}

impl From<Revocation> for Written {
    fn from(revocation: Revocation) -> Self {
        let with = |revoke, exp| Self {
            revoke,
            jti: None,
            sid: None,
            sub: None,
            before: None,
            exp,
        };
        match revocation {
            Revocation::Token { jti, exp } => Self {
                jti: Some(jti),
                ..with(Kind::Token, exp)
            },
            Revocation::Family { sid, exp } => Self {
                sid: Some(sid),
                ..with(Kind::Family, exp)
            },
            Revocation::Subject { sub, before, exp } => Self {
                sub: Some(sub),
                before: Some(before),
                ..with(Kind::Subject, exp)
            },
            Revocation::All { before, exp } => Self {
                before: Some(before),
                ..with(Kind::All, exp)
            },
        }
    }
}

impl TryFrom<Written> for Revocation {
    type Error = InvalidRevocation;

    fn try_from(written: Written) -> Result<Self, InvalidRevocation> {
        let Written {
            revoke,
            jti,
            sid,
            sub,
            before,
            exp,
        } = written;
        let revocation = match (revoke, jti, sid, sub, before) {
            (Kind::Token, Some(jti), None, None, None) => Self::Token { jti, exp },
            (Kind::Family, None, Some(sid), None, None) => Self::Family { sid, exp },
            (Kind::Subject, None, None, Some(sub), Some(before)) => Self::Subject { sub, before, exp },
            (Kind::All, None, None, None, Some(before)) => Self::All { before, exp },
            _ => return Err(InvalidRevocation),
        };
        revocation.check()?;
        Ok(revocation)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encoding::json;

    fn revocation() -> impl Strategy<Value = Revocation> {
        let name = ".{1,20}";
        prop_oneof![
            (name, any::<u64>()).prop_map(|(jti, exp)| Revocation::Token { jti, exp }),
            (name, any::<u64>()).prop_map(|(sid, exp)| Revocation::Family { sid, exp }),
            (name, any::<u64>(), any::<u64>()).prop_map(|(sub, before, exp)| Revocation::Subject { sub, before, exp }),
            (any::<u64>(), any::<u64>()).prop_map(|(before, exp)| Revocation::All { before, exp }),
        ]
    }

    proptest! {
        #[test]
        fn round_trips(revocation in revocation()) {
            let text = serde_json::to_string(&revocation).unwrap();
            prop_assert_eq!(json::from_slice::<Revocation>(text.as_bytes()), Ok(revocation));
        }
    }

    #[test]
    fn refuses_members_that_do_not_belong() {
        let read = |text: &str| json::from_slice::<Revocation>(text.as_bytes());
        assert!(read(r#"{"revoke":"token","jti":"a","exp":1}"#).is_ok());
        let long = format!(r#"{{"revoke":"token","jti":"{}","exp":1}}"#, "x".repeat(257));
        for text in [
            r#"{"revoke":"token","exp":1}"#,
            r#"{"revoke":"token","jti":"","exp":1}"#,
            r#"{"revoke":"token","jti":"a"}"#,
            r#"{"revoke":"token","jti":"a","sub":"b","exp":1}"#,
            r#"{"revoke":"token","jti":"a","before":1,"exp":1}"#,
            r#"{"revoke":"token","jti":"a","exp":1,"why":"b"}"#,
            r#"{"revoke":"token","jti":"a","jti":"a","exp":1}"#,
            r#"{"revoke":"Token","jti":"a","exp":1}"#,
            r#"{"revoke":"subject","sub":"a","exp":1}"#,
            r#"{"revoke":"all","sub":"a","before":1,"exp":1}"#,
            r#"{"revoke":"all","before":-1,"exp":1}"#,
            r#"["token","a",null,null,null,1]"#,
            &long,
        ] {
            assert!(read(text).is_err(), "{text:.80}");
        }
    }
}
