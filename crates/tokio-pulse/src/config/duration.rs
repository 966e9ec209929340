//! Durations as text: `10ms`, `1.5s`. Exact both ways, so no floating point.

use std::time::Duration;

/// Each unit in nanoseconds. Without `m`, which would be a minute to some and a typo of `ms` to
/// the others.
const UNITS: [(&str, u128); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// More digits than this behind the point would be finer than a nanosecond in any unit.
const MAX_FRACTION: usize = 18;

/// Reads a number with its unit; `None` for anything else, a bare number included.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let number_ends = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(number_ends);
    let (_, scale) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > MAX_FRACTION {
        return None;
    }
    let whole = whole.parse::<u128>().ok()?.checked_mul(scale)?;
    let fraction_scaled = u128::from(fraction.parse::<u64>().ok()?) * scale;
    let ten_to_the = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    if fraction_scaled % ten_to_the != 0 {
        return None;
    }
    let nanos = whole.checked_add(fraction_scaled / ten_to_the)?;
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    let rest = u32::try_from(nanos % 1_000_000_000).ok()?;
    Some(Duration::new(seconds, rest))
}

/// Writes it in the largest unit, up to seconds, in which it is a whole number.
pub(super) fn text(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (name, scale) = UNITS[..4]
        .iter()
        .rev()
        .find(|(_, scale)| nanos % scale == 0 && nanos >= *scale)
        .unwrap_or(&UNITS[2]);
    format!("{}{name}", nanos / scale)
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_with_its_unit_is_read_exactly() {
        for (text, nanos) in [
            ("10ms", 10_000_000),
            ("1.5s", 1_500_000_000),
            ("100us", 100_000),
            ("0.1ms", 100_000),
            ("7ns", 7),
            ("2min", 120_000_000_000),
            ("1h", 3_600_000_000_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "10",
            "ms",
            "10 ms",
            "-1s",
            "+1s",
            "1e3s",
            ".5s",
            "5.s",
            "1.2.3s",
            "1m",
            "10MS",
            "0.5ns",
            "99999999999999999999s",
            "18446744073709551615h",
            "1.0000000000000000000s",
            "١s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(seconds: u64, nanos in 0u32..1_000_000_000) {
            let duration = Duration::new(seconds, nanos);
            prop_assert_eq!(parse(&text(duration)), Some(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}|[0-9.]{0,40}(ns|us|ms|s|min|h)") {
            let _ = parse(&text);
        }
    }
}
