//! The examples that run to their end: what they print is what they are there to show.

use std::process::Command;

/// Runs the example, and returns what it has printed.
#[track_caller]
fn run(example: &str) -> String {
    // Built already if all tests are.
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "pulse-examples", "--example", example])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The first number after those words.
#[track_caller]
fn number_after(words: &str, printed: &str) -> u64 {
    let (_, rest) = printed.split_once(words).unwrap_or_else(|| panic!("no {words:?}: {printed}"));
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number after {words:?}: {printed}"))
}

#[test]
fn one_line_is_rescued() {
    let printed = run("one_line");
    assert_eq!(printed.matches("a sleep of 20 ms took").count(), 5, "{printed}");
    assert!(number_after("rescued:", &printed) >= 1, "{printed}");
}

#[test]
fn attached_to_the_builder_of_somebody_else_it_sees_stalls() {
    let printed = run("attach");
    assert!(printed.contains(" stalls in "), "{printed}");
}

#[test]
fn the_manager_lets_a_hog_rise() {
    let printed = run("tiers");
    assert!(number_after("violations:", &printed) >= 1, "{printed}");
    let rises = (1..=3).any(|tier| printed.contains(&format!("the hog is at tier {tier}")));
    assert!(rises, "{printed}");
}

#[test]
fn loops_with_yield_points_leave_turns_to_others() {
    let printed = run("yield_points");
    let impolite = number_after("beside a loop of 1s:", &printed);
    for polite in ["with checkpoints:", "with yield points:"] {
        assert!(number_after(polite, &printed) > impolite + 20, "{printed}");
    }
}

#[test]
fn isolation_holds_or_says_why_not() {
    let printed = run("isolation");
    let isolated = printed.contains("work done inside:");
    assert!(isolated || printed.contains("not isolated:"), "{printed}");
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn polls_that_never_end_are_preempted() {
    assert!(number_after("preempted", &run("preemptible")) >= 1);
    let printed = run("fair_loops");
    assert_eq!(printed.matches(" had ").count(), 4, "{printed}");
}
