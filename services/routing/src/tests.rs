//! Tickets in the database, on every arrangement.

mod callers;
mod cards;
mod city;
mod fence;
mod grpc;
mod life;
mod lifecycle;
mod lists;
mod matters;
mod registry;
mod returns;
mod walk;
