//! Citizens who say something and operators who take it up.

use std::fs::File;
use std::io::Write as _;

use chrono::Duration;
use hotline_kernel::time::{Timestamp, Zone};
use hotline_proto::intake::{
    AcceptAppealRequest, AnswerAppealRequest, AppealView, Contact, GetAppealRequest,
    GuideAppealRequest, MergeMatterRequest, QuarantineAppealRequest, RegisterAppealRequest,
    ReleaseAppealRequest, UnmergeMatterRequest, WithdrawAppealRequest, get_appeal_request,
};
use hotline_proto::shared::{AppealState, Confidentiality, GuideReason};
use tonic::Code;

use super::city::{Clients, by, said};
use super::memory::{Memory, Said, Task};
use super::plan::{Plan, PlannedAppeal, Triage};
use super::slips::{appeal_id, new_matter, or, remember, tolerate};

/// The operators' room.
pub struct Desk<'a> {
    /// The city.
    pub clients: Clients,
    /// What will be said.
    pub plan: &'a Plan,
    /// Numbers of lines that are merged in, for calls that came by an old number.
    pub lines: Vec<String>,
    /// The city's zone.
    pub zone: Zone,
    /// Where acknowledged numbers are written down, if anywhere.
    pub ledger: Option<File>,
}

impl Desk<'_> {
    /// A citizen says planned appeal `index`.
    pub async fn say(
        &mut self,
        index: usize,
        now: Timestamp,
        memory: &mut Memory,
    ) -> anyhow::Result<()> {
        let planned = &self.plan.appeals[index];
        let request = self.registration(index, planned);
        let answer = said(
            self.clients
                .intake
                .register_appeal(by("channel", planned.channel, request))
                .await,
        )?;
        let receipt = answer
            .receipt
            .ok_or_else(|| anyhow::anyhow!("an appeal got no receipt"))?;
        if let Some(ledger) = &mut self.ledger {
            writeln!(ledger, "{}", receipt.number)?;
            ledger.sync_data()?;
        }
        memory.appeals.insert(
            index,
            Said {
                appeal_id: receipt.appeal_id,
                ..Said::default()
            },
        );
        memory.note(self.takes_up_at(planned, index, now), Task::Triage(index));
        Ok(())
    }

    fn registration(&self, index: usize, planned: &PlannedAppeal) -> RegisterAppealRequest {
        let contact = planned
            .citizen
            .map(|citizen| &self.plan.citizens[citizen])
            .map(|citizen| Contact {
                name: citizen.name.clone(),
                phone: citizen.phone.clone(),
                ..Contact::default()
            });
        let by_line =
            matches!(planned.channel, "tel_parallel" | "tel_sub") && !self.lines.is_empty();
        let whole = planned
            .matters
            .iter()
            .map(|matter| matter.text.as_str())
            .collect::<Vec<_>>()
            .join("\n另外，");
        RegisterAppealRequest {
            idempotency_key: format!("demo-{index}"),
            channel_code: planned.channel.to_owned(),
            line_number: if by_line {
                self.lines[index % self.lines.len()].clone()
            } else {
                String::new()
            },
            contact,
            confidentiality: Some(Confidentiality {
                anonymous: planned.citizen.is_none(),
                tip_off: planned.matters[0].kind == "report",
                ..Confidentiality::default()
            }),
            subject: planned.matters[0].subject.clone(),
            text: whole,
            matters: planned.matters.iter().map(new_matter).collect(),
            ..RegisterAppealRequest::default()
        }
    }

    /// A call is taken up at once, a storm within the hour; letters wait for the morning.
    fn takes_up_at(&self, planned: &PlannedAppeal, index: usize, now: Timestamp) -> Timestamp {
        let spread = i64::try_from(index % 13).unwrap_or(0);
        let live = planned.channel.starts_with("tel") || planned.matters[0].urgency != "normal";
        if live {
            return now + Duration::minutes(2 + spread);
        }
        let today = self.zone.day(now);
        let morning = self.zone.at(today, 8, 30) + Duration::minutes(spread);
        let evening = self.zone.at(today, 18, 0);
        if now < morning {
            morning
        } else if now < evening {
            now + Duration::minutes(20 + spread)
        } else {
            morning + Duration::days(1)
        }
    }

    /// An operator takes up planned appeal `index`.
    pub async fn triage(
        &mut self,
        index: usize,
        now: Timestamp,
        memory: &mut Memory,
    ) -> anyhow::Result<()> {
        let appeal_id = memory
            .appeals
            .get(&index)
            .map(|said| said.appeal_id.clone())
            .unwrap_or_default();
        let view = self.appeal(&appeal_id).await?;
        let state = view.appeal.as_ref().map_or(0, |appeal| appeal.state);
        if state != AppealState::Registered as i32 {
            remember(memory, index, &view, self.plan);
            return Ok(()); // attached by itself to what the same citizen said before
        }
        let planned = &self.plan.appeals[index];
        match &planned.triage {
            Triage::Accept => self.accept(index, &view, now, memory).await,
            Triage::Answer(answer) => self.answer(index, &view, answer).await,
            Triage::Guide(reason, route, body, answer) => {
                self.guide(index, &view, reason, [route, body, answer])
                    .await
            }
            Triage::Spam => {
                let request = QuarantineAppealRequest {
                    idempotency_key: format!("quarantine-{index}"),
                    expected_version: view.version,
                    appeal_id,
                    reason: "广告群发，待甄别".into(),
                };
                said(
                    self.clients
                        .intake
                        .quarantine_appeal(by("operator", "chen", request))
                        .await,
                )?;
                memory.note(now + Duration::hours(20), Task::LookAgain(index));
                Ok(())
            }
        }
    }

    async fn accept(
        &mut self,
        index: usize,
        view: &AppealView,
        now: Timestamp,
        memory: &mut Memory,
    ) -> anyhow::Result<()> {
        let planned = &self.plan.appeals[index];
        let request = AcceptAppealRequest {
            idempotency_key: format!("accept-{index}"),
            expected_version: view.version,
            appeal_id: appeal_id(view),
            matters: Vec::new(),
        };
        let answer = said(
            self.clients
                .intake
                .accept_appeal(by("operator", "chen", request))
                .await,
        )?;
        let view = answer.appeal.unwrap_or_default();
        remember(memory, index, &view, self.plan);
        if planned.withdrawn {
            memory.note(now + Duration::days(2), Task::Withdraw(index));
        }
        let Some(original) = planned.same_as else {
            return Ok(());
        };
        let Some(target) = memory
            .appeals
            .get(&original)
            .and_then(|said| said.ticket_ids.first().cloned())
        else {
            return Ok(());
        };
        self.merge(index, &view, target, now, memory).await
    }

    async fn merge(
        &mut self,
        index: usize,
        view: &AppealView,
        target: String,
        now: Timestamp,
        memory: &mut Memory,
    ) -> anyhow::Result<()> {
        let Some(first) = view.matters.first() else {
            return Ok(());
        };
        let matter_id = first
            .matter
            .as_ref()
            .map(|matter| matter.id.clone())
            .unwrap_or_default();
        let request = MergeMatterRequest {
            idempotency_key: format!("merge-{index}"),
            expected_version: first.version,
            matter_id,
            ticket_id: target,
        };
        match self
            .clients
            .intake
            .merge_matter(by("operator", "chen", request))
            .await
        {
            Ok(_) => {
                memory.merged.insert(index);
                if self.plan.appeals[index].unmerged {
                    memory.note(now + Duration::hours(22), Task::Unmerge(index));
                }
                Ok(())
            }
            // The other ticket has concluded meanwhile: this one goes its own way.
            Err(status) if status.code() == Code::FailedPrecondition => Ok(()),
            Err(status) => Err(anyhow::anyhow!("merge: {}", status.message())),
        }
    }

    /// An operator sees that two matters were not the same.
    pub async fn unmerge(&mut self, index: usize, memory: &Memory) -> anyhow::Result<()> {
        let appeal_id = memory
            .appeals
            .get(&index)
            .map(|said| said.appeal_id.clone())
            .unwrap_or_default();
        let view = self.appeal(&appeal_id).await?;
        let Some(first) = view.matters.first() else {
            return Ok(());
        };
        let request = UnmergeMatterRequest {
            idempotency_key: format!("unmerge-{index}"),
            expected_version: first.version,
            matter_id: first
                .matter
                .as_ref()
                .map(|matter| matter.id.clone())
                .unwrap_or_default(),
            reason: "经核对并非同一事项".into(),
        };
        tolerate(
            self.clients
                .intake
                .unmerge_matter(by("operator", "chen", request))
                .await,
        )
    }

    /// A citizen takes his appeal back.
    pub async fn withdraw(&mut self, index: usize, memory: &Memory) -> anyhow::Result<()> {
        let appeal_id = memory
            .appeals
            .get(&index)
            .map(|said| said.appeal_id.clone())
            .unwrap_or_default();
        let view = self.appeal(&appeal_id).await?;
        let request = WithdrawAppealRequest {
            idempotency_key: format!("withdraw-{index}"),
            expected_version: view.version,
            appeal_id,
            reason: "市民来电表示问题已自行协商解决".into(),
        };
        tolerate(
            self.clients
                .intake
                .withdraw_appeal(by("operator", "chen", request))
                .await,
        )
    }

    /// A person has read the quarantined advert: it is released and guided as empty.
    pub async fn look_again(&mut self, index: usize, memory: &Memory) -> anyhow::Result<()> {
        let appeal_id = memory
            .appeals
            .get(&index)
            .map(|said| said.appeal_id.clone())
            .unwrap_or_default();
        let view = self.appeal(&appeal_id).await?;
        let request = ReleaseAppealRequest {
            idempotency_key: format!("release-{index}"),
            expected_version: view.version,
            appeal_id,
            reason: "人工甄别完毕".into(),
        };
        let answer = said(
            self.clients
                .intake
                .release_appeal(by("operator", "lin", request))
                .await,
        )?;
        let view = answer.appeal.unwrap_or_default();
        self.guide(
            index,
            &view,
            "no_content",
            ["", "", "您的留言未包含具体诉求，如有需要请补充后再次提交。"],
        )
        .await
    }

    async fn answer(
        &mut self,
        index: usize,
        view: &AppealView,
        answer: &str,
    ) -> anyhow::Result<()> {
        let request = AnswerAppealRequest {
            idempotency_key: format!("answer-{index}"),
            expected_version: view.version,
            appeal_id: appeal_id(view),
            answer: answer.to_owned(),
        };
        said(
            self.clients
                .intake
                .answer_appeal(by("operator", "chen", request))
                .await,
        )
        .map(drop)
    }

    async fn guide(
        &mut self,
        index: usize,
        view: &AppealView,
        reason: &str,
        texts: [&str; 3],
    ) -> anyhow::Result<()> {
        let [legal_route, competent_body, answer] = texts.map(str::to_owned);
        let request = GuideAppealRequest {
            idempotency_key: format!("guide-{index}"),
            expected_version: view.version,
            appeal_id: appeal_id(view),
            reason: GuideReason::from_str_name(&format!("GUIDE_REASON_{}", reason.to_uppercase()))
                .unwrap_or(GuideReason::NoContent)
                .into(),
            legal_route: or(legal_route, "可通过12345热线或市政府门户网站再次反映"),
            competent_body: or(competent_body, "12345政务服务便民热线"),
            answer,
        };
        said(
            self.clients
                .intake
                .guide_appeal(by("operator", "chen", request))
                .await,
        )
        .map(drop)
    }

    async fn appeal(&mut self, id: &str) -> anyhow::Result<AppealView> {
        let request = GetAppealRequest {
            by: Some(get_appeal_request::By::AppealId(id.to_owned())),
        };
        let answer = said(
            self.clients
                .intake
                .get_appeal(by("operator", "chen", request))
                .await,
        )?;
        answer
            .appeal
            .ok_or_else(|| anyhow::anyhow!("an appeal was not shown"))
    }
}
