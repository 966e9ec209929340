//! The arguments of `#[preemption_budget]`, read and checked.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Lit, Meta, MetaNameValue, Path, Result, Token};

use crate::args::Arg;
use crate::errors::Errors;
use crate::parse::{crate_path, literal};

const ALLOWED: &str = "`cpu_ms`, `polls`, `yield_interval`, `crate`";

/// A minute, the longest slice that a runtime can have.
const MAX_CPU_MS: u64 = 60_000;

/// All arguments; `None` is one that was not given, or that could not be read.
#[derive(Default)]
pub(super) struct Args {
    pub(super) cpu_ms: Option<Arg<u64>>,
    pub(super) polls: Option<Arg<u32>>,
    pub(super) yield_interval: Option<Arg<u32>>,
    pub(super) crate_path: Option<Arg<Path>>,
}

impl Args {
    /// Reads and checks the arguments. What cannot be read is left out and reported.
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let metas = match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
            Ok(metas) => metas,
            Err(error) => {
                let message = format!("arguments are `name = value`, with commas between: {error}");
                errors.push(Error::new(error.span(), message));
                return args;
            }
        };
        let mut seen = HashSet::new();
        for meta in metas {
            let read = name_value(meta).and_then(|(name, value)| {
                if !seen.insert(name.to_string()) {
                    return Err(Error::new(name.span(), format!("`{name}` is given twice")));
                }
                args.read(name, &value)
            });
            if let Err(error) = read {
                errors.push(error);
            }
        }
        args
    }

    /// Whether yield points keep count of anything.
    pub(super) fn has_limits(&self) -> bool {
        self.cpu_ms.is_some() || self.polls.is_some() || self.yield_interval.is_some()
    }

    fn read(&mut self, name: Ident, value: &Expr) -> Result<()> {
        match name.to_string().as_str() {
            "cpu_ms" => {
                let read = number(&name, value, MAX_CPU_MS)?;
                self.cpu_ms = Some(Arg { name, value: read });
            }
            "polls" => self.polls = Some(Arg { value: count(&name, value)?, name }),
            "yield_interval" => {
                self.yield_interval = Some(Arg { value: count(&name, value)?, name });
            }
            "crate" => self.crate_path = Some(Arg { value: crate_path(value)?, name }),
            _ => return Err(unknown(&name)),
        }
        Ok(())
    }
}

/// Splits `name = value`; everything else is refused with what to write instead.
fn name_value(meta: Meta) -> Result<(Ident, Expr)> {
    let name = meta.path().get_ident().cloned().ok_or_else(|| {
        Error::new_spanned(meta.path(), format!("expected one of the arguments {ALLOWED}"))
    })?;
    let example = match name.to_string().as_str() {
        "cpu_ms" => "5",
        "polls" => "128",
        "yield_interval" => "64",
        "crate" => "\"::tokio_pulse\"",
        _ => return Err(unknown(&name)),
    };
    match meta {
        Meta::NameValue(MetaNameValue { value, .. }) => Ok((name, value)),
        _ => {
            let message = format!("`{name}` needs a value: write `{name} = {example}`");
            Err(Error::new_spanned(meta, message))
        }
    }
}

fn unknown(name: &Ident) -> Error {
    let message = match name.to_string().as_str() {
        "slice" | "cpu" | "ms" => format!("there is no argument `{name}`: did you mean `cpu_ms`?"),
        "interval" | "every" => {
            format!("there is no argument `{name}`: did you mean `yield_interval`?")
        }
        _ => format!("there is no argument `{name}`: the arguments are {ALLOWED}"),
    };
    Error::new(name.span(), message)
}

fn count(name: &Ident, value: &Expr) -> Result<u32> {
    let read = number(name, value, u32::MAX.into())?;
    // In range: the line above has checked it.
    Ok(u32::try_from(read).unwrap_or(u32::MAX))
}

/// A whole number from 1 to `max`.
fn number(name: &Ident, value: &Expr, max: u64) -> Result<u64> {
    let read = match literal(value) {
        // A negative number is one literal too, if it comes from a macro.
        Some(Lit::Int(number)) if !number.base10_digits().starts_with('-') => {
            number.base10_parse().unwrap_or(u64::MAX)
        }
        _ => {
            let message = format!(
                "`{name}` is a whole number, such as `8`; to compute it, use `tokio_pulse::yield_point::YieldBudget`"
            );
            return Err(Error::new_spanned(value, message));
        }
    };
    match read {
        0 => Err(Error::new_spanned(value, format!("`{name}` must be at least 1"))),
        _ if read > max => {
            Err(Error::new_spanned(value, format!("`{name}` must be at most {max}")))
        }
        _ => Ok(read),
    }
}
