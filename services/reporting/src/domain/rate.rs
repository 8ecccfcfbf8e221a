//! Rates and changes that always carry what they were computed from.

use serde::{Deserialize, Serialize};

/// What is printed where a figure has no base: there is no percentage of nothing.
pub const DASH: &str = "—";

/// A share of a whole. Prints its numerator and denominator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// The part.
    pub numerator: i64,
    /// The whole.
    pub denominator: i64,
}

impl Rate {
    /// `numerator` of `denominator`.
    #[must_use]
    pub fn of(numerator: i64, denominator: i64) -> Self {
        Self {
            numerator,
            denominator,
        }
    }

    /// In hundredths of a per cent, rounded half up; `None` without a base.
    #[must_use]
    pub fn hundredths(self) -> Option<i64> {
        rounded(self.numerator, self.denominator, 10_000)
    }

    /// `71.76%`, or a dash.
    #[must_use]
    pub fn percent(self) -> String {
        self.hundredths()
            .map_or_else(|| DASH.to_owned(), percent_text)
    }

    /// `71.76%(1273/1774)`, or `—(0/0)`.
    #[must_use]
    pub fn text(self) -> String {
        format!(
            "{}({}/{})",
            self.percent(),
            self.numerator,
            self.denominator
        )
    }

    /// As a fraction for a spreadsheet; `None` without a base.
    #[must_use]
    pub fn fraction(self) -> Option<f64> {
        self.hundredths().map(fraction)
    }
}

/// How a count changed against a base: 环比 or 同比, never both in one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The count of this period.
    pub now: i64,
    /// The count of the base period.
    pub base: i64,
}

impl Change {
    /// From `base` to `now`.
    #[must_use]
    pub fn from(base: i64, now: i64) -> Self {
        Self { now, base }
    }

    /// In hundredths of a per cent, rounded half away from zero; `None` without a base.
    #[must_use]
    pub fn hundredths(self) -> Option<i64> {
        rounded(self.now.checked_sub(self.base)?, self.base, 10_000)
    }

    /// `+11.20%`, `-0.16%`, or a dash.
    #[must_use]
    pub fn percent(self) -> String {
        match self.hundredths() {
            None => DASH.to_owned(),
            Some(value) if value > 0 => format!("+{}", percent_text(value)),
            Some(value) => percent_text(value),
        }
    }

    /// `+11.20%(基期64088)`, or a dash.
    #[must_use]
    pub fn text(self) -> String {
        format!("{}（基期{}）", self.percent(), self.base)
    }

    /// As a fraction for a spreadsheet; `None` without a base.
    #[must_use]
    pub fn fraction(self) -> Option<f64> {
        self.hundredths().map(fraction)
    }
}

/// `numerator × scale / denominator`, rounded half away from zero; `None` if the base is not positive.
#[must_use]
pub fn rounded(numerator: i64, denominator: i64, scale: i64) -> Option<i64> {
    if denominator <= 0 {
        return None;
    }
    let (top, bottom) = (
        i128::from(numerator) * i128::from(scale),
        i128::from(denominator),
    );
    let magnitude = (top.abs() * 2 + bottom) / (bottom * 2);
    i64::try_from(if top < 0 { -magnitude } else { magnitude }).ok()
}

fn percent_text(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{:02}%",
        hundredths.abs() / 100,
        hundredths.abs() % 100
    )
}

fn fraction(hundredths: i64) -> f64 {
    // Exact: five digits and a sign fit a double many times over.
    f64::from(i32::try_from(hundredths).unwrap_or(i32::MAX)) / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_prints_what_it_was_computed_from() {
        let rows = [
            (1273, 1774, "71.76%(1273/1774)"),
            (0, 5, "0.00%(0/5)"),
            (5, 5, "100.00%(5/5)"),
            (0, 0, "—(0/0)"),
            (1, 3, "33.33%(1/3)"),
            (2, 3, "66.67%(2/3)"),
            (1, 20_000, "0.01%(1/20000)"),
        ];
        for (numerator, denominator, expected) in rows {
            assert_eq!(Rate::of(numerator, denominator).text(), expected);
        }
    }

    #[test]
    fn a_change_without_a_base_is_a_dash_and_no_fall_exceeds_the_whole() {
        let rows = [
            (0, 7, "—"),
            (64_088, 71_266, "+11.20%"),
            (10, 0, "-100.00%"),
            (10, 10, "0.00%"),
            (38_509, 38_447, "-0.16%"),
        ];
        for (base, now, expected) in rows {
            assert_eq!(
                Change::from(base, now).percent(),
                expected,
                "{base} to {now}"
            );
        }
    }
}
