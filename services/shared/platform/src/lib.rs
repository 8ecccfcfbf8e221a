//! The plumbing under every service, without hotline's words.
//!
//! Start reading with [`core`]: a service is a [`core::Core`] (its database, clock, ids and log),
//! some gRPC routes, reactions to other services' events and handlers of its timers. Every write
//! anywhere is one [`work::Work`]: one transaction that holds state, events, timers and audit.

#[cfg(all(
    feature = "testing",
    not(debug_assertions),
    not(hotline_release_proofs)
))]
compile_error!(
    "a release with the feature `testing` holds crash points and seeded bugs and is for no city: build with \
     `cargo build --release`, not with `--workspace`, which takes the tests' features in. Proofs of an optimised \
     program: RUSTFLAGS=\"--cfg hotline_release_proofs\""
);

pub mod access;
mod apply;
pub mod audit;
pub mod backoff;
pub mod bulk;
pub mod clock;
pub mod consumer;
pub mod core;
pub mod courier;
pub mod db;
pub mod epoch;
pub mod fault;
pub mod feed;
pub mod group_commit;
pub mod identity;
pub mod ids;
mod lease;
mod link;
mod log_client;
pub mod migration;
pub mod outbox;
pub mod page;
pub mod pages;
pub mod parked;
mod publisher;
pub mod quiet;
pub mod reaction;
pub mod relay;
pub mod replay;
pub mod signal;
pub mod snapshot;
pub mod tasks;
#[doc(hidden)]
pub mod testing;
pub mod timers;
pub mod upkeep;
pub mod vault;
pub mod work;

pub mod check;
pub mod config;
pub mod grpc;
pub mod layers;
mod listen;
pub mod peers;
pub mod row_fence;
pub mod runtime;
pub mod serve;
pub mod telemetry;
pub mod tls;
