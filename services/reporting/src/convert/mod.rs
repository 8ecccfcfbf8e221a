//! Between the wire and the domain.

pub(crate) mod heard;
mod search;
mod wire;

pub(crate) use search::*;
pub(crate) use wire::*;
