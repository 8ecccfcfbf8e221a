//! Tickets by words. PostgreSQL keeps the words in a `tsvector`, SQLite in an FTS5 index; both hold what the
//! program cut, and cut nothing themselves.

use std::collections::{BTreeSet, HashMap};

use hotline_kernel::time::Timestamp;
use hotline_platform::access::Scope;
use hotline_platform::bulk;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, Statement, Value,
};
use uuid::Uuid;

use super::entity::{matter_text, matter_view, ticket_search};
use super::{CHUNK, upsert};
use crate::domain::search::{Said, Search, first_place, last_place, span_words};

/// So many of the newest tickets are looked at one by one before PostgreSQL's index of words is asked, which must
/// collect and sort every hit. A page of a word that one in fifty tickets has is found among them.
const NEWEST: i64 = 1_000;

/// A ticket that was found, and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where it stands: later receipts have greater places.
    pub place: i64,
    /// The ticket.
    pub ticket_id: Uuid,
}

/// Writes what was said in a matter.
pub async fn save_said(txn: &Txn, matter_id: Uuid, said: &Said) -> Result<(), CoreError> {
    let row = matter_text::ActiveModel {
        matter_id: Set(matter_id),
        numbers: Set(said.numbers.clone()),
        text: Set(said.text.clone()),
    };
    upsert(txn, row).await
}

/// What was said in the matters that stand on a ticket, the first received first.
pub async fn said_on(txn: &Txn, ticket_id: Uuid) -> Result<Vec<Said>, CoreError> {
    let matters: Vec<Uuid> = matter_view::Entity::find()
        .select_only()
        .column(matter_view::Column::Id)
        .filter(matter_view::Column::TicketId.eq(ticket_id))
        .filter(matter_view::Column::LastMove.ne("withdrawn"))
        .order_by_asc(matter_view::Column::ReceivedAt)
        .order_by_asc(matter_view::Column::Id)
        .into_tuple()
        .all(&**txn)
        .await?;
    let mut found = HashMap::with_capacity(matters.len());
    for chunk in matters.chunks(CHUNK) {
        let rows = matter_text::Entity::find()
            .filter(matter_text::Column::MatterId.is_in(bulk::keys(chunk)))
            .all(&**txn)
            .await?;
        found.extend(rows.into_iter().map(|row| (row.matter_id, row)));
    }
    let said = matters.iter().filter_map(|matter| found.remove(matter));
    let said = said.map(|row| Said {
        numbers: row.numbers,
        text: row.text,
    });
    Ok(said.collect())
}

/// Writes the words by which a ticket is found.
pub async fn save_words(
    txn: &Txn,
    ticket_id: Uuid,
    received_at: Timestamp,
    words: &BTreeSet<String>,
) -> Result<(), CoreError> {
    let known = ticket_search::Entity::find_by_id(ticket_id)
        .one(&**txn)
        .await?;
    let place = match &known {
        Some(row) => row.place,
        None => free_place(txn, received_at).await?,
    };
    let listed = words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ");
    if txn.get_database_backend() == DbBackend::Postgres {
        let [span, _] = span_words(place);
        let listed = format!("{listed} {span}");
        let text = "INSERT INTO ticket_search (ticket_id, place, words) \
                    VALUES ($1, $2, array_to_tsvector(string_to_array($3, ' '))) \
                    ON CONFLICT (ticket_id) DO UPDATE SET words = excluded.words";
        return run(
            txn,
            text,
            vec![ticket_id.into(), place.into(), listed.into()],
        )
        .await;
    }
    if known.is_some() {
        let text = "DELETE FROM ticket_words WHERE rowid = $1";
        run(txn, text, vec![place.into()]).await?;
    } else {
        let text = "INSERT INTO ticket_search (ticket_id, place) VALUES ($1, $2)";
        run(txn, text, vec![ticket_id.into(), place.into()]).await?;
    }
    let text = "INSERT INTO ticket_words (rowid, words) VALUES ($1, $2)";
    run(txn, text, vec![place.into(), listed.into()]).await
}

