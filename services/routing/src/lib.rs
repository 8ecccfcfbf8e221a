//! Owns tickets for their whole life: the unit tree, the dispatch catalogue, assignments, clocks, returns,
//! consultation, rework, supervision and archive.
//!
//! Start reading in `domain::ticket`: the whole life is one `match` there.

mod domain;
