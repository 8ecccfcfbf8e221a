//! The figures of a period: what the store sums and counts, and what each unit's line makes of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::fact::measure;
use super::period::Period;
use super::rate::{Change, Rate};
use super::reconcile::{Balance, Check};
use super::words::APPEAL_STATES;

/// Sums of rollup rows by measure and one code (a unit, a channel, a kind or a category).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<String, BTreeMap<String, i64>>);

impl Sums {
    /// Adds `count` of a measure and code.
    pub fn add(&mut self, measure: &str, code: &str, count: i64) {
        *self
            .0
            .entry(measure.to_owned())
            .or_default()
            .entry(code.to_owned())
            .or_default() += count;
    }

    /// The sum of a measure and code.
    #[must_use]
    pub fn get(&self, measure: &str, code: &str) -> i64 {
        self.0
            .get(measure)
            .and_then(|codes| codes.get(code))
            .copied()
            .unwrap_or_default()
    }

    /// The sum of a measure over all codes.
    #[must_use]
    pub fn total(&self, measure: &str) -> i64 {
        self.0
            .get(measure)
            .map(|codes| codes.values().sum())
            .unwrap_or_default()
    }

    /// Codes and sums of a measure, the largest first, equal ones by code.
    #[must_use]
    pub fn ranked(&self, measure: &str) -> Vec<(String, i64)> {
        let codes = self
            .0
            .get(measure)
            .into_iter()
            .flatten()
            .filter(|row| *row.1 != 0);
        let mut rows: Vec<_> = codes.map(|(code, count)| (code.clone(), *count)).collect();
        rows.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        rows
    }

    /// All codes of any measure except the empty one.
    #[must_use]
    pub fn codes(&self) -> BTreeSet<String> {
        self.0
            .values()
            .flat_map(BTreeMap::keys)
            .filter(|code| !code.is_empty())
            .cloned()
            .collect()
    }
}

/// The rollups of some days, summed along each dimension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// By unit.
    pub units: Sums,
    /// By channel.
    pub channels: Sums,
    /// By kind.
    pub kinds: Sums,
    /// By category.
    pub categories: Sums,
}

impl Totals {
    /// The sum of a measure over everything.
    #[must_use]
    pub fn total(&self, measure: &str) -> i64 {
        self.units.total(measure)
    }
}

/// Counts that do not come from rollups: the other side of every check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Appeals received in the period, outside historical ones.
    pub appeals: i64,
    /// Tickets received in the period, outside historical ones.
    pub tickets: i64,
    /// Tenures concluded in the period.
    pub concluded: i64,
    /// Tenures held when the period began, by unit.
    pub carried: BTreeMap<String, i64>,
    /// Tenures held when the period ended (or now), by unit.
    pub in_hand: BTreeMap<String, i64>,
    /// Of those, past their deadline, by unit.
    pub overdue: BTreeMap<String, i64>,
}

/// All figures of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodFigures {
    /// The period.
    pub period: Period,
    /// Its rollups.
    pub now: Totals,
    /// Rollups of the period before: 环比.
    pub previous: Totals,
    /// Rollups of the same period a year before: 同比.
    pub year_before: Totals,
    /// Rollups of the deadlines that are over, by unit.
    pub due: Sums,
    /// Counts from elsewhere.
    pub counted: Counted,
}

/// What a configuration decides about rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RatePolicy {
    /// Whether 基本满意 counts as satisfied.
    pub basic_is_satisfied: bool,
    /// Weight of 按期办结率 in the ranking.
    pub on_time_weight: u32,
    /// Weight of 解决率 in the ranking.
    pub solved_weight: u32,
    /// Weight of 满意率 in the ranking.
    pub satisfied_weight: u32,
    /// Units with fewer tickets in the period are ranked apart.
    pub ranked_min: u32,
}

impl Default for RatePolicy {
    fn default() -> Self {
        Self {
            basic_is_satisfied: true,
            on_time_weight: 40,
            solved_weight: 30,
            satisfied_weight: 30,
            ranked_min: 10,
        }
    }
}

