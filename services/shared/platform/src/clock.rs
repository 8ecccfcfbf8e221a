//! Clocks: the database's time in production, a moved one in demo and tests.
