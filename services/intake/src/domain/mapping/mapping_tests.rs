//! Facts about mappings: what becomes of a row, and what is said of one that is refused.

use super::*;
use crate::domain::registration::Identity;
use crate::domain::terms::{Kind, Nature};
use hotline_kernel::time::Zone;
use uuid::Uuid;

const BOARD: &str = r#"
source = "board"
required = ["source_id", "text", "said_at"]
[columns]
source_id = "编号"
account = "用户"
subject = "主题"
said_at = "时间"
text = "详情"
category = "一级标签|一级分类"
reply_text = "答复"
replied_at = "答复时间"
[constants]
kind = "求助"
[patterns]
source_id = "[0-9]+"
[values.category]
"城乡建设" = "01"
"交通运输" = "05"
"#;

fn context(nature: Nature) -> RowContext {
    RowContext {
        batch_id: Uuid::from_u128(1).into(),
        channel_code: "people_board".to_owned(),
        nature,
        zone: Zone::SHANGHAI,
    }
}

fn strings(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn board() -> Binding {
    let header = strings(&[
        "编号",
        "用户",
        "主题",
        "时间",
        "详情",
        "一级分类",
        "答复",
        "答复时间",
        "备注",
    ]);
    Mapping::parse(BOARD).unwrap().bind(&header).unwrap()
}

const ROW: [&str; 8] = [
    "7",
    "U1",
    " 路灯 ",
    "2020/1/6 9:05:00",
    "\n\t\t路灯不亮。\n\t",
    "交通运输",
    "已修",
    "2020-01-08",
];

fn with(at: usize, cell: &'static str) -> Vec<String> {
    let mut cells = ROW;
    cells[at] = cell;
    strings(&cells)
}

#[test]
fn a_row_becomes_a_registration() {
    let mapped = board()
        .apply(&strings(&ROW), &context(Nature::Historical))
        .unwrap();
    let registration = mapped.registration;
    assert_eq!(registration.identity, Identity::SourceId("7".to_owned()));
    assert_eq!(registration.source(), "board");
    assert_eq!(
        (registration.subject.as_str(), registration.text.as_str()),
        ("路灯", "路灯不亮。")
    );
    assert_eq!(registration.contact.account, "U1");
    assert_eq!(
        registration.said_at.unwrap().to_rfc3339(),
        "2020-01-06T01:05:00+00:00"
    );
    let matter = &registration.matters[0];
    assert_eq!(
        (matter.category_code.as_str(), matter.kind),
        ("05", Some(Kind::Help))
    );
    let imported = registration.imported.unwrap();
    assert_eq!(imported.received_at, registration.said_at);
    let reply = imported.reply.unwrap();
    assert_eq!(reply.text, "已修");
    assert_eq!(
        reply.replied_at.unwrap().to_rfc3339(),
        "2020-01-07T16:00:00+00:00"
    );
}

#[test]
fn a_new_appeal_is_received_now_and_one_in_hand_when_it_was() {
    let received = |nature| {
        let mapped = board().apply(&strings(&ROW), &context(nature)).unwrap();
        let imported = mapped.registration.imported.unwrap();
        (imported.received_at.is_some(), imported.old_number)
    };
    assert_eq!(received(Nature::New), (false, String::new()));
    assert_eq!(received(Nature::InHand), (true, "7".to_owned()));
}

#[test]
fn a_deadline_is_read_only_of_what_is_in_hand() {
    let mapping = "source = 'old'\n[columns]\nsource_id = 'id'\ntext = 'text'\nsaid_at = 'at'\ndue_at = 'due'\n";
    let header = strings(&["id", "text", "at", "due"]);
    let row = strings(&["7", "路灯", "2026-11-02", "2026-11-30"]);
    let due = |nature| {
        let binding = Mapping::parse(mapping).unwrap().bind(&header).unwrap();
        let mapped = binding.apply(&row, &context(nature)).unwrap();
        mapped.registration.imported.unwrap().due_at.is_some()
    };
    let cases = [
        (Nature::InHand, true),
        (Nature::Historical, false),
        (Nature::New, false),
    ];
    for (nature, is_kept) in cases {
        assert_eq!(due(nature), is_kept, "{nature:?}");
    }
}

#[test]
fn a_refusal_says_what_was_expected_and_what_stood_there() {
    let cases = [
        (with(0, ""), "source_id", "not to be empty", ""),
        (with(0, "A7"), "source_id", "the pattern ^(?:[0-9]+)$", "A7"),
        (
            with(3, "路灯不亮"),
            "said_at",
            "a date such as 2020/1/6 12:09:38 or 2020-01-06",
            "路灯不亮",
        ),
        (
            with(7, "已修"),
            "replied_at",
            "a date such as 2020/1/6 12:09:38 or 2020-01-06",
            "已修",
        ),
        (with(4, " \t\n"), "text", "not to be empty", ""),
        (
            with(5, "农业"),
            "category",
            "one of 交通运输, 城乡建设",
            "农业",
        ),
        (
            with(2, "路\u{fffd}"),
            "subject",
            "characters in the file's encoding",
            "路\u{fffd}",
        ),
    ];
    for (cells, field, expected, found) in cases {
        let refusal = board().apply(&cells, &context(Nature::New)).unwrap_err();
        assert_eq!(refusal, Refusal::new(field, expected, found));
    }
}

#[test]
fn swapped_columns_are_refused_and_not_guessed() {
    let mut cells = strings(&ROW);
    cells.swap(2, 3);
    let refusal = board().apply(&cells, &context(Nature::New)).unwrap_err();
    assert_eq!(
        (refusal.field.as_str(), refusal.found.as_str()),
        ("said_at", "路灯")
    );
}

#[test]
fn a_row_wider_than_its_header_is_refused() {
    let mut cells = strings(&ROW);
    cells.extend(strings(&["", "", "x"]));
    let refusal = board().apply(&cells, &context(Nature::New)).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::new("row", "9 columns, as in the header", "11 columns")
    );
    cells.truncate(10);
    assert!(
        board().apply(&cells, &context(Nature::New)).is_ok(),
        "empty cells beyond the header say nothing"
    );
}

