//! Rows as the database holds them. Private to `store`.

pub mod appeal;
pub mod channel;
pub mod contact;
pub mod erasure_request;
pub mod import_batch;
pub mod import_refusal;
pub mod import_row;
pub mod line;
pub mod matter;
pub mod query_guess;
pub mod query_known;
pub mod registry_load;
pub mod reveal;
pub mod reveal_request;
pub mod revealer;
pub mod sealing;
pub mod ticket_lead;
pub mod ticket_seen;
pub mod unit_above;
