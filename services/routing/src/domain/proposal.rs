//! Proposals: category, area and units for a demand, with the reasons a dispatcher can check.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::catalogue::{Entry, Whereabouts, leads};
use super::evidence::{Found, folded};
use super::registry::Registry;
use super::ticket::Demand;

/// How many times the runner-up's score the best category must reach to be certain.
const CERTAIN_RATIO: f64 = 1.5;

/// What is proposed for a demand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The likeliest category, empty if nothing speaks for one.
    pub category_code: String,
    /// It was given, or won clearly.
    pub is_category_certain: bool,
    /// The area, empty if none or several were named.
    pub area_code: String,
    /// Who should lead, empty if nothing speaks for one.
    pub lead_unit_code: String,
    /// Who should assist.
    pub assisting_unit_codes: Vec<String>,
    /// The category is certain and the catalogue names exactly one lead, who may get it.
    pub is_unambiguous: bool,
    /// What was found, for people.
    pub reasons: Vec<String>,
}

/// Proposes what to do with `demand` on `day`; `complained` units and those under them never get it.
#[must_use]
pub fn propose(
    registry: &Registry,
    demand: &Demand,
    complained: &[String],
    day: NaiveDate,
) -> Proposal {
    let text = folded(&format!("{}\n{}", demand.subject, demand.text));
    let mut proposal = Proposal::default();
    propose_category(&mut proposal, registry, demand, &text);
    let whereabouts = propose_area(&mut proposal, registry, demand, &text);
    propose_units(
        &mut proposal,
        registry,
        (&whereabouts, day),
        complained,
        &text,
    );
    proposal
}

fn propose_category(proposal: &mut Proposal, registry: &Registry, demand: &Demand, text: &str) {
    if registry.category_tree.contains(&demand.category_code) {
        proposal.reasons.push(format!(
            "category {} is on the ticket",
            demand.category_code
        ));
        proposal.category_code.clone_from(&demand.category_code);
        proposal.is_category_certain = true;
        return;
    }
    if !demand.category_code.is_empty() {
        proposal.reasons.push(format!(
            "category {} is on the ticket but not in the table",
            demand.category_code
        ));
    }
    let found = registry.keyword_finder.find(text);
    for hint in &found {
        proposal.reasons.push(format!(
            "keyword {} speaks for category {} ({})",
            hint.word, hint.code, hint.weight
        ));
    }
    let ranking = ranked(&found);
    let Some((best, score)) = ranking.first() else {
        proposal
            .reasons
            .push("no keyword speaks for a category".to_owned());
        return;
    };
    let tree = &registry.category_tree;
    let is_related = |other: &str| tree.is_within(other, best) || tree.is_within(best, other);
    let rival = ranking.iter().skip(1).find(|(code, _)| !is_related(code));
    proposal.category_code.clone_from(best);
    proposal.is_category_certain =
        rival.is_none_or(|(_, rival_score)| *score >= CERTAIN_RATIO * rival_score);
    if let (false, Some((code, _))) = (proposal.is_category_certain, rival) {
        proposal
            .reasons
            .push(format!("category {code} is nearly as likely as {best}"));
    }
}

/// Categories by their score, best first; equal scores by code, so that the answer is repeatable.
fn ranked(found: &[Found]) -> Vec<(String, f64)> {
    let mut scores: BTreeMap<&str, f64> = BTreeMap::new();
    for hint in found {
        *scores.entry(&hint.code).or_default() += hint.weight;
    }
    let mut ranking: Vec<_> = scores
        .into_iter()
        .map(|(code, score)| (code.to_owned(), score))
        .collect();
    ranking.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    ranking
}

fn propose_area(
    proposal: &mut Proposal,
    registry: &Registry,
    demand: &Demand,
    text: &str,
) -> Whereabouts {
    let tree = &registry.area_tree;
    let owned = |code: &str| tree.chain(code).into_iter().map(str::to_owned).collect();
    if tree.contains(&demand.area_code) {
        proposal
            .reasons
            .push(format!("area {} is on the ticket", demand.area_code));
        proposal.area_code.clone_from(&demand.area_code);
        return Whereabouts::Known(owned(&demand.area_code));
    }
    let found = registry.area_finder.find(text);
    for hint in &found {
        proposal
            .reasons
            .push(format!("{} names area {}", hint.word, hint.code));
    }
    let mut innermost: Vec<&str> = found.iter().map(|hint| hint.code.as_str()).collect();
    innermost.sort_unstable();
    innermost.dedup();
    let all = innermost.clone();
    innermost.retain(|code| {
        !all.iter()
            .any(|other| other != code && tree.is_within(other, code))
    });
    let [area] = innermost.as_slice() else {
        return Whereabouts::Unknown;
    };
    (*area).clone_into(&mut proposal.area_code);
    Whereabouts::Known(owned(area))
}

