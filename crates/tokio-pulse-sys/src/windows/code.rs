//! Which files the process runs code of: the program and its libraries.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;

use windows_sys::Win32::Foundation::HMODULE;
use windows_sys::Win32::System::LibraryLoader::GetModuleFileNameW;
use windows_sys::Win32::System::ProcessStatus::{
    K32EnumProcessModules, K32GetModuleInformation, MODULEINFO,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::last_error;
use crate::{MappedCode, Unavailable};

const CAPABILITY: &str = "list of loaded code";

/// As long as a path can be.
const LONGEST_PATH: usize = 1 << 15;

/// How often the list is asked for again when it has grown meanwhile.
const ATTEMPTS: usize = 4;

/// The program and its libraries, by address. Each is mapped as a whole, from its file's beginning.
///
/// # Errors
///
/// When the system does not list them.
pub fn mapped_code() -> Result<Vec<MappedCode>, Unavailable> {
    let mut code: Vec<_> = modules()?.into_iter().filter_map(describe).collect();
    code.sort_by_key(|code| code.start);
    Ok(code)
}

fn modules() -> Result<Vec<HMODULE>, Unavailable> {
    let mut modules: Vec<HMODULE> = vec![std::ptr::null_mut(); 64];
    for _ in 0..ATTEMPTS {
        let mut bytes = 0;
        // SAFETY: the list is valid for a write of its length, and `bytes` for one of a number.
        let done = unsafe {
            let length = size_of_val(&*modules) as u32;
            K32EnumProcessModules(GetCurrentProcess(), modules.as_mut_ptr(), length, &mut bytes)
        };
        if done == 0 {
            return Err(Unavailable::refused(CAPABILITY, last_error()));
        }
        let count = bytes as usize / size_of::<HMODULE>();
        let fits = count <= modules.len();
        modules.resize(if fits { count } else { count + 16 }, std::ptr::null_mut());
        if fits {
            return Ok(modules);
        }
    }
    Err(Unavailable::refused(CAPABILITY, 0))
}

/// `None` for one that was unloaded meanwhile.
fn describe(module: HMODULE) -> Option<MappedCode> {
    let mut info = MODULEINFO::default();
    // SAFETY: `info` is valid for a write of its size; the system checks the module.
    let done = unsafe {
        let size = size_of::<MODULEINFO>() as u32;
        K32GetModuleInformation(GetCurrentProcess(), module, &mut info, size)
    };
    let path = path(module)?;
    let start = info.lpBaseOfDll as u64;
    (done != 0).then(|| MappedCode {
        start,
        end: start + u64::from(info.SizeOfImage),
        offset: 0,
        name: path.to_string_lossy().into_owned(),
        path: Some(path),
        image: None,
    })
}

fn path(module: HMODULE) -> Option<PathBuf> {
    let mut name = vec![0_u16; 260];
    loop {
        // SAFETY: the buffer is valid for a write of its length.
        let length =
            unsafe { GetModuleFileNameW(module, name.as_mut_ptr(), name.len() as u32) } as usize;
        if length < name.len() {
            let found = (length > 0).then(|| OsString::from_wide(&name[..length]));
            return found.map(PathBuf::from);
        }
        // It was cut off.
        if name.len() >= LONGEST_PATH {
            return None;
        }
        name.resize(name.len() * 2, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_function_is_in_the_program() {
        let here = this_function_is_in_the_program as fn() as usize as u64;
        let code = mapped_code().unwrap();
        let mine = code.iter().find(|code| (code.start..code.end).contains(&here)).unwrap();
        assert_eq!(mine.path().unwrap().file_name(), std::env::current_exe().unwrap().file_name());
        assert!(code.iter().any(|code| code.name().to_lowercase().contains("kernel32")));
    }
}
