//! Redis absent, killed, flushed or lying: nothing is lost.
