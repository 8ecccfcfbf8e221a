//! One suite for the core, run on every arrangement: `SQLite`, and `PostgreSQL` and Redis where they are given.

mod commands;
mod fixture;
