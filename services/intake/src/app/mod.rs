//! What intake does: each use case loads, decides with the domain, saves and tells.
//!
//! Start reading with [`register`].

mod journal;
pub mod register;
