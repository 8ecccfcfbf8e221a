//! One chunk of rows: mapped, told apart, registered, counted.

use std::collections::{HashMap, HashSet};

use hotline_kernel::id::{AppealId, ImportBatchId};

use crate::app::Order;
use crate::app::register::draft;
use crate::app::register::{Registered, Registrar, Submission};
use crate::domain::identity;
use crate::domain::import::{ImportBatch, RawRow, RefusedRow, RowOutcome};
use crate::domain::mapping::{Binding, MappedRow, Mapping, Refusal, RowContext};
use crate::domain::registration::Identity;
use crate::error::IntakeError;
use crate::store;
use crate::store::import::RowRecord;

/// The rows of one transaction on their way.
pub struct Chunk<'a> {
    /// Numbers of rows that are, or may be, of an exempt line: refused, they leave no words behind.
    wordless: HashSet<i64>,
    /// Whose each row is, as far as it tells.
    citizens: HashMap<i64, String>,
    mapped: Vec<(&'a RawRow, MappedRow)>,
    /// Rows that are refused so far.
    pub refused: Vec<RefusedRow>,
    /// What became of the rows that are decided.
    pub records: Vec<RowRecord>,
}

impl<'a> Chunk<'a> {
    /// Maps every row; what cannot be mapped is refused.
    pub async fn map(
        batch: &ImportBatch,
        order: Order<'_>,
        rows: &[&'a RawRow],
    ) -> Result<Self, IntakeError> {
        let binding = Mapping::parse(&batch.mapping_toml)?.bind(&batch.header)?;
        let context = RowContext {
            batch_id: batch.id,
            channel_code: batch.key.channel_code.clone(),
            nature: batch.key.nature,
            zone: order.settings.zone,
        };
        let mut chunk = Self {
            wordless: wordless(&binding, &context, order, rows).await?,
            citizens: citizens(&binding, &context, order, rows),
            mapped: Vec::new(),
            refused: Vec::new(),
            records: Vec::new(),
        };
        for row in rows {
            match read(&binding, row, &context) {
                Ok(mapped) => chunk.mapped.push((*row, mapped)),
                Err(refusal) => chunk.refuse(row, refusal, None),
            }
        }
        Ok(chunk)
    }

    fn refuse(&mut self, row: &RawRow, refusal: Refusal, content: Option<String>) {
        let refused = RefusedRow {
            row: row.clone(),
            refusal,
            citizen: self.citizens.remove(&row.row_no).unwrap_or_default(),
        };
        self.refused.push(if self.wordless.contains(&row.row_no) {
            refused.without_words()
        } else {
            refused
        });
        let (row_no, outcome) = (row.row_no, RowOutcome::Refused);
        self.records.push(RowRecord {
            row_no,
            outcome,
            appeal_id: None,
            content,
        });
    }

    /// Tells equal rows without an id apart: by how often their content came before in the file.
    pub async fn number_occurrences(
        &mut self,
        order: Order<'_>,
        batch: ImportBatchId,
    ) -> Result<(), IntakeError> {
        let contents: Vec<String> = self
            .mapped
            .iter()
            .filter_map(|(_, mapped)| content_of(order, mapped))
            .collect();
        let mut counts = store::import::occurrences(&**order.work.txn(), batch, &contents).await?;
        for (_, mapped) in &mut self.mapped {
            let Identity::Row {
                content,
                occurrence,
            } = &mut mapped.registration.identity
            else {
                continue;
            };
            let count = counts
                .entry(identity::keyed(&order.settings.keys.hashes, content))
                .or_default();
            *count += 1;
            *occurrence = u32::try_from(*count).unwrap_or(u32::MAX);
        }
        Ok(())
    }

    /// Registers what was mapped.
    pub async fn register(
        &mut self,
        order: Order<'_>,
        registrar: &Registrar,
    ) -> Result<(), IntakeError> {
        let mapped = std::mem::take(&mut self.mapped);
        let contents: HashMap<i64, String> = mapped
            .iter()
            .filter_map(|(row, mapped)| Some((row.row_no, content_of(order, mapped)?)))
            .collect();
        let (rows, submissions): (Vec<&RawRow>, Vec<Submission>) = mapped
            .into_iter()
            .map(|(row, mapped)| {
                (
                    row,
                    Submission::new(order.cause.clone(), mapped.registration),
                )
            })
            .unzip();
        let registered = registrar.apply(order.work, &submissions).await?;
        for (row, result) in rows.into_iter().zip(registered) {
            let content = contents.get(&row.row_no).cloned();
            match result {
                Ok(registered) => {
                    let (outcome, appeal) = outcome_of(&registered);
                    self.records.push(RowRecord {
                        row_no: row.row_no,
                        outcome,
                        appeal_id: Some(appeal),
                        content,
                    });
                }
                Err(error) => self.refuse(row, refusal_of(error)?, content),
            }
        }
        Ok(())
    }
}

/// Whose each row is, by his pseudonym, so that a refused one can be forgotten with him. A row that its reader could
/// not take apart tells nobody.
fn citizens(
    binding: &Binding,
    context: &RowContext,
    order: Order<'_>,
    rows: &[&RawRow],
) -> HashMap<i64, String> {
    let citizen_of = |row: &&RawRow| {
        let contact = binding.contact_of(&row.cells, context)?;
        let citizen = draft::citizen_of(order.settings, binding.source(context), &contact);
        (!citizen.is_empty()).then_some((row.row_no, citizen))
    };
    let readable = rows.iter().filter(|row| row.unreadable.is_empty());
    readable.filter_map(citizen_of).collect()
}

/// Which rows are of an exempt line, or do not tell whether they are.
async fn wordless(
    binding: &Binding,
    context: &RowContext,
    order: Order<'_>,
    rows: &[&RawRow],
) -> Result<HashSet<i64>, IntakeError> {
    let line_of = |row: &RawRow| {
        if row.unreadable.is_empty() {
            binding.line_of(&row.cells, context)
        } else {
            binding.line_of_unreadable(&row.cells, context)
        }
    };
    let lines: Vec<(i64, Option<String>)> =
        rows.iter().map(|row| (row.row_no, line_of(row))).collect();
    let dialled: HashSet<&String> = lines.iter().filter_map(|(_, line)| line.as_ref()).collect();
    let dialled: Vec<String> = dialled
        .into_iter()
        // PostgreSQL takes no NUL, not even to look for it.
        .filter(|line| !line.is_empty() && !line.contains('\0'))
        .cloned()
        .collect();
    let exempt: HashSet<String> = store::registry::lines_of(&**order.work.txn(), &dialled)
        .await?
        .into_iter()
        .filter(|line| line.is_exempt)
        .map(|line| line.number)
        .collect();
    let is_wordless =
        |line: &Option<String>| line.as_ref().is_none_or(|line| exempt.contains(line));
    Ok(lines
        .iter()
        .filter(|(_, line)| is_wordless(line))
        .map(|(row_no, _)| *row_no)
        .collect())
}

fn read(binding: &Binding, row: &RawRow, context: &RowContext) -> Result<MappedRow, Refusal> {
    if !row.unreadable.is_empty() {
        return Err(Refusal::new(
            "row",
            row.unreadable.as_str(),
            &row.cells.join(", "),
        ));
    }
    binding.apply(&row.cells, context)
}

fn content_of(order: Order<'_>, mapped: &MappedRow) -> Option<String> {
    match &mapped.registration.identity {
        Identity::Row { content, .. } => {
            Some(identity::keyed(&order.settings.keys.hashes, content))
        }
        Identity::SourceId(_) | Identity::ClientKey(_) => None,
    }
}

fn outcome_of(registered: &Registered) -> (RowOutcome, AppealId) {
    match registered {
        Registered::New {
            receipt,
            is_attached: false,
        } => (RowOutcome::Registered, receipt.appeal_id),
        Registered::New {
            receipt,
            is_attached: true,
        } => (RowOutcome::Attached, receipt.appeal_id),
        Registered::Present { receipt } => (RowOutcome::Present, receipt.appeal_id),
        Registered::Differs {
            first,
            is_new: true,
        } => (RowOutcome::Quarantined, first.appeal_id),
        Registered::Differs {
            first,
            is_new: false,
        } => (RowOutcome::Present, first.appeal_id),
    }
}

/// What registration itself refuses is a refusal of the row; a failure is not.
fn refusal_of(error: IntakeError) -> Result<Refusal, IntakeError> {
    match error {
        IntakeError::Invalid(invalid) => Ok(Refusal::new(invalid.field, invalid.expected, "")),
        IntakeError::LineUnknown(line) => {
            Ok(Refusal::new("line", "a number of the table `lines`", &line))
        }
        IntakeError::ChannelUnknown(code) => Ok(Refusal::new(
            "channel",
            "a code of the table `channels`",
            &code,
        )),
        failure => Err(failure),
    }
}
