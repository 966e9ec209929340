//! From the tokens of an attribute to [`Args`].

use std::collections::HashSet;
use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Lit, LitStr, Meta, MetaNameValue, Path, Result, Token};

use crate::args::{Arg, Args, Flavor};
use crate::duration::parse_slice;
use crate::entry::Entry;
use crate::errors::Errors;

const ALLOWED: &str =
    "`flavor`, `worker_threads`, `start_paused`, `crate`, `slice`, `reserve_workers`, `max_poll`";

impl Args {
    /// Reads and checks the arguments. What cannot be read is left out and reported.
    pub(crate) fn parse(tokens: TokenStream, entry: Entry, errors: &mut Errors) -> Args {
        let mut args = Args::default();
        let mut unread = Errors::default();
        match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
            Ok(metas) => args.read_all(metas, entry, &mut unread),
            Err(error) => {
                let message = format!("arguments are `name = value`, with commas between: {error}");
                unread.push(Error::new(error.span(), message));
            }
        }
        if unread.is_empty() {
            // Beside an argument that could not be read, which may be the flavor, this would only be noise.
            args.check_flavor(entry, errors);
            args.check_max_poll(entry, errors);
        }
        errors.append(unread);
        args
    }

    fn read_all(
        &mut self,
        metas: impl IntoIterator<Item = Meta>,
        entry: Entry,
        errors: &mut Errors,
    ) {
        let mut seen = HashSet::new();
        for meta in metas {
            let read = name_value(meta, entry).and_then(|(name, value)| {
                if !seen.insert(name.to_string()) {
                    return Err(Error::new(name.span(), format!("`{name}` is given twice")));
                }
                self.read(name, &value)
            });
            if let Err(error) = read {
                errors.push(error);
            }
        }
    }

    fn read(&mut self, name: Ident, value: &Expr) -> Result<()> {
        match name.to_string().as_str() {
            "flavor" => self.flavor = Some(Arg { value: flavor(value)?, name }),
            "worker_threads" => {
                self.worker_threads = Some(Arg { value: worker_threads(&name, value)?, name });
            }
            "reserve_workers" => {
                self.reserve_workers = Some(Arg { value: whole_number(&name, value)?, name });
            }
            "slice" => self.slice = Some(Arg { value: slice(&name, value)?, name }),
            "max_poll" => self.max_poll = Some(Arg { value: slice(&name, value)?, name }),
            "start_paused" => self.start_paused = Some(Arg { value: boolean(&name, value)?, name }),
            "crate" => self.crate_path = Some(Arg { value: crate_path(value)?, name }),
            _ => return Err(unknown(&name)),
        }
        Ok(())
    }
}

/// Splits `name = value`; everything else is refused with what to write instead.
fn name_value(meta: Meta, entry: Entry) -> Result<(Ident, Expr)> {
    let name = meta.path().get_ident().cloned().ok_or_else(|| {
        Error::new_spanned(meta.path(), format!("expected one of the arguments {ALLOWED}"))
    })?;
    match meta {
        Meta::NameValue(MetaNameValue { value, .. }) => Ok((name, value)),
        Meta::Path(_) if name == "multi_thread" || name == "current_thread" => {
            let message = format!("to choose the flavor, write `#[{entry}(flavor = \"{name}\")]`");
            Err(Error::new(name.span(), message))
        }
        _ => match example(&name) {
            Some(example) => {
                let message = format!("`{name}` needs a value: write `{name} = {example}`");
                Err(Error::new_spanned(meta, message))
            }
            None => Err(unknown(&name)),
        },
    }
}

/// A value for the argument, for messages; `None` if there is no such argument.
fn example(name: &Ident) -> Option<&'static str> {
    Some(match name.to_string().as_str() {
        "flavor" => "\"multi_thread\"",
        "worker_threads" => "4",
        "reserve_workers" => "1",
        "slice" => "\"10ms\"",
        "max_poll" => "\"5ms\"",
        "start_paused" => "true",
        "crate" => "\"::tokio_pulse\"",
        _ => return None,
    })
}

fn unknown(name: &Ident) -> Error {
    let message = match name.to_string().as_str() {
        "unhandled_panic" | "name" => format!(
            "`{name}` is not an argument of this attribute: build the runtime with `tokio_pulse::Builder` and call \
             `block_on`"
        ),
        "core_threads" => "`core_threads` is called `worker_threads`".to_owned(),
        _ => format!("there is no argument `{name}`: the arguments are {ALLOWED}"),
    };
    Error::new(name.span(), message)
}

