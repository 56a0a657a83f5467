//! The revocation lists of a home's own CA, which its configuration names from the first start on: without them, the
//! first revocation would be a change of configuration too.

use std::path::Path;

use certgen::home::{Home, HomeView};
use certgen::lifecycle::{LifecycleError, list};
use cryptokit::x509::RevocationList;
use time::{Duration, OffsetDateTime};

/// As long as the certificates that the CA issues beside them: whoever renews those makes new lists on the way.
const LIFETIME: Duration = Duration::days(90);
/// A development home's lists are renewed when less than this is left of them.
const RENEW_BEFORE: Duration = Duration::days(45);
/// The two authorities of a home.
const AUTHORITIES: [&str; 2] = ["root", "intermediate"];

/// Makes the next list of both authorities.
pub(super) fn make(pki: &Path, now: OffsetDateTime) -> Result<(), LifecycleError> {
    let mut home = Home::open(pki)?;
    let mut lists = Vec::new();
    for name in AUTHORITIES {
        let authority = home.authority(name, None)?;
        lists.push(list::next(&home, name, &authority, &[], Some(LIFETIME), now)?);
    }
    let mut changes = home.begin()?;
    list::stage(&mut changes, &lists, now)?;
    changes.commit()?;
    Ok(())
}

/// Makes new lists where they are half used up, if the CA's keys are still there. Only for development homes: nobody
/// looks after them.
///
/// # Errors
///
/// What certgen says; the lists are as they were then.
pub fn renew(pki: &Path, now: OffsetDateTime) -> Result<(), LifecycleError> {
    let view = HomeView::open(pki)?;
    let Some(pem) = view.read_file(list::ALL_LISTS)? else {
        // Made by a version that made no lists; its configuration names none.
        return Ok(());
    };
    let ends = RevocationList::several_from_pem(&pem).map(|lists| {
        let ends = lists.iter().filter_map(RevocationList::next_update);
        ends.min()
    });
    match ends {
        Ok(Some(end)) if end - now > RENEW_BEFORE => Ok(()),
        _ => make(pki, now),
    }
}
