//! What is said of a request in tiers and reports.

use tokio_pulse::task;

/// Describes a request: its name and labels are what rules match and what warnings show.
///
/// Implemented by functions from a request to a [`task::Builder`]; the group is added by the
/// middleware.
pub trait Describe<Request> {
    /// What is said of this one. `None`: nothing.
    fn describe(&self, request: &Request) -> Option<task::Builder>;
}

/// Says nothing. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Undescribed;

impl<Request> Describe<Request> for Undescribed {
    #[inline]
    fn describe(&self, _: &Request) -> Option<task::Builder> {
        None
    }
}

impl<Request, F> Describe<Request> for F
where
    F: Fn(&Request) -> task::Builder,
{
    fn describe(&self, request: &Request) -> Option<task::Builder> {
        Some(self(request))
    }
}
