//! Those who work in the city meanwhile: operators, dispatchers, clerks of units, agents who ring
//! citizens. Each looks at a list, takes something from it and does what comes next.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hotline_proto::event::{FollowUpState, Ticket};
use hotline_proto::feedback::ListFollowUpsRequest;
use hotline_proto::intake::ListAppealsRequest;
use hotline_proto::routing::ListTicketsRequest;
use hotline_proto::shared::{AppealState, TicketState};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;
use tonic::{Request, Status};

use super::ledger::Entry;
use super::load::Load;
use super::orders::{Deed, Order};
use crate::principal::{by, by_unit};

/// How often somebody looks at his list.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// What he takes from it at a look, at most.
const TAKES_MAX: usize = 4;
/// A page of a list.
const PAGE: u32 = 40;
/// One ticket of so many is given back by its unit.
const RETURNS: u32 = 10;

/// What somebody does in the city.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Operator,
    Dispatcher,
    Clerk(&'static str),
    Agent,
}

/// Who works: more where more is to be done.
const STAFF: [Role; 12] = [
    Role::Operator,
    Role::Operator,
    Role::Operator,
    Role::Operator,
    Role::Dispatcher,
    Role::Dispatcher,
    Role::Dispatcher,
    Role::Clerk("CGJ"),
    Role::Clerk("CGJ"),
    Role::Clerk("ZJJ"),
    Role::Clerk("ZJJ"),
    Role::Agent,
];

/// Everybody works until the load's end, and ends what he has begun.
pub async fn work(load: Load, seed: u64) {
    let mut people = JoinSet::new();
    for (number, role) in (1_u64..).zip(STAFF) {
        let person = Person {
            load: load.clone(),
            role,
            name: format!("p{number}"),
            random: StdRng::seed_from_u64(seed.wrapping_add(number)),
            orders: 0,
        };
        people.spawn(person.works());
    }
    while let Some(ended) = people.join_next().await {
        ended.expect("a person goes home");
    }
}

struct Person {
    load: Load,
    role: Role,
    name: String,
    random: StdRng,
    orders: u32,
}

impl Person {
    async fn works(mut self) {
        let mut looks = tokio::time::interval(LOOKS_EVERY);
        while Instant::now() < self.load.ends_at {
            looks.tick().await;
            let looked = match self.role {
                Role::Operator => self.triages().await,
                Role::Dispatcher => self.dispatches().await,
                Role::Clerk(unit) => self.handles(unit).await,
                Role::Agent => self.rings().await,
            };
            // A list that does not come is asked for again, at the other replica perhaps.
            drop(looked);
        }
    }

    async fn triages(&mut self) -> Result<(), Status> {
        let request = ListAppealsRequest {
            state: AppealState::Registered.into(),
            page_size: PAGE,
            ..ListAppealsRequest::default()
        };
        let replica = self.replica();
        let request = self.signed(request);
        let answer = self
            .load
            .doors
            .intake(replica)
            .list_appeals(request)
            .await?;
        for view in self.takes(&answer.into_inner().appeals) {
            let appeal_id = view.appeal.unwrap_or_default().id;
            self.gives(Deed::Accept, appeal_id, view.version).await;
        }
        Ok(())
    }

    async fn dispatches(&mut self) -> Result<(), Status> {
        let states = [
            TicketState::AwaitingDispatch,
            TicketState::ReturnReview,
            TicketState::Consultation,
            TicketState::Handled,
        ];
        for (ticket, version) in self.listed("", &states).await? {
            let unit = self.unit();
            let deed = match ticket.state() {
                TicketState::AwaitingDispatch => Deed::Dispatch { unit },
                TicketState::ReturnReview => Deed::DecideReturn {
                    grant: self.random.random(),
                },
                TicketState::Consultation => Deed::DecideConsultation { unit },
                _ => Deed::Conclude,
            };
            self.gives(deed, ticket.id, version).await;
        }
        Ok(())
    }

    async fn handles(&mut self, unit: &'static str) -> Result<(), Status> {
        let states = [TicketState::Dispatched, TicketState::Signed];
        for (ticket, version) in self.listed(unit, &states).await? {
            let instead = if unit == "CGJ" { "ZJJ" } else { "CGJ" };
            let deed = match ticket.state() {
                TicketState::Signed => Deed::Handle,
                _ if self.random.random_ratio(1, RETURNS) => Deed::Return { instead },
                _ => Deed::Sign,
            };
            self.gives(deed, ticket.id, version).await;
        }
        Ok(())
    }

