//! What intake knows without any database: appeals, matters, citizens and their rules.
//!
//! Start reading with [`registration`] (what comes in), then [`appeal`] and [`matter`] (what
//! becomes of it). Time, ids, keys and randomness come in as arguments.

pub mod appeal;
pub mod erasure;
pub mod guess;
pub mod identity;
pub mod import;
pub mod mapping;
pub mod matter;
pub mod origin;
pub mod owner;
pub mod registration;
pub mod registry;
pub mod reveal;
pub mod terms;

/// A value that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` must be {expected}")]
pub struct Invalid {
    /// Name of the field, as the wire names it.
    pub field: String,
    /// What was expected there.
    pub expected: String,
}

impl Invalid {
    /// Names a field and what was expected in it.
    pub fn new(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            expected: expected.into(),
        }
    }
}
