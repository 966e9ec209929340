//! Text with the sequences that a terminal takes for colours.

/// How a character looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Of the sixteen; `None` is what the terminal has.
    pub(super) colour: Option<u8>,
    pub(super) bold: bool,
    pub(super) reversed: bool,
}

/// Characters that stand together and look the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) column: usize,
    pub(super) text: String,
    pub(super) look: Look,
}

/// The runs of each line. Sequences for anything but colours are left out.
pub(super) fn parse(text: &str) -> Vec<Vec<Run>> {
    let mut look = Look::default();
    text.lines().map(|line| runs(line, &mut look)).collect()
}

fn runs(line: &str, look: &mut Look) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            if chars.next_if_eq(&'[').is_some() {
                let mut codes = String::new();
                while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || *c == ';') {
                    codes.push(c);
                }
                if chars.next() == Some('m') {
                    change(look, &codes);
                }
            } else if chars.next_if(|c| ('\u{20}'..='\u{2f}').contains(c)).is_some() {
                // A set of characters: the one that it is.
                chars.next();
            }
            continue;
        }
        if c.is_control() {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.look == *look => run.text.push(c),
            _ => runs.push(Run { column, text: c.to_string(), look: *look }),
        }
        column += 1;
    }
    runs
}

fn change(look: &mut Look, codes: &str) {
    let mut codes = codes.split(';').map(|code| code.parse::<u8>().unwrap_or(0));
    while let Some(code) = codes.next() {
        match code {
            0 => *look = Look::default(),
            1 => look.bold = true,
            7 => look.reversed = true,
            22 => look.bold = false,
            27 => look.reversed = false,
            30..=37 => look.colour = Some(code - 30),
            38 => {
                // Of 256 the first are the sixteen.
                let number = (codes.next() == Some(5)).then(|| codes.next()).flatten();
                look.colour = number.filter(|number| *number < 16);
            }
            39 => look.colour = None,
            90..=97 => look.colour = Some(code - 90 + 8),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_on_until_they_are_changed() {
        let lines =
            parse("a\u{1b}[1;31mbc\n d\u{1b}[0m\u{1b}(B e\u{1b}[7m\u{1b}[38;5;12mf\u{1b}[2K");
        let red = Look { colour: Some(1), bold: true, reversed: false };
        let last = Look { colour: Some(12), bold: false, reversed: true };
        let run = |column, text: &str, look| Run { column, text: text.to_owned(), look };
        assert_eq!(lines[0], [run(0, "a", Look::default()), run(1, "bc", red)]);
        assert_eq!(lines[1], [run(0, " d", red), run(2, " e", Look::default()), run(4, "f", last)]);
        for cut in ["\u{1b}", "\u{1b}["] {
            assert_eq!(parse(cut), [[]]);
        }
    }
}
