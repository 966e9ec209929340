//! Which files the process runs code of, from `/proc/self/maps`.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use crate::{MappedCode, Unavailable};

const CAPABILITY: &str = "list of loaded code";

/// The program, its libraries, and the kernel's own page of code, by address.
///
/// # Errors
///
/// When `/proc` is not mounted or hides this process.
pub fn mapped_code() -> Result<Vec<MappedCode>, Unavailable> {
    let maps = fs::read("/proc/self/maps")
        .map_err(|error| Unavailable::refused(CAPABILITY, error.raw_os_error().unwrap_or(0)))?;
    // As in the maps: with " (deleted)" when it is.
    let program = fs::read_link("/proc/self/exe").ok();
    let maps = String::from_utf8_lossy(&maps);
    let code = maps.lines().filter_map(parse).map(|mut code| {
        if code.name == "[vdso]" {
            code.image = read_memory(&code);
        } else if program.as_deref().is_some_and(|program| program.as_os_str() == &*code.name) {
            code.path = Some(PathBuf::from("/proc/self/exe"));
        } else if code.name.starts_with('/') && !code.name.ends_with(" (deleted)") {
            code.path = Some(PathBuf::from(&code.name));
        }
        code
    });
    Ok(code.collect())
}

/// The kernel's page is never unmapped; the file ends early instead of faulting if it were.
fn read_memory(code: &MappedCode) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(code.end - code.start).ok()?];
    File::open("/proc/self/mem").ok()?.read_exact_at(&mut bytes, code.start).ok()?;
    Some(bytes)
}

/// `start-end rights offset device inode   name`, of code that has a name.
fn parse(line: &str) -> Option<MappedCode> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let rights = fields.next()?;
    let offset = fields.next()?;
    let name = fields.nth(2)?.trim_start();
    let number = |text| u64::from_str_radix(text, 16).ok();
    let code = MappedCode {
        start: number(start)?,
        end: number(end)?,
        offset: number(offset)?,
        name: name.to_owned(),
        path: None,
        image: None,
    };
    (rights.contains('x') && !name.is_empty() && code.start < code.end).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_spaces_in_names() {
        let line = "55d0a0-55d0b0 r-xp 0001f000 fd:01 1234                  /opt/a b/srv (deleted)";
        let code = parse(line).unwrap();
        assert_eq!((code.start, code.end, code.offset), (0x55d0a0, 0x55d0b0, 0x1f000));
        assert_eq!(code.name, "/opt/a b/srv (deleted)");
        assert_eq!(parse("55d0a0-55d0b0 r--p 00000000 fd:01 1234 /opt/srv"), None);
        assert_eq!(parse("55d0a0-55d0b0 r-xp 00000000 00:00 0"), None);
        assert_eq!(parse("x"), None);
    }

    #[test]
    fn this_function_is_in_the_program() {
        let here = this_function_is_in_the_program as fn() as usize as u64;
        let code = mapped_code().unwrap();
        let mine = code.iter().find(|code| (code.start..code.end).contains(&here)).unwrap();
        assert_eq!(mine.path().unwrap().to_str(), Some("/proc/self/exe"));
        if let Some(page) = code.iter().find(|code| code.name() == "[vdso]") {
            assert!(page.image().unwrap().starts_with(b"\x7fELF"));
        }
    }
}
