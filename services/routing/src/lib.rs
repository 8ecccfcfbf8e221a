//! Owns tickets for their whole life.
