//! The rows, as sea-orm sees them. Instants are microseconds UTC, enums are words.

pub(super) mod attempt;
pub(super) mod channel;
pub(super) mod conclusion;
pub(super) mod conclusion_matter;
pub(super) mod follow_up;
pub(super) mod matter;
pub(super) mod outbound_file;
pub(super) mod reply;
pub(super) mod ticket;
