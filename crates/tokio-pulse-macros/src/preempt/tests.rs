//! What the macro makes of functions, as tokens.

use super::*;

fn assert_expands(args: TokenStream, item: TokenStream, to: TokenStream) {
    assert_eq!(expand(args, item).to_string(), to.to_string());
}

#[track_caller]
fn refused(args: TokenStream, item: TokenStream) -> String {
    let kept = item.to_string();
    let expanded = expand(args, item).to_string();
    assert!(expanded.starts_with(&kept), "the item is kept: {expanded}");
    assert!(expanded.contains("compile_error"), "no error: {expanded}");
    expanded[kept.len()..].to_owned()
}

#[test]
fn every_loop_of_an_async_fn_begins_with_a_yield_point() {
    assert_expands(
        quote! {},
        quote! {
            /// Adds.
            pub async fn sum<'a, T>(rows: &'a [T]) -> Result<u64, Error> where T: Row {
                'outer: for row in rows {
                    while let Some(cell) = row.next().await? { continue 'outer; }
                }
                let x = loop { break 7; };
                Ok(x)
            }
        },
        quote! {
            /// Adds.
            pub async fn sum<'a, T>(rows: &'a [T]) -> Result<u64, Error> where T: Row {
                'outer: for row in rows {
                    ::tokio_pulse::check_and_yield().await;
                    while let Some(cell) = row.next().await? {
                        ::tokio_pulse::check_and_yield().await;
                        continue 'outer;
                    }
                }
                let x = loop {
                    ::tokio_pulse::check_and_yield().await;
                    break 7;
                };
                Ok(x)
            }
        },
    );
}

#[test]
fn arguments_make_a_budget() {
    assert_expands(
        quote! { cpu_ms = 5, polls = 128, yield_interval = 8, crate = "renamed" },
        quote! { async fn f(&self) { loop {} } },
        quote! {
            async fn f(&self) {
                let mut budget = renamed::yield_point::YieldBudget::new()
                    .cpu(::core::time::Duration::from_millis(5u64))
                    .polls(128u32)
                    .interval(8u32);
                loop { budget.check_and_yield().await; }
            }
        },
    );
    assert_expands(
        quote! { yield_interval = 2 },
        quote! { fn f() { for _ in 0..3 {} } },
        quote! {
            fn f() {
                let mut budget = ::tokio_pulse::yield_point::YieldBudget::new().interval(2u32);
                for _ in 0..3 { budget.checkpoint(); }
            }
        },
    );
}

#[test]
fn other_bodies_are_left_alone() {
    assert_expands(
        quote! {},
        quote! {
            fn f() {
                fn nested() { loop {} }
                let closure = |n| loop {};
                let future = async { loop {} };
                let futures = async |n| loop {};
                let constant = const { loop {} };
                let array = [loop {}; { loop {} }];
                let typed: [u8; { loop {} }] = generic::<{ loop {} }>();
                macro_call! { loop {} }
                if while a() {} == b() {} else { unsafe { loop {} } }
            }
        },
        quote! {
            fn f() {
                fn nested() { loop {} }
                let closure = |n| loop {};
                let future = async { loop {} };
                let futures = async |n| loop {};
                let constant = const { loop {} };
                let array = [loop { ::tokio_pulse::checkpoint(); }; { loop {} }];
                let typed: [u8; { loop {} }] = generic::<{ loop {} }>();
                macro_call! { loop {} }
                if while a() { ::tokio_pulse::checkpoint(); } == b() {} else {
                    unsafe { loop { ::tokio_pulse::checkpoint(); } }
                }
            }
        },
    );
}

#[test]
fn an_async_block_at_the_end_is_the_body() {
    for (open, close) in [(quote! {}, quote! {}), (quote! { ::std::boxed::Box::pin }, quote! {})] {
        let wrap = |block: TokenStream| match open.is_empty() {
            true => block,
            false => quote! { #open(#block) #close },
        };
        let (before, after) = (
            wrap(quote! { async move { loop {} } }),
            wrap(quote! { async move { loop { ::tokio_pulse::check_and_yield().await; } } }),
        );
        assert_expands(
            quote! {},
            quote! { fn f() -> impl Future<Output = ()> { loop { break; } #before } },
            quote! { fn f() -> impl Future<Output = ()> { loop { break; } #after } },
        );
    }
}

#[test]
fn says_what_is_wrong_and_keeps_the_item() {
    let looping = quote! { async fn f() { loop {} } };
    for (args, item, part) in [
        (quote! { cpu = 5 }, looping.clone(), "did you mean `cpu_ms`?"),
        (quote! { interval = 5 }, looping.clone(), "did you mean `yield_interval`?"),
        (quote! { speed = 5 }, looping.clone(), "the arguments are `cpu_ms`"),
        (quote! { a::b = 5 }, looping.clone(), "expected one of the arguments"),
        (quote! { polls }, looping.clone(), "write `polls = 128`"),
        (quote! { polls(7) }, looping.clone(), "write `polls = 128`"),
        (quote! { polls = 7 polls }, looping.clone(), "with commas between"),
        (quote! { polls = 0 }, looping.clone(), "must be at least 1"),
        (quote! { polls = "7" }, looping.clone(), "is a whole number"),
        (quote! { polls = -7 }, looping.clone(), "is a whole number"),
        (quote! { polls = LIMIT }, looping.clone(), "use `tokio_pulse::yield_point::YieldBudget`"),
        (quote! { polls = 4294967296 }, looping.clone(), "must be at most 4294967295"),
        (quote! { cpu_ms = 60001 }, looping.clone(), "must be at most 60000"),
        (quote! { cpu_ms = 1.5 }, looping.clone(), "is a whole number"),
        (quote! { cpu_ms = 1, cpu_ms = 1 }, looping.clone(), "is given twice"),
        (quote! { crate = tokio_pulse }, looping.clone(), "path in a string"),
        (quote! { polls = 8 }, quote! { fn f() { loop {} } }, "called, and not polled"),
        (quote! {}, quote! { struct S; }, "goes on a function with a body"),
        (quote! {}, quote! { fn f(); }, "goes on a function with a body"),
        (quote! {}, quote! { const fn f() { loop {} } }, "at compile time"),
        (quote! {}, quote! { extern "C" fn f() { loop {} } }, "knows nothing of tasks"),
        (quote! {}, quote! { extern fn f() { loop {} } }, "knows nothing of tasks"),
        (quote! {}, quote! { fn f() { g(|| loop {}) } }, "there is no loop here"),
    ] {
        let said = refused(args, item);
        assert!(said.contains(part), "{part}: {said}");
    }
    expand(quote! {}, quote! { extern "Rust" fn f() { loop {} } });
}

#[test]
fn every_error_is_reported() {
    let said = refused(quote! { polls = 0, speed = 1 }, quote! { const fn f() {} });
    assert_eq!(said.matches("compile_error").count(), 4, "{said}");
}
