//! How many tokens were good, by who asked: their sum is on record, once a minute, and not each of them.
//!
//! A service asks thousands of times a second. A line for each would push what matters out of the files that are kept,
//! and cost more than the answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use authsvc_core::audit::{Action, Who};
use authsvc_core::domain::ServiceName;
use serde_json::{Value, json};

/// Counts since the last sum. As many as there are registered services: who is none gets no good answer.
#[derive(Debug, Default)]
pub(super) struct GoodTokens(Mutex<BTreeMap<ServiceName, u64>>);

impl GoodTokens {
    /// Counts a success if it is a token that was good; whether it was.
    pub(super) fn count(&self, what: Action, who: &Who) -> bool {
        let (Action::ValidateToken, Some(service)) = (what, &who.service) else {
            return false;
        };
        // A count is whole or not there, whoever panics.
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(service) {
            Some(count) => *count += 1,
            None => drop(counts.insert(service.clone(), 1)),
        }
        true
    }

    /// The sums since the last call, if there are any.
    pub(super) fn take(&self) -> Option<Value> {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let sums: Vec<Value> = counts
            .into_iter()
            .map(|(service, count)| json!({ "service": service.as_str(), "count": count }))
            .collect();
        (!sums.is_empty()).then(|| json!(sums))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_tokens_are_summed_by_service_and_nothing_else_is() {
        let who = |service: Option<&str>| Who {
            service: service.map(|name| name.parse().unwrap()),
            ..Who::default()
        };
        let counts = GoodTokens::default();
        assert!(counts.take().is_none());
        for service in ["orders", "billing", "orders"] {
            assert!(counts.count(Action::ValidateToken, &who(Some(service))));
        }
        assert!(!counts.count(Action::ValidateToken, &who(None)));
        assert!(!counts.count(Action::Login, &who(Some("orders"))));
        let expected = json!([{ "service": "billing", "count": 1 }, { "service": "orders", "count": 2 }]);
        assert_eq!(counts.take(), Some(expected));
        assert!(counts.take().is_none(), "from zero on");
    }
}
