//! One city, one number: the hotline binary.
