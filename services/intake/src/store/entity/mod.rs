//! Rows as the database holds them. Private to `store`.

pub mod appeal;
pub mod channel;
pub mod contact;
pub mod line;
pub mod matter;
pub mod registry_load;
pub mod ticket_seen;
