//! The answer of HTTP services.

use http::{HeaderValue, Response, StatusCode, header::RETRY_AFTER};

use crate::error::Rejection;
use crate::on_reject::OnReject;

/// A rejection is a response with the status 503, `Retry-After` in whole seconds, and an empty body.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceUnavailable;

impl<B: Default, E> OnReject<Response<B>, E> for ServiceUnavailable {
    type Error = E;

    fn reject(&self, rejection: Rejection) -> Result<Response<B>, E> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let wait = rejection.retry_after();
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        Ok(response)
    }

    #[inline]
    fn pass(error: E) -> E {
        error
    }
}
