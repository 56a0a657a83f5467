//! Keys in the forms of other programs: known answers, every form in and out, and what is refused.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod encrypted;
mod forms;
mod json_web_key;
mod published;
