//! Arguments of `authsvc key`.

use clap::Subcommand;

use super::ConfigArgs;

/// `authsvc key`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Show the signing keys: what each does, since when, and which services have not fetched the next one
    List {
        /// One JSON object
        #[arg(long)]
        json: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Make a key and publish it; it signs once those who fetch keys have it, at the latest after a day
    Rotate {
        /// RS256, PS256, ES256 or EdDSA in place of the configured algorithm
        #[arg(long, value_name = "NAME")]
        algorithm: Option<String>,
        /// Sign with it at once: services that verify by themselves refuse its tokens until they fetch the keys again
        #[arg(long)]
        now: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Let the published key sign, if its time has come and every service has it
    Promote {
        /// The beginning of its kid
        // Base64url: one in 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Do not wait for time or services
        #[arg(long)]
        force: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// End a compromised key at once: every token it signed is refused
    Revoke {
        /// The beginning of its kid
        // Base64url: one in 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Make another key that seals password hashes and other secrets of accounts, and seal everything anew, while the
    /// service runs. Run again, it goes on where it stopped; a running service does so too
    Reseal {
        /// Do not keep the old key for an hour, as for one that somebody else has
        #[arg(long)]
        now: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Exchange the root key under everything it seals: keysets and peppers. Run again, it goes on where it stopped
    Rewrap {
        /// Only write the next root key beside the present one, to carry it to the other machines that serve
        #[arg(long)]
        prepare: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Change the keys that sign the feed of revocations, by which services hear of them that verify by themselves
    #[command(subcommand)]
    Feed(FeedKeyCommand),
    /// Take revoked keys out, and retired ones whose last token has ended
    Prune {
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// `authsvc key feed`
#[derive(Debug, Subcommand)]
pub enum FeedKeyCommand {
    /// Make a key and publish it; it signs eleven minutes later, when everybody has had the time to fetch it
    Rotate {
        /// Sign with it at once: services that follow the feed fetch it when they meet it
        #[arg(long)]
        now: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// End a compromised key at once, or all of them: a new one signs a feed that begins anew
    Revoke {
        /// The beginning of its kid; without, every key of the feed
        // Base64url: one in 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: Option<String>,
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
}
