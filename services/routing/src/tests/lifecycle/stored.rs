//! The service on its database against the model: orders by the same calls as over gRPC, news by
//! the same reactions as from the log, cards by the timers.

use std::cell::RefCell;
use std::collections::BTreeMap;

use hotline_kernel::id::TicketId;
use hotline_kernel::time::Clock as _;
use hotline_platform::page::Page;
use hotline_platform::testing::{self, steps};
use hotline_proto::event as pb;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::model::Place;
use super::orders::order;
use super::{Act, Model, Step, drawn, life, lives};
use crate::domain::ticket::Ticket;
use crate::domain::word::{Card, Change};
use crate::store;
use crate::tests::city::{City, matter, own_ticket};

const UNITS: [&str; 4] = ["HOUSING", "UMB", "LAMPS", "WATER"];
/// Matters of a life: its own and two others.
const MATTERS: u8 = 3;

/// What happens to a ticket from outside.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// An order of the centre, or of the unit that leads.
    Order(Act),
    /// The same, by a unit that does not lead.
    Stranger(Act),
    Comes(u8),
    Goes(u8, bool),
    /// The follow-ups of the present or of an earlier round are over: solved or not.
    Judged(bool, bool),
}

/// What people order.
const ORDERS: [Act; 12] = [
    Act::Dispatch,
    Act::Sign,
    Act::Return(true),
    Act::Return(false),
    Act::Grant(true),
    Act::Refuse,
    Act::Decide,
    Act::Handle,
    Act::SendBack,
    Act::Conclude,
    Act::Supervise,
    Act::Archive,
];

/// A ticket's life in the city.
struct Life<'a> {
    city: &'a City,
    id: TicketId,
    model: Model,
    own: pb::Matter,
    /// The highest version that was told of each matter.
    told: BTreeMap<u8, i64>,
    verdicts: u128,
    number: u128,
}