/// A unit's line of the head table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitLine {
    /// The unit, empty for the sum of all.
    pub unit_code: String,
    /// 上期结转.
    pub carried: i64,
    /// 受理.
    pub received: i64,
    /// 转入, with reworks.
    pub transferred_in: i64,
    /// 办结.
    pub concluded: i64,
    /// 转出, with absorbed and withdrawn ones.
    pub transferred_out: i64,
    /// 在办.
    pub in_hand: i64,
    /// Of those, past their deadline.
    pub overdue_in_hand: i64,
    /// 按期办结率: of those due in the period.
    pub on_time: Rate,
    /// 签收及时率: of those to be signed for in the period.
    pub signed_on_time: Rate,
    /// 退单.
    pub returned: i64,
    /// 重办.
    pub reworked: i64,
    /// 督办.
    pub supervised: i64,
    /// 表扬.
    pub praised: i64,
    /// 解决率: of the answers to follow-ups on conclusions of the period.
    pub solved: Rate,
    /// 满意率: likewise.
    pub satisfied: Rate,
}

impl UnitLine {
    /// Due in the period and not concluded in time (超期).
    #[must_use]
    pub fn late(&self) -> i64 {
        self.on_time.denominator - self.on_time.numerator
    }

    /// Tickets the unit got in the period.
    #[must_use]
    pub fn got(&self) -> i64 {
        self.received + self.transferred_in
    }

    fn balance(&self, unit: String) -> Balance {
        Balance {
            unit,
            carried: self.carried,
            received: self.received,
            transferred_in: self.transferred_in,
            concluded: self.concluded,
            transferred_out: self.transferred_out,
            in_hand: self.in_hand,
        }
    }

    fn add(&mut self, other: &Self) {
        let add_rate = |into: &mut Rate, from: Rate| {
            into.numerator += from.numerator;
            into.denominator += from.denominator;
        };
        self.carried += other.carried;
        self.received += other.received;
        self.transferred_in += other.transferred_in;
        self.concluded += other.concluded;
        self.transferred_out += other.transferred_out;
        self.in_hand += other.in_hand;
        self.overdue_in_hand += other.overdue_in_hand;
        self.returned += other.returned;
        self.reworked += other.reworked;
        self.supervised += other.supervised;
        self.praised += other.praised;
        add_rate(&mut self.on_time, other.on_time);
        add_rate(&mut self.signed_on_time, other.signed_on_time);
        add_rate(&mut self.solved, other.solved);
        add_rate(&mut self.satisfied, other.satisfied);
    }
}

impl PeriodFigures {
    /// A line per unit that had anything to do with the period, by code.
    #[must_use]
    pub fn unit_lines(&self, policy: &RatePolicy) -> Vec<UnitLine> {
        let mut codes = self.now.units.codes();
        codes.extend(self.due.codes());
        codes.extend(self.counted.carried.keys().cloned());
        codes.extend(self.counted.in_hand.keys().cloned());
        codes
            .iter()
            .map(|code| self.unit_line(code, policy))
            .collect()
    }

    /// The sum of all lines.
    #[must_use]
    pub fn sum(lines: &[UnitLine]) -> UnitLine {
        let mut sum = UnitLine::default();
        for line in lines {
            sum.add(line);
        }
        sum
    }

    /// 环比 of a total.
    #[must_use]
    pub fn against_previous(&self, measure: &str) -> Change {
        Change::from(self.previous.total(measure), self.now.total(measure))
    }

    /// 同比 of a total.
    #[must_use]
    pub fn against_year_before(&self, measure: &str) -> Change {
        Change::from(self.year_before.total(measure), self.now.total(measure))
    }

    /// Follow-ups on conclusions of the period in which the citizen answered.
    #[must_use]
    pub fn answers(&self) -> i64 {
        let answers = ["solved", "partly", "unsolved"];
        answers.iter().map(|word| self.now.total(word)).sum()
    }

