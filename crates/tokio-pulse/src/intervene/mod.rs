//! What is done to the polls of suspects: one file each, and each undone by a guard or by the end
//! of the poll.

pub(crate) mod demote;
pub(crate) mod gate;
pub(crate) mod handoff;
pub(crate) mod nearest;
pub(crate) mod places;
pub(crate) mod squeeze;
pub(crate) mod warn;
