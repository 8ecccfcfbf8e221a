//! Reads the story material: templates, words and remarks (`deploy/sample/story/README.md`).

use std::collections::HashMap;

use anyhow::Context as _;
use rand::Rng;
use rand::rngs::StdRng;
use serde::Deserialize;

use super::sample;

/// One way a citizen may put a matter.
#[derive(Clone, Debug, Deserialize)]
pub struct Template {
    /// Variants of one matter share the id up to its last dash.
    pub id: String,
    /// `normal`, `storm`, `consult`, `guide`, `praise` or `spam`.
    pub group: String,
    /// A word of `codes`: consult, help, …
    pub kind: String,
    /// The right category.
    pub category_code: String,
    /// What an operator may take it for.
    pub wrong_category_code: String,
    /// normal, urgent or critical.
    pub urgency: String,
    /// With slots in braces.
    pub subject: String,
    /// With slots in braces.
    pub text: String,
    /// The unit's handling report.
    pub report: String,
    /// What the citizen reads.
    pub reply: String,
    /// Of `guide` templates.
    pub guide_reason: String,
    /// Of `guide` templates.
    pub legal_route: String,
    /// Of `guide` templates.
    pub competent_body: String,
}

#[derive(Deserialize)]
struct Word {
    slot: String,
    area_code: String,
    #[serde(rename = "word")]
    text: String,
}

#[derive(Deserialize)]
struct Remark {
    #[serde(rename = "use")]
    purpose: String,
    text: String,
}

#[derive(Deserialize)]
struct Area {
    code: String,
    name: String,
}

/// All story material.
pub struct Story {
    templates: Vec<Template>,
    words: HashMap<String, Vec<Word>>,
    remarks: HashMap<String, Vec<String>>,
    areas: Vec<Area>,
}

impl Story {
    /// Reads the material carried in the binary.
    pub fn load() -> anyhow::Result<Self> {
        let mut words: HashMap<String, Vec<Word>> = HashMap::new();
        for word in rows::<Word>(sample::WORDS).context("words.csv")? {
            words.entry(word.slot.clone()).or_default().push(word);
        }
        let mut remarks: HashMap<String, Vec<String>> = HashMap::new();
        for remark in rows::<Remark>(sample::REMARKS).context("remarks.csv")? {
            remarks.entry(remark.purpose).or_default().push(remark.text);
        }
        Ok(Self {
            templates: rows(sample::TEMPLATES).context("templates.csv")?,
            words,
            remarks,
            areas: rows(sample::AREAS).context("areas.csv")?,
        })
    }

    /// The templates of a group, in file order.
    pub fn group<'a>(&'a self, group: &'a str) -> Vec<&'a Template> {
        self.templates
            .iter()
            .filter(|template| template.group == group)
            .collect()
    }

    /// Another way to put the same matter, or the same way if there is no other.
    pub fn variant<'a>(&'a self, of: &'a Template, random: &mut StdRng) -> &'a Template {
        let others: Vec<_> = self
            .templates
            .iter()
            .filter(|other| other.id != of.id && stem(&other.id) == stem(&of.id))
            .collect();
        if others.is_empty() {
            of
        } else {
            others[random.random_range(0..others.len())]
        }
    }

    /// An area's code.
    pub fn area(&self, random: &mut StdRng) -> String {
        self.areas[random.random_range(0..self.areas.len())]
            .code
            .clone()
    }

    /// A remark for `purpose`; empty if the story has none.
    pub fn remark(&self, purpose: &str, random: &mut StdRng) -> String {
        let Some(found) = self.remarks.get(purpose).filter(|found| !found.is_empty()) else {
            return String::new();
        };
        found[random.random_range(0..found.len())].clone()
    }

    /// A word for `slot` that fits `area`, or one that fits everywhere.
    pub fn word(&self, slot: &str, area: &str, random: &mut StdRng) -> String {
        let Some(all) = self.words.get(slot) else {
            return String::new();
        };
        let local: Vec<_> = all
            .iter()
            .filter(|word| !word.area_code.is_empty() && word.area_code == area)
            .collect();
        let fitting = if local.is_empty() {
            all.iter()
                .filter(|word| word.area_code.is_empty())
                .collect()
        } else {
            local
        };
        let fitting: Vec<&Word> = if fitting.is_empty() {
            all.iter().collect()
        } else {
            fitting
        };
        fitting[random.random_range(0..fitting.len())].text.clone()
    }

    /// Draws one word for each slot, so that subject and text of a matter speak of the same things.
    pub fn scene(&self, area: &str, day: chrono::NaiveDate, random: &mut StdRng) -> Scene {
        let mut slots: HashMap<String, String> = HashMap::new();
        let mut names: Vec<&String> = self.words.keys().collect();
        names.sort();
        for slot in names {
            slots.insert(slot.clone(), self.word(slot, area, random));
        }
        let area_name = self
            .areas
            .iter()
            .find(|known| known.code == area)
            .map(|known| known.name.clone());
        slots.insert("area".into(), area_name.unwrap_or_default());
        slots.insert("date".into(), day.format("%-m月%-d日").to_string());
        slots.insert(
            "amount".into(),
            format!("{}元", random.random_range(2..90) * 50),
        );
        slots.insert("days".into(), random.random_range(2..20).to_string());
        Scene(slots)
    }
}

/// The words of one matter's slots.
#[derive(Clone)]
pub struct Scene(HashMap<String, String>);

impl Scene {
    /// `text` with its slots filled.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let Some(close) = rest[open..].find('}').map(|at| open + at) else {
                break;
            };
            filled.push_str(&rest[..open]);
            filled.push_str(
                self.0
                    .get(&rest[open + 1..close])
                    .map_or("", String::as_str),
            );
            rest = &rest[close + 1..];
        }
        filled.push_str(rest);
        filled
    }
}

fn stem(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(stem, _)| stem)
}

/// Reads a CSV with a header row.
pub fn rows<T: for<'de> Deserialize<'de>>(csv: &str) -> anyhow::Result<Vec<T>> {
    let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    reader
        .deserialize()
        .map(|row| row.map_err(anyhow::Error::from))
        .collect()
}
