//! The command against a real service: with hogs, and with every worker stuck.
#![cfg(unix)]

#[path = "console/tmux.rs"]
mod tmux;
#[path = "../../tokio-pulse-console/tests/common/wedge.rs"]
mod wedge;

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::Value;
use tmux::Tmux;
use tokio_pulse::stall_report::ReportLimits;
use tokio_pulse_console::ConsoleServer;
use wedge::Wedge;

const TOKEN: &str = "correct-horse-battery-staple";
const PATIENCE: Duration = Duration::from_secs(60);

fn watched() -> tokio_pulse::Runtime {
    tokio_pulse::Builder::new_multi_thread()
        .worker_threads(2)
        .reserve_workers(1)
        .stall_reports(ReportLimits::new().per_minute(1000))
        .enable_all()
        .build()
        .unwrap()
}

fn command(connect: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulse"));
    command.args(words).args(["--connect", connect]);
    command.env_remove("PULSE_TOKEN").env_remove("PULSE_CONNECT");
    command
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(connect: &str, words: &[&str]) -> Value {
    serde_json::from_str(&stdout(&command(connect, words).output().unwrap())).unwrap()
}

/// Where stacks have names.
fn has_names() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

#[test]
fn a_service_with_every_worker_stuck_is_seen_and_steered() {
    let runtime = watched();
    let server = ConsoleServer::bind("127.0.0.1:0", runtime.handle()).unwrap();
    let connect = server.local_addr().unwrap().to_string();
    let wedge = Wedge::drive(&runtime);

    let found = json(&connect, &["top", "--once", "--json"]);
    assert_eq!(found["overview"]["stalls_in_progress"], 3, "{found}");
    assert_eq!(found["program"]["process_id"], std::process::id());
    assert_eq!(found["stuck"].as_array().unwrap().len(), 3, "{found}");
    let began = Instant::now();
    loop {
        let stacks = stdout(&command(&connect, &["stacks", "--stalled"]).output().unwrap());
        assert!(stacks.contains("STUCK"), "{stacks}");
        if stacks.contains("stuck_for_ever") || !has_names() {
            break;
        }
        // A thread that the kernel does not run does not answer in time.
        assert!(began.elapsed() < PATIENCE, "{stacks}");
    }

    let set = command(&connect, &["config", "set", "slice=25ms"]).output().unwrap();
    assert_eq!(stdout(&set), "slice = 25ms is in force\n");
    assert_eq!(runtime.handle().tiers().config().slice(), Duration::from_millis(25));
    let refused = command(&connect, &["config", "set", "slice=soon"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    drop(wedge);
    let text = stdout(&command(&connect, &["top", "--once"]).output().unwrap());
    assert!(text.contains("workers 2, in reserve 1"), "{text}");
}

#[test]
fn tls_and_a_token_lead_in_and_nothing_else_does() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let runtime = watched();
    let server = ConsoleServer::builder()
        .tls(own.cert.pem(), own.signing_key.serialize_pem())
        .token(TOKEN)
        .bind("127.0.0.1:0", runtime.handle())
        .unwrap();
    let connect = format!("https://{}", server.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (folder.path().join("right.pem"), folder.path().join("wrong.pem"));
    std::fs::write(&right, own.cert.pem()).unwrap();
    std::fs::write(&wrong, other.cert.pem()).unwrap();
    let get = |ca: &std::path::Path, token: &str| {
        let words = ["config", "get", "slice", "--tls-name", "localhost"];
        let mut command = command(&connect, &words);
        command.arg("--ca").arg(ca).env("PULSE_TOKEN", token).output().unwrap()
    };
    assert_eq!(stdout(&get(&right, TOKEN)), "10ms\n");
    for refused in [get(&wrong, TOKEN), get(&right, "another-token-altogether")] {
        assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    }
}

#[test]
fn the_terminal_shows_what_is_stuck_and_changes_a_task() {
    if !Tmux::is_there() {
        return;
    }
    let runtime = watched();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pulse.sock");
    let _server = ConsoleServer::bind_unix(&path, runtime.handle()).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let hog = over.clone();
    tokio_pulse::task::Builder::new().name("hog").spawn_on(
        async move {
            while !hog.load(Relaxed) {
                // In a block: it is of one thread, and the task may go to another.
                {
                    let timer = tokio_pulse::CpuTimer::start();
                    while timer.elapsed() < Duration::from_millis(30) {
                        std::hint::spin_loop();
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        },
        runtime.handle(),
    );
    let pulse = env!("CARGO_BIN_EXE_pulse");
    let tmux = Tmux::run(&format!("{pulse} top unix:{}", path.display()), &[]);
    tmux.wait_for(" connected");
    tmux.text("3");
    tmux.wait_for("hog");
    tmux.text("t3");
    tmux.key("Enter");
    tmux.wait("tier set by hand", |screen| screen.contains("set by hand"));
    over.store(true, Relaxed);

    let wedge = Wedge::drive(&runtime);
    tmux.text("4");
    tmux.wait("stall in progress", |screen| screen.contains("NOW"));
    tmux.text("2");
    let began = Instant::now();
    // Of each thread in turn, until one that is stuck has answered.
    for turn in 1.. {
        tmux.key("Enter");
        std::thread::sleep(Duration::from_millis(500));
        let screen = tmux.wait("answer", |screen| !screen.contains("Asking for the stack"));
        if screen.contains("stuck_for_ever") || !has_names() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{screen}");
        tmux.key("Escape");
        std::thread::sleep(Duration::from_millis(100));
        tmux.key(if turn % 8 == 0 { "Home" } else { "Down" });
    }
    drop(wedge);
    tmux.text("q");
    tmux.wait_for_the_end(0);
}
