//! Checks that a document's figures agree with each other, and what is wrong when they do not.
//!
//! The cases come from published reports that did not: a total that is not the sum
//! of its parts, a share of another whole, a fall of more than everything.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::rate::rounded;

/// A percentage as it was printed, such as `30.2%`: `digits` 302 with 1 decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printed {
    /// All digits, without the point; negative for a fall.
    pub digits: i64,
    /// How many of them stand behind the point.
    pub decimals: u32,
}

impl Printed {
    /// Reads `+11.20%`, `-0.16%` or `30.2%`; `None` for a dash.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?.trim_start_matches('+');
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        Some(Self {
            digits: format!("{whole}{decimals}").parse().ok()?,
            decimals: u32::try_from(decimals.len()).ok()?,
        })
    }
}

impl fmt::Display for Printed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_i64.pow(self.decimals);
        let sign = if self.digits < 0 { "-" } else { "" };
        let (whole, rest) = (self.digits.abs() / scale, self.digits.abs() % scale);
        if self.decimals == 0 {
            return write!(formatter, "{sign}{whole}%");
        }
        write!(
            formatter,
            "{sign}{whole}.{rest:0width$}%",
            width = self.decimals as usize
        )
    }
}

/// One thing that must hold.
#[derive(Clone, Debug)]
pub enum Check {
    /// A total is the sum of its parts.
    Parts {
        /// What is summed.
        what: String,
        /// The total, counted on its own.
        total: i64,
        /// The parts.
        parts: Vec<i64>,
    },
    /// A part is not more than its whole, and neither is negative.
    Within {
        /// What is compared.
        what: String,
        /// The part.
        part: i64,
        /// The whole.
        whole: i64,
    },
    /// A printed share is the share of the printed whole.
    Share {
        /// What is shared.
        what: String,
        /// The part.
        numerator: i64,
        /// The whole.
        denominator: i64,
        /// As it was printed.
        printed: Printed,
    },
    /// A printed change agrees with its figures where they are known, and no fall exceeds 100 %.
    Change {
        /// What changed.
        what: String,
        /// Base and present count, if they are known.
        figures: Option<(i64, i64)>,
        /// As it was printed.
        printed: Printed,
    },
    /// What a unit held and got is what it finished, gave away and holds.
    Balance(Balance),
}

/// A unit's movements in a period beside what it was counted to hold at both ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Whose.
    pub unit: String,
    /// 上期结转: held when the period began, counted from tenures.
    pub carried: i64,
    /// 受理: first dispatches, summed from the daily rollup.
    pub received: i64,
    /// 转入: other beginnings, summed from the daily rollup.
    pub transferred_in: i64,
    /// 办结: conclusions, summed from the daily rollup.
    pub concluded: i64,
    /// 转出: other ends, summed from the daily rollup.
    pub transferred_out: i64,
    /// 在办: held when the period ended, counted from tenures.
    pub in_hand: i64,
}

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What was compared.
    pub what: String,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}：应为{}，实为{}",
            self.what, self.expected, self.found
        )
    }
}

/// All checks that fail, in the order of `checks`.
#[must_use]
pub fn differences(checks: &[Check]) -> Vec<Difference> {
    checks.iter().filter_map(difference).collect()
}

fn difference(check: &Check) -> Option<Difference> {
    match check {
        Check::Parts { what, total, parts } => {
            let sum: i64 = parts.iter().sum();
            let unexplained = total - sum;
            unless(
                sum == *total,
                what,
                format!("各项之和{sum}"),
                format!("总数{total}（相差{unexplained}）"),
            )
        }
        Check::Within { what, part, whole } => {
            let holds = *part >= 0 && part <= whole;
            unless(holds, what, format!("0至{whole}之间"), part.to_string())
        }
        Check::Share {
            what,
            numerator,
            denominator,
            printed,
        } => {
            let computed = computed(*numerator, *denominator, printed.decimals);
            let expected = computed.map_or_else(
                || "无基数，不列百分比".to_owned(),
                |value| value.to_string(),
            );
            let expected = format!("{expected}({numerator}/{denominator})");
            unless(
                computed == Some(*printed),
                what,
                expected,
                printed.to_string(),
            )
        }
        Check::Change {
            what,
            figures,
            printed,
        } => change(what, *figures, *printed),
        Check::Balance(balance) => balance_difference(balance),
    }
}

fn change(what: &str, figures: Option<(i64, i64)>, printed: Printed) -> Option<Difference> {
    let whole = 100 * 10_i64.pow(printed.decimals);
    if printed.digits < -whole {
        return unless(
            false,
            what,
            "降幅不超过100%".to_owned(),
            printed.to_string(),
        );
    }
    let (base, now) = figures?;
    let computed = computed(now - base, base, printed.decimals);
    let expected = computed.map_or_else(
        || "无基数，不列百分比".to_owned(),
        |value| value.to_string(),
    );
    unless(
        computed == Some(printed),
        what,
        format!("{expected}（由{base}到{now}）"),
        printed.to_string(),
    )
}

