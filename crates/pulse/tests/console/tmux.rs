//! A real terminal: a session of tmux on a server of its own.

#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A slow machine draws, too.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Tmux {
    server: String,
    folder: tempfile::TempDir,
}

impl Tmux {
    /// Whether it is installed; says so where a test's output is not swallowed.
    pub(crate) fn is_there() -> bool {
        let there = Command::new("tmux").arg("-V").output().is_ok_and(|it| it.status.success());
        if !there {
            let _ = writeln!(io::stderr(), "SKIPPED: there is no tmux");
        }
        there
    }

    /// Runs a command of the shell in a terminal of 80 x 24; then tells its exit code, and whether the
    /// terminal has the modes that it had.
    pub(crate) fn run(command: &str, variables: &[(&str, &str)]) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let server = format!("pulse-test-{}-{number}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        let inner = folder.path().join("inner");
        let pid = folder.path().join("pid");
        std::fs::write(&inner, format!("echo $$ > {}\nexec {command}\n", pid.display())).unwrap();
        let text = format!(
            "before=$(stty -g)\nsh {}\ncode=$?\n\
             if [ \"$before\" = \"$(stty -g)\" ]; then modes=kept; else modes=changed; fi\n\
             echo \"exit $code, modes $modes\"\nread wait\n",
            inner.display()
        );
        std::fs::write(&script, text).unwrap();
        let tmux = Self { server, folder };
        let mut start = tmux.tmux();
        start.args(["-u", "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24"]);
        for (name, value) in variables {
            start.args(["-e", &format!("{name}={value}")]);
        }
        let started = start.arg("sh").arg(&script).output().unwrap();
        assert!(started.status.success(), "{started:?}");
        tmux
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.server]).env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        command
    }

    fn ask(&self, words: &[&str]) -> String {
        let output: Output = self.tmux().args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Types text.
    pub(crate) fn text(&self, text: &str) {
        self.ask(&["send-keys", "-l", text]);
    }

    /// Presses a key by the name that tmux has for it.
    pub(crate) fn key(&self, key: &str) {
        self.ask(&["send-keys", key]);
    }

    pub(crate) fn resize(&self, width: u16, height: u16) {
        let (width, height) = (width.to_string(), height.to_string());
        self.ask(&["resize-window", "-x", &width, "-y", &height]);
    }

    pub(crate) fn screen(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    /// Waits until the screen is as it should be.
    pub(crate) fn wait(&self, what: &str, until: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if until(&screen) {
                return screen;
            }
            assert!(Instant::now() < end, "no {what} on\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    /// The program has ended with this code, and has given the terminal back as it was.
    pub(crate) fn wait_for_the_end(&self, code: i32) -> String {
        let screen = self.wait_for(&format!("exit {code}, modes kept"));
        let flags = self.ask(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]);
        assert_eq!(flags.trim(), "0 1", "the alternate screen, the cursor");
        screen
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).unwrap();
        let sent = Command::new("kill").args(["-s", name, pid.trim()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
    }
}

/// A screen without what changes: figures with their units, and sparklines.
pub(crate) fn masked(screen: &str) -> String {
    const UNITS: [&str; 7] = ["ns", "us", "ms", "s", "min", "h", "d"];
    let mut text = String::new();
    for line in screen.lines() {
        let line = line.replace(|c| ('\u{2581}'..='\u{2588}').contains(&c), "");
        let mut words: Vec<String> = Vec::new();
        for word in line.split_whitespace() {
            let figure = word.trim_end_matches([',', '.']);
            let short = figure.trim_end_matches(['k', 'M', 'G']);
            let is_figure = figure.parse::<f64>().is_ok() || short.parse::<u64>().is_ok();
            let after_figure = words.last().is_some_and(|last| last == "#");
            let belongs_to_it = after_figure && (is_figure || UNITS.contains(&figure));
            if !belongs_to_it {
                words.push(if is_figure { "#" } else { word }.to_owned());
            }
        }
        text += &words.join(" ");
        text.push('\n');
    }
    text
}

/// Waits until the masked screen is the stored one. With `UPDATE_SCREENS=1` it is stored once `marker` is
/// on it.
pub(crate) fn compare(tmux: &Tmux, name: &str, marker: &str) {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/console/screens"));
    let path = folder.join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        tmux.wait_for(marker);
        std::thread::sleep(Duration::from_secs(2));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, masked(&tmux.screen())).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    let what = format!("screen {name}, which is\n{stored}\nbut another");
    tmux.wait(&what, |screen| screen.contains(marker) && masked(screen) == stored);
}
