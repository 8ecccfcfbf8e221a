//! One suite for the core, run on every arrangement: `SQLite`, and `PostgreSQL` and Redis where they are given.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod commands;
mod courier;
mod feed;
mod fixture;
mod groups;
mod mirror;
mod parking;
mod timers;
mod writes;
