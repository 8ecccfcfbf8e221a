//! The desk: operators who triage, agents who ring citizens afterwards.

use hotline_proto::event::FollowUpState;
use hotline_proto::feedback::{ClassifyFailureRequest, FollowUpView, RecordAttemptRequest};
use hotline_proto::intake::{
    AcceptAppealRequest, AnswerAppealRequest, AppealView, GuideAppealRequest, MatterView,
    MergeMatterRequest, NewMatter, SplitAppealRequest, UnmergeMatterRequest, WithdrawAppealRequest,
};
use hotline_proto::shared::{FailureClass, GuideReason, Satisfaction, Solved};
use tonic::Status;

use super::Said;
use crate::city::City;
use crate::principal::by;

/// A matter of an accepted appeal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    /// Its id.
    pub id: String,
    /// The ticket it stands on.
    pub ticket_id: String,
    /// The ticket it opens when it is on its own.
    pub own_ticket_id: String,
    /// Its number.
    pub number: String,
    version: i64,
}

impl From<MatterView> for Matter {
    fn from(view: MatterView) -> Self {
        let matter = view.matter.expect("a view has its matter");
        Self {
            id: matter.id,
            ticket_id: matter.ticket_id,
            own_ticket_id: matter.reserved_ticket_id,
            number: matter.number,
            version: view.version,
        }
    }
}

/// An operator.
pub struct Operator<'a> {
    city: &'a City,
}

impl<'a> Operator<'a> {
    pub(super) fn new(city: &'a City) -> Self {
        Self { city }
    }

    /// Accepts an appeal; its matters, in order.
    pub async fn accepts(&self, said: &Said) -> Vec<Matter> {
        let request = AcceptAppealRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.appeal(said).await.version,
            appeal_id: said.appeal_id.clone(),
            ..AcceptAppealRequest::default()
        };
        let answer = self
            .city
            .intake()
            .accept_appeal(by("operator", "li", request))
            .await;
        let appeal = self.city.said("accept an appeal", answer).appeal;
        self.city.settles().await;
        matters(appeal.expect("an answer has its appeal"))
    }

    /// Accepts an appeal of one matter.
    pub async fn accepts_one(&self, said: &Said) -> Matter {
        let mut matters = self.accepts(said).await;
        assert_eq!(matters.len(), 1, "{}: one matter", self.city.label);
        matters.remove(0)
    }

    /// The matters of an appeal, as they stand.
    pub async fn sees(&self, said: &Said) -> Vec<Matter> {
        matters(self.city.appeal(said).await)
    }

    /// Answers an appeal on the spot.
    pub async fn answers(&self, said: &Said, answer: &str) {
        let request = AnswerAppealRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.appeal(said).await.version,
            appeal_id: said.appeal_id.clone(),
            answer: answer.to_owned(),
        };
        let answer = self
            .city
            .intake()
            .answer_appeal(by("operator", "li", request))
            .await;
        self.city.said("answer an appeal", answer);
        self.city.settles().await;
    }

    /// Guides an appeal that is not the city's.
    pub async fn guides(&self, said: &Said, body: &str, answer: &str) {
        let request = GuideAppealRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.appeal(said).await.version,
            appeal_id: said.appeal_id.clone(),
            reason: GuideReason::Litigation.into(),
            legal_route: "依法提起诉讼".to_owned(),
            competent_body: body.to_owned(),
            answer: answer.to_owned(),
        };
        let answer = self
            .city
            .intake()
            .guide_appeal(by("operator", "li", request))
            .await;
        self.city.said("guide an appeal", answer);
        self.city.settles().await;
    }

    /// Puts a matter on another ticket.
    pub async fn merges(&self, matter: &Matter, ticket_id: &str) -> Matter {
        let merged = self.tries_to_merge(matter, ticket_id).await;
        merged.unwrap_or_else(|status| panic!("{}: merge: {status:?}", self.city.label))
    }

    /// Puts a matter on another ticket, or is refused.
    pub async fn tries_to_merge(&self, matter: &Matter, ticket_id: &str) -> Result<Matter, Status> {
        let request = MergeMatterRequest {
            idempotency_key: self.city.key(),
            expected_version: matter.version,
            matter_id: matter.id.clone(),
            ticket_id: ticket_id.to_owned(),
        };
        let answer = self
            .city
            .intake()
            .merge_matter(by("operator", "li", request))
            .await?;
        self.city.settles().await;
        Ok(answer
            .into_inner()
            .matter
            .expect("an answer has its matter")
            .into())
    }

    /// Puts a merged matter back on its own ticket.
    pub async fn unmerges(&self, matter: &Matter) -> Matter {
        let request = UnmergeMatterRequest {
            idempotency_key: self.city.key(),
            expected_version: matter.version,
            matter_id: matter.id.clone(),
            reason: "并错了".to_owned(),
        };
        let answer = self
            .city
            .intake()
            .unmerge_matter(by("operator", "li", request))
            .await;
        let matter = self.city.said("unmerge a matter", answer).matter;
        self.city.settles().await;
        matter.expect("an answer has its matter").into()
    }

    /// Adds a matter of its own to an accepted appeal.
    pub async fn splits(&self, said: &Said, text: &str) -> Vec<Matter> {
        let told = NewMatter {
            subject: text.to_owned(),
            text: text.to_owned(),
            ..NewMatter::default()
        };
        let request = SplitAppealRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.appeal(said).await.version,
            appeal_id: said.appeal_id.clone(),
            matter: Some(told),
        };
        let answer = self
            .city
            .intake()
            .split_appeal(by("operator", "li", request))
            .await;
        let appeal = self.city.said("split an appeal", answer).appeal;
        self.city.settles().await;
        matters(appeal.expect("an answer has its appeal"))
    }

    /// Withdraws an appeal by its citizen's wish.
    pub async fn withdraws(&self, said: &Said) {
        let request = WithdrawAppealRequest {
            idempotency_key: self.city.key(),
            expected_version: self.city.appeal(said).await.version,
            appeal_id: said.appeal_id.clone(),
            reason: "本人要求撤诉".to_owned(),
        };
        let answer = self
            .city
            .intake()
            .withdraw_appeal(by("operator", "li", request))
            .await;
        self.city.said("withdraw an appeal", answer);
        self.city.settles().await;
    }
}

