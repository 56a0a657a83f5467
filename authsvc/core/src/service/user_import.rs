//! Accounts of another system: from a line to a record, with the hash that the other system made.
//!
//! ```text
//! JSON Lines   {"email":"a@b.example","password_hash":"$2b$12$…","roles":["clerk"],"scopes":["orders:read"],"disabled":false}
//! CSV          email,password_hash,roles,scopes,disabled      the first line names the columns; RFC 4180, one record a line
//! ```
//!
//! `email` and `password_hash` are required. In CSV, several roles or scopes have one space in between.

use cryptokit::encoding::json::{self, Value};
use cryptokit::password::{HashError, StoredHash, StoredHashError};

use super::hash_shape;
use super::users::{EnrolmentError, UserAdministration, seal_hash};
use crate::domain::{EmailAddress, Roles, Scopes, User, UserId, UserRecord};

/// Longest line in bytes.
pub const MAX_IMPORT_LINE: usize = 8192;

/// An account as a line describes it.
#[derive(Debug)]
pub struct ImportedAccount {
    /// Its name.
    pub email: EmailAddress,
    /// What the other system made of its password.
    pub password_hash: StoredHash,
    /// Its roles.
    pub roles: Roles,
    /// Its scopes.
    pub scopes: Scopes,
    /// Whether it may not log in.
    pub disabled: bool,
}

/// What is wrong with a line. Nothing of the line is in it: hashes are worth guarding, and so is what stands in a wrong
/// column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineFault {
    /// Longer than [`MAX_IMPORT_LINE`].
    #[error("is longer than {MAX_IMPORT_LINE} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("is not UTF-8")]
    NotText,
    /// Not one JSON object.
    #[error("is not one JSON object without duplicate members")]
    NotAnObject,
    /// Quotes that do not close, or stand where they may not.
    #[error("has quotes that RFC 4180 does not allow, or a record of more than one line")]
    Quotes,
    /// More or fewer fields than the first line names.
    #[error("has {found} fields where the first line names {expected}")]
    Fields {
        /// How many it has.
        found: usize,
        /// How many there are to be.
        expected: usize,
    },
    /// The first line is not one of known names.
    #[error("is to name the columns: email, password_hash, and if wanted roles, scopes and disabled, each once")]
    Header,
    /// A member or column that is not known.
    #[error("has a member that is none of email, password_hash, roles, scopes and disabled")]
    UnknownMember,
    /// A required field is missing.
    #[error("has no {0}")]
    Missing(&'static str),
    /// A field is not what it is to be.
    #[error("{0} is not acceptable")]
    Field(&'static str),
    /// The hash cannot be read.
    #[error("password_hash: {0}")]
    Hash(StoredHashError),
    /// The hash would not be verified.
    #[error("password_hash: {0}")]
    Unverifiable(HashError),
    /// The address stands in an earlier line as well.
    #[error("has the address of line {0} again")]
    Repeated(u64),
}

impl ImportedAccount {
    /// Reads a line of JSON.
    ///
    /// # Errors
    ///
    /// [`LineFault`].
    pub fn from_json(line: &str) -> Result<Self, LineFault> {
        let Ok(Value::Object(members)) = json::parse(line.as_bytes()) else {
            return Err(LineFault::NotAnObject);
        };
        let mut fields = Fields::default();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("email", Value::String(text)) => fields.email = Some(text.expose_secret().to_owned()),
                ("password_hash", Value::String(text)) => fields.password_hash = Some(text.expose_secret().to_owned()),
                ("roles", value) => fields.roles = names(value).ok_or(LineFault::Field("roles"))?,
                ("scopes", value) => fields.scopes = names(value).ok_or(LineFault::Field("scopes"))?,
                ("disabled", Value::Bool(disabled)) => fields.disabled = disabled,
                ("email", _) => return Err(LineFault::Field("email")),
                ("password_hash", _) => return Err(LineFault::Field("password_hash")),
                ("disabled", _) => return Err(LineFault::Field("disabled")),
                _ => return Err(LineFault::UnknownMember),
            }
        }
        fields.account()
    }
}

/// The columns of a CSV file, by its first line.
#[derive(Clone, Debug)]
pub struct CsvColumns(Vec<String>);

