//! What a row becomes, and what is said of one that is refused.

use hotline_platform::page::Page;

use super::{file, rows, said};
use crate::app::import::NewImport;
use crate::app::triage::Decision;
use crate::domain::import::{ImportSums, RawRow};
use crate::domain::terms::{Nature, Term};
use crate::tests::city::{City, cities, command, everybodys};

/// The first column of what the database answers.
async fn kept(city: &City, sql: &str) -> Vec<String> {
    use sea_orm::{ConnectionTrait, Statement};
    let db = city.core.db().read();
    let asked = Statement::from_sql_and_values(db.get_database_backend(), sql, []);
    let rows = db.query_all_raw(asked).await.expect("asked");
    let text = |row: &sea_orm::QueryResult| row.try_get_by_index(0).expect("text");
    rows.iter().map(text).collect()
}

#[tokio::test]
async fn a_refused_row_of_an_exempt_line_leaves_no_words() {
    let cells = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
    let row = |row_no, cells: Vec<String>, unreadable: &str| RawRow {
        row_no,
        source_line: row_no + 1,
        cells,
        unreadable: unreadable.to_owned(),
    };
    let mut shifted = cells(["5", "110", "有人打架", "昨天"]);
    shifted.push("第五".to_owned());
    let told = vec![
        row(1, cells(["1", "110", "有人打架", "昨天"]), ""),
        row(2, cells(["2", "110？", "有人打架", "昨天"]), ""),
        row(3, cells(["3", "1\u{fffd}0", "有人打架", "2020/1/6"]), ""),
        row(
            4,
            vec!["{\"line\":\"110\",打架".to_owned()],
            "a JSON object",
        ),
        row(5, shifted, ""),
        row(6, cells(["6", "12319", "路灯", "昨天"]), ""),
        row(7, cells(["7", "", "井盖", "昨天"]), ""),
    ];
    let import = NewImport {
        mapping_toml: "[columns]\nsource_id = 'id'\nline = 'line'\ntext = 'text'\nsaid_at = 'at'\n[patterns]\nline = '[0-9]+'\n"
            .to_owned(),
        header: ["id", "line", "text", "at"].map(str::to_owned).to_vec(),
        ..file('a', Nature::New)
    };
    for city in cities().await {
        let batch = city.start(import.clone()).await.batch_id;
        assert_eq!(city.take(batch, told.clone()).await.refused, 7);
        let sql = "SELECT found || cells || CASE WHEN sealed IS NULL THEN '' ELSE 'sealed' END \
                   FROM import_refusal ORDER BY row_no";
        let rows = kept(&city, sql).await;
        assert_eq!(rows[..5], ["[]"; 5], "{}", city.label);
        assert_eq!(rows[5..], ["[]sealed"; 2], "{}", city.label);
        let all = Page {
            size: 10,
            after: None,
        };
        let (listed, _) = city.refused(batch, &all).await;
        for (row, word) in [(5, "路灯"), (6, "井盖")] {
            let cells = &listed[row].row.cells;
            assert!(cells.iter().any(|cell| cell == word), "{}", city.label);
        }
        let page = Page {
            size: 1,
            after: None,
        };
        let (listed, _) = city.refused(batch, &page).await;
        let first = &listed[0];
        assert_eq!(
            (first.row.source_line, first.refusal.field.as_str()),
            (2, "said_at"),
            "{}: where and what is told",
            city.label
        );
    }
}

#[tokio::test]
async fn a_diverted_row_forgets_its_reply_too() {
    let told = [[
        "1",
        "U1",
        "有人打架",
        "2020/1/6 9:05:00",
        "已出警",
        "2020/1/20",
    ]];
    for city in cities().await {
        city.import(file('a', Nature::New), &told).await;
        let filter = crate::domain::appeal::Filter::default();
        let page = Page {
            size: 1,
            after: None,
        };
        let (found, _) = city
            .intake
            .appeals(&everybodys(), &filter, &page)
            .await
            .expect("listed");
        let to = "110".to_owned();
        let id = found[0].appeal.id;
        let view = city
            .intake
            .triage(command(), id, Decision::Divert { to })
            .await
            .expect("diverted");
        assert_eq!(
            view.matters[0].matter.imported_reply, None,
            "{}",
            city.label
        );
        let told = city.log().await;
        let last = told.last().expect("the event of the diversion");
        assert!(!format!("{last:?}").contains("出警"), "{}", city.label);
        let sql = "SELECT original_text || masked_text || COALESCE(original_reply, '') \
                   || COALESCE(masked_reply, '') || COALESCE(CAST(replied_at AS TEXT), '') FROM matter";
        assert_eq!(kept(&city, sql).await, [""], "{}", city.label);
    }
}

