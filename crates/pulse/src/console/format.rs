//! How figures and names are written, on the screen and in texts.

use tokio_pulse_proto::v1;

/// A time with three digits: "1.20 ms".
pub(crate) fn time(ns: u64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e9, "s"), (1e6, "ms"), (1e3, "us")];
    if ns >= 60_000_000_000 {
        return long_time(ns);
    }
    let value = ns as f64;
    for (size, unit) in UNITS {
        if value >= size {
            let shown = value / size;
            return match shown {
                _ if shown >= 99.95 => format!("{shown:.0} {unit}"),
                _ if shown >= 9.995 => format!("{shown:.1} {unit}"),
                _ => format!("{shown:.2} {unit}"),
            };
        }
    }
    format!("{ns} ns")
}

/// A time in the two largest of its units: "2 h 5 min".
pub(crate) fn long_time(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if days > 0 {
        format!("{days} d {} h", hours % 24)
    } else if hours > 0 {
        format!("{hours} h {} min", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes} min {} s", seconds % 60)
    } else {
        format!("{seconds} s")
    }
}

/// A time that may not be known.
pub(crate) fn maybe_time(ns: Option<u64>) -> String {
    ns.map_or_else(|| "-".to_owned(), time)
}

/// A count, short enough for a column.
pub(crate) fn count(number: u64) -> String {
    match number {
        0..100_000 => number.to_string(),
        100_000..10_000_000 => format!("{}k", number / 1_000),
        10_000_000..10_000_000_000 => format!("{}M", number / 1_000_000),
        _ => format!("{}G", number / 1_000_000_000),
    }
}

/// "src/report.rs:10:5".
pub(crate) fn site(site: &v1::Site) -> String {
    format!("{}:{}:{}", printable(&site.file), site.line, site.column)
}

/// Its end, if there is not enough room: that tells more.
pub(crate) fn tail(text: &str, room: usize) -> String {
    let length = text.chars().count();
    if length <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().skip(length - room.saturating_sub(2)).collect();
    format!("..{kept}")
}

/// Without characters that would do something in a terminal: names come from a program that may be
/// told them by others.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A name, or what stands for one.
pub(crate) fn task(id: Option<u64>, name: &str) -> String {
    match (id, name) {
        (Some(id), "") => format!("task {id}"),
        (None, "") => "?".to_owned(),
        (_, name) => printable(name),
    }
}

pub(crate) fn action(action: v1::Action) -> &'static str {
    match action {
        v1::Action::Unspecified => "?",
        v1::Action::Monitor => "monitor",
        v1::Action::Warn => "warn",
        v1::Action::Yield => "yield",
        v1::Action::SlowQueue => "slow-queue",
        v1::Action::Isolate => "isolate",
    }
}

pub(crate) fn priority(priority: v1::Priority) -> &'static str {
    match priority {
        v1::Priority::Unspecified => "?",
        v1::Priority::Critical => "critical",
        v1::Priority::High => "high",
        v1::Priority::Normal => "normal",
        v1::Priority::Low => "low",
    }
}

pub(crate) fn worker_state(state: v1::WorkerState) -> &'static str {
    match state {
        v1::WorkerState::Unspecified => "?",
        v1::WorkerState::Running => "running",
        v1::WorkerState::Idle => "idle",
        v1::WorkerState::Reserve => "reserve",
        v1::WorkerState::Stalled => "STALLED",
        v1::WorkerState::HandedOff => "handed-off",
    }
}

/// "it computes", or the system call by name.
pub(crate) fn verdict(verdict: Option<&v1::Verdict>) -> String {
    let Some(verdict) = verdict else { return "not known".to_owned() };
    if !verdict.text.is_empty() {
        return printable(&verdict.text);
    }
    match verdict.kind() {
        v1::VerdictKind::Unspecified => "not known",
        v1::VerdictKind::Computing => "it computes",
        v1::VerdictKind::SystemCall => "in a system call",
        v1::VerdictKind::Lock => "waits for a lock",
        v1::VerdictKind::Descheduled => "set aside by the kernel",
        v1::VerdictKind::PageFault => "waits for memory",
    }
    .to_owned()
}

/// One line for a frame: its function, and where it is.
pub(crate) fn frame(frame: &v1::Frame) -> String {
    let function = if frame.function.is_empty() {
        format!("{}+{:#x}", frame.module, frame.offset)
    } else {
        frame.function.clone()
    };
    let place = if frame.file.is_empty() {
        String::new()
    } else {
        format!("  {}:{}", frame.file, frame.line)
    };
    printable(&format!("{function}{place}"))
}

/// The end of a path: for a screen, where what comes before is the same in most lines.
pub(crate) fn short_path(path: &str) -> &str {
    let known = [("/registry/src/", 1), ("/rustc/", 1)];
    for (marker, skipped) in known {
        if let Some((_, rest)) = path.split_once(marker) {
            return rest.splitn(skipped + 1, '/').nth(skipped).unwrap_or(rest);
        }
    }
    if !path.starts_with('/') {
        return path;
    }
    let last = path.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
    &path[last..]
}

/// The function to look at.
pub(crate) fn culprit(stack: &v1::Stack) -> Option<&v1::Frame> {
    stack.frames.get(usize::try_from(stack.culprit?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_200_000, "1.20 ms"),
            (12_345_678, "12.3 ms"),
            (123_456_789, "123 ms"),
            (99_960_000, "100 ms"),
            (59_900_000_000, "59.9 s"),
            (61_000_000_000, "1 min 1 s"),
            (7_500_000_000_000, "2 h 5 min"),
            (90_000_000_000_000, "1 d 1 h"),
        ] {
            assert_eq!(time(ns), text);
        }
        assert_eq!(count(99_999), "99999");
        assert_eq!(count(u64::MAX), "18446744073G");
    }

    #[test]
    fn paths_are_told_by_their_end() {
        for (path, short) in [
            ("/rustc/59807616/library/std/src/time.rs", "library/std/src/time.rs"),
            ("/x/registry/src/index-19/tokio-1.54.1/src/a.rs", "tokio-1.54.1/src/a.rs"),
            ("/home/me/service/src/report.rs", "src/report.rs"),
            ("src/deep/er/report.rs", "src/deep/er/report.rs"),
            ("/report.rs", "/report.rs"),
            ("", ""),
        ] {
            assert_eq!(short_path(path), short);
        }
    }

    #[test]
    fn names_cannot_reach_the_terminal() {
        assert!(!printable("a\u{1b}[2Jb\r\n").contains(char::is_control));
        assert_eq!(tail("crates/service/src/report.rs:10:5", 16), "..report.rs:10:5");
        assert_eq!(tail("short", 16), "short");
        assert_eq!(tail("abc", 0), "..");
    }
}
