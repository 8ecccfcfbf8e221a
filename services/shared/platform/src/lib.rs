//! The plumbing under every service, without hotline's words.
//!
//! Start reading with [`core`]: a service is a [`core::Core`] (its database, clock, ids and log),
//! some gRPC routes, reactions to other services' events and handlers of its timers. Every write
//! anywhere is one [`work::Work`]: one transaction that holds state, events, timers and audit.

pub mod backoff;
pub mod clock;
pub mod core;
pub mod db;
pub mod group_commit;
pub mod upkeep;
pub mod quiet;
pub mod ids;
pub mod migration;
pub mod outbox;
pub mod page;
pub mod reaction;
pub mod relay;
pub mod courier;
mod publisher;
pub mod feed;
mod log_client;
pub mod consumer;
mod lease;
mod apply;
mod link;
pub mod parked;
pub mod replay;
pub mod signal;
pub mod tasks;
#[doc(hidden)]
pub mod testing;
pub mod timers;
pub mod work;

pub mod check;
pub mod config;
pub mod grpc;
pub mod layers;
mod listen;
pub mod peers;
pub mod runtime;
pub mod serve;
pub mod telemetry;