fn flavor(value: &Expr) -> Result<Flavor> {
    let text = string(value).ok_or_else(|| {
        Error::new_spanned(value, "`flavor` is a string, such as `\"multi_thread\"`")
    })?;
    let message = match text.value().as_str() {
        "multi_thread" => return Ok(Flavor::MultiThread),
        "current_thread" => return Ok(Flavor::CurrentThread),
        "local" => {
            "the `local` flavor is not for this attribute: use `current_thread` with a `tokio::task::LocalSet`, or \
             build the runtime with `tokio_pulse::Builder`"
                .to_owned()
        }
        other => {
            format!("there is no flavor `{other}`: the flavors are `multi_thread` and `current_thread`")
        }
    };
    Err(Error::new(text.span(), message))
}

fn worker_threads(name: &Ident, value: &Expr) -> Result<usize> {
    match whole_number(name, value)? {
        0 => Err(Error::new_spanned(value, "`worker_threads` must be at least 1")),
        count => Ok(count),
    }
}

fn slice(name: &Ident, value: &Expr) -> Result<Duration> {
    let text = string(value).ok_or_else(|| {
        let message = format!("`{name}` is a string with a unit, such as `\"10ms\"`");
        Error::new_spanned(value, message)
    })?;
    parse_slice(&text.value()).map_err(|message| Error::new(text.span(), message))
}

pub(crate) fn crate_path(value: &Expr) -> Result<Path> {
    string(value).and_then(|text| text.parse_with(Path::parse_mod_style).ok()).ok_or_else(|| {
        Error::new_spanned(value, "`crate` is a path in a string, such as `\"::tokio_pulse\"`")
    })
}

fn whole_number(name: &Ident, value: &Expr) -> Result<usize> {
    match literal(value) {
        // A negative number is one literal too, if it comes from a macro.
        Some(Lit::Int(number)) if !number.base10_digits().starts_with('-') => number
            .base10_parse()
            .map_err(|_| Error::new(number.span(), format!("the value of `{name}` is too large"))),
        _ => {
            let message = format!(
                "`{name}` is a whole number, such as `4`; to compute it, build the runtime with `tokio_pulse::Builder`"
            );
            Err(Error::new_spanned(value, message))
        }
    }
}

fn boolean(name: &Ident, value: &Expr) -> Result<bool> {
    match literal(value) {
        Some(Lit::Bool(boolean)) => Ok(boolean.value),
        _ => Err(Error::new_spanned(value, format!("`{name}` is `true` or `false`"))),
    }
}

fn string(value: &Expr) -> Option<&LitStr> {
    match literal(value) {
        Some(Lit::Str(text)) => Some(text),
        _ => None,
    }
}

