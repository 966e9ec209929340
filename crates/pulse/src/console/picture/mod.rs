//! A picture of a session: what `tmux capture-pane -e` has kept of a terminal, as a drawing that shows one
//! screen after the other. `scripts/record-console` makes the one of the README with it.

mod ansi;
mod draw;

use std::fs;

use super::{ConsoleError, options::PictureOptions};
use crate::{Error, output};

/// The same captures make the same picture.
pub(super) fn run(options: &PictureOptions) -> Result<(), Error> {
    let mut screens = Vec::new();
    for path in &options.screens {
        let text = fs::read_to_string(path).map_err(|source| ConsoleError::File {
            path: path.clone(),
            option: "SCREENS",
            source,
        })?;
        screens.push(ansi::parse(&text));
    }
    output::say(draw::draw(&screens, &options.title).trim_end())
}