#[tokio::test]
async fn the_same_id_with_other_content_is_set_aside_once() {
    let told = [said("1", "路灯"), said("1", "路灯"), said("1", "井盖")];
    for city in cities().await {
        let sums = city.import(file('a', Nature::Historical), &told).await;
        let expected = ImportSums {
            present: 1,
            registered: 2,
            quarantined: 1,
            ..ImportSums::default()
        };
        assert_eq!(sums, expected, "{}", city.label);
        let again = city.import(file('a', Nature::Historical), &told).await;
        assert_eq!(
            again,
            ImportSums {
                present: 3,
                ..ImportSums::default()
            },
            "{}",
            city.label
        );
        let totals = city.assert_conserved().await;
        assert_eq!(
            (totals["accepted"], totals["quarantined"]),
            (1, 1),
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn refused_rows_are_kept_with_what_was_expected_and_what_stood_there() {
    for city in cities().await {
        let batch = city.start(file('a', Nature::New)).await.batch_id;
        let mut told = rows(
            1,
            &[
                said("1", "路灯"),
                ["2", "U", "井盖", "昨天", "", ""],
                said("3", "\u{0}"),
            ],
        );
        told.push(RawRow {
            row_no: 4,
            source_line: 9,
            cells: Vec::new(),
            unreadable: "a JSON object".to_owned(),
        });
        assert_eq!(city.take(batch, told).await.refused, 3, "{}", city.label);
        let page = Page {
            size: 2,
            after: None,
        };
        let (first, next) = city.refused(batch, &page).await;
        let behind = Page {
            after: next,
            ..page
        };
        let (second, end) = city.refused(batch, &behind).await;
        assert_eq!(
            (first.len(), second.len(), end),
            (2, 1, None),
            "{}",
            city.label
        );
        let sql = "SELECT action || ': ' || reason FROM audit WHERE method = '/test' \
                   AND resource = 'import_batch' AND action <> 'rows taken in' ORDER BY seq";
        assert_eq!(
            kept(&city, sql).await,
            [
                "started: ",
                "refused rows read: at most 2 rows behind row 0",
                "refused rows read: at most 2 rows behind row 3"
            ],
            "{}",
            city.label
        );
        let date = &first[0];
        assert_eq!(
            (date.row.source_line, date.refusal.field.as_str()),
            (3, "said_at"),
            "{}",
            city.label
        );
        assert_eq!(
            (date.refusal.found.as_str(), date.row.cells[2].as_str()),
            ("昨天", "井盖"),
            "{}",
            city.label
        );
        assert_eq!(
            first[1].refusal.field, "text",
            "{}: nothing but NUL is nothing",
            city.label
        );
        let unreadable = (
            second[0].row.source_line,
            second[0].refusal.expected.as_str(),
        );
        assert_eq!(unreadable, (9, "a JSON object"), "{}", city.label);
    }
}

#[tokio::test]
async fn the_nature_decides_what_a_row_becomes() {
    let told = [[
        "K-1",
        "U1",
        "路灯不亮",
        "2026/11/2 9:05:00",
        "已修好",
        "2026-11-30",
    ]];
    let cases = [
        (Nature::New, "registered", vec!["appeal registered 1"]),
        (
            Nature::InHand,
            "accepted",
            vec!["appeal accepted 1", "attached opened 1"],
        ),
        (
            Nature::Historical,
            "accepted",
            vec!["appeal accepted 1", "attached opened 1"],
        ),
    ];
    for (nature, state, story) in cases {
        for city in cities().await {
            let batch = city.start(file('a', nature)).await.batch_id;
            city.take(batch, rows(1, &told)).await;
            assert_eq!(city.story().await, story, "{} {nature:?}", city.label);
            city.assert_rows_are_conserved().await;
            let page = Page {
                size: 1,
                after: None,
            };
            let filter = crate::domain::appeal::Filter::default();
            let (found, _) = city
                .intake
                .appeals(&everybodys(), &filter, &page)
                .await
                .expect("listed");
            let (appeal, matter) = (&found[0].appeal, &found[0].matters[0].matter);
            assert_eq!(appeal.state.word(), state, "{} {nature:?}", city.label);
            let is_kept = appeal.received_at.to_rfc3339() == "2026-11-02T01:05:00+00:00";
            assert_eq!(
                is_kept,
                nature != Nature::New,
                "{} {nature:?}: receipt date",
                city.label
            );
            assert_eq!(
                appeal.old_number == "K-1",
                nature == Nature::InHand,
                "{} {nature:?}",
                city.label
            );
            assert_eq!(
                matter.imported_due_at.map(|at| at.to_rfc3339()).as_deref(),
                (nature == Nature::InHand).then_some("2026-11-30T16:00:00+00:00"),
                "{} {nature:?}: only what is in hand keeps its deadline",
                city.label
            );
            assert_eq!(
                matter
                    .imported_reply
                    .as_ref()
                    .map(|reply| reply.text.as_str()),
                Some("已修好")
            );
        }
    }
}

#[tokio::test]
async fn an_import_that_cannot_work_is_refused_at_its_start() {
    type Case = (&'static str, fn(&mut NewImport), &'static str);
    let cases: [Case; 6] = [
        (
            "channel",
            |import| "nowhere".clone_into(&mut import.channel_code),
            "CHANNEL_UNKNOWN",
        ),
        (
            "channel of NUL",
            |import| "\0".clone_into(&mut import.channel_code),
            "CHANNEL_UNKNOWN",
        ),
        (
            "mapping",
            |import| "columns = 1".clone_into(&mut import.mapping_toml),
            "IMPORT_MAPPING",
        ),
        ("header", |import| import.header.clear(), "IMPORT_MAPPING"),
        (
            "hash",
            |import| "ab".clone_into(&mut import.file_sha256),
            "INVALID_FIELD",
        ),
        ("name", |import| import.file_name.clear(), "INVALID_FIELD"),
    ];
    for city in cities().await {
        for (label, change, reason) in cases {
            let mut import = file('a', Nature::New);
            change(&mut import);
            let refused = city
                .intake
                .start_import(command(), import)
                .await
                .expect_err(label);
            assert_eq!(refused.reason(), reason, "{} {label}", city.label);
        }
    }
}
