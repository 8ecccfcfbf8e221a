//! Single draws of the plan: a matter and its fate, a channel, a time of day, a citizen.

use chrono::{Duration, NaiveDate};
use hotline_kernel::time::{Timestamp, Zone};
use rand::Rng;
use rand::rngs::StdRng;

use super::plan::{Citizen, Fate, PlannedMatter, Verdict};
use super::story::{Scene, Story, Template};

/// Channel and its share of the appeals, in per mille.
const CHANNELS: &[(&str, u32)] = &[
    ("tel12345", 330),
    ("tel_parallel", 110),
    ("tel_sub", 30),
    ("mayor_mailbox", 120),
    ("secretary_mailbox", 30),
    ("leader_mailbox", 40),
    ("people_board", 60),
    ("portal_consult", 40),
    ("portal_complaint", 50),
    ("site_error", 10),
    ("wechat", 60),
    ("weibo", 15),
    ("app", 40),
    ("email", 15),
    ("prov12345", 20),
    ("l110", 15),
    ("grid", 10),
    ("letter", 5),
];

/// One in so many matters …
const WRONG_CATEGORY_ONE_IN: u32 = 8;
const UNSAID_CATEGORY_ONE_IN: u32 = 3;

pub(super) fn matter(
    template: &Template,
    scene: &Scene,
    area: &str,
    random: &mut StdRng,
) -> PlannedMatter {
    let wrong = !template.wrong_category_code.is_empty()
        && random.random_range(0..WRONG_CATEGORY_ONE_IN) == 0;
    let category = if wrong {
        template.wrong_category_code.clone()
    } else if random.random_range(0..UNSAID_CATEGORY_ONE_IN) == 0 {
        String::new()
    } else {
        template.category_code.clone()
    };
    let urgent = template.urgency != "normal";
    PlannedMatter {
        subject: scene.fill(&template.subject),
        text: scene.fill(&template.text),
        kind: template.kind.clone(),
        urgency: template.urgency.clone(),
        category,
        area: area.to_owned(),
        fate: Fate {
            category: template.category_code.clone(),
            area: area.to_owned(),
            report: scene.fill(&template.report),
            reply: scene.fill(&template.reply),
            pace: draw_pace(urgent, random),
            disputed: random.random_range(0..40) == 0,
            sent_back: random.random_range(0..20) == 0,
            verdicts: draw_verdicts(random),
        },
    }
}

fn draw_pace(urgent: bool, random: &mut StdRng) -> f64 {
    let late = random.random_range(0..if urgent { 30 } else { 14 }) == 0;
    let (low, high) = if late { (105, 190) } else { (15, 92) };
    f64::from(random.random_range(low..high)) / 100.0
}

fn draw_verdicts(random: &mut StdRng) -> Vec<Verdict> {
    match random.random_range(0..100) {
        0..74 => vec![Verdict::Solved],
        74..80 => vec![Verdict::Unreached],
        80..85 => vec![Verdict::Partly],
        85..89 => vec![Verdict::PolicyLimit],
        89..96 => vec![Verdict::Unsolved, Verdict::Solved],
        96..99 => vec![Verdict::Unsolved, Verdict::Unsolved, Verdict::Solved],
        _ => vec![Verdict::Unsolved],
    }
}

pub(super) fn draw_channel(random: &mut StdRng) -> &'static str {
    let total: u32 = CHANNELS.iter().map(|(_, share)| share).sum();
    let mut drawn = random.random_range(0..total);
    for (channel, share) in CHANNELS {
        if drawn < *share {
            return channel;
        }
        drawn -= share;
    }
    CHANNELS[0].0
}

/// Most people write between breakfast and bed; a storm comes at night, spam within two hours.
pub(super) fn draw_time(zone: Zone, day: NaiveDate, group: &str, random: &mut StdRng) -> Timestamp {
    let hour = match group {
        "storm" => random.random_range(1..10),
        "spam" => random.random_range(13..15),
        _ => random.random_range(7..22),
    };
    zone.at(day, hour, random.random_range(0..60)) + Duration::seconds(random.random_range(0..60))
}

pub(super) fn draw_citizens(story: &Story, count: usize, random: &mut StdRng) -> Vec<Citizen> {
    (0..count.max(1))
        .map(|index| Citizen {
            name: format!(
                "{}{}",
                story.word("surname", "", random),
                story.word("given_name", "", random)
            ),
            phone: format!("1990000{index:04}"),
        })
        .collect()
}
