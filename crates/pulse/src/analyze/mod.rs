//! `pulse analyze`: what reports of stalls come to, file by file and all together.

mod advice;
mod flame;
mod groups;
mod input;
mod line;
mod text;
mod tree;

use std::fs;

pub use line::{LineError, Malformed};

use crate::{Error, cli::AnalyzeOptions, output};

/// Reads the files, and prints the groups that cost most; draws the flame graph if it is asked for.
pub(crate) fn run(options: &AnalyzeOptions) -> Result<(), Error> {
    let input = input::read(&options.files, options.strict)?;
    for error in input.malformed.iter().take(input::SHOWN) {
        output::warn(&format!("{error}; left out"));
    }
    let groups = groups::of(&input.stalls);
    if let Some(path) = &options.svg {
        let chart = flame::draw(&tree::of_all_frames(&input.stalls));
        fs::write(path, chart)
            .map_err(|source| Error::FlameGraph { path: path.clone(), source })?;
    }
    let shown = &groups[..groups.len().min(options.top)];
    if options.json {
        return output::say(&text::json(&input, &groups, shown).to_string());
    }
    output::say(text::render(&input, &groups, shown).trim_end())
}
