//! The arguments of the commands that talk to a service.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, value_parser};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectArgs {
    /// Where the service has its console: HOST:PORT, https://HOST:PORT, or unix:PATH.
    #[arg(long, short, value_name = "ADDRESS", env = "PULSE_CONNECT")]
    pub(crate) connect: Option<String>,
    /// A file with the token of the service. The variable PULSE_TOKEN has the token itself.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The certificate, in PEM, that the server's is signed with.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The name in the server's certificate, if it is not the host's.
    #[arg(long, value_name = "NAME", requires = "ca")]
    pub(crate) tls_name: Option<String>,
    /// Send the token over a network without encryption.
    #[arg(long)]
    pub(crate) insecure: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TopOptions {
    /// The same as --connect, and counts for more.
    #[arg(value_name = "ADDRESS")]
    address: Option<String>,
    #[command(flatten)]
    connection: ConnectArgs,
    /// How often the service tells what has changed.
    #[arg(long, value_name = "MS", default_value_t = 500,
          value_parser = value_parser!(u64).range(100..=60_000))]
    pub(crate) interval_ms: u64,
    /// Print what is going on as text, and stop.
    #[arg(long)]
    pub(crate) once: bool,
    /// With --once: print one JSON object instead of text.
    #[arg(long, requires = "once")]
    pub(crate) json: bool,
}

impl TopOptions {
    pub(crate) fn connection(&self) -> ConnectArgs {
        let connect = self.address.clone().or_else(|| self.connection.connect.clone());
        ConnectArgs { connect, ..self.connection.clone() }
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }
}

#[derive(Debug, Args)]
pub(crate) struct ConfigOptions {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the configuration in force, or the value of one key.
    Get(GetOptions),
    /// Change any number of keys, all of them or none.
    Set(SetOptions),
}

#[derive(Debug, Args)]
pub(crate) struct GetOptions {
    /// The key, with dots: tier.1.action.
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) connection: ConnectArgs,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SetOptions {
    /// What is to be: slice=5ms.
    #[arg(required = true, value_name = "KEY=VALUE", value_parser = assignment)]
    pub(crate) assignments: Vec<(String, String)>,
    /// Check only, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectArgs,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StacksOptions {
    /// Only of threads whose poll has outlived its slice.
    #[arg(long)]
    pub(crate) stalled: bool,
    /// Only of this worker's thread.
    #[arg(long, value_name = "N", conflicts_with_all = ["stalled", "task"])]
    pub(crate) worker: Option<u32>,
    /// Only of this task, while it is polled. It has to be on record.
    #[arg(long, value_name = "ID", conflicts_with = "stalled")]
    pub(crate) task: Option<u64>,
    #[command(flatten)]
    pub(crate) connection: ConnectArgs,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PictureOptions {
    /// What stands above the screens.
    #[arg(long, default_value = "pulse top")]
    pub(crate) title: String,
    /// What `tmux capture-pane -e -p` has printed, a file for each screen.
    #[arg(required = true)]
    pub(crate) screens: Vec<PathBuf>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("give KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_has_a_key_and_may_have_any_value() {
        let of = |text| assignment(text).ok();
        let pair = |key: &str, value: &str| Some((key.to_owned(), value.to_owned()));
        assert_eq!(of("slice=5ms"), pair("slice", "5ms"));
        assert_eq!(of(" a.b = c=d "), pair("a.b", "c=d"));
        assert_eq!(of("a="), pair("a", ""));
        assert_eq!(of("=a"), None);
        assert_eq!(of("slice"), None);
    }
}
