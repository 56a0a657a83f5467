//! What a record says: one JSON object with the field names of the Elastic Common Schema.

use authsvc_core::audit::{
    ActRecord, AuditRecord, GivenAddress, Operator, Outcome, Pseudonyms, ReasonKind, Stage, Who, reasons,
};
use authsvc_core::domain::EmailAddress;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

/// How addresses are written.
#[derive(Clone, Copy, Debug)]
pub enum Addresses<'a> {
    /// As they are.
    InFull,
    /// By another name, which only the installation's key connects to them.
    Pseudonymous(&'a Pseudonyms),
}

impl Addresses<'_> {
    fn add(self, user: &mut Map<String, Value>, address: &EmailAddress) {
        match self {
            Self::InFull => user.insert("email".into(), json!(address.as_str())),
            Self::Pseudonymous(names) => user.insert("pseudonym".into(), json!(names.of(address))),
        };
    }
}

/// The content of a record of administration.
pub fn act_to_json(record: &ActRecord, addresses: Addresses<'_>) -> Value {
    use reasons::audit_log::{ACT_BEGUN, ACT_DONE, ACT_FAILED};
    let (kind, outcome, level): (&ReasonKind, _, _) = match &record.stage {
        Stage::Begun => (ACT_BEGUN, "unknown", "info"),
        Stage::Done => (ACT_DONE, "success", "info"),
        Stage::Failed { .. } => (ACT_FAILED, "failure", "warn"),
    };
    let message = match &record.stage {
        Stage::Failed { why } => why,
        _ => kind.description,
    };
    let mut line = json!({
        "@timestamp": record.time.format(&Rfc3339).unwrap_or_default(),
        "event": {
            "kind": "event", "module": "audit", "id": record.id.to_string(),
            "action": kind.event, "outcome": outcome, "reason": kind.code,
        },
        "message": message,
        "log": { "level": level },
        "authsvc": {
            "operation": record.act.name,
            "advice": kind.advice,
            "act": { "id": record.act_id.to_string() },
        },
    });
    let mut user = Map::new();
    match &record.act.operator {
        Operator::SystemUser { name } => {
            line["authsvc"]["listener"] = json!("command-line");
            user.insert("name".into(), json!(name));
        }
        Operator::Service {
            name,
            identity,
            source,
            request_id,
        } => {
            line["authsvc"]["listener"] = json!("internal");
            line["client"] = json!({ "service": name.as_str(), "identity": identity.to_string() });
            if let Some(source) = source {
                line["source"] = json!({ "ip": source.to_string() });
            }
            if let Some(id) = request_id {
                line["http"] = json!({ "request": { "id": id } });
            }
        }
    }
    let mut target = Map::new();
    if let Some(address) = &record.act.target.address {
        addresses.add(&mut target, address);
    }
    if let Some(id) = record.act.target.user_id {
        target.insert("id".into(), json!(id.to_string()));
    }
    if !target.is_empty() {
        user.insert("target".into(), Value::Object(target));
    }
    if let Some(name) = &record.act.target.name {
        line["authsvc"]["act"]["target"] = json!(name);
    }
    if let Some(note) = &record.act.note {
        line["authsvc"]["act"]["note"] = json!(note.as_str());
    }
    if !user.is_empty() {
        line["user"] = Value::Object(user);
    }
    line
}

/// The line's content.
pub fn to_json(record: &AuditRecord, addresses: Addresses<'_>) -> Value {
    let mut line = json!({
        "@timestamp": record.time.format(&Rfc3339).unwrap_or_default(),
        "event": { "kind": "event", "module": "audit", "id": record.id.to_string() },
        "authsvc": {
            "operation": record.what.name(),
            "listener": record.r#where.listener,
        },
    });
    if let Some(id) = &record.r#where.request_id {
        line["http"] = json!({ "request": { "id": id } });
    }
    let failed = match &record.outcome {
        Outcome::Success => {
            line["event"]["action"] = json!(success_event(record));
            line["event"]["outcome"] = json!("success");
            false
        }
        Outcome::Failure(reason) => {
            line["event"]["action"] = json!(reason.event());
            line["event"]["outcome"] = json!("failure");
            line["event"]["reason"] = json!(reason.code());
            line["message"] = json!(reason.detail());
            line["authsvc"]["advice"] = json!(reason.advice());
            true
        }
    };
    line["log"] = json!({ "level": if failed { "warn" } else { "info" } });
    if let Some(source) = record.r#where.source {
        line["source"] = json!({ "ip": source.to_string() });
    }
    if let Some(route) = record.r#where.route {
        line["url"] = json!({ "route": route });
    }
    add_who(&mut line, &record.who, addresses);
    line
}

