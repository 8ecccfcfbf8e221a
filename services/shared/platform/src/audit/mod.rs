//! The audit trail: who did what, written with the change, sealed behind it, anchored elsewhere.
//!
//! A row is written in the transaction of the change ([`crate::work::Work::audit`]) with a code that the database
//! cannot make ([`AuditKey`]). The [`sealer`] gives visible rows dense numbers and chains them; an [`anchor`] tells
//! a file or a syslog host how far the chain is. [`verify`] walks the chain and names what is not as it was written.
//! What a database's administrator can do and what tells of it: decision 0019.

pub mod anchor;
mod key;
mod list;
pub(crate) mod migration;
pub(crate) mod pen;
pub(crate) mod row;
mod seal;
pub mod sealer;
mod seen;
pub mod service;
pub mod verify;

#[cfg(test)]
mod tests;

pub use key::AuditKey;
