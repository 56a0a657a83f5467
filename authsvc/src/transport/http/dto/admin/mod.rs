//! What administrators send and get, one area a file.

pub(in crate::transport::http) mod audit;
pub(in crate::transport::http) mod keys;
pub(in crate::transport::http) mod services;
pub(in crate::transport::http) mod sessions;
pub(in crate::transport::http) mod users;

use authsvc_core::domain::PageSize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use audit::{decode_audit_search, decode_audit_top};
pub use keys::{decode_promote, decode_revoke_feed_keys, decode_revoke_key, decode_rotate, decode_rotate_feed_key};
pub use services::{decode_add_identity, decode_new_service, decode_remove_identity};
pub use sessions::{decode_revocation, decode_session_search};
pub use users::{decode_grants, decode_new_user, decode_reset_link, decode_user_search};

use crate::transport::http::json_object::Fields;

/// Takes the size of a page.
fn page_size(fields: &mut Fields, name: &'static str) -> PageSize {
    let size = fields.number(name, 1..=PageSize::MAX.into());
    size.and_then(PageSize::new).unwrap_or_default()
}

/// RFC 3339, UTC.
fn moment(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

fn texts<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// The names in a set's text form.
fn names(set: &impl ToString) -> Vec<String> {
    set.to_string().split_terminator(' ').map(str::to_owned).collect()
}
