//! What a call may still cost, and whose it is: known wherever work for it is queued.
//!
//! The deadline layer opens the scope around every operation. So no use case has to hand it on, and none that is added
//! later can forget to: a hash is queued fairly and in time whoever asks for it.

use authsvc_core::domain::SourceNetwork;
use tokio::time::Instant;

tokio::task_local! {
    static SCOPE: CallScope;
}

/// The call that this task works on.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallScope {
    /// Where it came from.
    pub source: Option<SourceNetwork>,
    /// When nobody waits for its answer any more.
    pub deadline: Option<Instant>,
}

impl CallScope {
    /// The scope that is open; an empty one outside of any call.
    pub fn current() -> Self {
        SCOPE.try_with(|scope| *scope).unwrap_or_default()
    }

    /// Opens it around `work`.
    pub async fn around<F: Future>(self, work: F) -> F::Output {
        SCOPE.scope(self, work).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_scope_is_seen_inside_and_nowhere_else() {
        let source = Some(std::net::IpAddr::from([192, 0, 2, 1]).into());
        let scope = CallScope { source, deadline: None };
        let seen = scope.around(async { CallScope::current().source }).await;
        assert_eq!(seen, source);
        assert_eq!(CallScope::current().source, None);
    }
}
