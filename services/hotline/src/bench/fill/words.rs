//! Expressions of `n`, the number of a ticket: what each column of a filled row holds.

use std::collections::BTreeMap;

use super::{DAY, Extent, Row};
use crate::demo::sample::TABLES;

/// Tickets received in so many last days may still be open, one in four of them.
const OPEN_DAYS: i64 = 12;
/// A conclusion takes at most so many days.
const LIFE_DAYS: i64 = 10;

/// An id without quotes, dashes and case; anything else as it is.
pub(super) fn plain(value: &str) -> String {
    let bare = value.trim_start_matches('X').trim_matches('\'');
    bare.replace('-', "").to_lowercase()
}

fn is_id(value: &str) -> bool {
    let bare = plain(value);
    bare.len() == 32
        && value.starts_with(['\'', 'X'])
        && bare.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The role of each id in a row: the same column name means the same thing in every table.
pub(super) fn ids_of(row: &Row) -> BTreeMap<String, u8> {
    let mut ids = BTreeMap::new();
    for (name, value) in row {
        if is_id(value) {
            let role = match name.as_str() {
                "appeal_id" => 1,
                "matter_id" => 2,
                "ticket_id" | "reserved_ticket_id" => 3,
                "contact_id" => 4,
                _ => continue,
            };
            ids.insert(plain(value), role);
        }
    }
    ids
}

/// Expressions of `n`, the number of a ticket, that mean the same on both databases.
pub(super) struct Words {
    is_sqlite: bool,
    received: String,
    concluded: String,
    pub(super) is_open: String,
}

impl Words {
    pub(super) fn new(is_sqlite: bool, extent: Extent) -> Self {
        let (start, now) = (extent.now - extent.days * DAY, extent.now);
        let step = extent.days * DAY / i64::try_from(extent.tickets.max(1)).unwrap_or(i64::MAX);
        let received = format!("({start} + n * {step})");
        let life = LIFE_DAYS * DAY;
        let concluded = format!(
            "({received} + (CASE WHEN {now} - {received} < {life} THEN {now} - {received} ELSE {life} END) \
             / 90 * (n * 31 % 89 + 1))"
        );
        let young = now - OPEN_DAYS * DAY;
        Self {
            is_sqlite,
            is_open: format!("({received} > {young} AND n % 4 = 0)"),
            received,
            concluded,
        }
    }

    pub(super) fn value(
        &self,
        table: &str,
        name: &str,
        value: &str,
        received: i64,
        ids: &BTreeMap<String, u8>,
    ) -> String {
        if value == "NULL" || value == "''" {
            return value.to_owned();
        }
        match name {
            "number" => return format!("'F' || {}", self.padded("n", 13)),
            "unit_code" | "lead_unit_code" => return self.pick(&codes("units"), 7),
            "category_code" => return self.pick(&codes("categories"), 11),
            "channel_code" => return self.pick(&codes("channels"), 13),
            "kind" => return self.pick(&kinds(), 17),
            "citizen" => return format!("'c' || {}", self.padded("n * 7919 % 300007", 15)),
            "dedup_key" | "text_key" | "open_key" => {
                return format!("'{name}' || {}", self.padded("n", 24));
            }
            "concluded_at" | "until_at" | "handled_at" | "archived_at" | "replied_at" => {
                return self.concluded.clone();
            }
            "day" => return self.day(&self.concluded),
            "received_day" => return self.day(&self.received),
            _ => {}
        }
        if is_id(value) {
            let own = match table {
                "appeal" | "appeal_view" => 1,
                "matter" | "matter_view" => 2,
                "ticket" | "ticket_view" => 3,
                "contact" => 4,
                _ => 5,
            };
            let role = if name == "id" {
                own
            } else {
                ids.get(&plain(value)).copied().unwrap_or(6)
            };
            return self.id(role);
        }
        match value.parse::<i64>() {
            Ok(instant) if (1_000_000_000_000_000..4_000_000_000_000_000).contains(&instant) => {
                format!("({} + {})", self.received, instant - received)
            }
            _ => value.to_owned(),
        }
    }

    /// Ordered by `n`, as the program's ids are by time.
    fn id(&self, role: u8) -> String {
        let tail = format!("700{role}8000000000000000");
        if self.is_sqlite {
            format!("unhex(printf('%012x', n) || '{tail}')")
        } else {
            format!("(lpad(to_hex(n), 12, '0') || '{tail}')::uuid")
        }
    }

    /// The id of ticket `n`.
    pub(super) fn ticket(&self) -> String {
        self.id(3)
    }

    /// Where ticket `n` stands among those that searches find: no two are received in one millisecond.
    pub(super) fn place(&self) -> String {
        format!("(({} / 1000) << 20)", self.received)
    }

    fn padded(&self, number: &str, width: usize) -> String {
        if self.is_sqlite {
            format!("printf('%0{width}d', {number})")
        } else {
            format!("lpad(({number})::text, {width}, '0')")
        }
    }

    /// One of `words`, the first ones more often.
    fn pick(&self, words: &[String], prime: u8) -> String {
        let count = words.len().max(1);
        let index =
            format!("((n * {prime} * 7919 % {count}) * (n * {prime} * 104729 % 101) / 101)");
        let quote = if self.is_sqlite { '"' } else { '\'' };
        let quoted: Vec<String> = words
            .iter()
            .map(|word| format!("{quote}{word}{quote}"))
            .collect();
        let list = quoted.join(",");
        if self.is_sqlite {
            format!("('[{list}]' ->> CAST({index} AS INTEGER))")
        } else {
            format!("(ARRAY[{list}])[{index} + 1]")
        }
    }

    fn day(&self, instant: &str) -> String {
        day(self.is_sqlite, instant)
    }
}

/// The day of an instant in the sample city's zone, as text.
pub(in crate::bench) fn day(is_sqlite: bool, instant: &str) -> String {
    if is_sqlite {
        format!("date({instant} / 1000000 + 28800, 'unixepoch')")
    } else {
        format!(
            "to_char(to_timestamp({instant} / 1000000 + 28800) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
        )
    }
}

/// The codes of a table of the sample city, in its order.
pub(in crate::bench) fn codes(name: &str) -> Vec<String> {
    let table = TABLES.iter().find(|table| table.name == name);
    let lines = table
        .map(|table| table.csv.lines().skip(1))
        .into_iter()
        .flatten();
    let code = |line: &str| Some(line.split(',').next()?.to_owned());
    lines
        .filter_map(code)
        .filter(|code| !code.is_empty())
        .collect()
}

fn kinds() -> Vec<String> {
    [
        "help",
        "complaint",
        "consult",
        "suggest",
        "report",
        "praise",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The citizen of ticket `n`.
pub(in crate::bench) fn citizen(n: u64) -> String {
    format!("c{:015}", n * 7919 % 300_007)
}

/// The id of ticket `n`.
pub(in crate::bench) fn ticket_id(n: u64) -> String {
    format!("{:08x}-{:04x}-7003-8000-000000000000", n >> 16, n & 0xffff)
}
