//! The rows, as sea-orm sees them. Instants are microseconds UTC, enums are words, lists JSON.

pub(super) mod area;
pub(super) mod catalogue;
pub(super) mod catalogue_proposal;
pub(super) mod category;
pub(super) mod heard;
pub(super) mod holiday;
pub(super) mod keyword;
pub(super) mod policy_profile;
pub(super) mod registry_version;
pub(super) mod ticket;
pub(super) mod ticket_matter;
pub(super) mod ticket_step;
pub(super) mod unit;
pub(super) mod unit_alias;
