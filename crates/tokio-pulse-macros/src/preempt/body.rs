//! Where the loops of a function are, and whether something can be awaited there.

use syn::{Block, Expr, ExprCall, Signature, Stmt};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Asynchronous,
    Synchronous,
}

pub(super) struct Body<'a> {
    pub(super) kind: Kind,
    pub(super) block: &'a mut Block,
}

impl<'a> Body<'a> {
    /// The function's block, or the `async` block that it ends in.
    pub(super) fn find(sig: &Signature, block: &'a mut Block) -> Self {
        if sig.asyncness.is_some() {
            return Self { kind: Kind::Asynchronous, block };
        }
        // Asked first and borrowed afterwards: the borrow could not be given back.
        let is_future = block.stmts.last_mut().and_then(returned_future).is_some();
        if !is_future {
            return Self { kind: Kind::Synchronous, block };
        }
        let returned = block.stmts.last_mut().and_then(returned_future);
        let block = returned.expect("it was there a line above");
        Self { kind: Kind::Asynchronous, block }
    }
}

fn returned_future(last: &mut Stmt) -> Option<&mut Block> {
    match last {
        Stmt::Expr(expr, None) => async_block(expr),
        _ => None,
    }
}

/// The block of `async {}` or `Box::pin(async {})`.
fn async_block(expr: &mut Expr) -> Option<&mut Block> {
    match expr {
        Expr::Async(expr) => Some(&mut expr.block),
        Expr::Group(group) => async_block(&mut group.expr),
        Expr::Paren(paren) => async_block(&mut paren.expr),
        Expr::Call(call) if is_box_pin(call) => async_block(call.args.first_mut()?),
        _ => None,
    }
}

fn is_box_pin(call: &ExprCall) -> bool {
    let Expr::Path(path) = &*call.func else { return false };
    let mut names = path.path.segments.iter().rev().map(|segment| &segment.ident);
    let is_box_pin = names.next().is_some_and(|name| name == "pin")
        && names.next().is_some_and(|name| name == "Box");
    is_box_pin && call.args.len() == 1
}
