//! Putting the handler in its place, and taking it away again.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use super::handler;

/// How the process stands; one signal at a time.
struct Installed {
    signal: c_int,
    users: usize,
    /// Signals of which our handler lies beneath somebody else's, a bit each.
    buried: u64,
}

static INSTALLED: Mutex<Installed> = Mutex::new(Installed { signal: 0, users: 0, buried: 0 });

/// Why nothing was installed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    System(i32),
    OtherSignal,
}

/// Counts one more user of the handler, and installs it for the first.
pub(super) fn add_user(signal: c_int) -> Result<(), Refusal> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if installed.users == 0 {
        install(signal, installed.buried & bit(signal) != 0).map_err(Refusal::System)?;
        installed.signal = signal;
    } else if installed.signal != signal {
        return Err(Refusal::OtherSignal);
    }
    installed.users += 1;
    Ok(())
}

/// Counts one user less, and restores what was there before the first.
pub(super) fn remove_user() {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    installed.users -= 1;
    if installed.users == 0 {
        let bit = bit(installed.signal);
        if restore(installed.signal) {
            installed.buried &= !bit;
        } else {
            installed.buried |= bit;
        }
    }
}

/// Does something that no other installation does at the same time.
pub(super) fn alone<T>(f: impl FnOnce() -> T) -> T {
    let _installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    f()
}

fn bit(signal: c_int) -> u64 {
    1 << (signal - 1)
}

fn install(signal: c_int, buried: bool) -> Result<(), i32> {
    let before = swap(signal, None)?;
    if handler::is_ours(&before) || buried {
        return Ok(());
    }
    // First, for the new handler may run before the call returns.
    handler::set_previous(signal, before);
    let replaced = swap(signal, Some(&handler::action()))?;
    if replaced.sa_sigaction != before.sa_sigaction && !handler::is_ours(&replaced) {
        handler::set_previous(signal, replaced);
    }
    Ok(())
}

/// Whether the handler is where it can be found again: gone, or on top.
fn restore(signal: c_int) -> bool {
    let Ok(current) = swap(signal, None) else { return true };
    if !handler::is_ours(&current) {
        return false;
    }
    let previous = match handler::previous(signal) {
        Some(previous) => previous,
        // A late one of our signals would end the process.
        None if !handler::is_harmless(signal) => return true,
        // SAFETY: zero bytes are the default action without flags.
        None => unsafe { std::mem::zeroed() },
    };
    match swap(signal, Some(&previous)) {
        Ok(replaced) if !handler::is_ours(&replaced) => {
            // Somebody was quicker: theirs goes back on top.
            let _ = swap(signal, Some(&replaced));
            false
        }
        _ => true,
    }
}

/// Sets an action, or only asks for the one in force; either way the one that was in force.
fn swap(signal: c_int, action: Option<&libc::sigaction>) -> Result<libc::sigaction, i32> {
    let mut before = MaybeUninit::uninit();
    let action = action.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `action` is null or a whole action whose handler lives as long as the process;
    // `before` is valid for a write.
    let code = unsafe { libc::sigaction(signal, action, before.as_mut_ptr()) };
    if code == 0 {
        // SAFETY: the call succeeded, and then it has written `before`.
        Ok(unsafe { before.assume_init() })
    } else {
        Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}
