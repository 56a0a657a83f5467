//! A request's JSON object, taken apart field by field, so that every fault is named at once.

use authsvc_core::service::FieldError;
use cryptokit::encoding::json::{self, Value};
use serde::{Serialize, Serializer};
use validator::{Validate, ValidationErrors};
use zeroize::Zeroizing;

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
        let index = self.members.iter().position(|(member, _)| member == name)?;
        match self.members.swap_remove(index).1 {
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
pub(super) struct Text(Zeroizing<String>);

impl Text {
    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Text> for Zeroizing<String> {
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
