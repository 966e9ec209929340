//! From the function to one that builds the runtime and blocks on the body.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, ReturnType, Token, Type};

use crate::args::{Arg, Args, Flavor};
use crate::entry::Entry;
use crate::errors::Errors;
use crate::function::Function;

/// Expands one of the macros. The function is emitted beside errors too, so that they stay the only ones.
pub(crate) fn expand(entry: Entry, args: TokenStream, item: TokenStream) -> TokenStream {
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let message = format!("`#[{entry}]` goes on an `async fn` with a body: {error}");
            let error = Error::new(error.span(), message).into_compile_error();
            return quote! { #item #error };
        }
    };
    let mut errors = Errors::default();
    function.check(entry, &mut errors);
    let args = Args::parse(args, entry, &mut errors);
    let args = if errors.is_empty() { args } else { args.only_crate_path() };
    let function = blocking(entry, &args, function);
    let errors = errors.into_compile_errors();
    quote! { #function #errors }
}

/// The function without its `async`.
fn blocking(entry: Entry, args: &Args, function: Function) -> TokenStream {
    let test_attribute = match entry {
        Entry::Test if function.test_attribute().is_none() => {
            Some(quote! { #[::core::prelude::v1::test] })
        }
        _ => None,
    };
    // A wrong type is reported where the value is used: put this on the last statement, where the value comes from.
    let (first, last) = function.last_statement();
    let pinned = match entry {
        Entry::Main => None,
        // The body is spawned there, as it is.
        Entry::Test if args.max_poll.is_some() => None,
        Entry::Test => Some(pinned(&function.sig.output, first)),
    };
    let builder = builder(entry, args);
    let body_at_first = local("body", first);
    let runtime_at_first = local("runtime", first);
    let Function { attrs, vis, mut sig, body } = function;
    let keyword = async_keyword(sig.asyncness.take());
    let (body_ident, runtime_ident) =
        (local("body", Span::call_site()), local("runtime", Span::call_site()));
    if let Some(max_poll) = &args.max_poll {
        let within = within(args, max_poll, builder, &body_ident);
        return quote! {
            #(#attrs)*
            #test_attribute
            #vis #sig {
                let #body_ident = #keyword #body;
                #within
            }
        };
    }
    // `return`, and not a value: with it, a wrong type is reported against the function's own return type.
    let run = quote_spanned! {Span::call_site().located_at(first)=>
        return #runtime_at_first.block_on
    };
    let operand = quote_spanned! {Span::call_site().located_at(last)=> (#body_at_first); };
    // The test attribute comes last: other macros among the attributes are to see it.
    quote! {
        #(#attrs)*
        #test_attribute
        #vis #sig {
            let #body_ident = #keyword #body;
            #pinned
            #[allow(
                clippy::diverging_sub_expression,
                clippy::expect_used,
                clippy::needless_return,
                clippy::unwrap_in_result
            )]
            {
                let #runtime_ident = #builder
                    .enable_all()
                    .build()
                    .expect("Failed building the Pulse runtime");
                #run #operand
            }
        }
    }
}

/// Runs the body as a task, and fails if any poll was too long.
fn within(
    args: &Args,
    max_poll: &Arg<Duration>,
    builder: TokenStream,
    body: &Ident,
) -> TokenStream {
    let crate_path = crate_path(args).0;
    // At most a minute: the cast loses nothing.
    let nanos = max_poll.value.as_nanos() as u64;
    let run = quote_spanned! {max_poll.name.span()=> within };
    quote! {
        #[allow(clippy::diverging_sub_expression, clippy::needless_return)]
        {
            return #crate_path::__private::#run(
                #builder.enable_all(),
                ::core::time::Duration::from_nanos(#nanos),
                #body,
            );
        }
    }
}

/// Where `tokio-pulse` is, and what is reported if it is not there.
fn crate_path(args: &Args) -> (TokenStream, Span) {
    match &args.crate_path {
        Some(Arg { value, .. }) => (value.to_token_stream(), value.span()),
        None => (quote! { ::tokio_pulse }, Span::call_site()),
    }
}

