//! What becomes of a rejection: an error, or a response.

use crate::error::{BoxError, Rejection};

/// Makes an answer of a [`Rejection`].
///
/// * [`AsError`], the default: the service's error is a [`BoxError`], as with Tower's own middleware.
/// * A function from [`Rejection`] to a response: the service's error remains what it is, as
///   frameworks demand whose services never fail.
/// * `ServiceUnavailable` (feature `http`): such a function for HTTP, with `Retry-After`.
pub trait OnReject<Response, InnerError> {
    /// The error of the service with the layer around it.
    type Error;

    /// The answer.
    ///
    /// # Errors
    ///
    /// Where a rejection is an error.
    fn reject(&self, rejection: Rejection) -> Result<Response, Self::Error>;

    /// Passes an error of the inner service on.
    fn pass(error: InnerError) -> Self::Error;
}

/// A rejection is an error: [`Rejection`] in a [`BoxError`].
#[derive(Clone, Copy, Debug, Default)]
pub struct AsError;

impl<Response, E: Into<BoxError>> OnReject<Response, E> for AsError {
    type Error = BoxError;

    fn reject(&self, rejection: Rejection) -> Result<Response, BoxError> {
        Err(rejection.into())
    }

    #[inline]
    fn pass(error: E) -> BoxError {
        error.into()
    }
}

impl<Response, E, F> OnReject<Response, E> for F
where
    F: Fn(Rejection) -> Response,
{
    type Error = E;

    fn reject(&self, rejection: Rejection) -> Result<Response, E> {
        Ok(self(rejection))
    }

    #[inline]
    fn pass(error: E) -> E {
        error
    }
}
