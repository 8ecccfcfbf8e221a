//! The sample city, carried inside the binary so that `hotline demo` works anywhere.

use crate::services::Name;

/// A registry table and the service that owns it.
pub struct Table {
    /// The service that owns it.
    pub owner: Name,
    /// The name the owner documents.
    pub name: &'static str,
    /// CSV with a header row.
    pub csv: &'static str,
}

/// Every table of a city, in an order that loads: what is referred to comes first.
pub const TABLES: &[Table] = &[
    Table {
        owner: Name::Intake,
        name: "channels",
        csv: include_str!("../../../../deploy/sample/channels.csv"),
    },
    Table {
        owner: Name::Intake,
        name: "lines",
        csv: include_str!("../../../../deploy/sample/lines.csv"),
    },
    Table {
        owner: Name::Routing,
        name: "holidays",
        csv: HOLIDAYS,
    },
    Table {
        owner: Name::Routing,
        name: "policy_profiles",
        csv: include_str!("../../../../deploy/sample/policy_profiles.csv"),
    },
    Table {
        owner: Name::Routing,
        name: "units",
        csv: include_str!("../../../../deploy/sample/units.csv"),
    },
    Table {
        owner: Name::Routing,
        name: "unit_aliases",
        csv: include_str!("../../../../deploy/sample/unit_aliases.csv"),
    },
    Table {
        owner: Name::Routing,
        name: "areas",
        csv: AREAS,
    },
    Table {
        owner: Name::Routing,
        name: "categories",
        csv: include_str!("../../../../deploy/sample/categories.csv"),
    },
    Table {
        owner: Name::Routing,
        name: "catalogue",
        csv: CATALOGUE,
    },
    Table {
        owner: Name::Routing,
        name: "keywords",
        csv: include_str!("../../../../deploy/sample/keywords.csv"),
    },
];

/// Holidays and make-up workdays.
pub const HOLIDAYS: &str = include_str!("../../../../deploy/sample/holidays.csv");
/// Districts and streets.
pub const AREAS: &str = include_str!("../../../../deploy/sample/areas.csv");
/// Category and area to units.
pub const CATALOGUE: &str = include_str!("../../../../deploy/sample/catalogue.csv");
/// Ways to put a matter.
pub const TEMPLATES: &str = include_str!("../../../../deploy/sample/story/templates.csv");
/// Words for the templates' slots.
pub const WORDS: &str = include_str!("../../../../deploy/sample/story/words.csv");
/// What officials and citizens remark.
pub const REMARKS: &str = include_str!("../../../../deploy/sample/story/remarks.csv");
