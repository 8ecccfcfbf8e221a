//! One city, one number: the hotline binary.
//!
//! Start reading in [`compose`]: the whole wiring on one page. [`cli`] is what an administrator types.

pub mod bench;
pub mod cli;
pub mod compose;
pub mod config;
pub mod demo;
mod folder;
pub mod identity;
pub mod import;
mod os_user;
pub mod services;
mod signals;
mod vault_config;

pub use compose::{City, Parts, Running};
