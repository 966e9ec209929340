//! `#[preemption_budget]`: yield points in the loops of a function.

mod args;
mod body;
mod loops;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Block, Error, Expr, Stmt, Token};

use crate::args::Arg;
use crate::errors::Errors;
use crate::function::Function;
use args::Args;
use body::{Body, Kind};
use loops::Loops;

/// Expands the macro. The function is emitted as it was beside errors, so that they stay the only ones.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    let function = read(&item).and_then(|(function, block)| {
        refuse(&function, &mut errors);
        with_yield_points(&args, function, block)
    });
    match function {
        Ok(function) if errors.is_empty() => function,
        Ok(_) => {
            let errors = errors.into_compile_errors();
            quote! { #item #errors }
        }
        Err(error) => {
            errors.push(error);
            let errors = errors.into_compile_errors();
            quote! { #item #errors }
        }
    }
}

fn read(item: &TokenStream) -> Result<(Function, Block), Error> {
    let function: Function = syn::parse2(item.clone()).map_err(|error| {
        let message =
            format!("`#[tokio_pulse::preemption_budget]` goes on a function with a body: {error}");
        Error::new(error.span(), message)
    })?;
    let block = syn::parse2(TokenTree::Group(function.body.clone()).into())?;
    Ok((function, block))
}

/// Refuses functions that the macro is not for.
fn refuse(function: &Function, errors: &mut Errors) {
    if let Some(constness) = &function.sig.constness {
        let message =
            "a `const fn` may run at compile time, where there is nobody to make room for";
        errors.push(Error::new_spanned(constness, message));
    }
    let foreign = |abi: &&syn::Abi| abi.name.as_ref().is_none_or(|name| name.value() != "Rust");
    if let Some(abi) = function.sig.abi.as_ref().filter(foreign) {
        let message = "an `extern` function is called by code that knows nothing of tasks: put the attribute on the \
                       function that it calls";
        errors.push(Error::new_spanned(abi, message));
    }
}

fn with_yield_points(
    args: &Args,
    function: Function,
    mut block: Block,
) -> Result<TokenStream, Error> {
    let Function { attrs, vis, sig, .. } = function;
    let Body { kind, block: body } = Body::find(&sig, &mut block);
    if let (Kind::Synchronous, Some(polls)) = (kind, &args.polls) {
        let message = "`polls` is for `async` functions: this one is called, and not polled";
        return Err(Error::new(polls.name.span(), message));
    }
    let budget = local("budget", Span::call_site());
    let mut loops = Loops::new(|keyword| yield_point(args, kind, keyword));
    loops.fill(body);
    if loops.found() == 0 {
        let message = "there is no loop here to put a yield point into: those in closures, in nested functions and \
                       `async` blocks, and in the arguments of macros are left alone";
        return Err(Error::new_spanned(sig.ident, message));
    }
    if args.has_limits() {
        let (crate_path, limits) = (crate_path(args), limits(args));
        let declaration =
            quote! { let mut #budget = #crate_path::yield_point::YieldBudget::new() #(#limits)* };
        body.stmts.insert(0, statement(declaration, Span::call_site()));
    }
    Ok(quote! { #(#attrs)* #vis #sig #block })
}

/// What a turn begins with. Reported, and shown in stack traces, at the keyword of the loop.
fn yield_point(args: &Args, kind: Kind, keyword: Span) -> Stmt {
    let span = Span::call_site().located_at(keyword);
    let crate_path = crate_path(args);
    let budget = local("budget", keyword);
    let point = match (kind, args.has_limits()) {
        (Kind::Asynchronous, false) => {
            quote_spanned! {span=> #crate_path::check_and_yield().await }
        }
        (Kind::Asynchronous, true) => quote_spanned! {span=> #budget.check_and_yield().await },
        (Kind::Synchronous, false) => quote_spanned! {span=> #crate_path::checkpoint() },
        (Kind::Synchronous, true) => quote_spanned! {span=> #budget.checkpoint() },
    };
    statement(point, span)
}

fn limits(args: &Args) -> impl Iterator<Item = TokenStream> {
    let cpu = args.cpu_ms.as_ref().map(|Arg { name, value }| {
        quote_spanned! {name.span()=> .cpu(::core::time::Duration::from_millis(#value)) }
    });
    let polls = args.polls.as_ref().map(|Arg { name, value }| {
        quote_spanned! {name.span()=> .polls(#value) }
    });
    let interval = args.yield_interval.as_ref().map(|Arg { name, value }| {
        quote_spanned! {name.span()=> .interval(#value) }
    });
    [cpu, polls, interval].into_iter().flatten()
}

fn crate_path(args: &Args) -> TokenStream {
    match &args.crate_path {
        Some(Arg { value, .. }) => value.to_token_stream(),
        None => quote! { ::tokio_pulse },
    }
}

fn statement(tokens: TokenStream, span: Span) -> Stmt {
    Stmt::Expr(Expr::Verbatim(tokens), Some(Token![;](span)))
}

/// A name that the user's code cannot see, reported at `span`.
fn local(name: &str, span: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(span))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