/// The builder with what the arguments say. Each part has the span of its argument: that is where it is reported if
/// there is no such thing.
fn builder(entry: Entry, args: &Args) -> TokenStream {
    let (crate_path, span) = crate_path(args);
    let new = match args.flavor(entry) {
        Flavor::MultiThread => quote! { new_multi_thread },
        Flavor::CurrentThread => quote! { new_current_thread },
    };
    let calls = [
        args.worker_threads.as_ref().map(|arg| call(arg, arg.value.to_token_stream())),
        args.reserve_workers.as_ref().map(|arg| call(arg, arg.value.to_token_stream())),
        args.slice.as_ref().map(|arg| {
            // At most a minute: the cast loses nothing.
            let nanos = arg.value.as_nanos() as u64;
            call(arg, quote! { ::core::time::Duration::from_nanos(#nanos) })
        }),
        args.start_paused.as_ref().map(|arg| call(arg, arg.value.to_token_stream())),
    ];
    let calls = calls.iter().flatten();
    let builder = quote_spanned! {span=> Builder };
    quote! { #crate_path::#builder::#new() #(#calls)* }
}

fn call<T>(arg: &Arg<T>, value: TokenStream) -> TokenStream {
    let name = &arg.name;
    quote_spanned! {name.span()=> .#name(#value) }
}

/// Pins the body as a trait object: tests are many, and so they share one copy of `block_on` for each return type.
fn pinned(output: &ReturnType, span: Span) -> TokenStream {
    let body = local("body", span);
    let output = match output {
        ReturnType::Default => quote! { () },
        ReturnType::Type(_, output) if is_nameable(output) => output.to_token_stream(),
        ReturnType::Type(..) => return quote! { let #body = ::core::pin::pin!(#body); },
    };
    quote! {
        let #body = ::core::pin::pin!(#body);
        let #body: ::core::pin::Pin<&mut dyn ::core::future::Future<Output = #output>> = #body;
    }
}

/// Whether the type can be written in a `let`: neither `!` nor an `impl Trait` can.
fn is_nameable(ty: &Type) -> bool {
    !matches!(ty, Type::Never(_)) && !mentions_impl(ty.to_token_stream())
}

fn mentions_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => mentions_impl(group.stream()),
        _ => false,
    })
}

/// A name that the user's code cannot see, reported at `span`.
fn local(name: &str, span: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(span))
}

/// The function's own `async`, which is where the compiler says that its body begins; as the macro's token, so that lints
/// do not take it for one that the user wrote before a block.
fn async_keyword(asyncness: Option<Token![async]>) -> Token![async] {
    let span = asyncness.map_or_else(Span::call_site, |keyword| keyword.span);
    Token![async](Span::call_site().located_at(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_expands(entry: Entry, args: TokenStream, item: TokenStream, to: TokenStream) {
        assert_eq!(expand(entry, args, item).to_string(), to.to_string());
    }

    fn expands(entry: Entry, args: TokenStream, item: TokenStream) -> String {
        expand(entry, args, item).to_string()
    }

    #[test]
    fn main_as_written_by_hand() {
        assert_expands(
            Entry::Main,
            quote! { worker_threads = 2, reserve_workers = 1, slice = "10ms" },
            quote! {
                /// Starts.
                pub async fn main() -> Result<(), Error> {
                    start().await
                }
            },
            quote! {
                /// Starts.
                pub fn main() -> Result<(), Error> {
                    let body = async { start().await };
                    #[allow(
                        clippy::diverging_sub_expression,
                        clippy::expect_used,
                        clippy::needless_return,
                        clippy::unwrap_in_result
                    )]
                    {
                        let runtime = ::tokio_pulse::Builder::new_multi_thread()
                            .worker_threads(2usize)
                            .reserve_workers(1usize)
                            .slice(::core::time::Duration::from_nanos(10000000u64))
                            .enable_all()
                            .build()
                            .expect("Failed building the Pulse runtime");
                        return runtime.block_on(body);
                    }
                }
            },
        );
    }

    #[test]
    fn test_as_written_by_hand() {
        assert_expands(
            Entry::Test,
            quote! { start_paused = true, crate = "pulse" },
            quote! {
                #[should_panic]
                async fn fails() {
                    #![allow(unused)]
                    panic!()
                }
            },
            quote! {
                #[should_panic]
                #[allow(unused)]
                #[::core::prelude::v1::test]
                fn fails() {
                    let body = async { panic!() };
                    let body = ::core::pin::pin!(body);
                    let body: ::core::pin::Pin<&mut dyn ::core::future::Future<Output = ()>> = body;
                    #[allow(
                        clippy::diverging_sub_expression,
                        clippy::expect_used,
                        clippy::needless_return,
                        clippy::unwrap_in_result
                    )]
                    {
                        let runtime = pulse::Builder::new_current_thread()
                            .start_paused(true)
                            .enable_all()
                            .build()
                            .expect("Failed building the Pulse runtime");
                        return runtime.block_on(body);
                    }
                }
            },
        );
    }

    #[test]
    fn types_that_cannot_be_named_are_left_to_the_compiler() {
        for output in [
            quote! { ! },
            quote! { impl Termination },
            quote! { Result<impl Sized, Vec<Box<impl Sized> > > },
            quote! { (u8, impl Sized) },
        ] {
            let test = expands(Entry::Test, quote! {}, quote! { async fn f() -> #output {} });
            assert!(!test.contains("dyn"), "{test}");
        }
    }

    #[test]
    fn the_function_stays_beside_an_error() {
        let expanded = expands(
            Entry::Main,
            quote! { speed = 1, crate = "pulse" },
            quote! { async fn main() { unfinished. } },
        );
        assert!(
            expanded.contains("fn main () { let body = async { unfinished . } ;"),
            "{expanded}"
        );
        assert!(expanded.contains("pulse :: Builder"), "{expanded}");
        assert!(expanded.contains("compile_error"), "{expanded}");
    }

    #[test]
    fn what_is_not_a_function_stays_as_it_is() {
        for item in [quote! { struct S; }, quote! { async fn f(); }] {
            let expanded = expands(Entry::Main, quote! {}, item.clone());
            assert!(expanded.starts_with(&item.to_string()), "{expanded}");
            assert!(expanded.contains("goes on an `async fn` with a body"), "{expanded}");
        }
    }

    #[test]
    fn a_second_test_attribute_is_the_only_error() {
        for attr in [
            quote! { #[test] },
            quote! { #[core::prelude::v1::test] },
            quote! { #[::std::prelude::rust_2024::test] },
        ] {
            let expanded = expands(Entry::Test, quote! {}, quote! { #attr fn t() {} });
            assert_eq!(expanded.matches("compile_error").count(), 1, "{expanded}");
            assert!(expanded.contains("a second test attribute"), "{expanded}");
            assert_eq!(expanded.matches("# [").count(), 2, "{expanded}");
        }
        // Other attributes of that name make no test of it.
        let expanded = expands(Entry::Test, quote! {}, quote! { #[my::test] async fn t() {} });
        assert!(!expanded.contains("compile_error"), "{expanded}");
    }
}
