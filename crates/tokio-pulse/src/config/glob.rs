//! Patterns with `*` for any run of characters, and their form for spawn sites.

use std::fmt;

/// Nothing that a program is made of has a longer name.
pub(super) const MAX_PATTERN: usize = 512;

/// Matches a text as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(String);

impl Pattern {
    /// `None` when it is empty, too long, or has control characters.
    pub(super) fn new(text: &str) -> Option<Self> {
        is_printable(text).then(|| Self(text.to_owned()))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        matches(self.0.as_bytes(), text.as_bytes())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_PATTERN && !text.chars().any(char::is_control)
}

/// Matches spawn sites, `file:line:column`.
///
/// What a compiler calls a file depends on where it was started, so that a pattern may begin at any
/// folder of the path: `heavy.rs` matches `src/heavy.rs` and not `very_heavy.rs`. It may end behind
/// the file, the line or the column. `\` and `/` are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SitePattern {
    written: Pattern,
    slashed: String,
}

impl SitePattern {
    pub(super) fn new(text: &str) -> Option<Self> {
        Some(Self { written: Pattern::new(text)?, slashed: text.replace('\\', "/") })
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        self.written.as_str()
    }

    /// Not for a site that is unknown, whose file is empty.
    pub(super) fn matches(&self, file: &str, line: u32, column: u32) -> bool {
        if file.is_empty() {
            return false;
        }
        let file = file.replace('\\', "/");
        let with_line = format!("{file}:{line}");
        let with_column = format!("{with_line}:{column}");
        [file, with_line, with_column].iter().any(|site| self.matches_from_a_folder(site))
    }

    fn matches_from_a_folder(&self, site: &str) -> bool {
        let folders = site.match_indices('/').map(|(at, _)| at + 1);
        std::iter::once(0)
            .chain(folders)
            .any(|start| matches(self.slashed.as_bytes(), &site.as_bytes()[start..]))
    }
}

impl fmt::Display for SitePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

/// Lets the last `*` swallow one byte more whenever the rest does not fit. Earlier ones need not be
/// tried again: what they could swallow, the last one can as well. So no pattern takes longer than
/// its length times that of the text.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(byte) if *byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((star_at, swallowed)) => {
                    star = Some((star_at, swallowed + 1));
                    at = star_at + 1;
                    read = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(text)
    }

    fn site(pattern: &str, file: &str) -> bool {
        SitePattern::new(pattern).unwrap().matches(file, 10, 5)
    }

    #[test]
    fn a_star_is_any_run_and_the_rest_is_itself() {
        assert!(name("batch-*", "batch-") && name("batch-*", "batch-7"));
        assert!(name("*", "") && name("**", "x") && name("a*b*c", "a-b-b-c"));
        assert!(!name("batch", "batch-7") && !name("batch-*", "my-batch-7"));
        assert!(!name("a*b", "a-b-c") && !name("a?b", "axb") && !name("A", "a"));
        assert!(name("ä*ü", "äöü"));
    }

    #[test]
    fn a_site_pattern_begins_at_a_folder() {
        for pattern in ["src/heavy.rs:*", "heavy.rs:*", "/app/src/heavy.rs:*", "*/src/*"] {
            assert!(site(pattern, "/app/src/heavy.rs"), "{pattern}");
        }
        assert!(!site("heavy.rs:*", "/app/src/very_heavy.rs"));
        assert!(!site("src", "/app/src/heavy.rs"));
        assert!(site("*heavy.rs", "/app/src/very_heavy.rs"));
    }

    #[test]
    fn it_may_end_behind_file_line_or_column() {
        for pattern in ["heavy.rs", "heavy.rs:10", "heavy.rs:10:5", "heavy.rs:1*", "heavy.rs:*:5"] {
            assert!(site(pattern, "src/heavy.rs"), "{pattern}");
        }
        for pattern in ["heavy.rs:1", "heavy.rs:10:6", "heavy", "heavy.rs:10:5:1"] {
            assert!(!site(pattern, "src/heavy.rs"), "{pattern}");
        }
    }

    #[test]
    fn backslashes_are_slashes() {
        let windows = r"C:\app\src\heavy.rs";
        for pattern in [r"src\heavy.rs:*", "src/heavy.rs:*", r"C:\app\*", "C:/app/src/heavy.rs:10"]
        {
            assert!(site(pattern, windows), "{pattern}");
        }
        assert!(site(r"src\heavy.rs", "/app/src/heavy.rs"));
    }

    #[test]
    fn an_unknown_site_matches_nothing() {
        assert!(!site("*", ""));
    }

    #[test]
    fn what_cannot_be_a_name_is_no_pattern() {
        let long = "x".repeat(MAX_PATTERN + 1);
        for text in ["", "a\nb", &long] {
            assert!(Pattern::new(text).is_none() && SitePattern::new(text).is_none());
        }
    }

    /// The definition, exponential and plain.
    fn by_definition(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|at| by_definition(rest, &text[at..])),
            Some((byte, rest)) => text.first() == Some(byte) && by_definition(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definition(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(pattern, text), by_definition(pattern, text));
        }

        #[test]
        fn no_text_makes_it_panic(pattern in ".{1,30}", file in ".{0,30}", line: u32) {
            if let Some(pattern) = SitePattern::new(&pattern) {
                let _ = pattern.matches(&file, line, line);
            }
        }
    }
}
