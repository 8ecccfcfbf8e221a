//! Between the wire and the domain.

pub(crate) mod heard;
mod wire;

pub(crate) use wire::*;
