//! Ranking of units within their group, by a stated formula.

use super::figures::{RatePolicy, UnitLine};
use super::rate::{Rate, rounded};

/// A unit's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1 for the best of its group; equal scores share a place. `None` for one ranked apart.
    pub rank: Option<usize>,
    /// In hundredths of a point, 0 to 10,000; `None` if none of its rates has a base.
    pub score: Option<i64>,
    /// Its figures.
    pub line: UnitLine,
}

/// Units of one group, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The group's name.
    pub name: String,
    /// Ranked units, then those ranked apart.
    pub places: Vec<Place>,
}

/// The formula, as documents print it.
#[must_use]
pub fn formula(policy: &RatePolicy) -> String {
    format!(
        "综合得分=按期办结率×{}+解决率×{}+满意率×{}；分母为0的指标不计分，其余指标按权重折算为100分；当期承接（受理+转入）不足{}件的单位单列，不排名。",
        policy.on_time_weight, policy.solved_weight, policy.satisfied_weight, policy.ranked_min
    )
}

/// Ranks `lines` within the groups that `group` names, groups in order of their names.
#[must_use]
pub fn rank(lines: &[UnitLine], policy: &RatePolicy, group: impl Fn(&str) -> String) -> Vec<Group> {
    let mut groups: std::collections::BTreeMap<String, Vec<Place>> =
        std::collections::BTreeMap::new();
    for line in lines {
        let place = Place {
            rank: None,
            score: score(line, policy),
            line: line.clone(),
        };
        groups
            .entry(group(&line.unit_code))
            .or_default()
            .push(place);
    }
    groups
        .into_iter()
        .map(|(name, places)| Group {
            name,
            places: ordered(places, policy),
        })
        .collect()
}

/// A unit's score in hundredths of a point, from the rates that have a base.
#[must_use]
pub fn score(line: &UnitLine, policy: &RatePolicy) -> Option<i64> {
    let rates = [
        (line.on_time, policy.on_time_weight),
        (line.solved, policy.solved_weight),
        (line.satisfied, policy.satisfied_weight),
    ];
    let based = rates
        .into_iter()
        .filter_map(|(rate, weight): (Rate, u32)| Some((rate.hundredths()?, i64::from(weight))));
    let (sum, weights) = based.fold((0, 0), |(sum, weights), (rate, weight)| {
        (sum + rate * weight, weights + weight)
    });
    rounded(sum, weights, 1)
}

fn ordered(places: Vec<Place>, policy: &RatePolicy) -> Vec<Place> {
    let is_ranked =
        |place: &Place| place.line.got() >= i64::from(policy.ranked_min) && place.score.is_some();
    let (mut ranked, mut apart): (Vec<_>, Vec<_>) = places.into_iter().partition(is_ranked);
    let by_score = |left: &Place, right: &Place| {
        right
            .score
            .cmp(&left.score)
            .then_with(|| left.line.unit_code.cmp(&right.line.unit_code))
    };
    ranked.sort_by(by_score);
    apart.sort_by(by_score);
    for index in 0..ranked.len() {
        let shared = index
            .checked_sub(1)
            .filter(|before| ranked[*before].score == ranked[index].score);
        ranked[index].rank = shared.map_or(Some(index + 1), |before| ranked[before].rank);
    }
    ranked.extend(apart);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(unit: &str, got: i64, on_time: (i64, i64), solved: (i64, i64)) -> UnitLine {
        UnitLine {
            unit_code: unit.to_owned(),
            received: got,
            on_time: Rate::of(on_time.0, on_time.1),
            solved: Rate::of(solved.0, solved.1),
            ..UnitLine::default()
        }
    }

    #[test]
    fn a_rate_without_a_base_is_not_scored() {
        let policy = RatePolicy::default();
        assert_eq!(score(&line("A", 10, (9, 10), (0, 0)), &policy), Some(9_000));
        assert_eq!(
            score(&line("A", 10, (10, 10), (1, 2)), &policy),
            Some(7_857)
        );
        assert_eq!(score(&line("A", 10, (0, 0), (0, 0)), &policy), None);
    }

    #[test]
    fn units_are_ranked_within_their_group_and_small_ones_apart() {
        let lines = [
            line("D1", 12, (10, 10), (9, 10)),
            line("D2", 30, (10, 10), (9, 10)),
            line("D3", 11, (5, 10), (9, 10)),
            line("D4", 9, (9, 9), (9, 9)),
            line("T1", 20, (1, 10), (1, 10)),
        ];
        let groups = rank(&lines, &RatePolicy::default(), |unit| unit[..1].to_owned());
        let found: Vec<_> = groups
            .iter()
            .map(|group| {
                let places: Vec<_> = group
                    .places
                    .iter()
                    .map(|place| (place.line.unit_code.as_str(), place.rank))
                    .collect();
                (group.name.as_str(), places)
            })
            .collect();
        let expected = vec![
            (
                "D",
                vec![
                    ("D1", Some(1)),
                    ("D2", Some(1)),
                    ("D3", Some(3)),
                    ("D4", None),
                ],
            ),
            ("T", vec![("T1", Some(1))]),
        ];
        assert_eq!(found, expected);
    }
}
