//! What whole-system tests are written with: cities in this process, and the binary as a process.
//!
//! Start reading in [`city`]: a city of every arrangement, with a clock in the test's hands. Who acts
//! in it is in [`people`], what can be seen of it in [`look`].

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "what a test is written with ends the test when it cannot go on"
)]

pub mod access;
pub mod authenticator;
pub mod certificates;
pub mod chaos;
pub mod city;
pub mod cluster;
pub mod disk;
pub mod kept;
pub mod ledger;
pub mod look;
pub mod machine;
pub mod people;
pub mod principal;
pub mod process;
pub mod redis_server;
pub mod registry;
pub mod shim;
pub mod tables;