    async fn rings(&mut self) -> Result<(), Status> {
        for state in [FollowUpState::Classifying, FollowUpState::Open] {
            let request = ListFollowUpsRequest {
                state: state.into(),
                page_size: PAGE,
                ..ListFollowUpsRequest::default()
            };
            let replica = self.replica();
            let request = self.signed(request);
            let mut feedback = self.load.doors.feedback(replica);
            let answer = feedback.list_follow_ups(request).await?;
            for view in self.takes(&answer.into_inner().follow_ups) {
                let deed = match state {
                    FollowUpState::Classifying => Deed::ClassifyFailure,
                    _ => Deed::RecordAttempt {
                        is_solved: self.random.random_ratio(4, 5),
                    },
                };
                let follow_up_id = view.follow_up.unwrap_or_default().id;
                self.gives(deed, follow_up_id, view.version).await;
            }
        }
        Ok(())
    }

    /// Some tickets in each of `states`, with their versions.
    async fn listed(
        &mut self,
        unit: &str,
        states: &[TicketState],
    ) -> Result<Vec<(Ticket, i64)>, Status> {
        let mut found = Vec::new();
        for &state in states {
            let request = ListTicketsRequest {
                unit_code: unit.to_owned(),
                states: vec![state.into()],
                page_size: PAGE,
                ..ListTicketsRequest::default()
            };
            let replica = self.replica();
            let request = self.signed(request);
            let answer = self
                .load
                .doors
                .routing(replica)
                .list_tickets(request)
                .await?;
            let taken = self.takes(&answer.into_inner().tickets).into_iter();
            found.extend(taken.map(|view| (view.ticket.unwrap_or_default(), view.version)));
        }
        Ok(found)
    }

    /// Some of a list, by chance: two who look at the same list want the same thing now and then.
    fn takes<T: Clone>(&mut self, listed: &[T]) -> Vec<T> {
        let taken = listed.choose_multiple(&mut self.random, TAKES_MAX);
        taken.cloned().collect()
    }

    /// Notes an order, gives it until the answer leaves no doubt, and notes the answer.
    async fn gives(&mut self, deed: Deed, subject_id: String, version: i64) {
        self.orders += 1;
        let key = format!("{}-{}", self.name, self.orders);
        let order = Order {
            key: key.clone(),
            deed,
            subject_id,
            version,
        };
        let intent = Entry::Command {
            key: key.clone(),
            service: deed.service().to_owned(),
            deed: format!("{deed:?}"),
            actor: self.actor(),
            subject_id: order.subject_id.clone(),
            version,
        };
        self.load.ledger.write(&intent).await;
        let replica = self.replica();
        let random = StdRng::seed_from_u64(self.random.random());
        let give = |replica| {
            let doors = self.load.doors.clone();
            order.clone().give(doors, replica, self.signed(()))
        };
        let answer = self.load.until_definite(replica, random, give).await;
        let (entry, count) = match answer {
            None => return,
            Some(Ok(version)) => (Entry::Done { key, version }, &self.load.tally.done),
            Some(Err(status)) => {
                let code = format!("{:?}", status.code());
                (Entry::Refused { key, code }, &self.load.tally.refused)
            }
        };
        self.load.ledger.write(&entry).await;
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn replica(&mut self) -> usize {
        self.random.random_range(0..2)
    }

    fn unit(&mut self) -> &'static str {
        if self.random.random() { "CGJ" } else { "ZJJ" }
    }

    /// How histories name him.
    fn actor(&self) -> String {
        match self.role {
            Role::Clerk(unit) => format!("unit:{unit}"),
            _ => format!("{}:{}", self.role_word(), self.name),
        }
    }

    fn signed<T>(&self, message: T) -> Request<T> {
        match self.role {
            Role::Clerk(unit) => by_unit(unit, message),
            _ => by(self.role_word(), &self.name, message),
        }
    }

    fn role_word(&self) -> &'static str {
        match self.role {
            Role::Operator => "operator",
            Role::Dispatcher => "dispatcher",
            Role::Clerk(_) => "unit_clerk",
            Role::Agent => "quality_inspector",
        }
    }
}
