//! Which files the process runs code of: not available here.

use crate::{MappedCode, Unavailable};

/// The program and its libraries, by address.
///
/// # Errors
///
/// Always, on this platform.
pub fn mapped_code() -> Result<Vec<MappedCode>, Unavailable> {
    Err(Unavailable::on_this_platform("list of loaded code"))
}
