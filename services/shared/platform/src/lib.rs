//! The plumbing under every service, without hotline's words.
//!
//! Start reading with [`core`]: a service is a [`core::Core`] (its database, clock, ids and log),
//! some gRPC routes, reactions to other services' events and handlers of its timers. Every write
//! anywhere is one [`work::Work`]: one transaction that holds state, events, timers and audit.

pub mod core;
pub mod work;
pub mod db;
pub mod migration;
pub mod reaction;
pub mod ids;
pub mod clock;
pub mod group_commit;
pub mod grpc;
pub mod page;
pub mod runtime;
