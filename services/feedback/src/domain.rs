//! The rules of replies and follow-ups. Pure: no clock, no I/O, no randomness of its own.

pub(crate) mod conclusion;
pub(crate) mod follow_up;
pub(crate) mod matter;
pub(crate) mod reply;
