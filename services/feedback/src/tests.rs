//! Feedback as a whole, on every arrangement.
