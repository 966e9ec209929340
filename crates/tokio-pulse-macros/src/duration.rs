//! Durations as arguments write them: `"10ms"`.

use std::time::Duration;

pub(crate) const MIN_SLICE: Duration = Duration::from_millis(1);
pub(crate) const MAX_SLICE: Duration = Duration::from_secs(60);

const NANOS_PER_MICRO: u64 = 1_000;
const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Reads the value of `slice`; the error is the message for the user.
pub(crate) fn parse_slice(text: &str) -> Result<Duration, String> {
    let slice = parse(text)?;
    if slice < MIN_SLICE {
        return Err(format!("`{text}` is too short for a slice: the shortest is `1ms`"));
    }
    if slice > MAX_SLICE {
        return Err(format!("`{text}` is too long for a slice: the longest is `60s`"));
    }
    Ok(slice)
}

/// A whole number directly followed by its unit. A number too large to be represented gives the longest duration there
/// is, for the caller's range to refuse.
fn parse(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    if number.is_empty() {
        return Err(format!(
            "`{text}` is not a duration: write a whole number and a unit, such as `10ms`"
        ));
    }
    let nanos_per_unit = match unit {
        "us" => NANOS_PER_MICRO,
        "ms" => NANOS_PER_MILLI,
        "s" => NANOS_PER_SEC,
        "" => {
            return Err(format!("`{text}` has no unit: write `{text}us`, `{text}ms` or `{text}s`"));
        }
        _ if unit.starts_with('.') => {
            return Err(format!(
                "`{text}` is not a whole number of its unit: use a smaller one, such as `1500us` for 1.5 ms"
            ));
        }
        _ => {
            return Err(format!(
                "`{unit}` is not a unit of time: the units are `us`, `ms` and `s`"
            ));
        }
    };
    // All digits: the only way to fail is to be too large.
    let number = number.parse().unwrap_or(u64::MAX);
    Ok(Duration::from_nanos(number.saturating_mul(nanos_per_unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_unit() {
        assert_eq!(parse_slice("1500us"), Ok(Duration::from_micros(1500)));
        assert_eq!(parse_slice("10ms"), Ok(Duration::from_millis(10)));
        assert_eq!(parse_slice("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_slice("0010ms"), Ok(Duration::from_millis(10)));
    }

    #[test]
    fn range_is_inclusive() {
        assert_eq!(parse_slice("1ms"), Ok(MIN_SLICE));
        assert_eq!(parse_slice("1000us"), Ok(MIN_SLICE));
        assert_eq!(parse_slice("60s"), Ok(MAX_SLICE));
        assert_eq!(parse_slice("60000ms"), Ok(MAX_SLICE));
        for short in ["0ms", "0s", "1us", "999us"] {
            assert!(parse_slice(short).unwrap_err().contains("too short"), "{short}");
        }
        for long in ["61s", "60001ms", "60000001us"] {
            assert!(parse_slice(long).unwrap_err().contains("too long"), "{long}");
        }
    }

    #[test]
    fn numbers_beyond_u64_are_too_long() {
        for long in ["18446744073709551615s", "99999999999999999999999ms"] {
            assert!(parse_slice(long).unwrap_err().contains("too long"), "{long}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("", "is not a duration"),
            ("ms", "is not a duration"),
            ("-1ms", "is not a duration"),
            (" 10ms", "is not a duration"),
            ("10", "has no unit: write `10us`, `10ms` or `10s`"),
            ("1.5ms", "whole number of its unit"),
            ("10 ms", "` ms` is not a unit"),
            ("10MS", "`MS` is not a unit"),
            ("1m", "`m` is not a unit"),
            ("10µs", "`µs` is not a unit"),
        ] {
            let message = parse_slice(text).unwrap_err();
            assert!(message.contains(part), "{text:?}: {message}");
        }
    }
}
