//! Taking stacks, unwinding them and naming their functions. With the feature `stacks`, on the
//! processors that the unwinder knows.

#[cfg(all(feature = "stacks", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "enabled.rs"]
mod variant;
#[cfg(not(all(feature = "stacks", any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[path = "disabled.rs"]
mod variant;

pub(super) use variant::{Capture, Capturer, Resolver, is_unanswered};
