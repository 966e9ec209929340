//! Where a task is called.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};

use crate::current::{Scope, Subject};

/// One poll. The frame of this function ends the walk over a task's call chain, which knows it by
/// name.
#[inline(never)]
pub(crate) fn poll_root<T>(
    scope: &Scope,
    subject: &Subject<'_>,
    future: Pin<&mut dyn Future<Output = T>>,
    context: &mut Context<'_>,
) -> Poll<T> {
    let here = 0_u8;
    let _polling = scope.begin_poll(subject, ptr::from_ref(&here) as usize);
    // Behind a black box, so that the task's code does not become a part of this function.
    black_box(black_box(future).poll(context))
}
