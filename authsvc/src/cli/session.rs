//! Arguments of `authsvc session` and `authsvc token`.

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// `authsvc session`
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List sessions that live, all or those of one account
    List {
        /// The account: its e-mail address, or its id
        #[arg(long, value_name = "ACCOUNT")]
        user: Option<String>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// End a session and revoke its access tokens
    End {
        /// Its id: the sid of its tokens
        id: String,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// End all sessions of an account and revoke their access tokens; the account can log in again
    EndAll {
        /// The account: its e-mail address, or its id if it is deleted
        user: String,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// `authsvc token`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Revoke access tokens without having them
    Revoke {
        /// Which.
        #[command(flatten)]
        which: RevokedTokens,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// Which tokens are revoked: exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct RevokedTokens {
    /// The one with this jti
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub jti: Option<String>,
    /// Those of the session with this id, which ends
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// All of an account, given by its e-mail address or id; its sessions end
    #[arg(long, value_name = "ACCOUNT")]
    pub user: Option<String>,
    /// All of every account that were issued before a time, such as 2026-11-22T12:00:00Z, or so long ago, such as 30m or
    /// 0s; sessions that had begun by then end
    #[arg(long, value_name = "TIME")]
    pub issued_before: Option<String>,
}
