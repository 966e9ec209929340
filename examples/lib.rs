//! Compiles and runs the code blocks of the guides in `docs`, as documentation tests.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../docs/migration.md")]
mod migration {}
