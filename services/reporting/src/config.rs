//! What can be configured of reporting.

use serde::Deserialize;

use crate::domain::figures::RatePolicy;

/// `[reporting]`: the settings of this service.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where its tables are: `sqlite://data/reporting.db` or `postgres://user@host/reporting`.
    pub database_url: String,
    /// Whether 基本满意 counts as satisfied in the satisfied rate.
    pub basic_is_satisfied: bool,
    /// Weight of 按期办结率 in the ranking; the three weights are printed in the formula.
    pub on_time_weight: u32,
    /// Weight of 解决率 in the ranking.
    pub solved_weight: u32,
    /// Weight of 满意率 in the ranking.
    pub satisfied_weight: u32,
    /// Units that got fewer tickets in the period are listed apart and not ranked.
    pub ranked_min: u32,
}

impl Default for Config {
    fn default() -> Self {
        let policy = RatePolicy::default();
        Self {
            database_url: "sqlite://data/reporting.db".to_owned(),
            basic_is_satisfied: policy.basic_is_satisfied,
            on_time_weight: policy.on_time_weight,
            solved_weight: policy.solved_weight,
            satisfied_weight: policy.satisfied_weight,
            ranked_min: policy.ranked_min,
        }
    }
}

impl Config {
    /// What is decided about rates.
    pub(crate) fn rate_policy(&self) -> RatePolicy {
        RatePolicy {
            basic_is_satisfied: self.basic_is_satisfied,
            on_time_weight: self.on_time_weight,
            solved_weight: self.solved_weight,
            satisfied_weight: self.satisfied_weight,
            ranked_min: self.ranked_min,
        }
    }
}
