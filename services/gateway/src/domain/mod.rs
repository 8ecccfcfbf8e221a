//! Who somebody is: accounts, passwords, sessions, keys. Pure.

pub(crate) mod account;
pub(crate) mod blocklist;
pub(crate) mod key;
pub(crate) mod password;
pub(crate) mod request;
pub(crate) mod second_factor;
pub(crate) mod session;
pub(crate) mod throttle;
pub(crate) mod token;
pub(crate) mod trip;
