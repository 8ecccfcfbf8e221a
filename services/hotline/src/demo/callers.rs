//! Follow-up agents who ring citizens, and leaders who read the daily list.

use chrono::Timelike;
use hotline_kernel::time::{Timestamp, Zone};
use hotline_proto::event::FollowUpState;
use hotline_proto::feedback::{
    ClassifyFailureRequest, FollowUpView, ListFollowUpsRequest, RecordAttemptRequest,
};
use hotline_proto::reporting::GiveInstructionRequest;
use hotline_proto::shared::{FailureClass, Satisfaction, Solved};
use rand::Rng;
use rand::rngs::StdRng;

use super::city::{Clients, by, pages, said};
use super::memory::Memory;
use super::plan::{Plan, Verdict};
use super::story::Story;

/// Who asks afterwards.
pub struct Callers<'a> {
    /// The city.
    pub clients: Clients,
    /// What will be said.
    pub plan: &'a Plan,
    /// What they note.
    pub story: &'a Story,
    /// Draws their words.
    pub random: StdRng,
    /// The city's zone.
    pub zone: Zone,
}

impl Callers<'_> {
    /// The agents' turn: classify what failed, then ring everybody on the list.
    pub async fn turn(&mut self, now: Timestamp, memory: &Memory) -> anyhow::Result<()> {
        for view in self.list(FollowUpState::Classifying).await? {
            self.classify(&view, memory).await?;
        }
        let hour = self.zone.wall(now).hour();
        for view in self.list(FollowUpState::Open).await? {
            self.ring(&view, hour, memory).await?;
        }
        Ok(())
    }

    async fn list(&mut self, state: FollowUpState) -> anyhow::Result<Vec<FollowUpView>> {
        let feedback = self.clients.feedback.clone();
        let listed = pages(|page_token| {
            let mut feedback = feedback.clone();
            let request = ListFollowUpsRequest {
                state: state.into(),
                page_size: 200,
                page_token,
                ..Default::default()
            };
            async move {
                let answer = feedback
                    .list_follow_ups(by("follow_up_agent", "sun", request))
                    .await?
                    .into_inner();
                Ok((answer.follow_ups, answer.next_page_token))
            }
        });
        let mut views = listed
            .await
            .map_err(|status| anyhow::anyhow!("list follow-ups: {}", status.message()))?;
        // Those of one instant come in any order; the story is told in one.
        views.sort_by_cached_key(|view| {
            let follow_up = view.follow_up.clone().unwrap_or_default();
            (follow_up.matter_id, follow_up.round)
        });
        Ok(views)
    }

    fn verdict(view: &FollowUpView, memory: &Memory) -> Verdict {
        let follow_up = view.follow_up.clone().unwrap_or_default();
        let round = (follow_up.round as usize).max(1);
        let verdicts = memory
            .fates
            .get(&follow_up.ticket_id)
            .map(|fate| fate.verdicts.as_slice())
            .unwrap_or_default();
        verdicts
            .get(round - 1)
            .or(verdicts.last())
            .copied()
            .unwrap_or(Verdict::Solved)
    }

    async fn ring(
        &mut self,
        view: &FollowUpView,
        hour: u32,
        memory: &Memory,
    ) -> anyhow::Result<()> {
        let verdict = Self::verdict(view, memory);
        let (solved, satisfaction, remark) = match verdict {
            Verdict::Solved if self.random.random_range(0..3) == 0 => {
                (Solved::Solved, Satisfaction::Satisfied, "solved")
            }
            Verdict::Solved => (Solved::Solved, Satisfaction::VerySatisfied, "solved"),
            Verdict::Partly => (Solved::Partly, Satisfaction::Basic, "partly"),
            Verdict::Unsolved => (Solved::Unsolved, Satisfaction::VeryUnsatisfied, "unsolved"),
            Verdict::PolicyLimit => (Solved::Unsolved, Satisfaction::Unsatisfied, "unsolved"),
            Verdict::Unreached => (Solved::Unspecified, Satisfaction::Unspecified, ""),
        };
        let reached = verdict != Verdict::Unreached;
        let note = if reached {
            self.story.remark(remark, &mut self.random)
        } else {
            "无人接听".to_owned()
        };
        let follow_up_id = view
            .follow_up
            .as_ref()
            .map(|follow_up| follow_up.id.clone())
            .unwrap_or_default();
        let request = RecordAttemptRequest {
            idempotency_key: format!("ring-{follow_up_id}-{}-{hour}", view.version),
            expected_version: view.version,
            follow_up_id,
            reached,
            solved: solved.into(),
            satisfaction: satisfaction.into(),
            note,
        };
        said(
            self.clients
                .feedback
                .record_attempt(by("follow_up_agent", "sun", request))
                .await,
        )
        .map(drop)
    }

    async fn classify(&mut self, view: &FollowUpView, memory: &Memory) -> anyhow::Result<()> {
        let (failure_class, note) = match Self::verdict(view, memory) {
            Verdict::Unsolved => (FailureClass::UnitFault, "承办单位未实地核查，退回重办"),
            Verdict::PolicyLimit => (FailureClass::PolicyLimit, "受现行政策限制，已向市民说明"),
            _ => (FailureClass::NeedsTime, "剩余部分已列入计划，到期核查"),
        };
        let follow_up_id = view
            .follow_up
            .as_ref()
            .map(|follow_up| follow_up.id.clone())
            .unwrap_or_default();
        let request = ClassifyFailureRequest {
            idempotency_key: format!("classify-{follow_up_id}-{}", view.version),
            expected_version: view.version,
            follow_up_id,
            failure_class: failure_class.into(),
            note: note.into(),
        };
        said(
            self.clients
                .feedback
                .classify_failure(by("quality_inspector", "wu", request))
                .await,
        )
        .map(drop)
    }

    /// The mayor reads yesterday's letters to his mailbox and writes on some of them.
    pub async fn instruct(&mut self, now: Timestamp, memory: &Memory) -> anyhow::Result<()> {
        let yesterday = self.zone.day(now).pred_opt().unwrap_or_default();
        for (index, appeal) in self.plan.appeals.iter().enumerate() {
            if appeal.channel != "mayor_mailbox" || self.zone.day(appeal.at) != yesterday {
                continue;
            }
            let Some(ticket_id) = memory
                .appeals
                .get(&index)
                .and_then(|said| said.ticket_ids.first())
            else {
                continue;
            };
            if self.random.random_range(0..4) != 0 {
                continue;
            }
            let request = GiveInstructionRequest {
                idempotency_key: format!("instruct-{index}"),
                expected_version: 0,
                ticket_id: ticket_id.clone(),
                leader: "市长".into(),
                text: self.story.remark("instruction", &mut self.random),
            };
            said(
                self.clients
                    .reporting
                    .give_instruction(by("leader", "mayor", request))
                    .await,
            )?;
        }
        Ok(())
    }
}
