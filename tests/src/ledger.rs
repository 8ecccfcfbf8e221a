//! What callers asked for and what was acknowledged, kept outside the program that is to be broken.
//!
//! A caller registers appeals, and accepts each fourth; what gets no answer is asked again with the same
//! key. A [`Ledger`] knows every receipt it was given, so that a receipt that is lost, or another one for
//! the same key, is noticed when the same is asked again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{
    AcceptAppealRequest, Contact, GetAppealRequest, GetConservationRequest, Receipt,
    RegisterAppealRequest, get_appeal_request,
};
use hotline_proto::shared::{AppealState, Kind};
use tonic::{Code, Status};

use crate::principal::{Door, by};

/// One appeal of so many is accepted as well.
const ACCEPTED_EVERY: usize = 4;
/// The channel of the sample city that everything comes on.
const CHANNEL: &str = "wechat";

/// The ledger of all callers of a city.
pub struct Ledger(Mutex<Book>);

#[derive(Default)]
struct Book {
    /// What was asked for, by number; the number is the key.
    entries: Vec<Entry>,
    /// What is asked again before anything new.
    again: VecDeque<usize>,
    /// How often a caller was not answered.
    refused: usize,
    /// What does not hold.
    broken: Vec<String>,
}

#[derive(Clone, Default)]
struct Entry {
    receipt: Option<Receipt>,
    is_accepted: bool,
}

impl Ledger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self(Mutex::default())
    }

    /// Asks for one thing: what is to be asked again first, else something new. What fails is noted, and
    /// asked again at another time.
    pub async fn ask(&self, channel: &Door) -> Result<(), Status> {
        let number = {
            let mut book = self.book();
            let again = book.again.pop_front();
            again.unwrap_or_else(|| {
                book.entries.push(Entry::default());
                book.entries.len() - 1
            })
        };
        let asked = self.ask_for(channel, number).await;
        if asked.is_err() {
            let mut book = self.book();
            book.again.push_back(number);
            book.refused += 1;
        }
        asked
    }

    /// Has the latest `count` entries, and whatever was not answered, asked again.
    pub fn ask_again(&self, count: usize) {
        let mut book = self.book();
        let from = book.entries.len().saturating_sub(count);
        for number in from..book.entries.len() {
            if !book.again.contains(&number) {
                book.again.push_back(number);
            }
        }
    }

    /// Asks until everything is answered, each once more, and compares how many appeals there are.
    pub async fn prove(&self, channel: &Door) {
        self.ask_again(usize::MAX);
        while !self.book().again.is_empty() {
            self.ask(channel).await.expect("nothing fails any more");
        }
        let mut intake = IntakeServiceClient::new(channel.clone());
        let question = by("administrator", "test", GetConservationRequest {});
        let sums = intake.get_conservation(question).await.expect("the sums");
        let registered: i64 = sums
            .into_inner()
            .channels
            .iter()
            .map(|sum| sum.registered)
            .sum();
        let mut book = self.book();
        let asked = book.entries.len();
        if usize::try_from(registered) != Ok(asked) {
            let problem = format!("{registered} appeals of {asked} keys");
            book.broken.push(problem);
        }
    }

    /// How many receipts were given.
    pub fn acknowledged(&self) -> usize {
        let book = self.book();
        let receipts = book
            .entries
            .iter()
            .filter_map(|entry| entry.receipt.as_ref());
        receipts.count()
    }

    /// How often a caller got an error instead of an answer.
    pub fn refused(&self) -> usize {
        self.book().refused
    }

    /// What was acknowledged and does not hold.
    pub fn broken(&self) -> Vec<String> {
        self.book().broken.clone()
    }

    async fn ask_for(&self, channel: &Door, number: usize) -> Result<(), Status> {
        let mut intake = IntakeServiceClient::new(channel.clone());
        let receipt = register(&mut intake, number).await?;
        let known = self.book().entries[number].clone();
        if known.is_accepted {
            let found = state(&mut intake, &receipt).await?;
            if found != AppealState::Accepted {
                self.notice(format!("{number} was accepted and is {found:?}"));
            }
        }
        self.note(number, &receipt);
        if number.is_multiple_of(ACCEPTED_EVERY) && !known.is_accepted {
            match accept(&mut intake, number, &receipt).await {
                Err(status) if status.code() == Code::NotFound => {
                    let number_given = &receipt.number;
                    self.notice(format!(
                        "{number} has the receipt {number_given} of no appeal"
                    ));
                }
                accepted => {
                    accepted?;
                    self.book().entries[number].is_accepted = true;
                }
            }
        }
        Ok(())
    }

    fn note(&self, number: usize, receipt: &Receipt) {
        let known = self.book().entries[number].receipt.replace(receipt.clone());
        if let Some(known) = known.filter(|known| known != receipt) {
            self.notice(format!(
                "{number} had the receipt {} and has {}",
                known.number, receipt.number
            ));
        }
    }

    fn notice(&self, problem: String) {
        self.book().broken.push(problem);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("no caller panicked")
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

async fn register(
    intake: &mut IntakeServiceClient<Door>,
    number: usize,
) -> Result<Receipt, Status> {
    let request = RegisterAppealRequest {
        idempotency_key: format!("key-{number}"),
        channel_code: CHANNEL.to_owned(),
        contact: Some(Contact {
            phone: format!("199{number:08}"),
            ..Contact::default()
        }),
        subject: format!("第{number}件事"),
        text: format!("第{number}号小区门口的井盖松动，车辆经过时响声很大。"),
        kind: Kind::Complaint.into(),
        ..RegisterAppealRequest::default()
    };
    let answer = intake.register_appeal(by("channel", CHANNEL, request));
    let receipt = answer.await?.into_inner().receipt;
    Ok(receipt.expect("an answer has a receipt"))
}

async fn accept(
    intake: &mut IntakeServiceClient<Door>,
    number: usize,
    receipt: &Receipt,
) -> Result<(), Status> {
    let request = AcceptAppealRequest {
        idempotency_key: format!("accept-{number}"),
        appeal_id: receipt.appeal_id.clone(),
        ..AcceptAppealRequest::default()
    };
    let answer = intake.accept_appeal(by("operator", "test", request));
    answer.await.map(drop)
}

/// Where the appeal of `receipt` stands; unspecified if there is none.
async fn state(
    intake: &mut IntakeServiceClient<Door>,
    receipt: &Receipt,
) -> Result<AppealState, Status> {
    let number = get_appeal_request::By::Number(receipt.number.clone());
    let question = GetAppealRequest { by: Some(number) };
    match intake.get_appeal(by("operator", "test", question)).await {
        Ok(found) => {
            let appeal = found.into_inner().appeal.and_then(|view| view.appeal);
            Ok(appeal.expect("an answer has an appeal").state())
        }
        Err(status) if status.code() == Code::NotFound => Ok(AppealState::Unspecified),
        Err(status) => Err(status),
    }
}
