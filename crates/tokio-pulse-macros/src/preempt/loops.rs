//! The loops of one body, and not those of others inside of it.

use proc_macro2::Span;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, ExprAsync, ExprClosure, ExprConst, ExprForLoop, ExprLoop, ExprRepeat,
    ExprWhile, GenericArgument, Item, Pat, Stmt, Type,
};

/// Puts a statement at the beginning of each turn.
pub(super) struct Loops<F> {
    statement: F,
    found: usize,
}

impl<F: FnMut(Span) -> Stmt> Loops<F> {
    /// `statement` makes it, given where the keyword of the loop is.
    pub(super) fn new(statement: F) -> Self {
        Self { statement, found: 0 }
    }

    pub(super) fn fill(&mut self, body: &mut Block) {
        self.visit_block_mut(body);
    }

    /// So many loops were there.
    pub(super) fn found(&self) -> usize {
        self.found
    }

    fn begin_turn(&mut self, turn: &mut Block, keyword: Span) {
        self.found += 1;
        turn.stmts.insert(0, (self.statement)(keyword));
    }
}

impl<F: FnMut(Span) -> Stmt> VisitMut for Loops<F> {
    fn visit_expr_for_loop_mut(&mut self, node: &mut ExprForLoop) {
        visit_mut::visit_expr_for_loop_mut(self, node);
        self.begin_turn(&mut node.body, node.for_token.span);
    }

    fn visit_expr_loop_mut(&mut self, node: &mut ExprLoop) {
        visit_mut::visit_expr_loop_mut(self, node);
        self.begin_turn(&mut node.body, node.loop_token.span);
    }

    fn visit_expr_while_mut(&mut self, node: &mut ExprWhile) {
        visit_mut::visit_expr_while_mut(self, node);
        self.begin_turn(&mut node.body, node.while_token.span);
    }

    /// The length is computed at compile time.
    fn visit_expr_repeat_mut(&mut self, node: &mut ExprRepeat) {
        self.visit_expr_mut(&mut node.expr);
    }

    // Other bodies, and what is computed at compile time.
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_generic_argument_mut(&mut self, _: &mut GenericArgument) {}
    fn visit_pat_mut(&mut self, _: &mut Pat) {}
    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}
}
