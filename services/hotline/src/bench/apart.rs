//! Can two kinds of answers be told apart by how long they take?

use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};

use super::load::float;

/// Beyond this the two are told apart, as tests of leakage have it: by chance it happens in one of 100,000 trials.
pub(super) const T_MAX: f64 = 4.5;
/// Of all times the longest are left out, as what else a machine does falls into them.
const KEPT: f64 = 0.75;
/// How often medians are drawn again.
const DRAWS: usize = 1_000;
/// Of the drawn differences so many stand on each side of the interval.
const OUTSIDE: f64 = 0.025;

/// How two samples of times differ. All in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Apart {
    pub(super) medians: [f64; 2],
    /// The second median less the first, as 95 of 100 repetitions would have it.
    pub(super) difference: (f64, f64),
    /// Welch's t of the second less the first.
    pub(super) t: f64,
    /// The difference of the means in standard deviations (Cohen's d).
    pub(super) effect: f64,
}

/// Compares two samples that were taken in turn.
pub(super) fn compare(one: &[f64], other: &[f64]) -> Apart {
    let mut all = [one, other].concat();
    all.sort_by(f64::total_cmp);
    let limit = at(&all, KEPT);
    let kept = |times: &[f64]| -> Vec<f64> {
        let short = times.iter().copied().filter(|time| *time <= limit);
        short.collect()
    };
    let (first, second) = (Moments::of(&kept(one)), Moments::of(&kept(other)));
    let error = (first.variance / first.count + second.variance / second.count).sqrt();
    let spread = f64::midpoint(first.variance, second.variance).sqrt();
    let difference = second.mean - first.mean;
    Apart {
        medians: [middle(one.to_vec()), middle(other.to_vec())],
        difference: interval(one, other),
        t: difference / error.max(f64::MIN_POSITIVE),
        effect: difference / spread.max(f64::MIN_POSITIVE),
    }
}

struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    fn of(times: &[f64]) -> Self {
        let count = float(times.len() as u64).max(1.0);
        let mean = times.iter().sum::<f64>() / count;
        let squares: f64 = times.iter().map(|time| (time - mean).powi(2)).sum();
        Self {
            count,
            mean,
            variance: squares / (count - 1.0).max(1.0),
        }
    }
}

/// Where the difference of the medians lies in 95 of 100 samples drawn from these.
fn interval(one: &[f64], other: &[f64]) -> (f64, f64) {
    let mut random = StdRng::seed_from_u64(1);
    let mut draw = |times: &[f64]| -> f64 {
        let places = 0..times.len();
        let drawn = places.map(|_| times[pick(&mut random, times.len())]);
        middle(drawn.collect())
    };
    let mut found: Vec<f64> = (0..DRAWS).map(|_| draw(other) - draw(one)).collect();
    found.sort_by(f64::total_cmp);
    (at(&found, OUTSIDE), at(&found, 1.0 - OUTSIDE))
}

/// A place among `count`.
pub(super) fn pick(random: &mut StdRng, count: usize) -> usize {
    let drawn = random.next_u64() % (count as u64).max(1);
    usize::try_from(drawn).unwrap_or_default()
}

fn middle(mut times: Vec<f64>) -> f64 {
    if times.is_empty() {
        return 0.0;
    }
    let place = times.len() / 2;
    *times.select_nth_unstable_by(place, f64::total_cmp).1
}

/// The value behind which the rest of sorted times stands.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the length of a list is one of its places"
)]
fn at(sorted: &[f64], share: f64) -> f64 {
    let last = float(sorted.len() as u64) - 1.0;
    let place = (last.max(0.0) * share).round() as usize;
    sorted.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times about `centre`, a tenth of them far longer.
    fn times(seed: u64, centre: f64) -> Vec<f64> {
        let mut random = StdRng::seed_from_u64(seed);
        let one = |random: &mut StdRng| float(random.next_u64() % 1_000) / 10.0;
        (0..2_000)
            .map(|index| {
                let late = if index % 10 == 0 {
                    10.0 * one(&mut random)
                } else {
                    0.0
                };
                centre + one(&mut random) + late
            })
            .collect()
    }

    #[test]
    fn what_takes_as_long_is_not_told_apart_and_what_takes_a_little_longer_is() {
        let alike = compare(&times(1, 500.0), &times(2, 500.0));
        assert!(alike.t.abs() < T_MAX, "{alike:?}");
        let (low, high) = alike.difference;
        assert!(low <= 0.0 && 0.0 <= high, "{alike:?}");

        let longer = compare(&times(1, 500.0), &times(3, 515.0));
        assert!(longer.t > T_MAX, "{longer:?}");
        let (low, high) = longer.difference;
        assert!(low > 0.0 && high < 30.0, "{longer:?}");
    }
}
