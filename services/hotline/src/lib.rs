//! One city, one number: the hotline binary.

pub mod import;
