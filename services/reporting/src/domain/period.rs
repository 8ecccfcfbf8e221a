//! Which document of which days: a day, a month or a quarter of the city's calendar.

use chrono::{Datelike, Days as ChronoDays, Months, NaiveDate};
use hotline_kernel::time::{Timestamp, Zone};
use serde::{Deserialize, Serialize};

/// A series of documents with its own issue numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// 一日一清单.
    Daily,
    /// 一月一汇总.
    Monthly,
    /// 一季一通报.
    Quarterly,
}

impl Series {
    /// The word in columns and events.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
        }
    }

    /// The series of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Daily, Self::Monthly, Self::Quarterly]
            .into_iter()
            .find(|series| series.word() == word)
    }

    /// The document's name in a title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Daily => "群众诉求日清单",
            Self::Monthly => "群众诉求月汇总",
            Self::Quarterly => "群众诉求办理情况季通报",
        }
    }

    /// How the text of a period of this series looks.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::Daily => "a day such as 2026-03-31",
            Self::Monthly => "a month such as 2026-03",
            Self::Quarterly => "a quarter such as 2026-Q1",
        }
    }
}

/// The text does not name a period of the series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the period must be {}", .0.expected())]
pub struct BadPeriod(pub Series);

/// The days of one document, both ends inclusive, in the city's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Which series it belongs to.
    pub series: Series,
    /// Its first day.
    pub first: NaiveDate,
    /// Its last day.
    pub last: NaiveDate,
}

impl Period {
    /// Reads `2026-03-31`, `2026-03` or `2026-Q1`, exactly in that form.
    ///
    /// # Errors
    ///
    /// [`BadPeriod`] if the text is not a period of `series`.
    pub fn parse(series: Series, text: &str) -> Result<Self, BadPeriod> {
        let first = match series {
            Series::Daily => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
            Series::Monthly => NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok(),
            Series::Quarterly => first_of_quarter(text),
        };
        let period = first
            .and_then(|first| Self::from_first(series, first))
            .ok_or(BadPeriod(series))?;
        if period.text() == text {
            Ok(period)
        } else {
            Err(BadPeriod(series))
        }
    }

    /// The text it is named by in requests, events and columns.
    #[must_use]
    pub fn text(&self) -> String {
        match self.series {
            Series::Daily => self.first.format("%Y-%m-%d").to_string(),
            Series::Monthly => self.first.format("%Y-%m").to_string(),
            Series::Quarterly => format!("{:04}-Q{}", self.first.year(), self.quarter()),
        }
    }

    /// The text it is named by in a title.
    #[must_use]
    pub fn label(&self) -> String {
        let (year, month, day) = (self.first.year(), self.first.month(), self.first.day());
        match self.series {
            Series::Daily => format!("{year}年{month}月{day}日"),
            Series::Monthly => format!("{year}年{month}月"),
            Series::Quarterly => {
                let ordinal = ["一", "二", "三", "四"][(self.quarter() as usize - 1).min(3)];
                format!("{year}年第{ordinal}季度")
            }
        }
    }

    /// The year its issue number counts in.
    #[must_use]
    pub fn year(&self) -> i32 {
        self.first.year()
    }

    /// The period right before it: the base of 环比.
    #[must_use]
    pub fn previous(&self) -> Option<Self> {
        self.first
            .checked_sub_days(ChronoDays::new(1))
            .and_then(|day| match self.series {
                Series::Daily => Self::from_first(self.series, day),
                Series::Monthly => Self::from_first(self.series, day.with_day(1)?),
                Series::Quarterly => {
                    Self::from_first(self.series, self.first.checked_sub_months(Months::new(3))?)
                }
            })
    }

    /// The same period one year earlier: the base of 同比. A 29 February has none.
    #[must_use]
    pub fn year_before(&self) -> Option<Self> {
        let first =
            NaiveDate::from_ymd_opt(self.first.year() - 1, self.first.month(), self.first.day())?;
        Self::from_first(self.series, first)
    }

    /// The first instant of the period.
    #[must_use]
    pub fn start(&self, zone: Zone) -> Timestamp {
        zone.start_of(self.first)
    }

    /// The first instant after the period.
    #[must_use]
    pub fn end(&self, zone: Zone) -> Timestamp {
        zone.end_of(self.last)
    }

    fn quarter(&self) -> u32 {
        self.first.month0() / 3 + 1
    }