fn success_event(record: &AuditRecord) -> &'static str {
    use authsvc_core::audit::Action;
    match record.what {
        Action::Login => "authn_login_success",
        Action::ChangePassword | Action::SetPassword => "authn_password_change",
        Action::ValidateToken => "authn_token_accepted",
        Action::BeginOtp | Action::ConfirmOtp | Action::DisableOtp | Action::RenewRecoveryCodes => "user_updated",
        Action::Refresh => "authn_token_refreshed",
        Action::Logout | Action::EndSessions => "session_ended",
        Action::ListSessions => "session_listed",
        Action::RevokeToken => "authn_token_revoked",
        Action::ReadRevocations | Action::Request | Action::Connect => "request",
        Action::ChangeKeys => "sys_key_change",
        Action::Reload => "sys_reload",
        Action::AdminQuestion => "admin_read",
        Action::AdminChange => "admin_changed",
    }
}

fn add_who(line: &mut Value, who: &Who, addresses: Addresses<'_>) {
    let mut user = Map::new();
    match &who.address {
        Some(GivenAddress::Address(address)) => {
            addresses.add(&mut user, address);
        }
        // People type passwords into the address field: what is not an address is not kept.
        Some(GivenAddress::NotAnAddress { len }) => {
            user.insert("email_length".into(), json!(len));
        }
        None => {}
    }
    if let Some(id) = who.user_id {
        user.insert("id".into(), json!(id.to_string()));
    }
    if let Some(left) = who.recovery_codes_left {
        user.insert("recovery_codes_left".into(), json!(left));
    }
    if !user.is_empty() {
        line["user"] = Value::Object(user);
    }
    let mut client = Map::new();
    if let Some(identity) = &who.caller {
        client.insert("identity".into(), json!(identity.to_string()));
    }
    if let Some(service) = &who.service {
        client.insert("service".into(), json!(service.as_str()));
    }
    if !client.is_empty() {
        line["client"] = Value::Object(client);
    }
}

#[cfg(test)]
mod tests {
    use authsvc_core::audit::{Action, RecordId, Where, reasons};
    use time::OffsetDateTime;

    use super::*;

    fn record(address: &str, request_id: &str) -> AuditRecord {
        AuditRecord {
            id: RecordId::generate(),
            time: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
            who: Who {
                address: Some(GivenAddress::of(address)),
                ..Who::default()
            },
            what: Action::Login,
            r#where: Where {
                source: Some([192, 0, 2, 7].into()),
                route: Some("/v1/auth"),
                listener: "public",
                request_id: Some(request_id.into()),
            },
            outcome: Outcome::Failure(reasons::login::WRONG_PASSWORD.into()),
        }
    }

    #[test]
    fn a_failure_says_who_what_when_where_why_and_what_to_do() {
        let line = to_json(&record("Alice@example.com", "r-1"), Addresses::InFull);
        assert_eq!(line["user"]["email"], "alice@example.com");
        assert_eq!(line["authsvc"]["operation"], "login");
        assert_eq!(line["@timestamp"], "2027-01-15T08:00:00Z");
        assert_eq!(line["source"]["ip"], "192.0.2.7");
        assert_eq!(line["url"]["route"], "/v1/auth");
        assert_eq!(line["http"]["request"]["id"], "r-1");
        assert_eq!(line["event"]["reason"], "wrong_password");
        assert_eq!(line["event"]["action"], "authn_login_fail");
        assert!(line["authsvc"]["advice"].as_str().unwrap().len() > 20);
    }

    #[test]
    fn what_is_not_an_address_leaves_its_length_only() {
        let line = to_json(&record("hunter2-typed-here", "r-1"), Addresses::InFull);
        assert_eq!(line["user"], json!({ "email_length": 18 }));
        assert!(!line.to_string().contains("hunter2"));
    }

    #[test]
    fn no_input_starts_a_line_or_an_escape_sequence() {
        let text = to_json(
            &record("a@b.c", "x\r\n{\"event\":\"forged\"}\u{1b}[2J\u{202e}"),
            Addresses::InFull,
        )
        .to_string();
        assert!(!text.contains(['\n', '\r', '\u{1b}']));
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            parsed["http"]["request"]["id"],
            "x\r\n{\"event\":\"forged\"}\u{1b}[2J\u{202e}"
        );
    }
}
