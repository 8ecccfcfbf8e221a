//! Journeys: what a city lives through, on every arrangement, through gRPC.

mod calendar;
mod merge;
mod rebuild;
mod restart;
mod returns;
mod rework;
mod search;
mod split;
mod whole_life;