impl CsvColumns {
    /// Reads the first line.
    ///
    /// # Errors
    ///
    /// [`LineFault::Header`].
    pub fn read(line: &str) -> Result<Self, LineFault> {
        let names = csv_fields(line).map_err(|_| LineFault::Header)?;
        let known = ["email", "password_hash", "roles", "scopes", "disabled"];
        let once = names
            .iter()
            .enumerate()
            .all(|(index, name)| !names[..index].contains(name));
        let enough = ["email", "password_hash"]
            .iter()
            .all(|required| names.iter().any(|name| name == required));
        if once && enough && names.iter().all(|name| known.contains(&name.as_str())) {
            Ok(Self(names))
        } else {
            Err(LineFault::Header)
        }
    }

    /// Reads a line after it.
    ///
    /// # Errors
    ///
    /// [`LineFault`].
    pub fn account(&self, line: &str) -> Result<ImportedAccount, LineFault> {
        let values = csv_fields(line)?;
        if values.len() != self.0.len() {
            return Err(LineFault::Fields {
                found: values.len(),
                expected: self.0.len(),
            });
        }
        let mut fields = Fields::default();
        for (name, value) in self.0.iter().zip(values) {
            match name.as_str() {
                "email" => fields.email = Some(value),
                "password_hash" => fields.password_hash = Some(value),
                "roles" => fields.roles = value,
                "scopes" => fields.scopes = value,
                _ => {
                    fields.disabled = match value.as_str() {
                        "true" => true,
                        "false" | "" => false,
                        _ => return Err(LineFault::Field("disabled")),
                    }
                }
            }
        }
        fields.account()
    }
}

#[derive(Default)]
struct Fields {
    email: Option<String>,
    password_hash: Option<String>,
    roles: String,
    scopes: String,
    disabled: bool,
}

impl Fields {
    fn account(self) -> Result<ImportedAccount, LineFault> {
        let email = self.email.ok_or(LineFault::Missing("email"))?;
        let hash = self.password_hash.ok_or(LineFault::Missing("password_hash"))?;
        Ok(ImportedAccount {
            email: email.parse().map_err(|_| LineFault::Field("email"))?,
            password_hash: StoredHash::parse(&hash).map_err(LineFault::Hash)?,
            roles: self.roles.parse().map_err(|_| LineFault::Field("roles"))?,
            scopes: self.scopes.parse().map_err(|_| LineFault::Field("scopes"))?,
            disabled: self.disabled,
        })
    }
}

/// A list of names, or one text with spaces in between, as one text with spaces in between.
fn names(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.expose_secret().to_owned()),
        Value::Array(names) => {
            let mut joined = Vec::new();
            for name in names {
                let Value::String(name) = name else { return None };
                let name = name.expose_secret();
                if name.contains(' ') || name.is_empty() {
                    return None;
                }
                joined.push(name.to_owned());
            }
            Some(joined.join(" "))
        }
        _ => None,
    }
}

/// RFC 4180 §2, within one line.
fn csv_fields(line: &str) -> Result<Vec<String>, LineFault> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                if rest[..end].contains('"') {
                    return Err(LineFault::Quotes);
                }
                (rest[..end].to_owned(), &rest[end..])
            }
            Some(quoted) => csv_quoted(quoted)?,
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err(LineFault::Quotes),
        }
    }
}

/// What stands between quotes, doubled ones for one, and what follows.
fn csv_quoted(text: &str) -> Result<(String, &str), LineFault> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or(LineFault::Quotes)?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Ok((field, rest)),
        }
    }
}

impl UserAdministration {
    /// A record for an account of another system, its hash sealed as every hash is.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::Sealing`].
    pub fn imported(&self, account: &ImportedAccount) -> Result<UserRecord, EnrolmentError> {
        let id = UserId::generate();
        let sealing = self.keys.sealing();
        let hash = seal_hash(&sealing.keys, &account.password_hash, id)?;
        let mut user = User::new(id, account.email.clone(), hash, self.clock.now());
        user.roles.clone_from(&account.roles);
        user.scopes.clone_from(&account.scopes);
        user.disabled = account.disabled;
        Ok(UserRecord::seal(user, &sealing.keys)?.with_shape(hash_shape::of_imported(&account.password_hash)))
    }