/// The literal, also from within the invisible group that a `macro_rules!` variable puts around it.
pub(crate) fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(literal) => Some(&literal.lit),
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use quote::{ToTokens, quote};

    use super::*;

    fn read(entry: Entry, tokens: TokenStream) -> (Args, Vec<String>) {
        let mut errors = Errors::default();
        let args = Args::parse(tokens, entry, &mut errors);
        (args, errors.into_messages())
    }

    fn accepted(entry: Entry, tokens: TokenStream) -> Args {
        let (args, messages) = read(entry, tokens);
        assert_eq!(messages, [""; 0]);
        args
    }

    /// The only error.
    fn refused(entry: Entry, tokens: TokenStream) -> String {
        let (_, messages) = read(entry, tokens);
        let [message] = &messages[..] else { panic!("not one error: {messages:?}") };
        message.clone()
    }

    fn value<T: Copy>(arg: &Option<Arg<T>>) -> Option<T> {
        arg.as_ref().map(|arg| arg.value)
    }

    #[test]
    fn defaults_are_tokios() {
        assert_eq!(accepted(Entry::Main, quote! {}).flavor(Entry::Main), Flavor::MultiThread);
        assert_eq!(accepted(Entry::Test, quote! {}).flavor(Entry::Test), Flavor::CurrentThread);
    }

    #[test]
    fn reads_every_argument() {
        let args = accepted(
            Entry::Test,
            quote! {
                flavor = "multi_thread",
                worker_threads = 3,
                reserve_workers = 0,
                slice = "1500us",
                crate = "::some::path",
            },
        );
        assert_eq!(args.flavor(Entry::Test), Flavor::MultiThread);
        assert_eq!(value(&args.worker_threads), Some(3));
        assert_eq!(value(&args.reserve_workers), Some(0));
        assert_eq!(value(&args.slice), Some(Duration::from_micros(1500)));
        assert_eq!(value(&args.start_paused), None);
        let path = args.crate_path.unwrap().value.to_token_stream();
        assert_eq!(path.to_string(), quote! { ::some::path }.to_string());

        let args = accepted(Entry::Test, quote! { start_paused = true, slice = "2s" });
        assert_eq!(value(&args.start_paused), Some(true));
        assert_eq!(value(&args.slice), Some(Duration::from_secs(2)));
    }

    #[test]
    fn crate_may_be_the_keyword() {
        accepted(Entry::Main, quote! { crate = "crate" });
        accepted(Entry::Main, quote! { crate = "self::pulse" });
    }

    #[test]
    fn says_what_is_wrong() {
        for (tokens, part) in [
            (quote! { flavor = "fast" }, "there is no flavor `fast`: the flavors are"),
            (quote! { flavor = "local" }, "`tokio_pulse::Builder`"),
            (quote! { flavor = 1 }, "`flavor` is a string"),
            (quote! { worker_threads = 0 }, "at least 1"),
            (quote! { worker_threads = "4" }, "whole number"),
            (quote! { worker_threads = -1 }, "whole number"),
            (quote! { worker_threads = CORES }, "`tokio_pulse::Builder`"),
            (quote! { worker_threads = 99999999999999999999 }, "too large"),
            (quote! { reserve_workers = true }, "whole number"),
            (quote! { slice = 10 }, "with a unit"),
            (quote! { slice = "10" }, "has no unit"),
            (quote! { slice = "999us" }, "too short"),
            (quote! { start_paused = 1 }, "`true` or `false`"),
            (quote! { crate = tokio_pulse }, "path in a string"),
            (quote! { crate = "a b" }, "path in a string"),
            (quote! { unhandled_panic = "ignore" }, "`tokio_pulse::Builder`"),
            (quote! { name = "x" }, "`tokio_pulse::Builder`"),
            (quote! { core_threads = 1 }, "`worker_threads`"),
            (quote! { threads = 1 }, "the arguments are `flavor`, `worker_threads`"),
            (quote! { a::b = 1 }, "expected one of the arguments"),
            (quote! { slice }, "write `slice = \"10ms\"`"),
            (quote! { slice("10ms") }, "write `slice = \"10ms\"`"),
            (quote! { name }, "`tokio_pulse::Builder`"),
            (quote! { multi_thread }, "(flavor = \"multi_thread\")"),
            (quote! { 4 }, "expected"),
        ] {
            let message = refused(Entry::Main, tokens.clone());
            assert!(message.contains(part), "{tokens}: {message}");
        }
    }

    #[test]
    fn twice_is_once_too_often() {
        for tokens in [
            quote! { flavor = "multi_thread", flavor = "multi_thread" },
            quote! { worker_threads = 1, worker_threads = 1 },
            quote! { reserve_workers = 1, reserve_workers = 1 },
            quote! { slice = "1s", slice = "2s" },
            quote! { crate = "a", crate = "a" },
        ] {
            assert!(refused(Entry::Main, tokens).contains("is given twice"));
        }
        let paused = quote! { start_paused = true, start_paused = true };
        assert!(refused(Entry::Test, paused).contains("is given twice"));
    }

    #[test]
    fn arguments_need_their_flavor() {
        for tokens in [quote! { worker_threads = 2 }, quote! { reserve_workers = 0 }] {
            let message = refused(Entry::Test, tokens.clone());
            assert!(
                message.contains("#[tokio_pulse::test(flavor = \"multi_thread\","),
                "{message}"
            );
            accepted(Entry::Test, quote! { flavor = "multi_thread", #tokens });
            accepted(Entry::Main, tokens);
        }
        let paused = quote! { start_paused = false };
        let message = refused(Entry::Main, paused.clone());
        assert!(message.contains("#[tokio_pulse::main(flavor = \"current_thread\","), "{message}");
        accepted(Entry::Main, quote! { flavor = "current_thread", #paused });
        accepted(Entry::Test, paused);
    }

    #[test]
    fn every_error_is_reported_and_the_rest_is_read() {
        let (args, messages) =
            read(Entry::Main, quote! { worker_threads = 0, slice = "5ms", speed = 1 });
        assert_eq!(messages.len(), 2);
        assert_eq!(value(&args.slice), Some(Duration::from_millis(5)));
    }

    #[test]
    fn an_unread_flavor_raises_no_second_error() {
        refused(Entry::Test, quote! { flavor = "fast", worker_threads = 2 });
    }

    #[test]
    fn literals_may_come_from_a_macro() {
        let number = proc_macro2::Group::new(proc_macro2::Delimiter::None, quote! { 4 });
        let args = accepted(Entry::Main, quote! { worker_threads = #number });
        assert_eq!(value(&args.worker_threads), Some(4));
    }
}
