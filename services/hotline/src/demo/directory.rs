//! Who is right in the sample city: the catalogue as the actors know it by heart.

use std::collections::HashMap;

use anyhow::Context as _;
use serde::Deserialize;

use super::sample;
use super::story::rows;

#[derive(Deserialize)]
struct CatalogueRow {
    #[serde(rename = "category_code")]
    category: String,
    #[serde(rename = "area_code")]
    area: String,
    #[serde(rename = "lead_unit_code")]
    lead: String,
}

#[derive(Deserialize)]
struct AreaRow {
    code: String,
    parent_code: String,
}

/// Category and area to the unit that must act.
pub struct Directory {
    leads: HashMap<(String, String), String>,
    parents: HashMap<String, String>,
    units: Vec<String>,
}

impl Directory {
    /// Reads the sample city's catalogue.
    pub fn load() -> anyhow::Result<Self> {
        let mut leads = HashMap::new();
        for row in rows::<CatalogueRow>(sample::CATALOGUE).context("catalogue.csv")? {
            leads.entry((row.category, row.area)).or_insert(row.lead);
        }
        let areas = rows::<AreaRow>(sample::AREAS).context("areas.csv")?;
        let mut units: Vec<String> = leads.values().cloned().collect();
        units.sort();
        units.dedup();
        Ok(Self {
            leads,
            parents: areas
                .into_iter()
                .map(|area| (area.code, area.parent_code))
                .collect(),
            units,
        })
    }

    /// The unit for a category in an area: the nearest area that has a row, else the whole city's;
    /// the category's parent where it has none.
    pub fn lead(&self, category: &str, area: &str) -> Option<&str> {
        let mut category = category;
        loop {
            if let Some(found) = self.lead_of(category, area) {
                return Some(found);
            }
            if category.len() <= 2 {
                return None;
            }
            category = &category[..2];
        }
    }

    fn lead_of(&self, category: &str, area: &str) -> Option<&str> {
        let mut area = area;
        loop {
            if let Some(found) = self.leads.get(&(category.to_owned(), area.to_owned())) {
                return Some(found);
            }
            if area.is_empty() {
                return None;
            }
            area = self.parents.get(area).map_or("", String::as_str);
        }
    }

    /// A unit that is not `unit`, always the same one.
    pub fn other_than(&self, unit: &str) -> &str {
        let behind = self
            .units
            .iter()
            .position(|known| known == unit)
            .map_or(0, |index| index + 1);
        self.units
            .get(behind)
            .or_else(|| self.units.first())
            .map_or("", String::as_str)
    }
}
