//! Loads the registry tables `channels` and `lines` from CSV, whole or not at all.

mod reading;

use hotline_platform::core::CommandContext;
use hotline_platform::fault;
use hotline_platform::work::AuditEntry;

use self::reading::Table;
use super::{Intake, Order};
use crate::domain::registry::{Channel, Line};
use crate::domain::terms::Term;
use crate::domain::{Invalid, registry};
use crate::error::IntakeError;
use crate::{events, store};

/// A table that was read and is right.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// Ways appeals come in.
    Channels(Vec<Channel>),
    /// Legacy lines.
    Lines(Vec<Line>),
}

impl Loaded {
    /// Reads a table.
    fn read(name: &str, csv: &[u8]) -> Result<Self, IntakeError> {
        match name {
            "channels" => Ok(Self::Channels(channels(csv)?)),
            "lines" => Ok(Self::Lines(lines(csv)?)),
            _ => Err(Invalid::new("table.name", "channels or lines").into()),
        }
    }

    /// The table's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Channels(_) => "channels",
            Self::Lines(_) => "lines",
        }
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Channels(rows) => rows.len(),
            Self::Lines(rows) => rows.len(),
        }
    }
}

impl Intake {
    /// Replaces a registry table by the rows of a CSV file, and tells the others; the number of rows.
    ///
    /// # Errors
    ///
    /// [`IntakeError::RegistryRows`] names every wrong row; nothing is loaded then.
    pub async fn load_registry(
        &self,
        context: CommandContext,
        name: &str,
        csv: &[u8],
    ) -> Result<u32, IntakeError> {
        let loaded = Loaded::read(name, csv)?;
        self.command(context, move |order| {
            let loaded = loaded.clone();
            Box::pin(async move { load(order, loaded).await })
        })
        .await
    }
}

async fn load(order: Order<'_>, loaded: Loaded) -> Result<u32, IntakeError> {
    let (work, txn) = (order.work, order.work.txn());
    match &loaded {
        Loaded::Channels(rows) => store::registry::replace_channels(txn, rows).await?,
        Loaded::Lines(rows) => store::registry::replace_lines(txn, rows).await?,
    }
    fault::point("load.intake_replaced");
    let version = store::registry::count_load(txn, loaded.name(), work.now()).await?;
    work.publish(order.cause, events::registry_loaded(&loaded, version));
    let entry = AuditEntry {
        resource: "registry",
        resource_id: loaded.name().to_owned(),
        version,
        action: "loaded".to_owned(),
        reason: String::new(),
    };
    work.audit(order.cause, entry);
    Ok(u32::try_from(loaded.len()).unwrap_or(u32::MAX))
}

fn channels(csv: &[u8]) -> Result<Vec<Channel>, IntakeError> {
    let mut table = Table::read("channels", csv, &["code", "name", "kind"])?;
    let mut channels = Vec::new();
    for row in table.rows() {
        let channel = Channel {
            code: table.unique(row, "code"),
            name: table.filled(row, "name"),
            kind: table.filled(row, "kind"),
            owner_unit_code: table.text(row, "owner_unit_code"),
            is_answered_publicly: table.yes_no(row, "public_answer"),
        };
        channels.push(channel);
    }
    table.end()?;
    Ok(channels)
}

fn lines(csv: &[u8]) -> Result<Vec<Line>, IntakeError> {
    let mut table = Table::read("lines", csv, &["number", "name", "merge_mode"])?;
    let mut lines = Vec::new();
    for row in table.rows() {
        let merge_mode = registry::MergeMode::read(&table.text(row, "merge_mode"));
        if merge_mode.is_none() {
            let words: Vec<_> = registry::MergeMode::WORDS
                .iter()
                .map(|(_, word)| *word)
                .collect();
            let expected = format!("{} or 整体并入, 双号并行, 设分中心, 保留", words.join(", "));
            table.wrong(row, "merge_mode", &expected);
        }
        let line = Line {
            number: table.unique(row, "number"),
            name: table.filled(row, "name"),
            unit_name: table.text(row, "unit_name"),
            merge_mode: merge_mode.unwrap_or(registry::MergeMode::Retained),
            is_exempt: table.yes_no(row, "exempt"),
        };
        lines.push(line);
    }
    table.end()?;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_headers_and_the_official_ones_are_both_read() {
        let official =
            "number,name_zh,department_zh,merge_mode,exempt\n110,报警,市公安局,保留,yes\n";
        let ours = "number,name,unit_name,merge_mode,is_exempt\n110,报警,市公安局,retained,是\n";
        let bom = format!("\u{feff}{ours}");
        for csv in [official, ours, &bom] {
            let found = lines(csv.as_bytes()).expect("right");
            assert_eq!(found.len(), 1);
            assert_eq!(
                (found[0].unit_name.as_str(), found[0].is_exempt),
                ("市公安局", true),
                "{csv}"
            );
        }
    }

    #[test]
    fn every_wrong_row_is_named_with_what_was_expected_and_found() {
        let csv =
            "code,name,kind,public_answer\na,甲,phone,yes\na,乙,phone,no\nb,,phone,maybe\nc,丙\n";
        let Err(IntakeError::RegistryRows { table, rows }) = channels(csv.as_bytes()) else {
            panic!("the table is wrong");
        };
        assert_eq!(table, "channels");
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.row, row.column.as_str(), row.found.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (2, "code", "a"),
                (3, "name", ""),
                (3, "public_answer", "maybe"),
                (4, "", "2 columns")
            ]
        );
        assert!(rows.iter().all(|row| !row.expected.is_empty()));
    }

    #[test]
    fn a_missing_column_and_a_foreign_encoding_are_named() {
        let Err(IntakeError::RegistryRows { rows, .. }) = channels(b"code,kind\na,phone\n") else {
            panic!("no name column");
        };
        assert_eq!((rows[0].row, rows[0].column.as_str()), (0, "name"));
        let Err(IntakeError::RegistryRows { rows, .. }) =
            channels(b"code,name,kind\na,\xbc\xd7,phone\n")
        else {
            panic!("not UTF-8");
        };
        assert!(rows[0].expected.contains("UTF-8"), "{}", rows[0].expected);
        assert!(channels(b"").is_err(), "an empty file has no header");
    }
}
