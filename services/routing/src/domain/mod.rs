//! Pure rules of tickets: their life, their clocks, and whom they go to. No clock, no I/O.
//!
//! Start reading with [`ticket`]: every legal step of a ticket is one arm of one `match` there.

pub mod card;
pub mod catalogue;
pub mod check;
pub mod command;
pub mod deadline;
pub mod evidence;
pub mod load;
pub mod matter;
pub mod policy;
pub mod proposal;
pub mod registry;
pub mod state;
pub mod table;
pub mod tally;
pub mod ticket;
pub mod unit;
pub mod word;
