//! Administration over mTLS: two operations, questions and changes, and their layers.

use std::sync::Arc;

use authsvc_core::audit::{Action, Operator};
use authsvc_core::domain::{ServiceName, UserId};
use authsvc_core::service::administration::{Administration, Answer, Change, Changed, Question};
use authsvc_core::service::{Administrator, Failure};
use tower::util::BoxCloneSyncService;
use tower::{Layer, service_fn};

use super::layer::authorize::Authorized;
use super::layer::{Concerns, DetachLayer};
use super::{Auditable, Call, CallMeta, Endpoint, Wrap};

/// What an administrator got, and which one it was.
#[derive(Debug)]
pub struct ByAdministrator<T> {
    /// The administrator.
    pub administrator: ServiceName,
    /// What it got.
    pub outcome: T,
}

impl Auditable for Question {
    const ACTION: Action = Action::AdminQuestion;
}

impl Auditable for Change {
    const ACTION: Action = Action::AdminChange;
}

impl<T> Concerns for ByAdministrator<T> {
    /// Whom it concerns, the act's own records say.
    fn user_id(&self) -> Option<UserId> {
        None
    }

    fn service(&self) -> Option<&ServiceName> {
        Some(&self.administrator)
    }
}

/// The operations.
#[derive(Clone, Debug)]
pub struct AdminEndpoints {
    /// Whatever looks and changes nothing.
    pub ask: Endpoint<Question, ByAdministrator<Answer>>,
    /// Whatever changes something.
    pub change: Endpoint<Change, ByAdministrator<Changed>>,
}

impl AdminEndpoints {
    /// Wraps administration in its layers. A change is detached twice: from its client, and within its record from its
    /// deadline, so that no act ends in the middle because somebody hung up.
    pub(super) fn new(administration: &Arc<Administration>, wrap: &Wrap) -> Self {
        let ask = {
            let administration = Arc::clone(administration);
            service_fn(move |call: Call<Authorized<Question, Administrator>>| {
                let administration = Arc::clone(&administration);
                async move {
                    let outcome = administration.ask(call.body.request).await?;
                    Ok::<_, Failure>(of(&call.body.caller, outcome))
                }
            })
        };
        let change = {
            let administration = Arc::clone(administration);
            service_fn(move |call: Call<Authorized<Change, Administrator>>| {
                let administration = Arc::clone(&administration);
                async move {
                    let operator = operator(&call.body.caller, &call.meta);
                    let outcome = administration.change(operator, call.body.request).await?;
                    Ok::<_, Failure>(of(&call.body.caller, outcome))
                }
            })
        };
        Self {
            ask: wrap.by_administrator(ask),
            change: BoxCloneSyncService::new(DetachLayer.layer(wrap.by_administrator(DetachLayer.layer(change)))),
        }
    }
}

fn of<T>(administrator: &Administrator, outcome: T) -> ByAdministrator<T> {
    ByAdministrator {
        administrator: administrator.caller().name().clone(),
        outcome,
    }
}

fn operator(administrator: &Administrator, meta: &CallMeta) -> Operator {
    Operator::Service {
        name: administrator.caller().name().clone(),
        identity: administrator.caller().identity().clone(),
        source: meta.source,
        request_id: Some(meta.request_id.to_string()),
    }
}