    /// Puts records aside until [`Self::commit_import`]; they are no accounts before.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::Store`].
    pub async fn stage_import(&self, import: &str, records: &[UserRecord]) -> Result<(), EnrolmentError> {
        Ok(self.store.stage_import(import, records).await?)
    }

    /// Makes accounts of what was put aside, all at once; those whose address is taken are left out. How many were made.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::Store`]; no account was made then.
    pub async fn commit_import(&self, import: &str) -> Result<u64, EnrolmentError> {
        Ok(self.store.commit_import(import).await?)
    }

    /// Forgets what was put aside.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::Store`].
    pub async fn discard_import(&self, import: &str) -> Result<(), EnrolmentError> {
        Ok(self.store.discard_import(import).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2b$04$yPqEimSXfB7LMMuimiF8AO6nLgcAao7ScSJVEoB2/o9XfOqZ9VCLy";

    #[test]
    fn lines_of_both_forms_say_the_same() {
        let json = format!(
            r#"{{"email":"A@b.example","password_hash":"{HASH}","roles":["clerk","admin"],"scopes":"a b","disabled":true}}"#
        );
        let columns = CsvColumns::read("email,password_hash,disabled,scopes,roles").unwrap();
        let csv = format!("\"a@B.example\",{HASH},true,\"b a\",clerk admin");
        for account in [
            ImportedAccount::from_json(&json).unwrap(),
            columns.account(&csv).unwrap(),
        ] {
            assert_eq!(account.email.as_str(), "a@b.example");
            assert_eq!(account.password_hash.to_string(), HASH);
            assert_eq!(
                (account.roles.to_string(), account.scopes.to_string()),
                ("admin clerk".into(), "a b".into())
            );
            assert!(account.disabled);
        }
    }

    #[test]
    fn faults_name_their_cause_and_never_the_line() {
        let json = |line: &str| ImportedAccount::from_json(line).unwrap_err();
        let good = format!(r#""email":"a@b.example","password_hash":"{HASH}""#);
        for (line, fault) in [
            ("", LineFault::NotAnObject),
            ("[]", LineFault::NotAnObject),
            (&format!("{{{good}}} x"), LineFault::NotAnObject),
            (&format!(r#"{{{good},"email":"c@d.example"}}"#), LineFault::NotAnObject),
            (&format!(r#"{{{good},"admin":true}}"#), LineFault::UnknownMember),
            (&format!(r#"{{{good},"disabled":"no"}}"#), LineFault::Field("disabled")),
            (&format!(r#"{{{good},"roles":["a b"]}}"#), LineFault::Field("roles")),
            (&format!(r#"{{{good},"scopes":[1]}}"#), LineFault::Field("scopes")),
            (r#"{"email":"a@b.example"}"#, LineFault::Missing("password_hash")),
            (r#"{"email":"hunter2","password_hash":"x"}"#, LineFault::Field("email")),
            (
                r#"{"email":"a@b.example","password_hash":"$canary$"}"#,
                LineFault::Hash(StoredHashError::Algorithm),
            ),
        ] {
            assert_eq!(json(line), fault, "{line}");
            assert!(!format!("{fault} {fault:?}").contains("canary"));
        }
        let columns = CsvColumns::read("email,password_hash").unwrap();
        for (line, fault) in [
            ("a@b.example", LineFault::Fields { found: 1, expected: 2 }),
            ("a@b.example,\"x", LineFault::Quotes),
            ("a@b.example,x\"y", LineFault::Quotes),
            ("\"a\"b,x", LineFault::Quotes),
            ("a@b.example,", LineFault::Hash(StoredHashError::Malformed)),
        ] {
            assert_eq!(columns.account(line).unwrap_err(), fault, "{line}");
        }
        for header in [
            "",
            "email",
            "email,password_hash,email",
            "email,password_hash,x",
            "Email,password_hash",
        ] {
            assert_eq!(CsvColumns::read(header).unwrap_err(), LineFault::Header, "{header}");
        }
        assert_eq!(csv_fields("a,\"b,\"\"c\"\"\",").unwrap(), ["a", "b,\"c\"", ""]);
    }
}
