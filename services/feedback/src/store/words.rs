//! How enums stand in columns: short words, the same on both databases.

use hotline_platform::core::CoreError;

use super::unexpected;
use crate::domain::follow_up::{FailureClass, Satisfaction, Solved};

/// The value whose word stands in a column.
pub(super) fn read<T: Copy>(
    column: &'static str,
    all: &[T],
    word: fn(T) -> &'static str,
    stored: &str,
) -> Result<T, CoreError> {
    all.iter()
        .copied()
        .find(|value| word(*value) == stored)
        .ok_or_else(|| unexpected(column))
}

pub(super) const SOLVED: [Solved; 3] = [Solved::Solved, Solved::Partly, Solved::Unsolved];

pub(super) fn solved(value: Solved) -> &'static str {
    match value {
        Solved::Solved => "solved",
        Solved::Partly => "partly",
        Solved::Unsolved => "unsolved",
    }
}

pub(super) const SATISFACTION: [Satisfaction; 5] = [
    Satisfaction::VerySatisfied,
    Satisfaction::Satisfied,
    Satisfaction::Basic,
    Satisfaction::Unsatisfied,
    Satisfaction::VeryUnsatisfied,
];

pub(super) fn satisfaction(value: Satisfaction) -> &'static str {
    match value {
        Satisfaction::VerySatisfied => "very_satisfied",
        Satisfaction::Satisfied => "satisfied",
        Satisfaction::Basic => "basic",
        Satisfaction::Unsatisfied => "unsatisfied",
        Satisfaction::VeryUnsatisfied => "very_unsatisfied",
    }
}

pub(super) const FAILURE_CLASS: [FailureClass; 5] = [
    FailureClass::UnitFault,
    FailureClass::NeedsTime,
    FailureClass::PolicyLimit,
    FailureClass::Unreasonable,
    FailureClass::NewMatter,
];

pub(super) fn failure_class(value: FailureClass) -> &'static str {
    match value {
        FailureClass::UnitFault => "unit_fault",
        FailureClass::NeedsTime => "needs_time",
        FailureClass::PolicyLimit => "policy_limit",
        FailureClass::Unreasonable => "unreasonable",
        FailureClass::NewMatter => "new_matter",
    }
}
