//! Limits on the names below an authority.

use clap::Args;
use cryptokit::x509::{NameConstraints, Subtree};

use crate::name_limits::{closed, dns, dns_or_all, email, ip, uri};

/// Limits on the names below an authority: the name constraints of RFC 5280 §4.2.1.10.
#[derive(Args, Clone, Debug, Default)]
pub struct NameLimitArguments {
    /// Only these hosts and the names below them; no addresses then, unless they are permitted too
    #[arg(long, value_name = "HOST", value_parser = dns, help_heading = HEADING)]
    pub permit_dns: Vec<Subtree>,

    /// Only addresses in these networks; no host names then, unless they are permitted too
    #[arg(long, value_name = "NETWORK", value_parser = ip, help_heading = HEADING)]
    pub permit_ip: Vec<Subtree>,

    /// Only URIs of this host or SPIFFE trust domain; with a leading dot, of those below it
    #[arg(long, value_name = "HOST", value_parser = uri, help_heading = HEADING)]
    pub permit_uri: Vec<Subtree>,

    /// Only this e-mail address, or those at this host; with a leading dot, at those below it
    #[arg(long, value_name = "HOST", value_parser = email, help_heading = HEADING)]
    pub permit_email: Vec<Subtree>,

    /// Not this host nor any name below it; an empty one stands for every host
    #[arg(long, value_name = "HOST", value_parser = dns_or_all, help_heading = HEADING)]
    pub exclude_dns: Vec<Subtree>,

    /// No address in this network
    #[arg(long, value_name = "NETWORK", value_parser = ip, help_heading = HEADING)]
    pub exclude_ip: Vec<Subtree>,

    /// No URI of this host or SPIFFE trust domain
    #[arg(long, value_name = "HOST", value_parser = uri, help_heading = HEADING)]
    pub exclude_uri: Vec<Subtree>,

    /// Not this e-mail address, or none at this host
    #[arg(long, value_name = "HOST", value_parser = email, help_heading = HEADING)]
    pub exclude_email: Vec<Subtree>,
}

impl NameLimitArguments {
    /// All of them, with the kind closed that would be a way around; empty where nothing was limited.
    pub fn limits(&self) -> NameConstraints {
        let permitted = [&self.permit_dns, &self.permit_ip, &self.permit_uri, &self.permit_email];
        let excluded = [
            &self.exclude_dns,
            &self.exclude_ip,
            &self.exclude_uri,
            &self.exclude_email,
        ];
        let all = |lists: [&Vec<Subtree>; 4]| lists.into_iter().flatten().cloned().collect::<Vec<_>>();
        closed(NameConstraints::default().permit(all(permitted)).exclude(all(excluded)))
    }
}

const HEADING: &str = "Limits on the names of everything below";
