//! A side in a process of its own: neither side's threads, memory or stalls touch the other's,
//! nor the load generator's.
//!
//! The protocol: the child writes lines of JSON to its standard output, each a [`Line`], and ends
//! when its standard input does. So it cannot outlive its parent, however that one ends.

use std::{
    env,
    io::{self, BufRead as _, BufReader},
    process::{self, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, output, side::Side};

/// How long a child may take to go when it is told to.
const FAREWELL: Duration = Duration::from_secs(5);

/// One line of the protocol.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line<T> {
    Done(T),
    Failed { code: u8, message: String },
}

/// For the child: tells the parent something.
pub(super) fn tell<T: Serialize>(news: T) -> Result<(), Error> {
    write_line(&Line::Done(news))
}

/// For the child: ends the process; in case of an error the parent is told, who tells the user.
pub(super) fn finish(done: Result<(), Error>) -> ! {
    let Err(error) = done else { process::exit(0) };
    let code = error.exit_code();
    let _ = write_line(&Line::<()>::Failed { code, message: error.to_string() });
    process::exit(code.into())
}

/// For the child: ends the process as soon as the parent closes its standard input or dies.
pub(super) fn end_with_parent() -> Result<(), Error> {
    thread::Builder::new()
        .name("pulse-parent".into())
        .spawn(|| {
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            process::exit(0);
        })
        .map(drop)
        .map_err(Error::Generator)
}

fn write_line<T: Serialize>(line: &Line<T>) -> Result<(), Error> {
    let text = serde_json::to_string(line).map_err(|error| Error::Workload(error.to_string()))?;
    output::say(&text)
}

/// For the parent: a running child.
pub(super) struct Child {
    side: Side,
    process: process::Child,
    lines: mpsc::Receiver<String>,
    gone: Arc<AtomicBool>,
}

impl Child {
    /// Starts this program again, with these arguments.
    pub(super) fn start(side: Side, words: &[String]) -> Result<Self, Error> {
        let failed = |source| Error::Spawn { side, source };
        let mut process = Command::new(env::current_exe().map_err(failed)?)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (sender, lines) = mpsc::channel();
        let gone = Arc::new(AtomicBool::new(false));
        let output = process.stdout.take();
        let child = Self { side, process, lines, gone: Arc::clone(&gone) };
        thread::Builder::new()
            .name("pulse-child".into())
            .spawn(move || {
                for line in output.into_iter().flat_map(|it| BufReader::new(it).lines()) {
                    let Ok(line) = line else { break };
                    let _ = sender.send(line);
                }
                gone.store(true, Ordering::Relaxed);
            })
            .map_err(failed)?;
        Ok(child)
    }

    /// Waits for the child's next line.
    pub(super) fn line<T: DeserializeOwned>(&mut self, timeout: Duration) -> Result<T, Error> {
        let side = self.side;
        let text = match self.lines.recv_timeout(timeout) {
            Ok(text) => text,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                return Err(Error::ChildSilent { side, waited: timeout });
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(self.died()),
        };
        match serde_json::from_str(&text) {
            Ok(Line::Done(news)) => Ok(news),
            Ok(Line::Failed { code, message }) => Err(Error::Reported { message, code }),
            Err(error) => Err(Error::ChildNonsense { side, detail: error.to_string() }),
        }
    }

    /// Becomes true when the child ends.
    pub(super) fn gone(&self) -> &AtomicBool {
        &self.gone
    }

    /// An error if the child ended by itself.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        if self.gone.load(Ordering::Relaxed) { Err(self.died()) } else { Ok(()) }
    }

    /// Tells the child to end and waits for it.
    pub(super) fn stop(mut self) -> Result<(), Error> {
        self.check()?;
        drop(self.process.stdin.take());
        match self.wait(FAREWELL) {
            Some(_) => Ok(()),
            None => Err(Error::ChildSilent { side: self.side, waited: FAREWELL }),
        }
    }

    fn died(&mut self) -> Error {
        match self.wait(FAREWELL) {
            Some(status) => Error::ChildDied { side: self.side, status },
            // Its output is closed and it lives: as good as silent.
            None => Error::ChildSilent { side: self.side, waited: FAREWELL },
        }
    }

    fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => return Some(status),
                _ if Instant::now() >= until => return None,
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Does nothing to a child that has ended and was waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