fn propose_units(
    proposal: &mut Proposal,
    registry: &Registry,
    (whereabouts, day): (&Whereabouts, NaiveDate),
    complained: &[String],
    text: &str,
) {
    let chain = registry.category_tree.chain(&proposal.category_code);
    let deciding = registry.catalogue.deciding(&chain, whereabouts, day);
    for entry in &deciding {
        proposal.reasons.push(described(entry));
    }
    let is_forbidden = |unit: &str| {
        registry
            .unit_tree
            .complained_above(unit, complained)
            .is_some()
    };
    let candidates = leads(&deciding);
    let allowed: Vec<&Entry> = deciding
        .iter()
        .filter(|entry| !is_forbidden(&entry.lead_unit_code))
        .copied()
        .collect();
    for lead in candidates.iter().filter(|lead| is_forbidden(lead)) {
        proposal.reasons.push(format!(
            "{lead} is complained against, or under a unit that is"
        ));
    }
    if let Some(entry) = allowed.first() {
        proposal.lead_unit_code.clone_from(&entry.lead_unit_code);
        let assisting = entry.assisting_unit_codes.iter();
        proposal.assisting_unit_codes = assisting
            .filter(|unit| !is_forbidden(unit))
            .cloned()
            .collect();
    }
    if candidates.len() > 1 {
        proposal
            .reasons
            .push("the catalogue names several leads".to_owned());
        prefer_named_unit(proposal, registry, &allowed, text);
    }
    // A mistyped unit could be the very one that would get it: a person looks.
    let unknown = complained
        .iter()
        .find(|unit| !registry.unit_tree.contains(unit));
    if let Some(unit) = unknown {
        proposal.reasons.push(format!(
            "{unit} is complained against but not in the table of units"
        ));
    }
    proposal.is_unambiguous = proposal.is_category_certain
        && unknown.is_none()
        && candidates.len() == 1
        && !proposal.lead_unit_code.is_empty();
    if proposal.lead_unit_code.is_empty() {
        propose_fallback(proposal, registry, text, &is_forbidden);
    }
}

fn described(entry: &Entry) -> String {
    let place = if entry.area_code.is_empty() {
        "anywhere"
    } else {
        &entry.area_code
    };
    format!(
        "catalogue: {} in {place} is for {} ({})",
        entry.category_code, entry.lead_unit_code, entry.source
    )
}

/// Of several leads, the one that the text names comes first; a dispatcher still decides.
fn prefer_named_unit(proposal: &mut Proposal, registry: &Registry, allowed: &[&Entry], text: &str) {
    for hint in registry.unit_finder.find(text) {
        if let Some(entry) = allowed
            .iter()
            .find(|entry| entry.lead_unit_code == hint.code)
        {
            proposal
                .reasons
                .push(format!("{} names unit {}", hint.word, hint.code));
            proposal.lead_unit_code.clone_from(&entry.lead_unit_code);
            proposal
                .assisting_unit_codes
                .clone_from(&entry.assisting_unit_codes);
            return;
        }
    }
}

/// Without a row of the catalogue: the category's default unit, else a unit that the text names.
fn propose_fallback(
    proposal: &mut Proposal,
    registry: &Registry,
    text: &str,
    is_forbidden: &dyn Fn(&str) -> bool,
) {
    for code in registry.category_tree.chain(&proposal.category_code) {
        let unit = registry
            .categories
            .get(code)
            .map(|category| category.default_unit_code.as_str());
        if let Some(unit) = unit.filter(|unit| !unit.is_empty() && !is_forbidden(unit)) {
            proposal
                .reasons
                .push(format!("category {code} is usually for {unit}"));
            unit.clone_into(&mut proposal.lead_unit_code);
            return;
        }
    }
    for hint in registry.unit_finder.find(text) {
        if !is_forbidden(&hint.code) {
            proposal
                .reasons
                .push(format!("{} names unit {}", hint.word, hint.code));
            proposal.lead_unit_code = hint.code;
            return;
        }
    }
}

#[cfg(test)]
#[path = "proposal_tests.rs"]
pub(super) mod tests;
