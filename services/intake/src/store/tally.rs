//! Opens everything that is sealed and counts what came of it.

use hotline_platform::vault::Vault;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::StoreError;
use super::entity::{appeal, contact, import_refusal, matter};
use super::sealed::{self, Column, Opener};

/// Rows that are read at once.
const PAGE: u64 = 500;

/// What came of opening everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Values that opened.
    pub opened: u64,
    /// Values whose keys were destroyed.
    pub erased: u64,
    /// Values that do not open although their keys are there.
    pub broken: u64,
}

/// A sealed value and where it stands.
type Value = (Column, String, Vec<u8>);

/// Opens every sealed value of `db`.
pub async fn tally(db: &impl ConnectionTrait, vault: &Vault) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    let mut after = Uuid::nil();
    while let Some((values, last)) = contacts(db, after).await? {
        tally.add(db, vault, values).await?;
        after = last;
    }
    after = Uuid::nil();
    while let Some((values, last)) = appeals(db, after).await? {
        tally.add(db, vault, values).await?;
        after = last;
    }
    after = Uuid::nil();
    while let Some((values, last)) = matters(db, after).await? {
        tally.add(db, vault, values).await?;
        after = last;
    }
    let mut after = (Uuid::nil(), 0);
    while let Some((values, last)) = refusals(db, after).await? {
        tally.add(db, vault, values).await?;
        after = last;
    }
    Ok(tally)
}

impl Tally {
    async fn add(
        &mut self,
        db: &impl ConnectionTrait,
        vault: &Vault,
        values: Vec<Value>,
    ) -> Result<(), StoreError> {
        let readable = |value: &&Value| Vault::key_id(&value.2).is_ok();
        let sealed = values.iter().filter(readable).map(|(_, _, sealed)| sealed);
        let opener = Opener::of(db, vault, sealed).await?;
        for (column, row, sealed) in &values {
            match opener.text(*column, row, sealed) {
                Ok(Some(_)) => self.opened += 1,
                Ok(None) => self.erased += 1,
                Err(_) => self.broken += 1,
            }
        }
        Ok(())
    }
}

type Page<K> = Option<(Vec<Value>, K)>;

async fn contacts(db: &impl ConnectionTrait, after: Uuid) -> Result<Page<Uuid>, StoreError> {
    let rows: Vec<(Uuid, Option<Vec<u8>>)> = contact::Entity::find()
        .select_only()
        .columns([contact::Column::Id, contact::Column::Sealed])
        .filter(contact::Column::Id.gt(after))
        .order_by_asc(contact::Column::Id)
        .limit(PAGE)
        .into_tuple()
        .all(db)
        .await?;
    let last = rows.last().map(|(id, _)| *id);
    let values = rows
        .into_iter()
        .filter_map(|(id, sealed)| Some((sealed::CONTACT, sealed::row(id), sealed?)));
    Ok(page(values, last))
}

/// The id of a row and its sealed columns.
type Three = (Uuid, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);

async fn appeals(db: &impl ConnectionTrait, after: Uuid) -> Result<Page<Uuid>, StoreError> {
    let rows: Vec<Three> = appeal::Entity::find()
        .select_only()
        .columns([
            appeal::Column::Id,
            appeal::Column::SealedSubject,
            appeal::Column::SealedText,
            appeal::Column::SealedAnswer,
        ])
        .filter(appeal::Column::Id.gt(after))
        .order_by_asc(appeal::Column::Id)
        .limit(PAGE)
        .into_tuple()
        .all(db)
        .await?;
    let columns = [
        sealed::APPEAL_SUBJECT,
        sealed::APPEAL_TEXT,
        sealed::APPEAL_ANSWER,
    ];
    Ok(of_three(rows, columns))
}

async fn matters(db: &impl ConnectionTrait, after: Uuid) -> Result<Page<Uuid>, StoreError> {
    let rows: Vec<Three> = matter::Entity::find()
        .select_only()
        .columns([
            matter::Column::Id,
            matter::Column::SealedSubject,
            matter::Column::SealedText,
            matter::Column::SealedReply,
        ])
        .filter(matter::Column::Id.gt(after))
        .order_by_asc(matter::Column::Id)
        .limit(PAGE)
        .into_tuple()
        .all(db)
        .await?;
    let columns = [
        sealed::MATTER_SUBJECT,
        sealed::MATTER_TEXT,
        sealed::MATTER_REPLY,
    ];
    Ok(of_three(rows, columns))
}

fn of_three(rows: Vec<Three>, columns: [Column; 3]) -> Page<Uuid> {
    let last = rows.last().map(|(id, ..)| *id);
    let values = rows.into_iter().flat_map(|(id, one, two, three)| {
        let all = columns.into_iter().zip([one, two, three]);
        all.filter_map(move |(column, sealed)| Some((column, sealed::row(id), sealed?)))
    });
    page(values, last)
}

async fn refusals(
    db: &impl ConnectionTrait,
    (batch, row): (Uuid, i64),
) -> Result<Page<(Uuid, i64)>, StoreError> {
    let same = Condition::all()
        .add(import_refusal::Column::BatchId.eq(batch))
        .add(import_refusal::Column::RowNo.gt(row));
    let rows: Vec<(Uuid, i64, Option<Vec<u8>>)> = import_refusal::Entity::find()
        .select_only()
        .columns([
            import_refusal::Column::BatchId,
            import_refusal::Column::RowNo,
            import_refusal::Column::Sealed,
        ])
        .filter(
            Condition::any()
                .add(import_refusal::Column::BatchId.gt(batch))
                .add(same),
        )
        .order_by_asc(import_refusal::Column::BatchId)
        .order_by_asc(import_refusal::Column::RowNo)
        .limit(PAGE)
        .into_tuple()
        .all(db)
        .await?;
    let last = rows.last().map(|(batch, row, _)| (*batch, *row));
    let values = rows.into_iter().filter_map(|(batch, row, sealed)| {
        Some((sealed::REFUSAL, sealed::refusal_row(batch, row), sealed?))
    });
    Ok(page(values, last))
}

fn page<K>(values: impl Iterator<Item = Value>, last: Option<K>) -> Page<K> {
    Some((values.collect(), last?))
}
