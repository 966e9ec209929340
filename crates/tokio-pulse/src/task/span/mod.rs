//! The row of a task in tokio-console, for tasks spawned through Pulse. Nothing at all without the
//! feature `tokio-console`.

#[cfg(feature = "tokio-console")]
#[path = "enabled.rs"]
mod variant;
#[cfg(not(feature = "tokio-console"))]
#[path = "disabled.rs"]
mod variant;

pub(crate) use variant::TaskSpan;
