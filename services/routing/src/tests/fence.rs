//! The two fences around a unit's tickets: what a unit reads and changes, ten thousand times. With the bug
//! `scope_forgotten` the first fence is down: then SQLite, which has no other, shows foreign tickets and its test
//! fails, and PostgreSQL, behind the second one, still shows none (`process_seeded_bugs`).

use futures::StreamExt;
use hotline_kernel::id::TicketId;
use hotline_platform::core::CommandContext;
use hotline_platform::db::{Db, DbOptions};
use hotline_platform::ids::Ids;
use hotline_platform::page::Page;
use hotline_platform::testing::{self, Databases};
use hotline_platform::{migration, row_fence};
use hotline_proto::shared::Confidentiality;
use sea_orm::ConnectionTrait;

use super::callers::{context, principal, scope_of};
use super::city::{City, dispatch, give_back, handle, matter};
use crate::app::order::{DispatchOrder, Order};
use crate::app::queries::Name;
use crate::domain::ticket::Filter;
use crate::domain::word::ReturnReason;
use crate::error::RoutingError;
use crate::store;

const CALLS: u32 = 10_000;
/// Calls that are under way at once.
const AT_ONCE: usize = 6;
const TICKETS: u32 = 60;
/// Who leads, assists and asks.
const UNITS: [&str; 6] = ["BOSS", "UMB", "LAMPS", "POLE", "WATER", "HOUSING"];

fn units_table(above_umb: &str) -> String {
    format!(
        "code,name,parent_code,group,kind\nHOUSING,甲,,市级部门,gov\nBOSS,乙,,市级部门,gov\nWATER,丙,,市级部门,gov\n\
         UMB,丁,{above_umb},市级部门,gov\nLAMPS,戊,UMB,市级部门,gov\nPOLE,己,LAMPS,市级部门,gov\n"
    )
}

/// A unit and those above it, said by hand.
fn upwards(unit: &str) -> &'static [&'static str] {
    match unit {
        "POLE" => &["POLE", "LAMPS", "UMB", "BOSS"],
        "LAMPS" => &["LAMPS", "UMB", "BOSS"],
        "UMB" => &["UMB", "BOSS"],
        "BOSS" => &["BOSS"],
        "WATER" => &["WATER"],
        _ => &["HOUSING"],
    }
}

struct Stands {
    id: TicketId,
    number: String,
    lead: &'static str,
    assisting: &'static str,
    accuses_boss: bool,
}

impl Stands {
    fn is_hidden_from(&self, unit: &str) -> bool {
        self.accuses_boss && upwards(unit).contains(&"BOSS")
    }

    fn is_read_by(&self, unit: &str) -> bool {
        let is_involved = [self.lead, self.assisting]
            .iter()
            .any(|involved| !involved.is_empty() && upwards(involved).contains(&unit));
        is_involved && !self.is_hidden_from(unit)
    }

    fn is_led_by(&self, unit: &str) -> bool {
        self.lead == unit && !self.is_hidden_from(unit)
    }
}

/// Tickets in many relations to the units; a third of them complain about BOSS, who comes to stand above UMB.
async fn tickets(city: &City) -> Vec<Stands> {
    city.loads("units", &units_table("")).await.unwrap();
    let mut tickets = Vec::new();
    for number in 0..TICKETS {
        let mut told = matter(u128::from(number) + 1, "有人摆摊");
        let accuses_boss = number % 3 == 0;
        let complained = if accuses_boss { vec!["BOSS"] } else { vec![] };
        told.confidentiality = Some(Confidentiality {
            complained_unit_codes: complained.into_iter().map(str::to_owned).collect(),
            ..Confidentiality::default()
        });
        let id = city.opens(&told).await;
        let place = |place: u32| UNITS[1 + usize::try_from(place).unwrap() % 5];
        let (mut lead, mut assisting) = (place(number), place(number / 5 + 1));
        match number % 4 {
            _ if number > 56 => (lead, assisting) = ("", ""),
            0 | 1 => {}
            _ => assisting = "",
        }
        if assisting == lead {
            assisting = "";
        }
        if !lead.is_empty() {
            let Order::Dispatch(order) = dispatch(lead) else {
                unreachable!("dispatch makes a dispatch");
            };
            let assists = Some(assisting.to_owned()).filter(|unit| !unit.is_empty());
            let order = DispatchOrder {
                assisting: assists.into_iter().collect(),
                ..order
            };
            city.orders("", id, Order::Dispatch(order)).await.unwrap();
        }
        tickets.push(Stands {
            id,
            number: told.number,
            lead,
            assisting,
            accuses_boss,
        });
    }
    city.loads("units", &units_table("BOSS")).await.unwrap();
    tickets
}

