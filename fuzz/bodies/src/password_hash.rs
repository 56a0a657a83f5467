//! Stored password hashes of every scheme.

use cryptokit::password::{Argon2Params, Cost, HashError, Pbkdf2Hmac, Policy, Scheme, ScryptParams, StoredHash};

/// Reads the bytes as a stored hash, and as the two columns of an unlabelled one, digest before salt with a line feed in
/// between; asks policies about what was read.
///
/// # Panics
///
/// When something that was accepted has a second spelling or a cost out of range; when it shows more than its scheme and
/// cost for a log; when a policy obeys what costs more than it allows.
pub fn password_hash(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(stored) = StoredHash::parse(text) {
        assert_eq!(stored.to_string(), text, "one spelling");
        assert!(text.len() <= StoredHash::MAX_LEN);
        is_bounded(&stored);
    }
    if let Some((digest, salt)) = text.split_once('\n')
        && let Ok(stored) = StoredHash::from_unlabelled(digest, salt)
    {
        assert_eq!(stored.scheme(), Scheme::UnlabelledSha512);
        let one_column = stored.to_string();
        assert_eq!(one_column, format!("$sha512-unlabelled${salt}${digest}"));
        let read = StoredHash::parse(&one_column).expect("what was written is read");
        assert_eq!(read.to_string(), one_column);
        is_bounded(&stored);
    }
}

fn is_bounded(stored: &StoredHash) {
    let (scheme, cost) = (stored.scheme(), stored.cost());
    assert_eq!(
        format!("{stored:?}"),
        format!("StoredHash {{ scheme: {scheme:?}, cost: {cost:?}, .. }}"),
        "neither salt nor tag is shown"
    );
    assert_eq!(Scheme::from_name(scheme.name()), Some(scheme));
    match cost {
        Cost::Argon2(params) => {
            let (m_cost, t_cost, p_cost) = (params.m_cost(), params.t_cost(), params.p_cost());
            assert_eq!(Argon2Params::new(m_cost, t_cost, p_cost), Ok(params));
        }
        Cost::Scrypt(params) => assert_eq!(ScryptParams::new(params.log_n(), params.r(), params.p()), Ok(params)),
        Cost::Bcrypt { cost } => assert!((4..=31).contains(&cost)),
        Cost::Pbkdf2 { iterations, .. } => assert!(iterations > 0),
        _ => {}
    }

    let strict = Policy::default().check(stored);
    let tolerant = Policy::default().accepting(Scheme::ALL);
    match tolerant.check(stored) {
        Ok(()) => {
            assert!(within(cost, &tolerant), "{cost:?} is obeyed");
            let ours = Policy::default().accepts(scheme);
            assert_eq!(
                strict,
                if ours {
                    Ok(())
                } else {
                    Err(HashError::SchemeNotAccepted { scheme })
                }
            );
        }
        refused => {
            assert_eq!(refused, Err(HashError::AboveCeiling), "every scheme is accepted here");
            assert!(strict.is_err());
        }
    }
}

fn within(cost: Cost, policy: &Policy) -> bool {
    let limits = policy.limits();
    match cost {
        Cost::Argon2(params) => params.m_cost() as usize * 1024 <= policy.max_memory_bytes(),
        Cost::Scrypt(params) => params.memory_bytes() <= policy.max_memory_bytes(),
        Cost::Bcrypt { cost } => cost <= limits.bcrypt_cost.ceiling,
        Cost::Pbkdf2 { hmac, iterations } => {
            let range = match hmac {
                Pbkdf2Hmac::Sha1 => limits.pbkdf2_sha1,
                Pbkdf2Hmac::Sha256 => limits.pbkdf2_sha256,
                Pbkdf2Hmac::Sha512 => limits.pbkdf2_sha512,
                _ => return false,
            };
            iterations <= range.ceiling
        }
        _ => true,
    }
}
