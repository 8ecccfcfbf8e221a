//! A city of many processes under fire: what is started, what loads it, what breaks it, what is checked.
//!
//! Read [`fleet`] for what runs, [`load`] and [`desks`] for who asks something of it, [`nemesis`] for
//! who kills and pauses it, [`ledger`] for what was promised, and [`checker`] for whether it was kept.

pub mod checker;
pub mod desks;
pub mod fleet;
pub mod ledger;
pub mod load;
pub mod nemesis;
mod orders;
mod promised;
pub mod rest;
