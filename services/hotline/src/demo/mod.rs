//! `hotline demo`: a sample city lives a hundred days in a minute.
//!
//! Start with [`plan`]: everything that will be said and done is drawn from one seed. [`desk`],
//! [`offices`] and [`callers`] then act it out through the gRPC interface, each in somebody's name,
//! while the clock is moved from task to task; [`show`] prints what came of it.

mod callers;
pub(crate) mod city;
mod desk;
mod directory;
mod draws;
pub(crate) mod founding;
mod memory;
mod offices;
mod plan;
pub(crate) mod sample;
mod show;
mod slips;
mod story;
mod telling;

pub use telling::{Args, run};
