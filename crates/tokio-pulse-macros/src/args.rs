//! The arguments of an attribute, read, and the rules between them.

use std::time::Duration;

use proc_macro2::Ident;
use syn::{Error, Path};

use crate::entry::Entry;
use crate::errors::Errors;

/// The kind of runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    MultiThread,
    CurrentThread,
}

/// An argument that was given.
pub(crate) struct Arg<T> {
    /// The name as written: what is emitted for this argument carries its span.
    pub(crate) name: Ident,
    pub(crate) value: T,
}

/// All arguments; `None` is one that was not given, or that could not be read.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) flavor: Option<Arg<Flavor>>,
    pub(crate) worker_threads: Option<Arg<usize>>,
    pub(crate) reserve_workers: Option<Arg<usize>>,
    pub(crate) slice: Option<Arg<Duration>>,
    pub(crate) max_poll: Option<Arg<Duration>>,
    pub(crate) start_paused: Option<Arg<bool>>,
    pub(crate) crate_path: Option<Arg<Path>>,
}

impl Args {
    pub(crate) fn flavor(&self, entry: Entry) -> Flavor {
        self.flavor.as_ref().map_or(entry.default_flavor(), |flavor| flavor.value)
    }

    /// What is left to use beside an error: nothing that might raise a second one.
    pub(crate) fn only_crate_path(self) -> Args {
        Args { crate_path: self.crate_path, ..Args::default() }
    }

    /// Refuses what is of tests alone, and what says the same twice.
    pub(crate) fn check_max_poll(&self, entry: Entry, errors: &mut Errors) {
        let Some(Arg { name, .. }) = &self.max_poll else { return };
        if entry == Entry::Main {
            let message = "`max_poll` is for `#[tokio_pulse::test]`: a test can fail";
            errors.push(Error::new(name.span(), message));
        } else if let Some(slice) = &self.slice {
            let message = "`max_poll` is the slice: leave `slice` out";
            errors.push(Error::new(slice.name.span(), message));
        }
    }

    /// Refuses what does not go with the flavor.
    pub(crate) fn check_flavor(&self, entry: Entry, errors: &mut Errors) {
        match self.flavor(entry) {
            Flavor::MultiThread => {
                needs_flavor(&self.start_paused, "current_thread", entry, errors);
            }
            Flavor::CurrentThread => {
                needs_flavor(&self.worker_threads, "multi_thread", entry, errors);
                needs_flavor(&self.reserve_workers, "multi_thread", entry, errors);
            }
        }
    }
}

fn needs_flavor<T>(arg: &Option<Arg<T>>, flavor: &str, entry: Entry, errors: &mut Errors) {
    if let Some(Arg { name, .. }) = arg {
        let message = format!(
            "`{name}` needs the `{flavor}` flavor: write `#[{entry}(flavor = \"{flavor}\", {name} = ...)]`"
        );
        errors.push(Error::new(name.span(), message));
    }
}
