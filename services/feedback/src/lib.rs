//! Owns replies to citizens, follow-up and satisfaction.