fn matters(appeal: AppealView) -> Vec<Matter> {
    appeal.matters.into_iter().map(Matter::from).collect()
}

/// A follow-up agent.
pub struct Agent<'a> {
    city: &'a City,
}

impl<'a> Agent<'a> {
    pub(super) fn new(city: &'a City) -> Self {
        Self { city }
    }

    /// Rings the citizen of a matter, who answers.
    pub async fn hears(&self, matter: &Matter, solved: Solved, satisfaction: Satisfaction) {
        self.records(matter, true, solved, satisfaction).await;
    }

    /// Rings the citizen of a matter; nobody answers.
    pub async fn reaches_nobody(&self, matter: &Matter) {
        self.records(
            matter,
            false,
            Solved::Unspecified,
            Satisfaction::Unspecified,
        )
        .await;
    }

    /// Says why the follow-up of a matter failed.
    pub async fn classifies(&self, matter: &Matter, class: FailureClass) {
        let view = self.follow_up(matter, FollowUpState::Classifying).await;
        let request = ClassifyFailureRequest {
            idempotency_key: self.city.key(),
            expected_version: view.version,
            follow_up_id: view.follow_up.expect("a view has its follow-up").id,
            failure_class: class.into(),
            note: "已核实".to_owned(),
        };
        let answer = self
            .city
            .feedback()
            .classify_failure(by("quality_inspector", "wu", request))
            .await;
        self.city.said("classify a failure", answer);
        self.city.settles().await;
    }

    async fn records(
        &self,
        matter: &Matter,
        reached: bool,
        solved: Solved,
        satisfaction: Satisfaction,
    ) {
        let view = self.follow_up(matter, FollowUpState::Open).await;
        let request = RecordAttemptRequest {
            idempotency_key: self.city.key(),
            expected_version: view.version,
            follow_up_id: view.follow_up.expect("a view has its follow-up").id,
            reached,
            solved: solved.into(),
            satisfaction: satisfaction.into(),
            note: String::new(),
        };
        let answer = self
            .city
            .feedback()
            .record_attempt(by("follow_up_agent", "zhao", request))
            .await;
        self.city.said("record an attempt", answer);
        self.city.settles().await;
    }

    /// The one follow-up of a matter on its ticket that is in `state`.
    async fn follow_up(&self, matter: &Matter, state: FollowUpState) -> FollowUpView {
        let mut views = self.city.follow_up_views(&matter.ticket_id).await;
        views.retain(|view| {
            let follow_up = view.follow_up.as_ref().expect("a view has its follow-up");
            follow_up.matter_id == matter.id && follow_up.state() == state
        });
        assert_eq!(
            views.len(),
            1,
            "{}: one follow-up is {state:?}",
            self.city.label
        );
        views.remove(0)
    }
}