    fn from_first(series: Series, first: NaiveDate) -> Option<Self> {
        if !(1900..=9999).contains(&first.year()) {
            return None;
        }
        let last = match series {
            Series::Daily => first,
            Series::Monthly => first.checked_add_months(Months::new(1))?.pred_opt()?,
            Series::Quarterly => first.checked_add_months(Months::new(3))?.pred_opt()?,
        };
        Some(Self {
            series,
            first,
            last,
        })
    }
}

fn first_of_quarter(text: &str) -> Option<NaiveDate> {
    let (year, quarter) = text.split_once("-Q")?;
    let quarter: u32 = quarter
        .parse()
        .ok()
        .filter(|quarter| (1..=4).contains(quarter))?;
    NaiveDate::from_ymd_opt(year.parse().ok()?, quarter * 3 - 2, 1)
}

/// Days, both inclusive.
#[derive(Clone, Copy, Debug)]
pub struct Days {
    /// The first.
    pub first: NaiveDate,
    /// The last.
    pub last: NaiveDate,
}

impl Days {
    /// Every day that a column can hold in the order of its text.
    pub const EVER: Self = Self {
        first: FIRST_DAY,
        last: LAST_DAY,
    };
}

/// The first day that sorts as text.
const FIRST_DAY: NaiveDate = year_start(0);
/// The last day that sorts as text, near enough.
const LAST_DAY: NaiveDate = year_start(9999);

const fn year_start(year: i32) -> NaiveDate {
    match NaiveDate::from_yo_opt(year, 1) {
        Some(day) => day,
        None => NaiveDate::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(series: Series, text: &str) -> Period {
        Period::parse(series, text).expect(text)
    }

    #[test]
    fn a_period_is_named_in_exactly_one_form() {
        let rows = [
            (
                Series::Daily,
                "2026-03-31",
                Some(("2026年3月31日", "2026-03-31", "2026-03-31")),
            ),
            (
                Series::Monthly,
                "2026-02",
                Some(("2026年2月", "2026-02-01", "2026-02-28")),
            ),
            (
                Series::Monthly,
                "2024-02",
                Some(("2024年2月", "2024-02-01", "2024-02-29")),
            ),
            (
                Series::Quarterly,
                "2026-Q4",
                Some(("2026年第四季度", "2026-10-01", "2026-12-31")),
            ),
            (Series::Daily, "2026-3-31", None),
            (Series::Daily, "2026-02-29", None),
            (Series::Monthly, "2026-13", None),
            (Series::Monthly, "2026-03-31", None),
            (Series::Quarterly, "2026-Q5", None),
            (Series::Quarterly, "2026-Q01", None),
            (Series::Quarterly, "26-Q1", None),
        ];
        for (series, text, expected) in rows {
            let found = Period::parse(series, text).ok();
            let found = found.map(|p| (p.label(), p.first.to_string(), p.last.to_string()));
            let expected = expected
                .map(|(label, first, last)| (label.to_owned(), first.to_owned(), last.to_owned()));
            assert_eq!(found, expected, "{series:?} {text}");
        }
    }

    #[test]
    fn bases_of_comparison_are_the_period_before_and_the_same_a_year_before() {
        let rows = [
            (
                Series::Daily,
                "2026-01-01",
                "2025-12-31",
                Some("2025-01-01"),
            ),
            (Series::Daily, "2024-02-29", "2024-02-28", None),
            (Series::Monthly, "2026-01", "2025-12", Some("2025-01")),
            (Series::Monthly, "2024-02", "2024-01", Some("2023-02")),
            (Series::Quarterly, "2026-Q1", "2025-Q4", Some("2025-Q1")),
        ];
        for (series, text, previous, year_before) in rows {
            let found = period(series, text);
            assert_eq!(
                found.previous().map(|p| p.text()).as_deref(),
                Some(previous),
                "{text}"
            );
            assert_eq!(
                found.year_before().map(|p| p.text()).as_deref(),
                year_before,
                "{text}"
            );
        }
    }

    #[test]
    fn the_city_decides_when_a_period_begins() {
        let march = period(Series::Monthly, "2026-03");
        assert_eq!(
            march.start(Zone::SHANGHAI).to_rfc3339(),
            "2026-02-28T16:00:00+00:00"
        );
        assert_eq!(
            march.end(Zone::SHANGHAI).to_rfc3339(),
            "2026-03-31T16:00:00+00:00"
        );
    }
}