fn balance_difference(balance: &Balance) -> Option<Difference> {
    let Balance {
        unit,
        carried,
        received,
        transferred_in,
        concluded,
        transferred_out,
        in_hand,
    } = balance;
    let got = carried + received + transferred_in;
    let gone = concluded + transferred_out + in_hand;
    let expected = format!("上期结转{carried}+受理{received}+转入{transferred_in}={got}");
    let found = format!(
        "办结{concluded}+转出{transferred_out}+在办{in_hand}={gone}（相差{}）",
        got - gone
    );
    unless(got == gone, &format!("{unit}收支"), expected, found)
}

fn computed(numerator: i64, denominator: i64, decimals: u32) -> Option<Printed> {
    let digits = rounded(numerator, denominator, 100 * 10_i64.pow(decimals))?;
    Some(Printed { digits, decimals })
}

fn unless(holds: bool, what: &str, expected: String, found: String) -> Option<Difference> {
    if holds {
        None
    } else {
        Some(Difference {
            what: what.to_owned(),
            expected,
            found,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(what: &str, total: i64, parts: &[i64]) -> Check {
        Check::Parts {
            what: what.to_owned(),
            total,
            parts: parts.to_vec(),
        }
    }

    fn share(what: &str, numerator: i64, denominator: i64, digits: i64, decimals: u32) -> Check {
        Check::Share {
            what: what.to_owned(),
            numerator,
            denominator,
            printed: Printed { digits, decimals },
        }
    }

    #[test]
    fn published_figures_that_reconcile_pass() {
        let checks = [
            parts("宜春 来源", 38_447, &[34_859, 2_724, 170, 261, 318, 115]),
            parts("宜春 类型", 38_447, &[19_651, 592, 649, 15_042, 2_513]),
            parts("宜春 去向", 38_447, &[20_334, 18_113]),
            parts("高安 件数", 2_138, &[1_905, 233]),
            share("高安 解决率", 1_273, 1_774, 7_176, 2),
            parts("宁国 件数", 2_877, &[2_276, 601]),
        ];
        assert_eq!(differences(&checks), []);
    }

    #[test]
    fn published_figures_that_cannot_be_are_caught() {
        let rows = [
            (
                parts("唐山 总数", 284_406, &[124_599, 195_532 - 124_599]),
                "相差88874",
            ),
            (
                share("唐山 占比", 124_599, 284_406, 6_372, 2),
                "43.81%(124599/284406)",
            ),
            (
                Check::Change {
                    what: "湘阴 同比".to_owned(),
                    figures: None,
                    printed: Printed {
                        digits: -12_143,
                        decimals: 2,
                    },
                },
                "降幅不超过100%",
            ),
            (share("铜川 占比", 43, 139, 302, 1), "30.9%(43/139)"),
            (
                parts("岳阳 类型", 71_266, &[29_486, 20_780, 14_938, 285, 197]),
                "相差5580",
            ),
        ];
        for (check, telling) in rows {
            let found = differences(std::slice::from_ref(&check));
            assert_eq!(found.len(), 1, "{check:?}");
            assert!(
                found[0].to_string().contains(telling),
                "{} lacks {telling}",
                found[0]
            );
        }
    }

    #[test]
    fn a_printed_percentage_is_read_as_it_stands() {
        let rows = [
            ("30.2%", Some((302, 1))),
            ("+11.20%", Some((1_120, 2))),
            ("-0.16%", Some((-16, 2))),
            ("100%", Some((100, 0))),
            ("—", None),
        ];
        for (text, expected) in rows {
            let found = Printed::read(text).map(|printed| (printed.digits, printed.decimals));
            assert_eq!(found, expected, "{text}");
        }
        let printed = Printed {
            digits: -16,
            decimals: 2,
        };
        assert_eq!(printed.to_string(), "-0.16%");
    }

    #[test]
    fn the_right_share_of_tangshan_is_of_the_sum_of_its_kinds() {
        assert_eq!(
            differences(&[share("唐山 占比", 124_599, 195_532, 6_372, 2)]),
            []
        );
    }

    #[test]
    fn a_change_is_computed_from_its_own_base() {
        let row = |figures, digits| Check::Change {
            what: "受理量".to_owned(),
            figures,
            printed: Printed {
                digits,
                decimals: 2,
            },
        };
        assert_eq!(differences(&[row(Some((38_509, 38_447)), -16)]), []);
        assert_eq!(differences(&[row(Some((10, 0)), -10_000)]), []);
        assert_eq!(
            differences(&[row(Some((38_509, 38_447)), -2_485)]).len(),
            1,
            "the rate of another base"
        );
        assert_eq!(
            differences(&[row(Some((0, 5)), 50_000)]).len(),
            1,
            "a percentage of nothing"
        );
    }

    #[test]
    fn a_unit_holds_what_it_got_and_did_not_give() {
        let sound = Balance {
            unit: "住建局".to_owned(),
            carried: 3,
            received: 10,
            transferred_in: 2,
            concluded: 8,
            transferred_out: 1,
            in_hand: 6,
        };
        assert_eq!(differences(&[Check::Balance(sound.clone())]), []);
        let found = differences(&[Check::Balance(Balance {
            in_hand: 5,
            ..sound
        })]);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("相差1"), "{}", found[0]);
    }
}