    /// Everything that must hold between these figures.
    #[must_use]
    pub fn checks(&self, lines: &[UnitLine], name: impl Fn(&str) -> String) -> Vec<Check> {
        let counts =
            |rows: Vec<(String, i64)>| rows.into_iter().map(|row| row.1).collect::<Vec<_>>();
        let parts = |what: &str, total, parts| Check::Parts {
            what: what.to_owned(),
            total,
            parts,
        };
        let states = APPEAL_STATES
            .map(|(word, _)| {
                self.now
                    .units
                    .total(&format!("{}{word}", measure::APPEAL_STATE))
            })
            .to_vec();
        let mut checks = vec![
            parts(
                "受理总量与各渠道",
                self.counted.appeals,
                counts(self.now.channels.ranked(measure::APPEAL)),
            ),
            parts(
                "受理总量与各类型",
                self.counted.appeals,
                counts(self.now.kinds.ranked(measure::APPEAL)),
            ),
            parts("受理总量与各去向", self.counted.appeals, states),
            parts(
                "工单总量与各类别",
                self.counted.tickets,
                counts(self.now.categories.ranked(measure::TICKET)),
            ),
            parts(
                "办结总量与各单位",
                self.counted.concluded,
                counts(self.now.units.ranked(measure::CONCLUDED)),
            ),
        ];
        checks.push(Check::Within {
            what: "有效回访".to_owned(),
            part: self.answers(),
            whole: self.now.total(measure::FOLLOW_UP),
        });
        for line in lines {
            let unit = name(&line.unit_code);
            checks.push(Check::Balance(line.balance(unit.clone())));
            let within = |what: &str, rate: Rate| Check::Within {
                what: format!("{unit}{what}"),
                part: rate.numerator,
                whole: rate.denominator,
            };
            checks.push(within("按期办结", line.on_time));
            checks.push(within("及时签收", line.signed_on_time));
            checks.push(within("解决", line.solved));
            checks.push(within("满意", line.satisfied));
        }
        checks
    }

    fn unit_line(&self, code: &str, policy: &RatePolicy) -> UnitLine {
        let sum = |measure: &str| self.now.units.get(measure, code);
        let held = |units: &BTreeMap<String, i64>| units.get(code).copied().unwrap_or_default();
        let graded = sum("satisfied") + sum("very_satisfied");
        let basic = sum("basic");
        let ungraded = sum("unsatisfied") + sum("very_unsatisfied");
        let satisfied = if policy.basic_is_satisfied {
            graded + basic
        } else {
            graded
        };
        let answers = sum("solved") + sum("partly") + sum("unsolved");
        UnitLine {
            unit_code: code.to_owned(),
            carried: held(&self.counted.carried),
            received: sum(measure::RECEIVED),
            transferred_in: sum(measure::TRANSFERRED_IN) + sum(measure::REWORKED),
            concluded: sum(measure::CONCLUDED),
            transferred_out: sum(measure::TRANSFERRED_OUT)
                + sum(measure::ABSORBED)
                + sum(measure::WITHDRAWN),
            in_hand: held(&self.counted.in_hand),
            overdue_in_hand: held(&self.counted.overdue),
            on_time: Rate::of(
                self.due.get(measure::DUE_ON_TIME, code),
                self.due.get(measure::DUE, code),
            ),
            signed_on_time: Rate::of(
                self.due.get(measure::SIGNED_ON_TIME, code),
                self.due.get(measure::SIGN_DUE, code),
            ),
            returned: sum(measure::RETURNED),
            reworked: sum(measure::REWORKED),
            supervised: sum(measure::SUPERVISED),
            praised: sum(measure::PRAISED),
            solved: Rate::of(sum("solved"), answers),
            satisfied: Rate::of(satisfied, graded + basic + ungraded),
        }
    }
}

/// Historical imports of the period, outside assessment.
#[must_use]
pub fn historical(totals: &Totals) -> i64 {
    totals.total(measure::HISTORICAL_APPEAL)
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
