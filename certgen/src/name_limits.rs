//! Which names an authority is limited to (RFC 5280 §4.2.1.10), as they are given on a command line.

use cryptokit::x509::{NameConstraints, NameError, Subtree};

/// A host that stands for itself and every name below it.
///
/// # Errors
///
/// What is wrong with it.
pub fn dns(text: &str) -> Result<Subtree, String> {
    // RFC 5280 §4.2.1.10 knows a leading dot for URIs and e-mail addresses only; verifiers differ on it here.
    if text.is_empty() || text.starts_with('.') || text.contains('*') {
        return Err(
            "a host stands for itself and every name below it: give it without a leading dot or `*`".to_owned(),
        );
    }
    parse("dns", text)
}

/// As [`dns`], or nothing for every host there is.
///
/// # Errors
///
/// What is wrong with it.
pub fn dns_or_all(text: &str) -> Result<Subtree, String> {
    if text.is_empty() { parse("dns", "") } else { dns(text) }
}

/// A network, or a single address.
///
/// # Errors
///
/// What a network looks like.
pub fn ip(text: &str) -> Result<Subtree, String> {
    let single = text
        .parse()
        .map(|address: std::net::IpAddr| if address.is_ipv4() { "/32" } else { "/128" });
    parse("ip", &format!("{text}{}", single.unwrap_or_default())).map_err(|_| {
        "a network is an address and a prefix length, with zero bits behind it, such as 10.0.0.0/8 or fd00::/8"
            .to_owned()
    })
}

/// The host of a URI, the trust domain of a SPIFFE id; with a leading dot the hosts below it.
///
/// # Errors
///
/// What is wrong with it.
pub fn uri(text: &str) -> Result<Subtree, String> {
    if text.contains("://") {
        return Err("URIs are limited by their host: give that alone".to_owned());
    }
    parse("uri", text)
}

/// An e-mail address, a host that addresses are at, or with a leading dot the hosts below it.
///
/// # Errors
///
/// What is wrong with it.
pub fn email(text: &str) -> Result<Subtree, String> {
    parse("email", text)
}

/// Host names and addresses both name servers: where one kind is limited and nothing is said of the other, the other is
/// excluded, since else it would be a way around.
///
/// # Panics
///
/// Never: what it adds is well-formed.
pub fn closed(limits: NameConstraints) -> NameConstraints {
    let has = |kind: &str| {
        let mut all = limits.permitted().iter().chain(limits.excluded());
        all.any(|subtree| subtree.to_string().starts_with(kind))
    };
    let permits = |kind: &str| {
        limits
            .permitted()
            .iter()
            .any(|subtree| subtree.to_string().starts_with(kind))
    };
    let close: &[&str] = match (permits("dns:"), permits("ip:")) {
        (true, false) if !has("ip:") => &["ip:0.0.0.0/0", "ip:::/0"],
        (false, true) if !has("dns:") => &["dns:"],
        _ => &[],
    };
    let close: Vec<Subtree> = close
        .iter()
        .map(|text| Subtree::parse(text).expect("it is well-formed"))
        .collect();
    limits.exclude(close)
}

/// What is to be said about the limits: where they do not work.
pub fn warnings(limits: &NameConstraints) -> Vec<&'static str> {
    let mut all = limits.permitted().iter().chain(limits.excluded());
    if all.any(|subtree| matches!(subtree, Subtree::Uri(_))) {
        vec![URI_WARNING]
    } else {
        Vec::new()
    }
}

/// Measured: see the table in the guide of certgen.
const URI_WARNING: &str = "not every program honours limits on URIs: OpenSSL, Java and NSS do, GnuTLS 3.7 ignores them, \
    rustls refuses every URI and Python's cryptography every chain under such an authority";

fn parse(kind: &str, text: &str) -> Result<Subtree, String> {
    Subtree::parse(&format!("{kind}:{text}")).map_err(|error: NameError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(subtrees: &[Subtree]) -> Vec<String> {
        subtrees.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_kind_is_read_in_the_form_its_users_know() {
        for (read, written) in [
            (dns("SVC.internal"), "dns:svc.internal"),
            (dns_or_all(""), "dns:"),
            (ip("10.0.0.0/8"), "ip:10.0.0.0/8"),
            (ip("10.1.2.3"), "ip:10.1.2.3/32"),
            (ip("::1"), "ip:::1/128"),
            (uri("td.internal"), "uri:td.internal"),
            (uri(".internal"), "uri:.internal"),
            (email("a@internal"), "email:a@internal"),
            (email(".internal"), "email:.internal"),
        ] {
            assert_eq!(read.map(|subtree| subtree.to_string()), Ok(written.to_owned()));
        }
    }

    #[test]
    fn what_verifiers_would_read_differently_is_refused() {
        for refused in [
            dns(""),
            dns(".internal"),
            dns("*.internal"),
            dns("a b"),
            dns_or_all(".internal"),
            ip(""),
            ip("10.0.0.1/8"),
            ip("10.0.0.0/33"),
            ip("10.0.0/8"),
            ip("10.0.0.0/255.0.0.0"),
            uri("spiffe://td.internal"),
            uri("td.internal:8443"),
            email("@"),
        ] {
            assert!(refused.is_err(), "{refused:?}");
        }
    }

    #[test]
    fn limited_hosts_leave_no_way_around_by_address_and_the_other_way_round() {
        let only = |subtree: Subtree| closed(NameConstraints::default().permit([subtree]));
        let hosts = only(dns("svc.internal").unwrap());
        assert_eq!(texts(hosts.excluded()), ["ip:0.0.0.0/0", "ip:::/0"]);
        assert_eq!(texts(only(ip("10.0.0.0/8").unwrap()).excluded()), ["dns:"]);
        assert!(only(uri("td.internal").unwrap()).excluded().is_empty());

        let said = NameConstraints::default()
            .permit([dns("svc.internal").unwrap()])
            .exclude([ip("10.0.0.0/8").unwrap()]);
        assert_eq!(texts(closed(said).excluded()), ["ip:10.0.0.0/8"], "the user has spoken");
        let excluded = NameConstraints::default().exclude([dns("public.example").unwrap()]);
        assert_eq!(texts(closed(excluded).excluded()), ["dns:public.example"]);
        assert!(closed(NameConstraints::default()).is_empty());
    }

    #[test]
    fn limits_on_uris_are_warned_of() {
        let limited = NameConstraints::default().exclude([uri("td.internal").unwrap()]);
        assert_eq!(warnings(&limited).len(), 1);
        let limited = NameConstraints::default().permit([dns("svc.internal").unwrap()]);
        assert!(warnings(&limited).is_empty());
    }
}
