//! Names of what codes stand for, as the registries' last load told.

use std::collections::BTreeMap;

/// What a registry row says about a code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The name documents print.
    pub name: String,
    /// The parent's code, empty if none.
    pub parent_code: String,
    /// The group a unit is ranked in, empty if none.
    pub group: String,
}

/// All names. A code without one is printed as it is.
#[derive(Clone, Debug, Default)]
pub struct Names {
    tables: BTreeMap<String, BTreeMap<String, Entry>>,
}

impl Names {
    /// Adds a row of a table: `channels`, `units`, `categories`, `areas` or `lines`.
    pub fn add(&mut self, table: &str, code: &str, entry: Entry) {
        self.tables
            .entry(table.to_owned())
            .or_default()
            .insert(code.to_owned(), entry);
    }

    /// A channel's name.
    #[must_use]
    pub fn channel(&self, code: &str) -> String {
        self.name("channels", code)
    }

    /// A unit's name, empty for no unit.
    #[must_use]
    pub fn unit(&self, code: &str) -> String {
        self.name("units", code)
    }

    /// A category's name with its parent's, such as `城乡建设/物业管理`.
    #[must_use]
    pub fn category(&self, code: &str) -> String {
        if code.is_empty() {
            return "未归类".to_owned();
        }
        let parent = self
            .entry("categories", code)
            .map(|entry| entry.parent_code.clone())
            .unwrap_or_default();
        let name = self.name("categories", code);
        if parent.is_empty() {
            name
        } else {
            format!("{}/{name}", self.name("categories", &parent))
        }
    }

    /// The last part of a category's name.
    #[must_use]
    pub fn short_category(&self, code: &str) -> String {
        if code.is_empty() {
            "未归类".to_owned()
        } else {
            self.name("categories", code)
        }
    }

    /// The group a unit is ranked in.
    #[must_use]
    pub fn group(&self, unit_code: &str) -> String {
        let group = self
            .entry("units", unit_code)
            .map(|entry| entry.group.as_str())
            .unwrap_or_default();
        if group.is_empty() {
            "未分组".to_owned()
        } else {
            group.to_owned()
        }
    }

    fn entry(&self, table: &str, code: &str) -> Option<&Entry> {
        self.tables.get(table).and_then(|rows| rows.get(code))
    }

    fn name(&self, table: &str, code: &str) -> String {
        self.entry(table, code)
            .map(|entry| entry.name.as_str())
            .filter(|name| !name.is_empty())
            .unwrap_or(code)
            .to_owned()
    }
}
