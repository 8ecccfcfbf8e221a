//! Rollups: added to in the same transaction as what they are summed from.
//!
//! Each fact counts for its day and its month along four dimensions, one row each. Documents ask for sums
//! along one dimension, so a month is read from some thousand rows however many tickets it had.

use std::collections::BTreeMap;

use chrono::{Datelike, Days as ChronoDays, Months, NaiveDate};
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter};

use super::entity::rollup::{ActiveModel, Column, Entity};
use crate::domain::fact::Deltas;
use crate::domain::period::Days;

/// Along what facts are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Units.
    Unit,
    /// Channels.
    Channel,
    /// Kinds.
    Kind,
    /// Categories.
    Category,
}

impl Dimension {
    /// The word in the column.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Channel => "channel",
            Self::Kind => "kind",
            Self::Category => "category",
        }
    }
}

/// Characters of a month: `2026-03`.
const MONTH_LENGTH: usize = 7;
/// So many months are named one by one; of more, a statement names the first and the last.
const MONTHS_NAMED_MAX: usize = 24;

/// Dimension, period, measure and code of a row.
type Key = (&'static str, String, String, String);

/// Adds changes to the rollups. A row that comes to nothing is removed, so that the same facts give
/// the same rows whatever way led to them.
pub async fn apply(txn: &Txn, deltas: &Deltas) -> Result<(), CoreError> {
    let changes = spread(deltas);
    if changes.is_empty() {
        return Ok(());
    }
    let key = [
        Column::Dimension,
        Column::Period,
        Column::Measure,
        Column::Code,
    ];
    let sum =
        Expr::col((Entity, Column::Count)).add(Expr::col((Alias::new("excluded"), Column::Count)));
    let add = OnConflict::columns(key)
        .value(Column::Count, sum)
        .to_owned();
    let rows = changes
        .iter()
        .map(|((dimension, period, measure, code), change)| ActiveModel {
            dimension: Set((*dimension).to_owned()),
            period: Set(period.clone()),
            measure: Set(measure.clone()),
            code: Set(code.clone()),
            count: Set(*change),
        });
    Entity::insert_many(rows)
        .on_conflict(add)
        .exec_without_returning(&**txn)
        .await?;
    let mut lessened = Condition::any();
    for ((dimension, period, measure, code), _) in changes.iter().filter(|(_, change)| **change < 0)
    {
        let row = Condition::all()
            .add(Column::Dimension.eq(*dimension))
            .add(Column::Period.eq(period))
            .add(Column::Measure.eq(measure))
            .add(Column::Code.eq(code));
        lessened = lessened.add(row);
    }
    if !lessened.is_empty() {
        Entity::delete_many()
            .filter(lessened)
            .filter(Column::Count.eq(0))
            .exec(&**txn)
            .await?;
    }
    Ok(())
}

/// What changes in which row; changes that cancel each other out are left out.
fn spread(deltas: &Deltas) -> BTreeMap<Key, i64> {
    let mut changes = BTreeMap::new();
    for (key, change) in deltas {
        let codes = [
            (Dimension::Unit, &key.unit_code),
            (Dimension::Channel, &key.channel_code),
            (Dimension::Kind, &key.kind),
            (Dimension::Category, &key.category_code),
        ];
        for period in [key.day.to_string(), month(key.day)] {
            for (dimension, code) in codes {
                let row = (
                    dimension.word(),
                    period.clone(),
                    key.measure.clone(),
                    code.clone(),
                );
                *changes.entry(row).or_default() += change;
            }
        }
    }
    changes.retain(|_, change| *change != 0);
    changes
}

/// Which rows make up `days`.
pub(super) fn of(days: Days) -> Condition {
    let (months, alone): (Vec<_>, Vec<_>) = periods(days)
        .into_iter()
        .partition(|period| period.len() == MONTH_LENGTH);
    let within = match (months.first(), months.last()) {
        (Some(first), Some(last)) if months.len() > MONTHS_NAMED_MAX => Condition::all()
            .add(Column::Period.between(first, last))
            .add(Func::char_length(Expr::col(Column::Period)).eq(7)),
        _ => Condition::all().add(Column::Period.is_in(&months)),
    };
    Condition::any()
        .add(within)
        .add(Column::Period.is_in(&alone))
}

/// The periods that make up `days`: whole months, and the days beside them.
fn periods(days: Days) -> Vec<String> {
    let mut periods = Vec::new();
    let mut next = days.first;
    while next <= days.last {
        let end = next
            .with_day(1)
            .and_then(|first| first.checked_add_months(Months::new(1)))
            .and_then(|following| following.pred_opt());
        let Some(after) = end
            .filter(|end| next.day() == 1 && *end <= days.last)
            .or(Some(next))
            .and_then(|end| end.checked_add_days(ChronoDays::new(1)))
        else {
            break;
        };
        let is_month = next.day() == 1 && after.day() == 1;
        periods.push(if is_month {
            month(next)
        } else {
            next.to_string()
        });
        next = after;
    }
    periods
}

fn month(day: NaiveDate) -> String {
    day.format("%Y-%m").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_made_of_whole_months_and_the_days_beside_them() {
        let cases = [
            ("2026-03-05", "2026-03-05", vec!["2026-03-05"]),
            ("2026-03-01", "2026-03-31", vec!["2026-03"]),
            (
                "2026-01-01",
                "2026-03-31",
                vec!["2026-01", "2026-02", "2026-03"],
            ),
            (
                "2026-02-27",
                "2026-04-01",
                vec!["2026-02-27", "2026-02-28", "2026-03", "2026-04-01"],
            ),
            ("2026-03-01", "2026-03-02", vec!["2026-03-01", "2026-03-02"]),
        ];
        for (first, last, expected) in cases {
            let days = Days {
                first: first.parse().unwrap(),
                last: last.parse().unwrap(),
            };
            assert_eq!(periods(days), expected, "{first} to {last}");
        }
    }
}
