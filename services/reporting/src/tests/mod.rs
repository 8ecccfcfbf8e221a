//! Tests through the store, on every arrangement.