/// A unit's command, with the scope of commands.
fn command_of(unit: &str) -> CommandContext {
    CommandContext {
        scope: testing::scope(&principal(unit), "SignTicket"),
        ..context(unit)
    }
}

/// Whether a call reached the ticket, although a rule may have refused it then.
fn is_reached<T>(outcome: Result<T, RoutingError>) -> bool {
    match outcome {
        Ok(_) | Err(RoutingError::Refused(_)) => true,
        Err(RoutingError::TicketNotFound(_)) => false,
        Err(error) => panic!("no storage fails: {error:?}"),
    }
}

/// One call of `unit`'s; what it showed or changed that it should not have, or hid that it should have shown.
async fn call(city: &City, tickets: &[Stands], unit: &str, draws: [u32; 2]) -> Option<String> {
    let ticket = &tickets[usize::try_from(draws[0] % TICKETS).unwrap()];
    let (scope, routing) = (scope_of(unit), &city.routing);
    let (is_reached, should) = match draws[1] % 10 {
        0 => {
            let page = Page {
                size: 200,
                after: None,
            };
            let filter = Filter::default();
            let (found, _) = routing.tickets(&scope, &filter, &page).await.unwrap();
            let mut found: Vec<TicketId> = found.into_iter().map(|ticket| ticket.id).collect();
            let readable = tickets.iter().filter(|ticket| ticket.is_read_by(unit));
            let mut wanted: Vec<TicketId> = readable.map(|ticket| ticket.id).collect();
            found.sort();
            wanted.sort();
            return (found != wanted).then(|| format!("{unit} lists {found:?}, not {wanted:?}"));
        }
        1..=3 => {
            let found = routing.ticket(&scope, &Name::Id(ticket.id)).await;
            (is_reached(found), ticket.is_read_by(unit))
        }
        4 => {
            let by_number = Name::Number(ticket.number.clone());
            let found = routing.ticket(&scope, &by_number).await;
            (is_reached(found), ticket.is_read_by(unit))
        }
        5 | 6 => {
            let page = Page {
                size: 20,
                after: None,
            };
            let found = routing.history(&scope, ticket.id, &page).await;
            (is_reached(found), ticket.is_read_by(unit))
        }
        choice => {
            let order = match choice {
                7 => Order::Sign,
                8 => handle(),
                _ => give_back(ReturnReason::MissingInfo, ""),
            };
            let done = routing.carry_out(command_of(unit), ticket.id, order).await;
            (is_reached(done), ticket.is_led_by(unit))
        }
    };
    let Stands {
        lead,
        assisting,
        accuses_boss,
        ..
    } = ticket;
    let told = || {
        format!(
            "{unit} reaches a ticket of {lead}, assisted by {assisting}, against BOSS: {accuses_boss}; call {}",
            draws[1] % 10
        )
    };
    (is_reached != should).then(told)
}

/// Steps that units took on tickets that they do not lead.
async fn foreign_steps(city: &City, tickets: &[Stands]) -> usize {
    let page = Page {
        size: 200,
        after: None,
    };
    let mut foreign = 0;
    for ticket in tickets {
        let (steps, _) = city
            .routing
            .history(&scope_of(""), ticket.id, &page)
            .await
            .unwrap();
        let own = format!("unit:{}:wang", ticket.lead);
        let by_units = steps.iter().filter(|step| step.actor.starts_with("unit:"));
        foreign += by_units.filter(|step| step.actor != own).count();
    }
    foreign
}

async fn units_call(label: &str) {
    for city in City::all()
        .await
        .into_iter()
        .filter(|city| city.label == label)
    {
        let tickets = tickets(&city).await;
        let draws = Ids::seeded(33, "fence");
        let calls = (0..CALLS).map(|_| {
            let unit = UNITS[usize::try_from(draws.draw(6)).unwrap()];
            call(
                &city,
                &tickets,
                unit,
                [draws.draw(u32::MAX), draws.draw(u32::MAX)],
            )
        });
        let calls: Vec<_> = calls.collect();
        let wrong: Vec<String> = futures::stream::iter(calls)
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        assert!(
            wrong.is_empty(),
            "{label}: {} of {CALLS} calls showed foreign rows or hid own ones: {:?}",
            wrong.len(),
            &wrong[..wrong.len().min(5)]
        );
        assert_eq!(foreign_steps(&city, &tickets).await, 0, "{label}");
    }
}

