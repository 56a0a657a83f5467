//! Arguments of `certgen completions`.

use clap::Args;
use clap_complete::Shell;

/// Arguments of `certgen completions`.
#[derive(Args, Debug)]
pub struct CompletionsArguments {
    /// The shell
    pub shell: Shell,
}

pub(super) const HELP: &str = "\
The script goes to standard output. For the shell that is running:
  bash   source <(certgen completions bash)
  zsh    certgen completions zsh > \"${fpath[1]}/_certgen\"
  fish   certgen completions fish > ~/.config/fish/completions/certgen.fish";
