//! A configuration file.

use std::path::Path;

use authsvc::config::Config;

/// Reads the bytes as a configuration.
///
/// # Panics
///
/// When a configuration is refused without a word, or is read as something else the second time.
pub fn settings_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let file = Path::new("/etc/authsvc/authsvc.toml");
    match Config::parse(file, text) {
        Ok(config) => {
            let again = Config::parse(file, text).expect("the same text");
            assert!(config.origin.differing(&again.origin).is_empty());
            // Whatever its numbers were, they are within what the service can do.
            assert!(config.limits.max_body_bytes > 0);
            assert!(config.tokens.access_token_ttl.as_secs() > 0 && config.tokens.access_token_ttl.as_secs() <= 3600);
        }
        Err(error) => assert!(!error.0.is_empty() && error.0.iter().all(|line| !line.is_empty())),
    }
}