#[tokio::test]
async fn sqlite_shows_a_unit_its_own_rows_by_one_fence() {
    units_call("sqlite").await;
}

#[tokio::test]
async fn postgres_shows_a_unit_its_own_rows_by_two_fences() {
    units_call("postgres").await;
}

#[tokio::test]
async fn behind_the_fence_a_unit_reaches_no_other_table() {
    for city in City::all()
        .await
        .iter()
        .filter(|city| city.label == "postgres")
    {
        let reader = city.core.db().reader(&scope_of("UMB")).await.unwrap();
        for table in [
            "outbox",
            "audit",
            "command",
            "timer",
            "heard",
            "catalogue_proposal",
        ] {
            let reader_of = city.core.db().reader(&scope_of("UMB")).await.unwrap();
            let outcome = reader_of
                .execute_unprepared(&format!("SELECT * FROM {table}"))
                .await;
            let told = outcome.unwrap_err().to_string();
            assert!(told.contains("permission denied"), "{table}: {told}");
        }
        let units = reader.execute_unprepared("SELECT * FROM unit").await;
        assert_eq!(units.unwrap().rows_affected(), 4);
        drop(reader);
        let outside = city.core.db().read();
        let rows = outside.execute_unprepared("SELECT * FROM outbox").await;
        assert!(rows.is_ok(), "the pool's connections are outside again");
    }
}

#[tokio::test]
async fn a_fence_that_does_not_stand_is_noticed_at_the_start() {
    let holes = [
        "ALTER TABLE ticket_step DISABLE ROW LEVEL SECURITY",
        "DROP FUNCTION enter_row_fence(text, text)",
        "CREATE OR REPLACE FUNCTION enter_row_fence(unit text, reach text) RETURNS void LANGUAGE sql AS 'SELECT'",
    ];
    for hole in holes {
        for city in City::all().await {
            let stands = row_fence::assert_stands(city.core.db(), crate::FENCED).await;
            assert!(stands.is_ok(), "{}: {stands:?}", city.label);
            if city.label != "postgres" {
                continue;
            }
            let txn = city.core.db().begin_write().await.unwrap();
            txn.execute_unprepared(hole).await.unwrap();
            testing::commit(txn).await;
            let stands = row_fence::assert_stands(city.core.db(), crate::FENCED).await;
            assert!(stands.is_err(), "{hole}");
        }
    }
}

/// A database whose owner may make no roles, as a database administrator hands it over.
#[tokio::test]
async fn who_may_make_no_roles_is_told_which_statements_somebody_else_must_run() {
    for database in Databases::all().await {
        if database.label != "postgres" {
            continue;
        }
        let admin = Db::open(&database.url, &DbOptions::default())
            .await
            .unwrap();
        let name = database.url.rsplit('/').next().unwrap();
        let owner = format!("{name}_owner");
        let handed_over = format!(
            "CREATE ROLE {owner} LOGIN NOSUPERUSER NOCREATEROLE; ALTER DATABASE {name} OWNER TO {owner}; \
             GRANT ALL ON SCHEMA public TO {owner}"
        );
        let admin = admin.begin_write().await.unwrap();
        admin.execute_unprepared(&handed_over).await.unwrap();
        testing::commit(admin).await;
        let (_, server) = database.url.rsplit_once('@').unwrap();
        let db = Db::open(
            &format!("postgres://{owner}@{server}"),
            &DbOptions::default(),
        )
        .await
        .unwrap();
        let refused = migration::apply(&db, store::migration::migrations()).await;
        let refused = format!("{:?}", refused.unwrap_err());
        let (_, told) = refused.split_once("run first: ").unwrap();
        let statements: String = told.split_inclusive(';').take(2).collect();
        assert!(
            statements.starts_with("CREATE ROLE hotline_unit_"),
            "{statements}"
        );

        let admin = Db::open(&database.url, &DbOptions::default())
            .await
            .unwrap();
        let admin = admin.begin_write().await.unwrap();
        admin.execute_unprepared(&statements).await.unwrap();
        testing::commit(admin).await;
        migration::apply(&db, store::migration::migrations())
            .await
            .unwrap();
        row_fence::assert_stands(&db, crate::FENCED).await.unwrap();
        let reader = db.reader(&scope_of("UMB")).await.unwrap();
        let rows = reader.execute_unprepared("SELECT * FROM ticket").await;
        assert_eq!(rows.unwrap().rows_affected(), 0);
    }
}
