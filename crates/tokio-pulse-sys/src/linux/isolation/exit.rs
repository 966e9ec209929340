//! Closes the groups that are still open when the process ends by `exit`, or by the end of `main`.

use std::sync::{Mutex, Once, PoisonError, Weak};

use super::Group;

static OPEN: Mutex<Vec<Weak<Group>>> = Mutex::new(Vec::new());
static HOOKED: Once = Once::new();

pub(super) fn remember(group: Weak<Group>) {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|group| group.strong_count() > 0);
    open.push(group);
    HOOKED.call_once(|| {
        // SAFETY: the function is there for as long as this code is; it does not unwind. Should
        // the table of such functions be full, the next start finds the leftovers.
        unsafe { libc::atexit(close_all) };
    });
}

extern "C" fn close_all() {
    // Not `lock`: in a child that was forked while another thread had it, nobody gives it back.
    let Ok(mut open) = OPEN.try_lock() else { return };
    let groups = std::mem::take(&mut *open);
    drop(open);
    for group in groups.iter().filter_map(Weak::upgrade) {
        let _ = group.close();
    }
}
