//! The `pulse` command. Everything lives in the library; see [`pulse::run_command`].

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    pulse::run_command()
}
