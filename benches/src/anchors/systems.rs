//! Which programs there are.

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::Error;

/// In the folder of the programs.
const LIST: &str = "systems";

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct System {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    /// Before those of the workload.
    pub(crate) arguments: Vec<String>,
}

impl System {
    pub(crate) fn is_present(&self) -> bool {
        self.program.is_file()
    }
}

/// Those that are listed, then Pulse.
pub(crate) fn list(folder: &Path, control: bool) -> Result<Vec<System>, Error> {
    let path = folder.join(LIST);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(Error::List { path, source }),
    };
    let mut systems = parse(&text, folder).map_err(|line| Error::Entry { path, line })?;
    if control {
        systems.push(own("Tokio, in this program", "tokio")?);
    }
    systems.push(own("Pulse", "pulse")?);
    Ok(systems)
}

fn own(name: &str, system: &str) -> Result<System, Error> {
    Ok(System {
        name: name.into(),
        program: env::current_exe().map_err(Error::OwnProgram)?,
        arguments: ["anchor", "--system", system].map(String::from).into(),
    })
}

/// `NAME = PROGRAM ARGUMENT ..` on each line, without quotes; or the number of a line that is not.
fn parse(text: &str, folder: &Path) -> Result<Vec<System>, usize> {
    let lines = text.lines().map(str::trim).zip(1..);
    let entries = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    entries.map(|(line, number)| entry(line, folder).ok_or(number)).collect()
}

/// A program is in the folder, unless its path is absolute.
fn entry(line: &str, folder: &Path) -> Option<System> {
    let (name, command) = line.split_once('=')?;
    let name = name.trim();
    let mut words = command.split_whitespace();
    let program = folder.join(words.next()?);
    let arguments = words.map(String::from).collect();
    (!name.is_empty()).then(|| System { name: name.into(), program, arguments })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_in_the_folder() {
        let text = "# what there is\n\nTwo of them = tokio-anchor --system tokio-2rt\nGo = /go\n";
        let systems = parse(text, Path::new("/programs")).unwrap();
        let expected = [
            System {
                name: "Two of them".into(),
                program: "/programs/tokio-anchor".into(),
                arguments: vec!["--system".into(), "tokio-2rt".into()],
            },
            System { name: "Go".into(), program: "/go".into(), arguments: Vec::new() },
        ];
        assert_eq!(systems, expected);
    }

    #[test]
    fn a_bad_line_is_named() {
        for text in ["Go = go\nGo", "\nGo =", "\n= go", "# a\n = "] {
            assert_eq!(parse(text, Path::new(".")), Err(2), "{text:?}");
        }
    }

    #[test]
    fn a_folder_without_a_list_is_an_error() {
        let error = list(Path::new("/nowhere/at/all"), false).unwrap_err();
        assert!(matches!(&error, Error::List { .. }), "{error}");
    }
}
