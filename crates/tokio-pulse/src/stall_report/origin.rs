//! Whose code a frame is.

/// Whose code a frame is, as far as its names tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameOrigin {
    /// The program's own.
    User,
    /// A crate from a registry or a repository.
    Dependency,
    /// Rust's standard library.
    Std,
    /// Tokio.
    Tokio,
    /// Pulse.
    Pulse,
    /// The C library, the kernel's page, other native code.
    System,
    /// Nothing is known of it.
    Unknown,
}

impl FrameOrigin {
    /// A short name, the same as in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Dependency => "dependency",
            Self::Std => "std",
            Self::Tokio => "tokio",
            Self::Pulse => "pulse",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }

    #[cfg_attr(not(feature = "stacks"), allow(dead_code, reason = "no frames without it"))]
    pub(super) fn of(function: Option<&str>, file: Option<&str>) -> Self {
        let Some(function) = function else { return Self::Unknown };
        let file = file.unwrap_or_default();
        match first_crate(function) {
            Some("std" | "core" | "alloc" | "__rustc") => Self::Std,
            Some("tokio") => Self::Tokio,
            Some("tokio_pulse" | "tokio_pulse_sys") => Self::Pulse,
            _ if file.starts_with("/rustc/") || file.contains("/rustlib/src/rust/") => Self::Std,
            // Inlined functions may have no path in their names.
            _ if package_is(file, "tokio") => Self::Tokio,
            _ if package_is(file, "tokio-pulse") || file.contains("crates/tokio-pulse/src/") => {
                Self::Pulse
            }
            _ if file.contains("/registry/src/") || file.contains("/git/checkouts/") => {
                Self::Dependency
            }
            // A C name: of native code, or of a Rust function that was exported.
            None if !file.ends_with(".rs") => Self::System,
            _ => Self::User,
        }
    }
}

/// Whether a file is of that package, in a registry's sources: their folder ends in a version.
fn package_is(file: &str, package: &str) -> bool {
    let Some((_, path)) = file.split_once("/registry/src/") else { return false };
    let folder = path.split('/').nth(1).unwrap_or_default();
    let version = folder.strip_prefix(package).and_then(|rest| rest.strip_prefix('-'));
    version.is_some_and(|version| version.starts_with(|digit: char| digit.is_ascii_digit()))
}

/// The crate in whose path a function is; of `<T as Trait>::f`, the one of `T`.
fn first_crate(function: &str) -> Option<&str> {
    let start = function.trim_start_matches(['<', '&', '*', '(', '[']);
    let start = ["mut ", "const ", "dyn ", "impl "]
        .iter()
        .fold(start, |start, word| start.strip_prefix(word).unwrap_or(start));
    let (name, _) = start.split_once("::")?;
    // With the new mangling, a crate may carry its hash: `core[0123]`.
    let name = name.split('[').next().unwrap_or(name);
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_tell_whose_it_is() {
        for (function, file, origin) in [
            ("app::login::hash", "src/login.rs", FrameOrigin::User),
            ("app::login::hash", "", FrameOrigin::User),
            ("<app::Login as core::future::Future>::poll", "src/a.rs", FrameOrigin::User),
            ("burn_exported", "/home/me/app/src/a.rs", FrameOrigin::User),
            (
                "argon2::fill",
                "/x/registry/src/index-1/argon2-0.5/src/lib.rs",
                FrameOrigin::Dependency,
            ),
            ("core::hint::spin_loop", "/rustc/abc/library/core/src/hint.rs", FrameOrigin::Std),
            ("<alloc::boxed::Box<F> as core::ops::FnOnce<()>>::call_once", "", FrameOrigin::Std),
            ("<&mut core::pin::Pin<P>>::poll", "", FrameOrigin::Std),
            ("core[5dbca2fd]::ops::call", "", FrameOrigin::Std),
            ("tokio::runtime::task::raw::poll", "/x/registry/src/i/t.rs", FrameOrigin::Tokio),
            ("poll", "/x/registry/src/i/tokio-1.54.1/src/a.rs", FrameOrigin::Tokio),
            ("poll", "/x/registry/src/i/tokio-util-0.7.1/src/a.rs", FrameOrigin::Dependency),
            ("poll", "/x/registry/src/i/tokio-pulse-0.1.0/src/a.rs", FrameOrigin::Pulse),
            ("black_box<u64>", "/rustc/abc/library/core/src/hint.rs", FrameOrigin::Std),
            ("{closure#0}", "src/a.rs", FrameOrigin::User),
            ("tokio_pulse::task::wrapper::poll", "", FrameOrigin::Pulse),
            ("__libc_start_main", "", FrameOrigin::System),
        ] {
            let file = (!file.is_empty()).then_some(file);
            assert_eq!(FrameOrigin::of(Some(function), file), origin, "{function}");
        }
        assert_eq!(FrameOrigin::of(None, None), FrameOrigin::Unknown);
    }
}
