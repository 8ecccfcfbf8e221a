//! Pure reporting: periods, rates, tenures, facts, checks and the documents made of them.

pub mod daily;
pub mod document;
pub mod export;
pub mod fact;
pub mod figures;
pub mod listing;
pub mod monthly;
pub mod names;
pub mod period;
pub mod quarterly;
pub mod ranking;
pub mod rate;
pub mod reconcile;
pub mod search;
pub mod tables;
pub mod tenure;
pub mod view;
pub mod words;