impl Life<'_> {
    fn hour(&self) -> i64 {
        self.city.clock.now().timestamp() / 3600
    }

    async fn ticket(&self) -> Ticket {
        self.city.ticket(self.id).await
    }

    /// What a drawn step means here.
    fn deed(&self, step: Step) -> Option<Deed> {
        let (Step::Allowed(number) | Step::Any(number)) = step else {
            return None;
        };
        let which = u8::try_from(number % usize::from(MATTERS)).unwrap();
        Some(match number % 17 {
            0 => Deed::Comes(which),
            1 => Deed::Goes(which, number % 2 == 0),
            2 | 3 => Deed::Judged(number % 5 == 0, number % 7 != 0),
            4 => Deed::Stranger(ORDERS[number % ORDERS.len()]),
            5 if self.model.place == Place::Concluded => Deed::Order(Act::Rework(true)),
            _ => Deed::Order(drawn(&ORDERS, &self.model, self.hour(), step)?),
        })
    }

    /// What the deed is to the ticket, by the design; `None` if it is none of its business.
    fn meaning(&self, deed: Deed) -> Option<Act> {
        let model = &self.model;
        let is_unconcluded = model.allows(Act::Recompute, self.hour());
        match deed {
            Deed::Order(act) => Some(act),
            Deed::Stranger(_) => None,
            Deed::Comes(which) if model.matters.contains(&which) => None,
            Deed::Comes(which) if is_unconcluded => Some(Act::Attach(which)),
            Deed::Comes(0) => Some(Act::Reopen(0)),
            Deed::Comes(_) => Some(Act::RefuseMatter),
            Deed::Goes(which, _) if !model.matters.contains(&which) => None,
            Deed::Goes(which, is_withdrawn) => {
                let is_last = model.matters.len() == 1 && model.place != Place::Archived;
                Some(match (is_last, is_withdrawn) {
                    (false, _) => Act::Detach(which),
                    (true, true) => Act::Withdraw(which),
                    (true, false) => Act::Absorb(which),
                })
            }
            Deed::Judged(_, is_late) if is_late || model.place != Place::Concluded => None,
            Deed::Judged(true, _) => Some(Act::Archive),
            Deed::Judged(false, _) if model.round < 3 => Some(Act::Rework(true)),
            Deed::Judged(false, _) if model.is_escalated => None,
            Deed::Judged(false, _) => Some(Act::Escalate),
        }
    }

    /// Does it; whether the service took it.
    async fn does(&mut self, deed: Deed) -> bool {
        let ticket = self.ticket().await;
        let lead = ticket
            .state
            .assignment()
            .map(|held| held.lead_unit_code.clone());
        let lead = lead.unwrap_or_else(|| "HOUSING".to_owned());
        let other = UNITS.into_iter().find(|unit| *unit != lead).unwrap();
        match deed {
            Deed::Order(act) => {
                let unit = match act {
                    Act::Sign | Act::Return(_) | Act::Handle => lead.as_str(),
                    _ => "",
                };
                self.city
                    .orders(unit, self.id, order(act, other))
                    .await
                    .is_ok()
            }
            Deed::Stranger(act) => self
                .city
                .orders(other, self.id, order(act, other))
                .await
                .is_ok(),
            Deed::Comes(which) => {
                let version = self.next_version(which);
                let moved = pb::MatterMove::Merged;
                self.city
                    .attaches(&self.matter(which), version, moved)
                    .await;
                true
            }
            Deed::Goes(which, is_withdrawn) => {
                let version = self.next_version(which);
                let moved = if is_withdrawn {
                    pb::MatterMove::Withdrawn
                } else {
                    pb::MatterMove::Merged
                };
                self.city
                    .detaches(&self.matter(which), self.id, version, moved)
                    .await;
                true
            }
            Deed::Judged(is_solved, is_late) => {
                self.verdicts += 1;
                let verdict = if is_solved {
                    pb::Verdict::Archive
                } else {
                    pb::Verdict::Rework
                };
                let round = self.model.round - u32::from(is_late);
                self.city
                    .verdict(self.id, round, self.verdicts, verdict)
                    .await;
                true
            }
        }
    }

    fn next_version(&mut self, which: u8) -> i64 {
        let told = self.told.entry(which).or_insert(i64::from(which == 0));
        *told += 1;
        *told
    }

    fn matter(&self, which: u8) -> pb::Matter {
        let mut matter = if which == 0 {
            self.own.clone()
        } else {
            matter(self.number + u128::from(which), "另一件事")
        };
        matter.ticket_id = self.id.to_string();
        matter
    }

    /// The steps that were written since `version`.
    async fn steps_since(&self, version: i64) -> Vec<Change> {
        let page = Page {
            size: 100,
            after: Some(version),
        };
        let all = super::super::callers::scope_of("");
        let reader = self.city.core.db().reader(&all).await.unwrap();
        let ticket = self.city.ticket(self.id).await;
        let (steps, _) = store::steps::page(&reader, &ticket, &page).await.unwrap();
        steps.iter().map(|step| step.change).collect()
    }

    /// One step: what was done, and what the service did by itself besides.
    async fn lives_through(&mut self, step: Step) -> Result<(), TestCaseError> {
        let before = self.model.version;
        if let Step::Wait(hours) = step {
            self.city.waits(hours.into()).await;
            let steps = self.steps_since(before).await;
            self.did_by_itself(&steps)?;
            return self.is_as_it_stands().await;
        }
        let Some(deed) = self.deed(step) else {
            return Ok(());
        };
        let meaning = self.meaning(deed);
        let is_allowed = meaning.is_some_and(|act| self.model.allows(act, self.hour()));
        let is_taken = self.does(deed).await;
        if matches!(deed, Deed::Order(_) | Deed::Stranger(_)) {
            prop_assert_eq!(is_taken, is_allowed, "{:?} to {:?}", deed, &self.model);
        }
        let steps = self.steps_since(before).await;
        if let Some(act) = meaning.filter(|_| is_allowed) {
            prop_assert!(
                !steps.is_empty(),
                "{:?} left no step: {:?}",
                deed,
                &self.model
            );
            self.model.does(act);
            if act == Act::Sign {
                let signing = self.ticket().await.state.signing().copied();
                // The calendar's word is proved elsewhere; hours are enough here, for time goes by hours.
                self.model.return_until = signing.unwrap().return_until.timestamp() / 3600;
            }
            if act == Act::Rework(true) && self.model.round == 3 {
                prop_assert_eq!(steps.get(1), Some(&Change::Supervised));
                self.model.does(Act::Supervise);
                self.did_by_itself(&steps[2..])?;
            } else {
                self.did_by_itself(&steps[1..])?;
            }
        } else {
            prop_assert!(steps.is_empty(), "{:?} changed {:?}", deed, &self.model);
        }
        self.is_as_it_stands().await
    }

    /// Cards and reminders: nothing else happens by itself.
    fn did_by_itself(&mut self, steps: &[Change]) -> Result<(), TestCaseError> {
        for change in steps {
            let act = match change {
                Change::YellowCard => Act::Yellow,
                Change::RedCard => Act::Red,
                Change::Reminded => Act::Remind,
                other => return Err(TestCaseError::fail(format!("{other:?} by itself"))),
            };
            prop_assert!(
                self.model.allows(act, self.hour()),
                "{:?} to {:?}",
                act,
                &self.model
            );
            self.model.does(act);
        }
        Ok(())
    }

    async fn is_as_it_stands(&self) -> Result<(), TestCaseError> {
        let (ticket, model) = (self.ticket().await, &self.model);
        let card = match ticket.card {
            Card::None => 0,
            Card::Yellow => 1,
            Card::Red => 2,
        };
        let mut here: Vec<u8> = (0..MATTERS)
            .filter(|which| ticket.has_matter(self.matter(*which).id.parse().unwrap()))
            .collect();
        let mut there = model.matters.clone();
        here.sort_unstable();
        there.sort_unstable();
        prop_assert_eq!(ticket.state.name(), model.place.word());
        prop_assert_eq!(ticket.version, model.version);
        prop_assert_eq!(ticket.round, model.round);
        prop_assert_eq!(ticket.returns, model.returns);
        prop_assert_eq!(ticket.counted_returns, model.counted_returns);
        prop_assert_eq!(card, model.card);
        prop_assert_eq!(ticket.reminders, model.reminders);
        prop_assert_eq!(ticket.supervision_orders, model.orders);
        prop_assert_eq!(ticket.is_escalated, model.is_escalated);
        prop_assert_eq!(here, there);
        Ok(())
    }
}

