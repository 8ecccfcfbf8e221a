//! Invented appeals, each another text of about the same length.

use hotline_proto::intake::{Contact, RegisterAppealRequest};
use hotline_proto::shared::Kind;

const STREETS: [&str; 8] = [
    "文昌街",
    "东门街",
    "桂湖路",
    "云溪路",
    "青石巷",
    "望江路",
    "学府路",
    "锦屏街",
];
const MATTERS: [&str; 6] = [
    "路灯不亮",
    "井盖松动",
    "垃圾没有清运",
    "夜间施工噪声大",
    "公交车长时间不来",
    "自来水水压低",
];

/// What citizen number `index` says: about 1 KB of UTF-8, no two alike.
fn text(index: u64) -> String {
    said_in(index, 8)
}

/// The same in `parts` sentences.
fn said_in(index: u64, parts: u64) -> String {
    let street = pick(&STREETS, index);
    let matter = pick(&MATTERS, index / 8);
    let (house, day) = (index % 997 + 1, index % 28 + 1);
    let mut text = format!("我是{street}{house}号的住户，来电编号{index}。");
    for part in 1..=parts {
        text.push_str("从本月");
        text.push_str(&day.to_string());
        text.push_str("日起，楼下");
        text.push_str(matter);
        text.push_str("，老人和孩子出行很不方便，邻居们也多次反映过，");
        text.push_str(pick(&STREETS, index + part));
        text.push_str("那边的情况也一样。");
    }
    text.push_str("希望有关部门尽快处理并答复。");
    text
}

/// The subject to [`text`].
fn subject(index: u64) -> String {
    format!("{}{}", pick(&STREETS, index), pick(&MATTERS, index / 8))
}

/// A registration by telephone that no other is a repetition of.
pub(super) fn registration(run: &str, index: u64) -> RegisterAppealRequest {
    RegisterAppealRequest {
        idempotency_key: format!("bench-{run}-{index}"),
        channel_code: "tel12345".to_owned(),
        contact: Some(Contact {
            name: "李明".to_owned(),
            phone: phone(index),
            ..Contact::default()
        }),
        subject: subject(index),
        text: text(index),
        kind: Kind::Complaint.into(),
        ..RegisterAppealRequest::default()
    }
}

/// A registration with a text of the length that most appeals have, about 120 characters.
pub(super) fn usual(run: &str, index: u64) -> RegisterAppealRequest {
    RegisterAppealRequest {
        text: said_in(index, 2),
        ..registration(run, index)
    }
}

/// Writes a CSV file of `rows` appeals with the field names of an import.
pub(super) fn csv(file: &std::path::Path, rows: u64) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_path(file)?;
    writer.write_record([
        "source_id",
        "name",
        "phone",
        "subject",
        "text",
        "said_at",
        "category",
    ])?;
    for index in 0..rows {
        let (day, hour) = (index % 28 + 1, index % 24);
        writer.write_record([
            &index.to_string(),
            "李明",
            &phone(index),
            &subject(index),
            &said_in(index, 2),
            &format!("2026-03-{day:02} {hour:02}:00:00"),
            "0101",
        ])?;
    }
    Ok(writer.flush()?)
}

/// A number of a range that is not given out; a thousand calls by each.
fn phone(index: u64) -> String {
    format!("1990000{:04}", index % 10_000)
}

fn pick<'a>(words: &[&'a str], index: u64) -> &'a str {
    let count = u64::try_from(words.len()).unwrap_or(1);
    words[usize::try_from(index % count).unwrap_or_default()]
}
