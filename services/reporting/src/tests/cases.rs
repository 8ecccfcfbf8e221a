//! Which tickets the circular holds up as typical.

use hotline_kernel::time::Timestamp;
use hotline_proto::event as pb;
use hotline_proto::event::FollowUpState;
use hotline_proto::shared::{Satisfaction, Solved};

use super::eight_appeals::story;
use super::story::{Story, march, wire};
use super::{Bench, benches};
use crate::domain::document::Block;
use crate::domain::period::Series;

/// The follow-up of ticket 1 that the story closes as solved and very satisfying, about 5 March.
const SATISFIED: u128 = 1;
/// One more follow-up of ticket 1.
const ANOTHER: u128 = 101;

/// How a follow-up of ticket 1 stands.
struct Word {
    of: u128,
    about: Timestamp,
    state: FollowUpState,
    solved: Solved,
}

impl Word {
    fn tell(&self, story: &mut Story) {
        story.follow_up(self.of, 3, march(10, 9), |follow_up: &mut pb::FollowUp| {
            follow_up.opened_at = Some(wire(self.about));
            follow_up.state = self.state.into();
            follow_up.solved = self.solved.into();
            follow_up.satisfaction = match self.solved {
                Solved::Solved => Satisfaction::Satisfied.into(),
                _ => 0,
            };
        });
    }
}

fn word(of: u128, about: Timestamp, state: FollowUpState, solved: Solved) -> Word {
    Word {
        of,
        about,
        state,
        solved,
    }
}

async fn has_case(bench: &Bench) -> bool {
    let circular = bench.document(Series::Quarterly, "2026-Q1").await;
    let mut blocks = circular.sections.iter().flat_map(|section| &section.blocks);
    blocks.any(|block| matches!(block, Block::Paragraph(text) if text.starts_with("案例1：")))
}

#[tokio::test]
async fn a_case_is_typical_only_if_nobody_asked_about_its_last_conclusion_calls_it_unsolved() {
    let (before, same, later) = (march(3, 9), march(5, 15), march(8, 9));
    let (open, closed) = (FollowUpState::Open, FollowUpState::Closed);
    let classifying = FollowUpState::Classifying;
    let cancelled = FollowUpState::Cancelled;
    let (solved, unsolved) = (Solved::Solved, Solved::Unsolved);
    let unasked = Solved::Unspecified;
    let rows = [
        ("nobody else", word(SATISFIED, same, closed, solved), true),
        ("solved", word(ANOTHER, same, closed, solved), true),
        ("unsolved", word(ANOTHER, same, closed, unsolved), false),
        ("partly", word(ANOTHER, same, closed, Solved::Partly), false),
        (
            "to classify",
            word(ANOTHER, same, classifying, unsolved),
            false,
        ),
        ("gone", word(ANOTHER, same, cancelled, unsolved), true),
        ("to be asked", word(ANOTHER, same, open, unasked), true),
        (
            "the round before",
            word(ANOTHER, before, closed, unsolved),
            true,
        ),
        (
            "the round after",
            word(ANOTHER, later, open, unasked),
            false,
        ),
        ("solved after", word(ANOTHER, later, closed, solved), true),
        (
            "the satisfied gone",
            word(SATISFIED, same, cancelled, solved),
            false,
        ),
    ];
    for bench in benches().await {
        for (label, word, is_typical) in &rows {
            let mut told = story();
            word.tell(&mut told);
            bench.reset().await;
            bench.hear(&told.events).await;
            assert_eq!(
                has_case(&bench).await,
                *is_typical,
                "{}: {label}",
                bench.label
            );
        }
    }
}
