//! Life of tickets in the database, on every arrangement.
