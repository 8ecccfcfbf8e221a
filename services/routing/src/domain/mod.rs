//! Pure rules of tickets: their life, their clocks, and whom they go to. No clock, no I/O.
//!
//! Start reading with [`ticket`]: every legal step of a ticket is one arm of one `match` there.

pub mod ticket;
pub mod state;
pub mod matter;
pub mod tally;
pub mod word;
pub mod deadline;
pub mod policy;
pub mod card;
pub mod unit;
pub mod catalogue;
pub mod evidence;
pub mod proposal;
pub mod registry;
pub mod table;
pub mod load;
pub mod check;
