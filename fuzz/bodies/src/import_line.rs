//! Lines of `authsvc user import`: JSON, and CSV after a line that names the columns.

use authsvc_core::service::{CsvColumns, ImportedAccount, LineFault};

/// Reads the bytes as a line of JSON, and as a CSV file.
///
/// # Panics
///
/// When an account is accepted that is not read back as the same from either form, or a refusal repeats what was sent.
pub fn import_line(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    told(ImportedAccount::from_json(text), text);
    let mut lines = text.lines();
    let Some(first) = lines.next() else { return };
    match CsvColumns::read(first) {
        Ok(columns) => lines.for_each(|line| told(columns.account(line), line)),
        Err(fault) => assert_eq!(fault, LineFault::Header),
    }
}

fn told(read: Result<ImportedAccount, LineFault>, line: &str) {
    match read {
        Ok(account) => {
            let json = serde_json::json!({
                "email": account.email.as_str(),
                "password_hash": account.password_hash.to_string(),
                "roles": account.roles.to_string(),
                "scopes": account.scopes.to_string(),
                "disabled": account.disabled,
            });
            same(
                &ImportedAccount::from_json(&json.to_string()).expect("what is written is read"),
                &account,
            );
            let columns = CsvColumns::read("email,password_hash,roles,scopes,disabled").expect("all columns");
            let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let row = [
                quoted(account.email.as_str()),
                quoted(&account.password_hash.to_string()),
                quoted(&account.roles.to_string()),
                quoted(&account.scopes.to_string()),
                account.disabled.to_string(),
            ];
            same(
                &columns.account(&row.join(",")).expect("what is written is read"),
                &account,
            );
        }
        Err(fault) => {
            let shown = format!("{fault} {fault:?}");
            // Words of the messages are in any line by chance; a hash or a password is not one of them.
            for word in line.split(|c: char| !c.is_ascii_alphanumeric() && c != '$' && c != '/') {
                assert!(word.len() < 24 || !shown.contains(word), "shown: {shown}");
            }
        }
    }
}

fn same(read: &ImportedAccount, account: &ImportedAccount) {
    assert_eq!(read.email, account.email);
    assert_eq!(read.password_hash.to_string(), account.password_hash.to_string());
    assert_eq!((&read.roles, &read.scopes), (&account.roles, &account.scopes));
    assert_eq!(read.disabled, account.disabled);
}
