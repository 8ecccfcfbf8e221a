//! What whole-system tests are written with: cities in this process, and the binary as a process.

pub mod principal;
pub mod process;
