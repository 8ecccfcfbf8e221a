//! The edge: what every call passes, over a socket and in this process alike.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test says why it stops"
)]

mod certificates;
mod credentials;
mod doors;

mod health;
mod layers;
mod page;
mod renewed;
mod tls;
mod trace;
mod unreached;
