//! Reading the feed of revocations.

use std::sync::Arc;

use authsvc_core::audit::Action;
use authsvc_core::domain::UserId;
use authsvc_core::service::{AuthService, FeedAnswer, FeedQuestion};
use tower::service_fn;

use super::layer::Concerns;
use super::layer::authorize::Authorized;
use super::{Auditable, Call, Endpoint, Wrap};

impl Auditable for FeedQuestion {
    const ACTION: Action = Action::ReadRevocations;
}

impl Concerns for FeedAnswer {
    fn user_id(&self) -> Option<UserId> {
        None
    }
}

/// `GET /v1/revocations/…`
pub(super) fn endpoint(service: &Arc<AuthService>, wrap: &Wrap) -> Endpoint<FeedQuestion, FeedAnswer> {
    let service = Arc::clone(service);
    wrap.by_service(service_fn(move |call: Call<Authorized<FeedQuestion>>| {
        let service = Arc::clone(&service);
        async move { service.feed().answer(&call.body.request).await }
    }))
}
