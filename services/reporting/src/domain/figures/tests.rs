//! Checks and rates of a period's figures.

use super::super::period::Series;
use super::super::reconcile::differences;
use super::*;

#[test]
fn sound_figures_reconcile_and_a_tampered_one_does_not() {
    let sound = sample::march(Series::Monthly, "2026-03");
    let lines = sound.unit_lines(&RatePolicy::default());
    assert_eq!(differences(&sound.checks(&lines, str::to_owned)), []);

    let mut tampered = sound.clone();
    tampered.now.units.add(measure::RECEIVED, "HOUSING", 1);
    let lines = tampered.unit_lines(&RatePolicy::default());
    let found = differences(&tampered.checks(&lines, str::to_owned));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].what, "HOUSING收支");
}

#[test]
fn a_configuration_decides_whether_basic_counts_as_satisfied() {
    let mut figures = sample::march(Series::Monthly, "2026-03");
    figures.now.units.add("basic", "TRAFFIC", 5);
    let satisfied = |basic_is_satisfied| {
        let policy = RatePolicy {
            basic_is_satisfied,
            ..RatePolicy::default()
        };
        figures.unit_lines(&policy)[1].satisfied.text()
    };
    assert_eq!(satisfied(true), "80.00%(8/10)");
    assert_eq!(satisfied(false), "30.00%(3/10)");
}

#[test]
fn the_sum_of_all_lines_balances_too() {
    let figures = sample::march(Series::Monthly, "2026-03");
    let sum = PeriodFigures::sum(&figures.unit_lines(&RatePolicy::default()));
    assert_eq!(
        sum.carried + sum.received + sum.transferred_in,
        sum.concluded + sum.transferred_out + sum.in_hand
    );
    assert_eq!(sum.on_time.text(), "88.89%(16/18)");
    assert_eq!(sum.late(), 2);
}
