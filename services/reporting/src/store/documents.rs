//! Issued documents: numbered per series and year, their content frozen.

use hotline_kernel::time::micros;
use hotline_platform::access::Scope;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use hotline_platform::page::Page;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, Iterable,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::convert::{bad, instant, maybe_instant};
use super::entity::document;
use crate::domain::document::{Issued, IssuedHead, IssuedOf, IssuedPlace};
use crate::domain::period::{Period, Series};

/// How many documents were issued for a period.
pub async fn editions(txn: &Txn, period: &Period) -> Result<i64, CoreError> {
    let found = document::Entity::find()
        .filter(document::Column::Series.eq(period.series.word()))
        .filter(document::Column::Period.eq(period.text()))
        .count(&**txn)
        .await?;
    Ok(i64::try_from(found).unwrap_or(i64::MAX))
}

/// The next number of a series in a year.
pub async fn next_number(txn: &Txn, period: &Period) -> Result<i32, CoreError> {
    let last: Option<Option<i32>> = document::Entity::find()
        .select_only()
        .column_as(document::Column::Number.max(), "last")
        .filter(document::Column::Series.eq(period.series.word()))
        .filter(document::Column::Year.eq(period.year()))
        .into_tuple()
        .one(&**txn)
        .await?;
    Ok(last.flatten().unwrap_or_default() + 1)
}

/// Freezes a document.
pub async fn issue(txn: &Txn, issued: &Issued) -> Result<(), CoreError> {
    let content = serde_json::to_string(&issued.content)
        .map_err(|error| CoreError::Storage(Box::new(error)))?;
    let head = &issued.head;
    let row = document::ActiveModel {
        id: Set(head.id),
        series: Set(head.period.series.word().to_owned()),
        period: Set(head.period.text()),
        edition: Set(head.edition),
        year: Set(head.period.year()),
        number: Set(head.number),
        title: Set(head.title.clone()),
        issued_at: Set(micros(head.issued_at)),
        issued_by: Set(head.issued_by.clone()),
        data_cut: Set(head.data_cut.map(micros)),
        content: Set(content),
    };
    document::Entity::insert(row)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// An issued document; none for a scope that is not everybody's.
pub async fn get(
    db: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Option<Issued>, CoreError> {
    if !scope.is_everything() {
        return Ok(None);
    }
    let Some(mut row) = document::Entity::find_by_id(id).one(db).await? else {
        return Ok(None);
    };
    let content = std::mem::take(&mut row.content);
    let content = serde_json::from_str(&content).map_err(|_| bad("content"))?;
    Ok(Some(Issued {
        head: head_from(row)?,
        content,
    }))
}

/// Issued documents, newest first, and where the next page begins; none for a scope that is not everybody's.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    of: IssuedOf,
    page: &Page<IssuedPlace>,
) -> Result<(Vec<IssuedHead>, Option<IssuedPlace>), CoreError> {
    if !scope.is_everything() {
        return Ok((Vec::new(), None));
    }
    // The content of a hundred documents is not read to list them.
    let mut query = document::Entity::find()
        .select_only()
        .columns(
            document::Column::iter().filter(|column| !matches!(column, document::Column::Content)),
        )
        .expr_as(Expr::val(""), "content")
        .order_by_desc(document::Column::IssuedAt)
        .order_by_desc(document::Column::Id)
        .limit(page.size + 1);
    let (series, period) = match of {
        IssuedOf::All => (None, None),
        IssuedOf::Series(series) => (Some(series), None),
        IssuedOf::Period(period) => (Some(period.series), Some(period.text())),
    };
    if let Some(series) = series {
        query = query.filter(document::Column::Series.eq(series.word()));
    }
    if let Some(period) = period {
        query = query.filter(document::Column::Period.eq(period));
    }
    if let Some((at, id)) = page.after {
        let same = Condition::all()
            .add(document::Column::IssuedAt.eq(at))
            .add(document::Column::Id.lt(id));
        query = query.filter(
            Condition::any()
                .add(document::Column::IssuedAt.lt(at))
                .add(same),
        );
    }
    let mut rows = query.all(db).await?;
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let has_more = rows.len() > size;
    rows.truncate(size);
    let next = rows
        .last()
        .filter(|_| has_more)
        .map(|row| (row.issued_at, row.id));
    let heads = rows
        .into_iter()
        .map(head_from)
        .collect::<Result<Vec<_>, _>>()?;
    Ok((heads, next))
}

fn head_from(row: document::Model) -> Result<IssuedHead, CoreError> {
    let series = Series::from_word(&row.series).ok_or_else(|| bad("series"))?;
    Ok(IssuedHead {
        id: row.id,
        period: Period::parse(series, &row.period).map_err(|_| bad("period"))?,
        edition: row.edition,
        number: row.number,
        title: row.title,
        issued_at: instant("issued_at", row.issued_at)?,
        issued_by: row.issued_by,
        data_cut: maybe_instant("data_cut", row.data_cut)?,
    })
}
