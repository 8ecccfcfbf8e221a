//! Intake: owns channels, lines, citizens and their contacts, appeals and their matters.
//!
//! Start reading with `domain::registration` and follow an appeal through `app::register`.

mod app;
mod convert;
mod domain;
mod error;
mod events;
mod store;
