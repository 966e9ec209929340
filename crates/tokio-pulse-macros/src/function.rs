//! The function under an attribute.

use proc_macro2::{Delimiter, Group, Span, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{AttrStyle, Attribute, Error, Result, Signature, Visibility};

use crate::entry::Entry;
use crate::errors::Errors;

/// A function whose body is not parsed: what is wrong in there, or not yet finished, is for the compiler to say.
pub(crate) struct Function {
    /// All attributes, as outer ones: those at the start of the body too, as they would not be allowed where the body goes.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Function> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let sig = input.parse()?;
        let content;
        let brace = syn::braced!(content in input);
        let inner = content.call(Attribute::parse_inner)?;
        attrs.extend(inner.into_iter().map(|attr| Attribute { style: AttrStyle::Outer, ..attr }));
        let mut body = Group::new(Delimiter::Brace, content.parse()?);
        body.set_span(brace.span.join());
        Ok(Function { attrs, vis, sig, body })
    }
}

impl Function {
    /// Refuses functions that the macro is not for.
    pub(crate) fn check(&self, entry: Entry, errors: &mut Errors) {
        if let Some(attr) = self.test_attribute().filter(|_| entry == Entry::Test) {
            // A test macro that came first has already taken the `async` away: this is the cause.
            let message = format!(
                "a second test attribute: `#[{entry}]` already makes this function a test, remove one of the two"
            );
            errors.push(Error::new_spanned(attr, message));
        } else if self.sig.asyncness.is_none() {
            let message = format!("`#[{entry}]` needs an `async fn`: the `async` is missing here");
            errors.push(Error::new_spanned(self.sig.fn_token, message));
        }
        if self.sig.ident == "main" && !self.sig.inputs.is_empty() {
            let message = "`main` takes no parameters: read the command line with `std::env::args`";
            errors.push(Error::new_spanned(&self.sig.inputs, message));
        }
    }

    /// The attribute that makes this function a test already.
    pub(crate) fn test_attribute(&self) -> Option<&Attribute> {
        self.attrs.iter().find(|attr| is_test(attr))
    }

    /// The first and the last token of the last statement, which is where the compiler looks for the returned value;
    /// the whole body if it is empty.
    pub(crate) fn last_statement(&self) -> (Span, Span) {
        let mut first = None;
        let mut last = None;
        let mut ended = true;
        for token in self.body.stream() {
            if ended {
                first = Some(token.span());
            }
            ended = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';');
            last = Some(token.span());
        }
        let whole = self.body.span();
        (first.unwrap_or(whole), last.unwrap_or(whole))
    }
}

/// `#[test]`, also by its full path, as test macros write it: `#[::core::prelude::v1::test]`.
fn is_test(attr: &Attribute) -> bool {
    let syn::Meta::Path(path) = &attr.meta else { return false };
    let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    matches!(segments[..], ["test"] | ["core" | "std", "prelude", _, "test"])
}
