//! Registry tables: whole or not at all, and a new calendar year.

use hotline_platform::testing;
use hotline_proto::event::body::Event;
use hotline_proto::shared;

use super::city::{City, at, matter};
use crate::convert::timestamp;
use crate::error::RoutingError;

#[tokio::test]
async fn a_table_with_one_wrong_row_changes_nothing() {
    for city in City::all().await {
        let wrong =
            "category_code,area_code,lead_unit_code,source\n0201,,UMB,文\n0201,,NOBODY,文\n";
        let refused = city.loads("catalogue", wrong).await.unwrap_err();
        let RoutingError::Table(problems) = &refused else {
            panic!("{}: {refused}", city.label)
        };
        let told =
            "row 3, column lead_unit_code: expected a code that its table has, found `NOBODY`";
        assert_eq!(problems[0].to_string(), told, "{}", city.label);
        let ticket = city.opens(&matter(1, "路灯不亮")).await;
        let held = city.ticket(ticket).await;
        assert_eq!(
            held.state.assignment().unwrap().lead_unit_code,
            "LAMPS",
            "{}",
            city.label
        );

        let unused = "code,name,parent_code,group\nUMB,城管,,\nHOUSING,住建,,\nWATER,水务,,\n";
        let refused = city.loads("units", unused).await.unwrap_err();
        assert!(
            matches!(refused, RoutingError::Table(_)),
            "{}: LAMPS is in the catalogue",
            city.label
        );
        let unknown = city.loads("streets", "code\n").await.unwrap_err();
        assert!(
            matches!(
                unknown,
                RoutingError::Invalid {
                    field: "table.name",
                    ..
                }
            ),
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn of_two_loads_that_exclude_each_other_one_is_refused() {
    let few =
        "code,name,parent_code,group\nHOUSING,住建,,\nUMB,城管,,\nLAMPS,照明,,\nWATER,水务,,\n";
    let many = format!("{few}PARKS,园林,,\n");
    let (header, to_lamps) = (
        "category_code,area_code,lead_unit_code,source",
        "0201,,LAMPS,旧",
    );
    for city in City::all().await {
        for turn in 1..=5 {
            city.loads("units", &many).await.unwrap();
            let to_parks = format!("{header}\n0201,,PARKS,第{turn}次\n");
            let (units, catalogue) =
                tokio::join!(city.loads("units", few), city.loads("catalogue", &to_parks));
            assert_ne!(
                units.is_ok(),
                catalogue.is_ok(),
                "{}: {turn}: {units:?}, {catalogue:?}",
                city.label
            );
            city.loads("catalogue", &format!("{header}\n{to_lamps}\n"))
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn a_loaded_table_is_used_at_once_and_told_by_name() {
    for city in City::all().await {
        let csv = "category_code,area_code,lead_unit_code,source\n0201,,UMB,新目录\n";
        assert_eq!(
            city.loads("catalogue", csv).await.unwrap().rows,
            1,
            "{}",
            city.label
        );
        let ticket = city.opens(&matter(1, "路灯不亮")).await;
        let held = city.ticket(ticket).await;
        assert_eq!(
            held.state.assignment().unwrap().lead_unit_code,
            "UMB",
            "{}",
            city.label
        );

        let log = testing::log(&city.core).await;
        let loads: Vec<_> = log
            .iter()
            .filter_map(|(envelope, body)| match &body.event {
                Some(Event::RegistryLoaded(loaded)) => Some((loaded, envelope.version)),
                _ => None,
            })
            .collect();
        let versions: Vec<i64> = loads
            .iter()
            .filter(|(loaded, _)| loaded.table == "catalogue")
            .map(|(_, version)| *version)
            .collect();
        assert_eq!(versions, [1, 2], "{}", city.label);
        let (units, _) = loads
            .iter()
            .find(|(loaded, _)| loaded.table == "units")
            .unwrap();
        let lamps = units.rows.iter().find(|row| row.code == "LAMPS").unwrap();
        assert_eq!(
            (lamps.name.as_str(), lamps.parent_code.as_str()),
            ("市照明中心", "UMB"),
            "{}",
            city.label
        );
        assert_eq!(lamps.columns["group"], "市级部门", "{}", city.label);
    }
}

#[tokio::test]
async fn a_year_that_is_loaded_makes_provisional_deadlines_final() {
    for city in City::all().await {
        city.clock.set(at("2026-12-21 10:00"));
        let mut late = matter(1, "路灯不亮");
        late.kind = shared::Kind::Complaint.into();
        late.received_at = Some(timestamp(at("2026-12-21 09:00")));
        let crossing = city.opens(&late).await;
        let before = city.ticket(crossing).await;
        let due = before.state.assignment().unwrap().due;
        // Fifteen days from Monday to Friday, into a year that nobody has published.
        assert_eq!(
            (due.at, due.is_provisional),
            (at("2027-01-12 00:00"), true),
            "{}",
            city.label
        );

        let mut short = matter(2, "路灯不亮");
        short.kind = shared::Kind::Consult.into();
        short.received_at = Some(timestamp(at("2026-12-21 09:00")));
        let inside = city.opens(&short).await;

        let year = "date,kind,name\n2027-01-01,holiday,元旦\n2027-01-09,workday,调休\n";
        let loaded = city.loads("holidays", year).await.unwrap();
        assert_eq!((loaded.rows, loaded.recomputed), (2, 1), "{}", city.label);
        let after = city.ticket(crossing).await;
        let due = after.state.assignment().unwrap().due;
        assert_eq!(
            (due.at, due.is_provisional),
            (at("2027-01-12 00:00"), false),
            "{}",
            city.label
        );
        assert!(!after.citizen_due.unwrap().is_provisional, "{}", city.label);
        assert_eq!(
            city.story(crossing).await,
            ["OPENED", "DISPATCHED", "DEADLINE_RECOMPUTED"],
            "{}",
            city.label
        );
        assert_eq!(
            city.story(inside).await,
            ["OPENED", "DISPATCHED"],
            "{}",
            city.label
        );
        old_timers_are_void(&city, crossing).await;
    }
}

/// After the year is loaded once more, one card of each kind falls, at the new times.
async fn old_timers_are_void(city: &City, crossing: hotline_kernel::id::TicketId) {
    let moved = "date,kind,name\n2027-01-01,holiday,元旦\n2027-01-04,holiday,调休\n";
    assert_eq!(
        city.loads("holidays", moved).await.unwrap().recomputed,
        1,
        "{}",
        city.label
    );
    assert_eq!(
        city.ticket(crossing)
            .await
            .state
            .assignment()
            .unwrap()
            .due
            .at,
        at("2027-01-14 00:00"),
        "{}",
        city.label
    );
    city.clock_strikes("2027-01-11 12:00").await;
    let told = city.story(crossing).await;
    assert_eq!(
        told.len(),
        4,
        "{}: no card by an old timer: {told:?}",
        city.label
    );
    city.clock_strikes("2027-01-20 12:00").await;
    let told = city.story(crossing).await;
    assert_eq!(
        told[4..],
        ["YELLOW_CARD", "RED_CARD", "REMINDED"],
        "{}",
        city.label
    );
}

/// The sample city beside the services.
fn sample(table: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    std::fs::read_to_string(root.join(format!("deploy/sample/{table}.csv"))).unwrap()
}

#[tokio::test]
async fn the_sample_city_loads() {
    for city in City::all().await {
        for table in ["keywords", "catalogue", "unit_aliases"] {
            let header = sample(table).lines().next().unwrap().to_owned();
            city.loads(table, &format!("{header}\n")).await.unwrap();
        }
        let tables = [
            "units",
            "unit_aliases",
            "areas",
            "categories",
            "catalogue",
            "keywords",
            "holidays",
            "policy_profiles",
        ];
        for table in tables {
            let csv = sample(table);
            let loaded = city.loads(table, &csv).await;
            let rows = loaded
                .map(|loaded| loaded.rows as usize)
                .map_err(|error| error.to_string());
            assert_eq!(rows, Ok(csv.lines().count() - 1), "{}: {table}", city.label);
        }
    }
}
