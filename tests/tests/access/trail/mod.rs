//! What every method leaves in the audit trail: real calls, allowed, repeated, in conflict, unreadable and denied,
//! against a table that people have read.
//!
//! Every method that has an access rule has to be here, and whatever changes a table of its service leaves a row.

mod accounts;
mod appeals;
mod contacts;
mod imports;
mod keys;
mod reports;
mod tickets;
mod units;
mod visit;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hotline::services::Name;
use hotline_platform::grpc::Principal;
use hotline_proto::access::{RULES, Rule, rule};
use hotline_tests::city::City;
use hotline_tests::tables::{AuditRow, Tables};
use prost::Message;

use self::visit::{Visit, Who};
use super::is_as_read;
use super::states::who_may;

/// Who signs what and from where, in each row of a person's call.
const FROM: &str = "127.0.0.1";
/// Characters of an id.
const ID_CHARS: usize = 36;

/// What is known of the rows of a city.
pub struct Trail<'a> {
    city: &'a City,
    tables: Vec<(Name, Tables)>,
    /// What ids and secrets are called in the table: they differ from run to run.
    names: Vec<(String, String)>,
    told: BTreeMap<&'static str, String>,
}

impl<'a> Trail<'a> {
    async fn of(city: &'a City) -> Self {
        let mut tables = Vec::new();
        for &name in Name::ALL {
            tables.push((name, city.tables(name).await));
        }
        Self {
            city,
            tables,
            names: Vec::new(),
            told: BTreeMap::new(),
        }
    }

    /// From now on `text` is called `name`.
    fn call(&mut self, text: &str, name: &str) {
        assert!(!text.is_empty(), "{name} is nothing");
        self.names.push((text.to_owned(), format!("<{name}>")));
        self.names
            .sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    fn named(&self, text: &str) -> String {
        let named = |told: String, (text, name): &(String, String)| told.replace(text, name);
        self.names.iter().fold(text.to_owned(), named)
    }

    /// Somebody who may call `path`, with a second factor that is fresh.
    fn able(&self, path: &str) -> Who {
        Who::person(who_may(declared(path), self.city))
    }

    /// What a command leaves that `request` makes of a key: done, repeated, and asked for again under another key.
    async fn command<A: Message + Default, M: Message>(
        &mut self,
        path: &str,
        who: &Who,
        request: impl Fn(String) -> M,
    ) -> A {
        let mut visit = self.visit(path).await;
        let answer = visit.allowed(who, &request(path.to_owned())).await;
        visit.repeated().await;
        let again = request(format!("{path} again"));
        visit.refused("conflict", who, &again).await;
        visit.ends().await;
        answer
    }

    /// What reading leaves: `request` is answered, `invalid` is refused.
    async fn reading(&mut self, path: &str, request: &impl Message, invalid: &impl Message) {
        let who = self.able(path);
        let mut visit = self.visit(path).await;
        visit.allowed::<()>(&who, request).await;
        visit.refused("invalid", &who, invalid).await;
        visit.ends().await;
    }

    /// Starts with what `path` leaves.
    async fn visit<'t>(&'t mut self, path: &str) -> Visit<'t, 'a> {
        let known = RULES.iter().find(|(known, _)| *known == path);
        let (path, _) = known.unwrap_or_else(|| panic!("there is no {path}"));
        Visit::begin(self, path).await
    }

    /// The last row of every service.
    async fn marks(&self) -> Vec<i64> {
        let mut marks = Vec::new();
        for (_, tables) in &self.tables {
            let rows = tables.trail_behind(0).await;
            marks.push(rows.last().map_or(0, |row| row.seq));
        }
        marks
    }

    /// What came behind `marks`, by service.
    async fn since(&self, marks: &[i64]) -> Vec<(Name, AuditRow)> {
        let mut found = Vec::new();
        for ((name, tables), mark) in self.tables.iter().zip(marks) {
            let rows = tables.trail_behind(*mark).await;
            found.extend(rows.into_iter().map(|row| (*name, row)));
        }
        found
    }

    async fn dump(&self, service: Name) -> String {
        let of = |(name, _): &&(Name, Tables)| *name == service;
        let (_, tables) = self.tables.iter().find(of).expect("every service has some");
        tables.dump().await
    }

    fn whole(&self) -> String {
        let mut text = String::from(
            "# What every call leaves in the audit trail: found by making it. Whatever else it changed is in the\n\
             # database of the service that is named; what others did when they heard of it stands behind `then`.\n",
        );
        for (path, rule) in RULES {
            let told = self.told.get(path);
            let told = told.unwrap_or_else(|| panic!("nobody looked at what {path} leaves"));
            for case in ["allowed", "unreadable"] {
                let is_there = told.contains(&format!("    {case}"));
                assert!(is_there, "nobody looked at {path} being {case}");
            }
            let is_denied = told.contains("    denied");
            assert!(is_denied || rule.anonymous, "nobody is denied {path}");
            let told = without_ids(&self.named(told));
            write!(text, "\n{}\n{told}", path.trim_start_matches("/hotline.")).expect("text");
        }
        text
    }
}

/// Ids that nobody named differ from run to run.
fn without_ids(text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let id = rest.get(..ID_CHARS);
        if id.is_some_and(|id| uuid::Uuid::parse_str(id).is_ok()) {
            told.push_str("<another>");
            rest = &rest[ID_CHARS..];
        } else {
            told.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    told
}

fn declared(path: &str) -> &'static Rule {
    rule(path).unwrap_or_else(|| panic!("there is no {path}"))
}

/// The same person as another one.
fn another(who: &Who) -> Who {
    let mut other: Principal = who.principal().clone();
    other.id.push_str(":second");
    Who::person(other)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_leaves_the_rows_that_were_reviewed_and_no_change_is_without_one() {
    for city in City::all().await {
        let mut trail = Trail::of(&city).await;
        let life = appeals::all(&mut trail).await;
        tickets::all(&mut trail, &life).await;
        reports::all(&mut trail, &life).await;
        imports::all(&mut trail).await;
        units::all(&mut trail).await;
        contacts::all(&mut trail, &life).await;
        accounts::all(&mut trail).await;
        keys::all(&mut trail).await;
        is_as_read("audit.txt", &trail.whole(), city.label);
        drop(trail);
        city.ends().await;
    }
}
