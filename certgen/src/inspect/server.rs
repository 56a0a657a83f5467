//! What a server agreed to in a handshake, and whether a client would accept what it presented.

use cryptokit::x509::{
    CertificateDer, ChainPolicy, ExplainedCertificate, RejectedPath, SubjectAlternativeName, TrustAnchors,
    explain_chain,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::asn1::{Reader, SEQUENCE};
use super::name::DirectoryName;
use super::text::Paragraph;
use crate::handshake::{Handshake, ServerAddress};
use crate::printable::printable;

/// Most names of issuers that are printed; JSON has them all.
const MAX_ISSUERS: usize = 20;

/// A handshake, ready to be shown.
#[derive(Clone, Debug)]
pub struct ShownServer {
    server: ServerAddress,
    handshake: Handshake,
    trust: Option<TrustVerdict>,
}

impl ShownServer {
    /// What was seen of a server, and what a client would make of it, where that was asked.
    pub fn new(server: ServerAddress, handshake: Handshake, trust: Option<TrustVerdict>) -> Self {
        Self {
            server,
            handshake,
            trust,
        }
    }

    /// A paragraph for people.
    pub fn to_text(&self) -> String {
        let seen = &self.handshake;
        let mut text = Paragraph::new("server", &format!("{}, at {}", self.server, seen.address));
        text.field("verified", "nothing: what follows is what whoever answered has said");
        text.field("asked for", &printable(&seen.server_name));
        for (label, value) in [
            ("protocol", &seen.protocol),
            ("cipher suite", &seen.cipher_suite),
            ("key exchange", &seen.key_exchange),
        ] {
            text.field(label, value.as_deref().unwrap_or("not agreed"));
        }
        text.field(
            "application",
            &self.application().unwrap_or_else(|| "none agreed (ALPN)".to_owned()),
        );
        let staples = match seen.stapled_bytes {
            0 => "no OCSP response".to_owned(),
            bytes => format!("an OCSP response of {bytes} bytes"),
        };
        text.field("staples", &staples);
        self.wanted(&mut text);
        let count = seen.chain.len();
        text.field(
            "presents",
            &format!("{count} certificate{}", if count == 1 { "" } else { "s" }),
        );
        if let Some(ended) = &seen.ended {
            text.field(
                "note",
                &format!("after its certificates it ended the handshake: {ended}"),
            );
        }
        if let Some(trust) = &self.trust {
            trust.write(&mut text);
        }
        text.0
    }

    fn wanted(&self, text: &mut Paragraph) {
        let Some(issuers) = self.issuers() else {
            text.field("client", "no certificate is asked for");
            return;
        };
        if issuers.is_empty() {
            text.field("client", "a certificate is asked for, of any issuer");
            return;
        }
        text.field("client", "a certificate is asked for, of one of these issuers:");
        for issuer in issuers.iter().take(MAX_ISSUERS) {
            text.field("", &format!("  {issuer}"));
        }
        if issuers.len() > MAX_ISSUERS {
            text.field(
                "",
                &format!("  and {} more, which --json lists", issuers.len() - MAX_ISSUERS),
            );
        }
    }

    fn issuers(&self) -> Option<Vec<String>> {
        let name = |der: &Vec<u8>| {
            let name = Reader::new(der)
                .expect(SEQUENCE)
                .and_then(|name| DirectoryName::read(&name));
            name.map_or_else(|_| "an unreadable name".to_owned(), |name| name.text())
        };
        Some(self.handshake.wanted_issuers.as_ref()?.iter().map(name).collect())
    }

    fn application(&self) -> Option<String> {
        let protocol = self.handshake.application.as_ref()?;
        Some(printable(&String::from_utf8_lossy(protocol)))
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let seen = &self.handshake;
        json!({
            "server": self.server.to_string(),
            "address": seen.address.to_string(),
            "server_name": seen.server_name,
            "verified": false,
            "protocol": seen.protocol,
            "cipher_suite": seen.cipher_suite,
            "key_exchange": seen.key_exchange,
            "application_protocol": self.application(),
            "stapled_ocsp_bytes": seen.stapled_bytes,
            "asks_for_client_certificate": seen.wanted_issuers.is_some(),
            "wanted_issuers": self.issuers(),
            "certificates": seen.chain.len(),
            "ended": seen.ended,
            "trust": self.trust.as_ref().map(TrustVerdict::json),
        })
    }
}

/// Whether a client that trusts certain authorities would accept a chain, and why not.
#[derive(Clone, Debug)]
pub struct TrustVerdict {
    /// Which authorities; safe to print.
    anchors: String,
    accepted: bool,
    /// Each rejected path that says something, a line for each failure; safe to print.
    reasons: Vec<String>,
}

impl TrustVerdict {
    /// Asks for a chain as a client of `name` does that trusts `anchors` and looks at no revocation lists.
    pub fn of(
        chain: &[CertificateDer<'_>],
        anchors: &TrustAnchors,
        anchors_called: &str,
        name: &str,
        now: OffsetDateTime,
    ) -> Self {
        let mut verdict = Self {
            anchors: printable(anchors_called),
            accepted: false,
            reasons: Vec::new(),
        };
        let policy = SubjectAlternativeName::infer(name)
            .ok()
            .and_then(|name| ChainPolicy::server().with_name(name).ok());
        let Some(policy) = policy else {
            verdict
                .reasons
                .push(format!("no certificate can be for `{}`", printable(name)));
            return verdict;
        };
        match explain_chain(chain, anchors, &policy, now) {
            Err(error) => verdict.reasons.push(error.to_string()),
            Ok(explanation) => {
                verdict.accepted = explanation.accepted.is_some();
                if !verdict.accepted {
                    // The paths that reach an anchor come first and say most.
                    let most_telling = explanation.rejected.first();
                    verdict.reasons = most_telling.map(failures).unwrap_or_default();
                }
            }
        }
        verdict
    }

    fn write(&self, text: &mut Paragraph) {
        if self.accepted {
            text.field(
                "trust",
                &format!("a client that trusts {} accepts it under this name", self.anchors),
            );
            return;
        }
        text.field("trust", &format!("a client that trusts {} REFUSES it:", self.anchors));
        for reason in &self.reasons {
            text.field("", &format!("  {reason}"));
        }
    }

    fn json(&self) -> Value {
        json!({"anchors": self.anchors, "accepted": self.accepted, "reasons": self.reasons})
    }
}

fn failures(path: &RejectedPath) -> Vec<String> {
    let of_one = |explained: &ExplainedCertificate| -> Vec<String> {
        let subject = match explained.certificate.subject_text() {
            "" => "the certificate without a subject".to_owned(),
            subject => printable_name(subject),
        };
        let failures = explained.failures.iter();
        failures
            .map(|failure| format!("{subject}: {failure} ({})", failure.section()))
            .collect()
    };
    path.certificates.iter().flat_map(of_one).collect()
}

/// cryptokit has escaped it already; what is left is its length.
fn printable_name(text: &str) -> String {
    text.chars().take(crate::printable::MAX_PRINTED).collect()
}
