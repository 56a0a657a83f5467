//! Under which policies a certificate was issued.

use serde_json::{Value, json};

use super::super::asn1::{Broken, OID, Reader, SEQUENCE, context, oid_text, outline, small, string};
use super::super::oid;
use super::Decoded;
use crate::printable::printable;

/// RFC 5280 §4.2.1.4.
pub(super) fn policies(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut lines = Vec::new();
    let mut json = Vec::new();
    for policy in reader.sequence()?.all()? {
        let mut fields = policy.inside();
        let policy = oid_text(fields.expect(OID)?.contents);
        lines.push(oid::described(&policy));
        let mut qualifiers = Vec::new();
        if let Some(list) = fields.optional(SEQUENCE)? {
            for qualifier in list.inside().all()? {
                let (kind, text) = qualifier_text(qualifier.inside())?;
                lines.push(format!("  {} {}", oid::short(&kind), printable(&text)));
                qualifiers.push(json!({"type": oid::short(&kind), "value": text}));
            }
        }
        json.push(json!({"oid": policy, "name": oid::name(&policy), "qualifiers": qualifiers}));
    }
    Ok(Decoded {
        lines,
        json: Value::Array(json),
    })
}

/// A URI of a practice statement, or a notice: its explicit text, else what else it is.
fn qualifier_text(mut fields: Reader<'_>) -> Result<(String, String), Broken> {
    let kind = oid_text(fields.expect(OID)?.contents);
    let value = fields.next()?;
    let text = string(&value).or_else(|| {
        let notice = value.inside().all().ok()?;
        notice.iter().find_map(string)
    });
    let text = text.or_else(|| outline(value.whole)).ok_or(Broken::Value)?;
    Ok((kind, text))
}

/// RFC 5280 §4.2.1.5.
pub(super) fn mappings(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut lines = Vec::new();
    let mut json = Vec::new();
    for mapping in reader.sequence()?.all()? {
        let mut fields = mapping.inside();
        let issuer = oid_text(fields.expect(OID)?.contents);
        let subject = oid_text(fields.expect(OID)?.contents);
        lines.push(format!(
            "{} counts as {}",
            oid::described(&issuer),
            oid::described(&subject)
        ));
        json.push(json!({"issuer": issuer, "subject": subject}));
    }
    Ok(Decoded {
        lines,
        json: Value::Array(json),
    })
}

/// RFC 5280 §4.2.1.11.
pub(super) fn constraints(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut fields = reader.sequence()?;
    let mut after = |number| {
        let skip = fields.optional(context(number))?;
        skip.map(|skip| small(skip.contents)).transpose()
    };
    let (explicit, inhibit) = (after(0)?, after(1)?);
    let mut lines = Vec::new();
    if let Some(skip) = explicit {
        lines.push(format!("a policy is required after {skip} certificates"));
    }
    if let Some(skip) = inhibit {
        lines.push(format!("no policy is mapped after {skip} certificates"));
    }
    Ok(Decoded {
        lines,
        json: json!({"require_explicit_policy": explicit, "inhibit_policy_mapping": inhibit}),
    })
}

/// RFC 3739 §3.2.6.
pub(super) fn statements(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut lines = Vec::new();
    let mut json = Vec::new();
    for statement in reader.sequence()?.all()? {
        let mut fields = statement.inside();
        let statement = oid_text(fields.expect(OID)?.contents);
        let information = outline(fields.rest);
        lines.push(match &information {
            Some(information) => format!("{}: {information}", oid::described(&statement)),
            None => oid::described(&statement),
        });
        json.push(json!({"oid": statement, "name": oid::name(&statement), "information": information}));
    }
    Ok(Decoded {
        lines,
        json: Value::Array(json),
    })
}
