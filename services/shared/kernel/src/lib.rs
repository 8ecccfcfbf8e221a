//! The pure vocabulary of hotline: ids, time, calendar, numbers, personal data, text.
//!
//! No async, no I/O, no clock of its own: time and randomness come in as arguments.
//! Start reading with [`id`] and [`time`].

pub mod id;
pub mod time;

pub mod calendar;
pub mod number;

pub mod mask;
pub mod personal;
pub mod search;
pub mod text;
