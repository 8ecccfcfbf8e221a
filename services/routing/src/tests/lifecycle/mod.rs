//! Random lives of tickets against a plain model: the pure rules, and the service on its database.
//!
//! Proptest prints what failed, made as small as it can be; `PROPTEST_RNG_SEED` repeats a run.

mod model;
mod orders;
mod pure;
mod stored;

use hotline_platform::testing;
use proptest::prelude::*;

use self::model::{ACTS, Act, Model};

/// Steps of a life at most.
const STEPS_MAX: usize = 60;

/// A step of a life as it is drawn: what it is depends on where the ticket stands then.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// One of what is allowed.
    Allowed(usize),
    /// Anything at all.
    Any(usize),
    /// So many hours pass.
    Wait(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..1000_usize).prop_map(Step::Allowed),
        3 => (0..1000_usize).prop_map(Step::Any),
        1 => (1..30_u8).prop_map(Step::Wait),
    ]
}

fn life() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..=STEPS_MAX)
}

/// One of `acts` by a drawn number; of those that the model allows, if that is wanted and there are any.
fn drawn(acts: &[Act], model: &Model, hour: i64, step: Step) -> Option<Act> {
    let (number, is_allowed) = match step {
        Step::Allowed(number) => (number, true),
        Step::Any(number) => (number, false),
        Step::Wait(_) => return None,
    };
    let fits = |act: &&Act| !is_allowed || model.allows(**act, hour);
    let fitting: Vec<&Act> = acts.iter().filter(fits).collect();
    fitting.get(number % fitting.len().max(1)).map(|act| **act)
}

/// `cases` lives; some times as many in the long form.
fn lives(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases: cases * testing::times(),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
