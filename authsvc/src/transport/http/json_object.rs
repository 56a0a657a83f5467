//! A request's JSON object, taken apart field by field, so that every fault is named at once.

use std::ops::RangeInclusive;
use std::str::FromStr;

use authsvc_core::service::FieldError;
use cryptokit::encoding::json::{self, Value};
use cryptokit::secret::SecretString;
use serde::{Serialize, Serializer};
use validator::{Validate, ValidationErrors};

/// The body is not one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAnObject;

/// Fields that are still to be taken, and what was wrong with those that were.
pub(super) struct Fields {
    members: Vec<(String, Value)>,
    errors: Vec<FieldError>,
    unknown: bool,
}

impl Fields {
    /// Parses a body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, NotAnObject> {
        match json::parse(body) {
            Ok(Value::Object(members)) => Ok(Self {
                members,
                errors: Vec::new(),
                unknown: false,
            }),
            _ => Err(NotAnObject),
        }
    }

    /// Takes a field of text, if it is there.
    pub(super) fn text(&mut self, name: &'static str) -> Option<Text> {
        match self.take(name)? {
            Value::String(text) => Some(Text(text)),
            _ => {
                self.errors.push(FieldError {
                    field: name,
                    message: "must be a string",
                });
                None
            }
        }
    }

    /// Takes a field of text that has to be a `T`, if it is there.
    pub(super) fn parsed<T: FromStr>(&mut self, name: &'static str, expected: &'static str) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.as_str().parse().ok();
        if parsed.is_none() {
            self.refuse(name, expected);
        }
        parsed
    }

    /// Takes a list of texts that have to be `T`s, if it is there; at most `most`.
    pub(super) fn list<T: FromStr>(
        &mut self,
        name: &'static str,
        most: usize,
        expected: &'static str,
    ) -> Option<Vec<T>> {
        let parse = |value: &Value| -> Option<T> {
            match value {
                Value::String(text) => text.expose_secret().parse().ok(),
                _ => None,
            }
        };
        let parsed: Option<Vec<T>> = match self.take(name)? {
            Value::Array(values) if values.len() <= most => values.iter().map(parse).collect(),
            _ => None,
        };
        if parsed.is_none() {
            self.refuse(name, expected);
        }
        parsed
    }

    /// Takes a whole number from `range`, if it is there.
    pub(super) fn number(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let number = match self.take(name)? {
            // No number that a double holds exactly is cut by the conversion, and 2^63 and beyond are outside every range.
            Value::Number(number) if number >= 0.0 && number.fract() == 0.0 => Some(number as u64),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.refuse(name, "must be a whole number within its range");
        }
        number
    }

    /// Takes `true` or `false`, if it is there.
    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.refuse(name, "must be true or false");
                None
            }
        }
    }

    /// Notes that a field has to be there, unless it was there and refused.
    pub(super) fn require<T>(&mut self, name: &'static str, taken: Option<T>) -> Option<T> {
        if taken.is_none() && !self.errors.iter().any(|error| error.field == name) {
            self.refuse(name, "is required");
        }
        taken
    }

    /// Notes that a field cannot be accepted.
    pub(super) fn refuse(&mut self, field: &'static str, message: &'static str) {
        self.errors.push(FieldError { field, message });
    }

    /// Ends the taking: every field was accepted, and nothing is left over.
    pub(super) fn done(self) -> Result<(), Vec<FieldError>> {
        self.finish(Anything).map(drop)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.swap_remove(index).1)
    }

    /// Checks what was taken, and that nothing is left over.
    ///
    /// Names of unknown fields are not repeated: a client that sends a password as a field's *name* should not find it
    /// in an answer or a log.
    pub(super) fn finish<T: Validate>(mut self, request: T) -> Result<T, Vec<FieldError>> {
        self.unknown = !self.members.is_empty();
        let mut errors = self.errors;
        if let Err(found) = request.validate() {
            add(&mut errors, &found);
        }
        if self.unknown {
            errors.push(FieldError {
                field: "*",
                message: "unknown fields are not accepted",
            });
        }
        if errors.is_empty() {
            return Ok(request);
        }
        errors.sort_by_key(|error| error.field);
        Err(errors)
    }
}

/// What has no rules beyond those of its fields.
struct Anything;

impl Validate for Anything {
    fn validate(&self) -> Result<(), ValidationErrors> {
        Ok(())
    }
}

/// Adds what validation found, except that a field of the wrong type is not also missing.
fn add(errors: &mut Vec<FieldError>, found: &ValidationErrors) {
    let mistyped: Vec<&str> = errors.iter().map(|error| error.field).collect();
    let mut new = Vec::new();
    for (field, faults) in found.field_errors() {
        let std::borrow::Cow::Borrowed(field) = field else {
            continue;
        };
        if !mistyped.contains(&field) {
            new.extend(faults.iter().map(|fault| FieldError {
                field,
                message: message(&fault.code),
            }));
        }
    }
    errors.extend(new);
}

fn message(code: &str) -> &'static str {
    match code {
        "required" => "is required",
        "length" => "is too short or too long",
        "control_characters" => "must not contain control characters",
        "email_address" => "must be an e-mail address",
        "one_time_password" => "must be six digits or a recovery code",
        "picture" => "must be svg",
        "audience" => "must be 1 to 128 visible ASCII characters",
        "scopes" => "must be up to 64 scopes with one space in between",
        "thumbprint" => "must be a SHA-256 digest in base64url, 43 characters",
        "binding" => "must be x5t#S256",
        _ => "is not acceptable",
    }
}

/// Text that a client sent. Whatever field it came in, it may be a secret: wiped on drop, silent in `Debug`.
pub(super) struct Text(SecretString);

impl Text {
    /// The text.
    pub(super) fn as_str(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<Text> for SecretString {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Text([redacted])")
    }
}

/// `validator` puts the refused value into its errors through this.
impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}

/// In bytes, as the limits are.
impl validator::ValidateLength<u64> for Text {
    fn length(&self) -> Option<u64> {
        Some(self.0.len() as u64)
    }
}
