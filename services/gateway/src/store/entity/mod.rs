//! The tables as sea-orm sees them. What proves somebody stands in them only hashed or sealed.

pub(super) mod account;
pub(super) mod credential;
pub(super) mod device;
pub(super) mod failure;
pub(super) mod key;
pub(super) mod recovery_code;
pub(super) mod request;
pub(super) mod session;
pub(super) mod set_up_link;
pub(super) mod spent_trip;
