//! Rows of reporting's tables. Private to the store.

pub mod appeal_view;
pub mod document;
pub mod follow_up_view;
pub mod instruction;
pub mod matter_text;
pub mod matter_view;
pub mod progress;
pub mod registry_load;
pub mod registry_name;
pub mod reply_view;
pub mod rollup;
pub mod tenure;
pub mod ticket_search;
pub mod ticket_step;
pub mod ticket_view;
