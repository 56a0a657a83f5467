//! Where more is to be had: revocation lists, issuers, OCSP.

use serde_json::{Value, json};

use super::super::asn1::{Broken, OID, Reader, bits, constructed, context, oid_text};
use super::super::name::{DirectoryName, general_name, general_names};
use super::super::oid;
use super::{Decoded, flag_names};
use crate::printable::printable;

/// RFC 5280 §4.2.1.13.
pub(super) fn points(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut lines = Vec::new();
    let mut points = Vec::new();
    for point in reader.sequence()?.all()? {
        let mut fields = point.inside();
        let names = fields.optional(constructed(0))?;
        let names = names
            .map(|name| point_names(name.inside()))
            .transpose()?
            .unwrap_or_default();
        let reasons = fields.optional(context(1))?;
        let reasons = reasons.map(|reasons| reason_names(reasons.contents)).transpose()?;
        let issuer = fields.optional(constructed(2))?;
        let issuer = issuer.map(|names| general_names(names.inside())).transpose()?;
        lines.extend(names.iter().map(|name| printable(name)));
        if let Some(reasons) = &reasons {
            lines.push(format!("for {}", reasons.join(", ")));
        }
        lines.extend(
            issuer
                .iter()
                .flatten()
                .map(|name| format!("issued by {}", printable(name))),
        );
        points.push(json!({"names": names, "reasons": reasons, "crl_issuer": issuer}));
    }
    Ok(Decoded {
        lines,
        json: Value::Array(points),
    })
}

/// RFC 5280 §5.2.5.
pub(super) fn issuing_point(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut fields = reader.sequence()?;
    let names = fields.optional(constructed(0))?;
    let names = names
        .map(|name| point_names(name.inside()))
        .transpose()?
        .unwrap_or_default();
    let mut flag = |number| {
        Ok(fields
            .optional(context(number))?
            .is_some_and(|flag| flag.contents != [0]))
    };
    let (users, authorities) = (flag(1)?, flag(2)?);
    let reasons = fields.optional(context(3))?;
    let reasons = reasons.map(|reasons| reason_names(reasons.contents)).transpose()?;
    let mut flag = |number| {
        Ok(fields
            .optional(context(number))?
            .is_some_and(|flag| flag.contents != [0]))
    };
    let (indirect, attributes) = (flag(4)?, flag(5)?);
    let mut lines: Vec<String> = names.iter().map(|name| printable(name)).collect();
    for (set, line) in [
        (users, "only certificates of end entities"),
        (authorities, "only certificates of authorities"),
        (indirect, "indirect: certificates of other issuers too"),
        (attributes, "only attribute certificates"),
    ] {
        if set {
            lines.push(line.to_owned());
        }
    }
    if let Some(reasons) = &reasons {
        lines.push(format!("only for {}", reasons.join(", ")));
    }
    let json = json!({
        "names": names,
        "only_user_certificates": users,
        "only_ca_certificates": authorities,
        "only_some_reasons": reasons,
        "indirect": indirect,
        "only_attribute_certificates": attributes,
    });
    Ok(Decoded { lines, json })
}

/// RFC 5280 §4.2.2.1.
pub(super) fn access(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut lines = Vec::new();
    let mut json = Vec::new();
    for description in reader.sequence()?.all()? {
        let mut fields = description.inside();
        let method = oid_text(fields.expect(OID)?.contents);
        let location = general_name(&fields.next()?);
        lines.push(format!("{} {}", oid::short(&method), printable(&location)));
        json.push(json!({"method": oid::short(&method), "location": location}));
    }
    Ok(Decoded {
        lines,
        json: Value::Array(json),
    })
}

/// A DistributionPointName: full names, or one relative to the issuer.
fn point_names(mut name: Reader<'_>) -> Result<Vec<String>, Broken> {
    if let Some(full) = name.optional(constructed(0))? {
        return general_names(full.inside());
    }
    let relative = name.expect(constructed(1))?;
    Ok(vec![format!(
        "relative to the issuer: {}",
        DirectoryName::relative(relative.inside())?.text()
    )])
}

fn reason_names(contents: &[u8]) -> Result<Vec<String>, Broken> {
    Ok(flag_names(bits(contents)?.0, &REASON_FLAGS))
}

const REASON_FLAGS: [&str; 9] = [
    "unused",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
    "aACompromise",
];