/// The ticket is found no more.
pub async fn forget_words(txn: &Txn, ticket_id: Uuid) -> Result<(), CoreError> {
    let known = ticket_search::Entity::find_by_id(ticket_id)
        .one(&**txn)
        .await?;
    let Some(row) = known else {
        return Ok(());
    };
    if txn.get_database_backend() == DbBackend::Sqlite {
        let text = "DELETE FROM ticket_words WHERE rowid = $1";
        run(txn, text, vec![row.place.into()]).await?;
    }
    ticket_search::Entity::delete_by_id(ticket_id)
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Empties everything that searches read.
pub async fn clear(txn: &Txn) -> Result<(), CoreError> {
    matter_text::Entity::delete_many().exec(&**txn).await?;
    ticket_search::Entity::delete_many().exec(&**txn).await?;
    if txn.get_database_backend() == DbBackend::Sqlite {
        let text = "INSERT INTO ticket_words (ticket_words) VALUES ('delete-all')";
        run(txn, text, Vec::new()).await?;
    }
    Ok(())
}

/// At most `limit` tickets that have every word, the newest first, behind the place `after`. Which units a ticket
/// complains about is not known here, so there are none for a scope that is not everybody's.
pub async fn search(
    db: &impl ConnectionTrait,
    scope: &Scope,
    search: &Search,
    after: Option<i64>,
    limit: u64,
) -> Result<Vec<Hit>, CoreError> {
    if !scope.is_everything() {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let places = Places {
        first: search.from.map_or(i64::MIN, first_place),
        before: search
            .before
            .map_or(i64::MAX, first_place)
            .min(after.unwrap_or(i64::MAX)),
    };
    if db.get_database_backend() == DbBackend::Sqlite {
        return hits(db, FTS5, asked(search, " AND ", '"'), places, &[limit]).await;
    }
    let words = asked(search, " & ", '\'');
    let is_full = |found: &[Hit]| i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit;
    let found = hits(db, AMONG_NEWEST, words.clone(), places, &[NEWEST, limit]).await?;
    if is_full(&found) {
        return Ok(found);
    }
    if let Some(newest) = newest(db, places).await? {
        let [span, before] = span_words(newest);
        let lately = format!("{words} & ('{span}' | '{before}')");
        let found = hits(db, BY_INDEX, lately, places, &[limit]).await?;
        if is_full(&found) {
            return Ok(found);
        }
    }
    hits(db, BY_INDEX, words, places, &[limit]).await
}

/// The last place that is taken.
async fn newest(db: &impl ConnectionTrait, places: Places) -> Result<Option<i64>, CoreError> {
    let last: Option<Option<i64>> = ticket_search::Entity::find()
        .select_only()
        .column_as(ticket_search::Column::Place.max(), "last")
        .filter(ticket_search::Column::Place.gte(places.first))
        .filter(ticket_search::Column::Place.lt(places.before))
        .into_tuple()
        .one(db)
        .await?;
    Ok(last.flatten())
}

/// Places from `first` on, before `before`.
#[derive(Clone, Copy, Debug)]
struct Places {
    first: i64,
    before: i64,
}

/// FTS5 walks its lists backwards, as long as the page is not full.
const FTS5: &str = "SELECT found.place, found.ticket_id FROM ticket_words \
    JOIN ticket_search AS found ON found.place = ticket_words.rowid \
    WHERE ticket_words MATCH $1 AND ticket_words.rowid >= $2 AND ticket_words.rowid < $3 \
    ORDER BY ticket_words.rowid DESC LIMIT $4";

/// Walks from the newest backwards, and not far.
const AMONG_NEWEST: &str = "SELECT place, ticket_id FROM \
    (SELECT place, ticket_id, words FROM ticket_search WHERE place >= $2 AND place < $3 \
    ORDER BY place DESC LIMIT $4) AS newest \
    WHERE words @@ CAST($1 AS tsquery) ORDER BY place DESC LIMIT $5";

/// Asks the index of words. Without the sums the planner would at times walk all places backwards instead, which
/// takes a thousand times as long for a rare word.
const BY_INDEX: &str = "SELECT place, ticket_id FROM ticket_search \
    WHERE words @@ CAST($1 AS tsquery) AND place + 0 >= $2 AND place + 0 < $3 \
    ORDER BY place + 0 DESC LIMIT $4";

/// The words as both databases' query languages write them. Words hold letters and digits only, so nothing in
/// them can end the quotes.
fn asked(search: &Search, and: &str, quote: char) -> String {
    let quoted = search
        .words
        .iter()
        .map(|word| format!("{quote}{word}{quote}"));
    quoted.collect::<Vec<_>>().join(and)
}

async fn hits(
    db: &impl ConnectionTrait,
    text: &str,
    words: String,
    places: Places,
    limits: &[i64],
) -> Result<Vec<Hit>, CoreError> {
    let mut values: Vec<Value> = vec![words.into(), places.first.into(), places.before.into()];
    values.extend(limits.iter().map(|limit| Value::from(*limit)));
    let asking = Statement::from_sql_and_values(db.get_database_backend(), text, values);
    let rows = db.query_all_raw(asking).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.push(Hit {
            place: row.try_get_by_index(0)?,
            ticket_id: row.try_get_by_index(1)?,
        });
    }
    Ok(found)
}

/// A place for a ticket received then: behind those of its millisecond. Writers take turns ([`super::lock`]).
async fn free_place(txn: &Txn, received_at: Timestamp) -> Result<i64, CoreError> {
    let mut first = first_place(received_at);
    loop {
        let last = last_place(first);
        let taken: Option<Option<i64>> = ticket_search::Entity::find()
            .select_only()
            .column_as(ticket_search::Column::Place.max(), "last")
            .filter(ticket_search::Column::Place.between(first, last))
            .into_tuple()
            .one(&**txn)
            .await?;
        match taken.flatten() {
            None => return Ok(first),
            Some(place) if place < last => return Ok(place + 1),
            Some(_) => first = last + 1,
        }
    }
}

async fn run(txn: &Txn, text: &str, values: Vec<Value>) -> Result<(), CoreError> {
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), text, values);
    txn.execute_raw(statement).await?;
    Ok(())
}