/// One life on the n-th ticket of the city.
async fn lives_by_the_model(
    city: &City,
    number: u128,
    steps: &[Step],
) -> Result<Model, TestCaseError> {
    let own = matter(number, "一件事");
    let mut life = Life {
        city,
        id: own_ticket(&own),
        model: Model::opened(false),
        own,
        told: BTreeMap::new(),
        verdicts: 0,
        number,
    };
    city.opens(&life.own).await;
    for step in steps {
        life.lives_through(*step).await?;
    }
    Ok(life.model)
}

/// Every version of every ticket has one event and one row of the audit trail.
async fn is_written_down(city: &City, lived: &BTreeMap<TicketId, i64>) {
    let mut events: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (envelope, _) in testing::log(&city.core).await {
        events
            .entry(envelope.aggregate_id)
            .or_default()
            .push(envelope.version);
    }
    for (id, version) in lived {
        let versions: Vec<i64> = (1..=*version).collect();
        assert_eq!(
            events.get(&id.to_string()),
            Some(&versions),
            "events of {id}"
        );
        let audited = steps::audited(&city.core, &id.to_string()).await.unwrap();
        assert_eq!(audited, versions, "audit of {id}");
    }
}

#[test]
fn five_hundred_stored_lives_are_as_the_model_says() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let city = runtime.block_on(City::brisk());
    let lived = RefCell::new(BTreeMap::new());
    let number = RefCell::new(0_u128);
    let tried = TestRunner::new(lives(500)).run(&life(), |steps| {
        *number.borrow_mut() += 10;
        let number = *number.borrow();
        let model = runtime.block_on(lives_by_the_model(&city, number, &steps))?;
        lived
            .borrow_mut()
            .insert(own_ticket(&matter(number, "")), model.version);
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
    // A card may have come to a ticket after its life was over.
    let mut lived = lived.into_inner();
    runtime.block_on(async {
        for (id, version) in &mut lived {
            *version = city.ticket(*id).await.version;
        }
        is_written_down(&city, &lived).await;
    });
}
