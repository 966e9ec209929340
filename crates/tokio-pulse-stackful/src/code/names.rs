//! From a function's name to what may happen to it.
//!
//! Only Rust functions are preemptible, so that C code that is linked in never is. Of those, the
//! ones whose crates keep locks or per-thread state of their own are not.

use super::ranges::Verdict;

/// The longest prefix that fits decides; what fits none is preemptible.
const DENIED: &[&str] = &[
    "std::",
    "std[",
    "__rustc::",
    "__rustc[",
    "panic_unwind::",
    "unwind::",
    "std_detect::",
    // The standard library's own copies run under its backtrace lock.
    "gimli::",
    "addr2line::",
    "miniz_oxide::",
    "rustc_demangle::",
    "object::",
    "framehop::",
    "corosensei::",
    "libc::",
    "tokio::",
    "tokio_stream::",
    "tokio_util::",
    "mio::",
    "socket2::",
    "parking_lot::",
    "parking_lot_core::",
    "lock_api::",
    "spin::",
    "once_cell::",
    "lazy_static::",
    "crossbeam",
    "rayon",
    "arc_swap::",
    "dashmap::",
    "sharded_slab::",
    "thread_local::",
    "rand::",
    "rand_chacha::",
    "rand_core::",
    "getrandom::",
    "log::",
    "env_logger::",
    "tracing",
    "metrics",
    "signal_hook",
    // Pools and queues of the thread's, on macOS.
    "objc",
    "core_foundation",
    "dispatch2::",
];

/// Exceptions: pure, or only there to call the task's code.
const PREEMPTIBLE: &[&str] = &[
    "std::collections::",
    "std::panicking::catch_unwind",
    "std::panicking::try",
    "std::panic::catch_unwind",
    // Hashing is; making the keys for it is not.
    "std::hash::random::",
    "std::f32::",
    "std::f64::",
    "tokio::future::",
    "tokio::time::timeout::",
    "tokio::macros::",
];

/// Exceptions to the exceptions.
const STILL_DENIED: &[&str] = &[
    "std::panicking::catch_unwind::cleanup",
    "std::panicking::try::cleanup",
    "std::hash::random::RandomState::new",
    "std::hash::random::RandomState>::new",
];

const OWN: &str = "tokio_pulse_stackful::";
const ROOT: &str = "poll_root";

/// What of this crate is there to call the task's code, and may have it inlined.
const OWN_PREEMPTIBLE: &[&str] = &[
    "tokio_pulse_stackful::guard::region::preemptible",
    "tokio_pulse_stackful::guard::region::call_apart",
];

/// Of a name as the linker sees it. Paths that begin like one of `excluded` are denied.
pub(crate) fn verdict(symbol: &str, excluded: &[String]) -> Verdict {
    match rustc_demangle::try_demangle(symbol) {
        Ok(name) => {
            let name = format!("{name:#}");
            let subject = subject(&name);
            if excluded.iter().any(|path| subject.starts_with(path.as_str())) {
                return Verdict::Denied;
            }
            of_path(&name)
        }
        Err(_) => Verdict::Denied,
    }
}

fn of_path(name: &str) -> Verdict {
    let subject = subject(name);
    if OWN_PREEMPTIBLE.iter().any(|prefix| subject.starts_with(prefix)) {
        return Verdict::Preemptible;
    }
    if subject.starts_with(OWN) {
        return if name.contains(ROOT) { Verdict::Root } else { Verdict::Own };
    }
    let longest = |prefixes: &[&str]| {
        let fits = prefixes.iter().filter(|prefix| subject.starts_with(**prefix));
        fits.map(|prefix| prefix.len()).max().unwrap_or(0)
    };
    let denied = longest(DENIED).max(longest(STILL_DENIED));
    if denied > longest(PREEMPTIBLE) { Verdict::Denied } else { Verdict::Preemptible }
}

/// The type or path that a function belongs to: what an `impl` is of, what a drop glue drops.
fn subject(mut name: &str) -> &str {
    const SKIPPED: [&str; 14] = [
        "core::ptr::drop_in_place::<",
        "core::ptr::drop_in_place<",
        "core::ptr::drop_glue::<",
        "core::ptr::drop_glue<",
        "alloc::boxed::Box<",
        "<",
        "&",
        "mut ",
        "dyn ",
        "*const ",
        "*mut ",
        "[",
        "(",
        " ",
    ];
    while let Some(rest) = SKIPPED.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        name = rest;
    }
    name
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn whose_code_it_is_decides() {
        for (name, verdict) in [
            ("service::handler::{{closure}}", Verdict::Preemptible),
            ("<service::Body as std::io::Write>::write", Verdict::Preemptible),
            ("core::slice::sort::stable::drift::sort", Verdict::Preemptible),
            ("<alloc::collections::btree::map::BTreeMap<u64, u64>>::insert", Verdict::Preemptible),
            ("std::collections::hash::map::HashMap<K,V,S>::insert", Verdict::Preemptible),
            ("std::panicking::catch_unwind::do_call", Verdict::Preemptible),
            ("std::panicking::catch_unwind::cleanup", Verdict::Denied),
            ("<tokio::future::poll_fn::PollFn<F> as Future>::poll", Verdict::Preemptible),
            ("std::io::stdio::_print", Verdict::Denied),
            ("<std::sys::sync::mutex::futex::Mutex>::lock_contended", Verdict::Denied),
            ("<&mut std::fs::File as std::io::Read>::read", Verdict::Denied),
            ("core::ptr::drop_in_place<tokio::sync::mutex::MutexGuard<u8>>", Verdict::Denied),
            ("<std::thread::local::LocalKey<u8>>::with::<service::f, ()>", Verdict::Denied),
            ("<std::hash::random::DefaultHasher as Hasher>::write", Verdict::Preemptible),
            ("<std::hash::random::RandomState>::new", Verdict::Denied),
            ("std::hash::random::RandomState::new::KEYS", Verdict::Denied),
            ("__rustc::__rust_alloc", Verdict::Denied),
            ("tokio_pulse_stackful::guard::NoPreempt::new", Verdict::Own),
            ("tokio_pulse_stackful::generator::root::poll_root::<u8>", Verdict::Root),
        ] {
            assert_eq!(of_path(name), verdict, "{name}");
        }
    }

    #[test]
    fn what_is_not_rust_is_denied() {
        assert_eq!(verdict("malloc", &[]), Verdict::Denied);
        assert_eq!(verdict("_Unwind_RaiseException", &[]), Verdict::Denied);
        let work = "_ZN7service4work17h0123456789abcdefE";
        assert_eq!(verdict(work, &["other::".into()]), Verdict::Preemptible);
        assert_eq!(verdict(work, &["service::".into()]), Verdict::Denied);
    }
}