#[test]
fn a_missing_column_is_named() {
    let binding = Mapping::parse(BOARD)
        .unwrap()
        .bind(&strings(&["编号", "答复"]))
        .unwrap();
    let refusal = binding
        .apply(&strings(&["7", "已修"]), &context(Nature::New))
        .unwrap_err();
    assert_eq!(
        refusal,
        Refusal::new("text", "a column named 详情", "编号, 答复")
    );
}

#[test]
fn a_text_longer_than_its_limit_is_refused_and_shortened_in_the_report() {
    let mut cells = strings(&ROW);
    cells[4] = "灯".repeat(20_001);
    let refusal = board().apply(&cells, &context(Nature::New)).unwrap_err();
    assert_eq!(
        (refusal.field.as_str(), refusal.expected.as_str()),
        ("text", "at most 20000 characters")
    );
    assert_eq!(refusal.found.chars().count(), FOUND_MAX_CHARS);
}

#[test]
fn rows_without_an_id_are_known_by_what_the_mapping_took() {
    let mapping = BOARD.replace(r#"required = ["source_id", "text", "said_at"]"#, "");
    let header = strings(&["编号", "时间", "详情", "备注"]);
    let binding = Mapping::parse(&mapping).unwrap().bind(&header).unwrap();
    let content =
        |cells: &[&str], nature| binding.apply(&strings(cells), &context(nature)).unwrap();
    let first = content(&["", "2020/1/6", "路灯", "1"], Nature::New);
    assert_eq!(
        first.registration.identity,
        Identity::Row {
            content: first.content,
            occurrence: 1
        }
    );
    let same = content(&["", "2020-01-06", "\t路灯\n", "2"], Nature::Historical);
    assert_eq!(
        first.content, same.content,
        "notation, blanks, other columns and the nature do not count"
    );
    for other in [
        ["", "2020/1/7", "路灯", "1"],
        ["", "2020/1/6", "路灯!", "1"],
        ["", "", "路灯", "1"],
    ] {
        assert_ne!(
            first.content,
            content(&other, Nature::New).content,
            "{other:?}"
        );
    }
}

#[test]
fn without_a_mapping_headers_carry_our_names() {
    let header = strings(&[
        "text",
        "kind",
        "urgency",
        "due_at",
        "old_number",
        "anonymous",
    ]);
    let binding = Mapping::parse("").unwrap().bind(&header).unwrap();
    let row = strings(&["路灯不亮", "complaint", "特急", "2020-02-01", "K-1", "是"]);
    let registration = binding
        .apply(&row, &context(Nature::InHand))
        .unwrap()
        .registration;
    assert_eq!(registration.matters[0].kind, Some(Kind::Complaint));
    assert!(registration.confidentiality.is_anonymous);
    assert_eq!(registration.identity, Identity::SourceId("K-1".to_owned()));
    let imported = registration.imported.unwrap();
    assert_eq!(imported.old_number, "K-1");
    assert_eq!(
        imported.due_at.unwrap().to_rfc3339(),
        "2020-02-01T16:00:00+00:00",
        "a bare day lasts to its end"
    );
    let refusal = binding
        .apply(&strings(&["路灯", "吵架"]), &context(Nature::New))
        .unwrap_err();
    assert_eq!(
        (refusal.field.as_str(), refusal.found.as_str()),
        ("kind", "吵架")
    );
}

#[test]
fn a_mapping_that_cannot_be_used_is_refused_at_once() {
    let bind =
        |toml: &str, header: &[&str]| Mapping::parse(toml)?.bind(&strings(header)).map(|_| ());
    let ambiguous = MappingError::Ambiguous {
        field: "text",
        found: "a, b".to_owned(),
    };
    assert_eq!(
        bind("[columns]\ntext = \"a|b\"", &["a", "b"]),
        Err(ambiguous)
    );
    let bad = "[columns]\ntext = \"a\"\n[patterns]\ntext = \"(\"";
    assert_eq!(
        bind(bad, &["a"]),
        Err(MappingError::Pattern { field: "text" })
    );
    assert!(matches!(
        bind("[columns]\ntexts = \"a\"", &["a"]),
        Err(MappingError::Toml(_))
    ));
    assert!(matches!(
        bind("text = \"a\"", &["a"]),
        Err(MappingError::Toml(_))
    ));
    assert_eq!(
        bind(&" ".repeat(MAPPING_MAX_BYTES + 1), &["a"]),
        Err(MappingError::TooLong)
    );
    assert_eq!(bind("", &[]), Err(MappingError::Header));
}

#[test]
fn the_shipped_mappings_are_readable() {
    let shipped = [
        include_str!("../../../../../deploy/sample/mappings/board_messages.toml"),
        include_str!("../../../../../deploy/sample/mappings/board_replies.toml"),
        include_str!("../../../../../deploy/sample/mappings/board_part.toml"),
    ];
    for toml in shipped {
        let header = strings(&["留言编号", "留言用户", "留言主题", "留言时间", "留言详情"]);
        let binding = Mapping::parse(toml).unwrap().bind(&header).unwrap();
        let row = strings(&["1", "U1", "路灯", "2020/1/6 9:05:00", "路灯不亮"]);
        assert!(binding.apply(&row, &context(Nature::New)).is_ok());
    }
}
