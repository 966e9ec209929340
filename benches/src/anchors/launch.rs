//! Runs one program once.

use std::io::{self, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::columns::Column;
use super::error::Failure;
use super::outcome::Outcome;
use super::systems::System;

/// For what a program does beyond measuring. Its own patience with stuck tasks is 5 s.
const PATIENCE: Duration = Duration::from_secs(20);
/// Whoever prints more does not print a line.
const MOST_OUTPUT: u64 = 1 << 20;
const LOOKS: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Launch {
    workers: usize,
    probes: usize,
    secs: f64,
    limit: Duration,
}

impl Launch {
    pub(crate) fn new(workers: usize, probes: usize, secs: f64) -> Self {
        Self { workers, probes, secs, limit: Duration::from_secs_f64(secs) + PATIENCE }
    }

    /// Whatever the program does, there is an outcome. What it says on standard error goes to that
    /// of this one.
    pub(crate) fn run(&self, system: &System, column: &Column) -> Outcome {
        match self.output(system, column) {
            Ok(output) => Outcome::read(&output),
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn output(&self, system: &System, column: &Column) -> Result<String, Failure> {
        let mut child = self.command(system, column).spawn().map_err(Failure::Start)?;
        let ended = self.end(&mut child);
        if ended.is_err() {
            // If it cannot be ended, nothing can be done about it.
            let _ = child.kill().and_then(|()| child.wait());
        }
        let (status, output) = ended?;
        if status.success() { Ok(output) } else { Err(Failure::Exit(status)) }
    }

    fn command(&self, system: &System, column: &Column) -> Command {
        let mut command = Command::new(&system.program);
        command.args(&system.arguments).args(["--mode", column.mode()]);
        let numbers = [
            ("--workers", self.workers.to_string()),
            ("--hogs", column.hogs.to_string()),
            ("--hog-ms", column.hog_ms.to_string()),
            ("--probes", self.probes.to_string()),
            ("--secs", self.secs.to_string()),
        ];
        for (name, number) in numbers {
            command.arg(name).arg(number);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    fn end(&self, child: &mut Child) -> Result<(ExitStatus, String), Failure> {
        let until = Instant::now() + self.limit;
        let output = child.stdout.take().map(read_aside).ok_or(Failure::Silent)?;
        // Asleep, so that the measurement is not disturbed.
        let output = match output.recv_timeout(self.limit) {
            Ok(output) => output.map_err(Failure::Wait)?,
            Err(RecvTimeoutError::Timeout) => return Err(Failure::TooLong(self.limit)),
            Err(RecvTimeoutError::Disconnected) => return Err(Failure::Silent),
        };
        while Instant::now() < until {
            if let Some(status) = child.try_wait().map_err(Failure::Wait)? {
                return Ok((status, output));
            }
            thread::sleep(LOOKS);
        }
        Err(Failure::TooLong(self.limit))
    }
}

/// On a thread of its own: a pipe has no time limit.
fn read_aside(stdout: ChildStdout) -> Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(MOST_OUTPUT).read_to_end(&mut bytes);
        // Nobody waits any more if it took too long.
        let _ = sender.send(read.map(|_| String::from_utf8_lossy(&bytes).into_owned()));
    });
    receiver
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::anchors::columns;

    fn run_for(limit: Duration, script: &str) -> Outcome {
        let system = System {
            name: "shell".into(),
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into(), "shell".into()],
        };
        let launch = Launch { limit, ..Launch::new(2, 16, 0.5) };
        launch.run(&system, &columns::ALL[2])
    }

    fn run(script: &str) -> Outcome {
        run_for(PATIENCE, script)
    }

    #[test]
    fn the_workload_is_given_as_arguments() {
        let outcome = run("test \"$*\" = '--mode probe --workers 2 --hogs 8 \
                           --hog-ms 100 --probes 16 --secs 0.5' && exit 42");
        let Outcome::Failed(Failure::Exit(status)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(status.code(), Some(42));
    }

    #[test]
    fn a_line_is_an_outcome() {
        let line = r#"{"p99":1,"ticks":2,"S":3,"hog_iters":4,"stuck":true}"#;
        let outcome = run(&format!("echo '{line}'"));
        assert!(outcome.line().is_some_and(|line| line.stuck), "{outcome:?}");
    }

    fn failure(outcome: Outcome) -> Failure {
        match outcome {
            Outcome::Failed(failure) => failure,
            done @ Outcome::Done { .. } => panic!("{done:?}"),
        }
    }

    #[test]
    fn whatever_a_program_does_it_is_survived() {
        assert!(matches!(failure(run("exit 3")), Failure::Exit(_)));
        assert!(matches!(failure(run("kill -9 $$")), Failure::Exit(_)));
        assert!(matches!(failure(run("true")), Failure::Silent));
        assert!(matches!(failure(run("echo hello")), Failure::Line(_)));
        assert!(matches!(failure(run("yes")), Failure::Exit(_)));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        for script in ["exec sleep 60", "exec >&-; exec sleep 60"] {
            let outcome = run_for(Duration::from_millis(300), script);
            assert!(matches!(failure(outcome), Failure::TooLong(_)), "{script}");
        }
    }

    #[test]
    fn a_program_that_cannot_be_started_is_a_failure() {
        let system =
            System { name: "x".into(), program: "/nowhere/x".into(), arguments: Vec::new() };
        let outcome = Launch::new(1, 1, 0.1).run(&system, &columns::ALL[0]);
        assert!(matches!(outcome, Outcome::Failed(Failure::Start(_))), "{outcome:?}");
    }
}
