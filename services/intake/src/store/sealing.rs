//! What older versions wrote in clear, read in steps and written back sealed.

use hotline_kernel::id::{AppealId, ContactId};
use hotline_platform::db::Txn;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::{appeal, contact, import_refusal, import_row, matter, sealing};
use super::sealed::{self, Seal};
use super::{StoreError, broken};
use crate::domain::registration::Contact;

/// What is sealed part by part, in this order: matters take their citizen from their appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Appeals and their contacts.
    Appeals,
    /// Matters.
    Matters,
    /// Contents of rows without an id.
    Rows,
    /// Refused rows.
    Refusals,
}

impl Part {
    fn parse(word: &str) -> Result<Self, StoreError> {
        match word {
            "1_appeal" => Ok(Self::Appeals),
            "2_matter" => Ok(Self::Matters),
            "3_import_row" => Ok(Self::Rows),
            "4_import_refusal" => Ok(Self::Refusals),
            _ => Err(broken("part")),
        }
    }
}

/// How far a part is.
pub struct Progress {
    word: String,
    /// Which part.
    pub part: Part,
    /// The last row that is done: its id, or that of its run and its number.
    pub after: Option<(Uuid, i64)>,
}

/// The first part that is not done, for this transaction alone.
pub async fn unfinished(txn: &Txn) -> Result<Option<Progress>, StoreError> {
    let mut query = sealing::Entity::find()
        .filter(sealing::Column::IsDone.eq(false))
        .order_by_asc(sealing::Column::Part)
        .limit(1);
    if txn.get_database_backend() == DbBackend::Postgres {
        query = query.lock(LockType::Update);
    }
    let found = query.one(&**txn).await?;
    found
        .map(|row| {
            Ok(Progress {
                part: Part::parse(&row.part)?,
                after: row
                    .after_id
                    .map(|id| (id, row.after_row.unwrap_or_default())),
                word: row.part,
            })
        })
        .transpose()
}

/// Whether anything is left of what older versions wrote.
pub async fn is_unfinished(db: &impl ConnectionTrait) -> Result<bool, StoreError> {
    let found = sealing::Entity::find()
        .filter(sealing::Column::IsDone.eq(false))
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// Notes how far a part is; `None`: it is done.
pub async fn advance(
    txn: &Txn,
    progress: &Progress,
    last: Option<(Uuid, i64)>,
) -> Result<(), StoreError> {
    let mut update = sealing::Entity::update_many()
        .col_expr(sealing::Column::IsDone, Expr::value(last.is_none()));
    if let Some((id, row)) = last {
        update = update
            .col_expr(sealing::Column::AfterId, Expr::value(id))
            .col_expr(sealing::Column::AfterRow, Expr::value(row));
    }
    update
        .filter(sealing::Column::Part.eq(progress.word.as_str()))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// An appeal as an older version wrote it.
pub struct ClearAppeal {
    /// Its id.
    pub id: AppealId,
    /// Its citizen's pseudonym, empty if he is not known.
    pub citizen: String,
    /// Its contact.
    pub contact: Option<ContactId>,
    /// Its hashes, without a key.
    pub hashes: [String; 2],
    texts: [String; 3],
}

/// The next appeals.
pub async fn appeals(
    txn: &Txn,
    after: Option<(Uuid, i64)>,
    size: u64,
) -> Result<Vec<ClearAppeal>, StoreError> {
    let mut query = appeal::Entity::find();
    if let Some((id, _)) = after {
        query = query.filter(appeal::Column::Id.gt(id));
    }
    let rows = query
        .order_by_asc(appeal::Column::Id)
        .limit(size)
        .all(&**txn)
        .await?;
    let clear = |row: appeal::Model| ClearAppeal {
        id: row.id.into(),
        citizen: row.citizen,
        contact: row.contact_id.map(Into::into),
        hashes: [row.dedup_key, row.content_hash],
        texts: [row.original_subject, row.original_text, row.original_answer],
    };
    Ok(rows.into_iter().map(clear).collect())
}

/// Writes an appeal back sealed, with these hashes, and its contact.
pub async fn seal_appeal(
    txn: &Txn,
    seal: &Seal,
    clear: &ClearAppeal,
    [dedup_key, content_hash]: [String; 2],
) -> Result<(), StoreError> {
    let row = sealed::row(clear.id.uuid());
    let [subject, text, answer] = &clear.texts;
    let subject = seal.text(sealed::APPEAL_SUBJECT, &row, subject)?;
    let text = seal.text(sealed::APPEAL_TEXT, &row, text)?;
    let answer = seal.text(sealed::APPEAL_ANSWER, &row, answer)?;
    appeal::Entity::update_many()
        .col_expr(appeal::Column::SealedSubject, Expr::value(subject))
        .col_expr(appeal::Column::SealedText, Expr::value(text))
        .col_expr(appeal::Column::SealedAnswer, Expr::value(answer))
        .col_expr(appeal::Column::OriginalSubject, Expr::value(""))
        .col_expr(appeal::Column::OriginalText, Expr::value(""))
        .col_expr(appeal::Column::OriginalAnswer, Expr::value(""))
        .col_expr(appeal::Column::DedupKey, Expr::value(dedup_key))
        .col_expr(appeal::Column::ContentHash, Expr::value(content_hash))
        .filter(appeal::Column::Id.eq(clear.id.uuid()))
        .exec(&**txn)
        .await?;
    match clear.contact {
        Some(contact) => seal_contact(txn, seal, contact).await,
        None => Ok(()),
    }
}

async fn seal_contact(txn: &Txn, seal: &Seal, id: ContactId) -> Result<(), StoreError> {
    let found = contact::Entity::find_by_id(id.uuid()).one(&**txn).await?;
    let Some(row) = found.filter(|row| row.sealed.is_none()) else {
        return Ok(());
    };
    let clear = Contact {
        name: row.name,
        phone: row.phone,
        email: row.email,
        account: row.account,
    };
    let sealed = super::contacts::seal(seal, id, &clear)?;
    contact::Entity::update_many()
        .col_expr(contact::Column::Sealed, Expr::value(sealed))
        .col_expr(contact::Column::Name, Expr::value(""))
        .col_expr(contact::Column::Phone, Expr::value(""))
        .col_expr(contact::Column::Email, Expr::value(""))
        .col_expr(contact::Column::Account, Expr::value(""))
        .filter(contact::Column::Id.eq(id.uuid()))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// A matter as an older version wrote it.
pub struct ClearMatter {
    /// Its id.
    pub id: Uuid,
    /// Its appeal.
    pub appeal: AppealId,
    /// The citizen of its appeal.
    pub citizen: String,
    /// Its text key without a secret, and whether it holds it open.
    pub text_key: Option<String>,
    is_open: bool,
    texts: [String; 3],
}

/// The next matters.
pub async fn matters(
    txn: &Txn,
    after: Option<(Uuid, i64)>,
    size: u64,
) -> Result<Vec<ClearMatter>, StoreError> {
    let mut query = matter::Entity::find();
    if let Some((id, _)) = after {
        query = query.filter(matter::Column::Id.gt(id));
    }
    let rows = query
        .order_by_asc(matter::Column::Id)
        .limit(size)
        .all(&**txn)
        .await?;
    let appeals: Vec<Uuid> = rows.iter().map(|row| row.appeal_id).collect();
    let citizens: Vec<(Uuid, String)> = appeal::Entity::find()
        .select_only()
        .columns([appeal::Column::Id, appeal::Column::Citizen])
        .filter(appeal::Column::Id.is_in(appeals))
        .into_tuple()
        .all(&**txn)
        .await?;
    let citizens: std::collections::HashMap<Uuid, String> = citizens.into_iter().collect();
    let clear = |row: matter::Model| ClearMatter {
        id: row.id,
        appeal: row.appeal_id.into(),
        citizen: citizens.get(&row.appeal_id).cloned().unwrap_or_default(),
        is_open: row.open_key.is_some(),
        text_key: row.text_key,
        texts: [
            row.original_subject,
            row.original_text,
            row.original_reply.unwrap_or_default(),
        ],
    };
    Ok(rows.into_iter().map(clear).collect())
}

/// Writes a matter back sealed, with this text key.
pub async fn seal_matter(
    txn: &Txn,
    seal: &Seal,
    clear: &ClearMatter,
    text_key: Option<String>,
) -> Result<(), StoreError> {
    let row = sealed::row(clear.id);
    let [subject, text, reply] = &clear.texts;
    let subject = seal.text(sealed::MATTER_SUBJECT, &row, subject)?;
    let text = seal.text(sealed::MATTER_TEXT, &row, text)?;
    let reply = seal.text(sealed::MATTER_REPLY, &row, reply)?;
    let open_key = text_key.clone().filter(|_| clear.is_open);
    matter::Entity::update_many()
        .col_expr(matter::Column::SealedSubject, Expr::value(subject))
        .col_expr(matter::Column::SealedText, Expr::value(text))
        .col_expr(matter::Column::SealedReply, Expr::value(reply))
        .col_expr(matter::Column::OriginalSubject, Expr::value(""))
        .col_expr(matter::Column::OriginalText, Expr::value(""))
        .col_expr(matter::Column::OriginalReply, Expr::value(None::<String>))
        .col_expr(matter::Column::TextKey, Expr::value(text_key))
        .col_expr(matter::Column::OpenKey, Expr::value(open_key))
        .filter(matter::Column::Id.eq(clear.id))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// A row of an import with the hash of its content, without a key.
pub type ClearRow = (Uuid, i64, Option<String>);

/// The next rows of imports.
pub async fn rows(
    txn: &Txn,
    after: Option<(Uuid, i64)>,
    size: u64,
) -> Result<Vec<ClearRow>, StoreError> {
    let mut query = import_row::Entity::find().select_only().columns([
        import_row::Column::BatchId,
        import_row::Column::RowNo,
        import_row::Column::Content,
    ]);
    if let Some((batch, row)) = after {
        let same = Condition::all()
            .add(import_row::Column::BatchId.eq(batch))
            .add(import_row::Column::RowNo.gt(row));
        let later = Condition::any().add(import_row::Column::BatchId.gt(batch));
        query = query.filter(later.add(same));
    }
    Ok(query
        .order_by_asc(import_row::Column::BatchId)
        .order_by_asc(import_row::Column::RowNo)
        .limit(size)
        .into_tuple()
        .all(&**txn)
        .await?)
}

/// Writes the content of a row back, under a key.
pub async fn key_row(
    txn: &Txn,
    (batch, row): (Uuid, i64),
    content: String,
) -> Result<(), StoreError> {
    import_row::Entity::update_many()
        .col_expr(import_row::Column::Content, Expr::value(content))
        .filter(import_row::Column::BatchId.eq(batch))
        .filter(import_row::Column::RowNo.eq(row))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// A refused row as an older version wrote it.
pub struct ClearRefusal {
    /// Its run.
    pub batch: Uuid,
    /// Its number.
    pub row_no: i64,
    words: Vec<String>,
}

impl ClearRefusal {
    /// Whether anything stands there.
    pub fn has_words(&self) -> bool {
        self.words.iter().any(|word| !word.is_empty())
    }
}

/// The next refused rows.
pub async fn refusals(
    txn: &Txn,
    after: Option<(Uuid, i64)>,
    size: u64,
) -> Result<Vec<ClearRefusal>, StoreError> {
    let mut query = import_refusal::Entity::find();
    if let Some((batch, row)) = after {
        let same = Condition::all()
            .add(import_refusal::Column::BatchId.eq(batch))
            .add(import_refusal::Column::RowNo.gt(row));
        let later = Condition::any().add(import_refusal::Column::BatchId.gt(batch));
        query = query.filter(later.add(same));
    }
    let rows = query
        .order_by_asc(import_refusal::Column::BatchId)
        .order_by_asc(import_refusal::Column::RowNo)
        .limit(size)
        .all(&**txn)
        .await?;
    let clear = |row: import_refusal::Model| {
        let cells: Vec<String> = serde_json::from_str(&row.cells).map_err(|_| broken("cells"))?;
        Ok(ClearRefusal {
            batch: row.batch_id,
            row_no: row.row_no,
            words: std::iter::once(row.found).chain(cells).collect(),
        })
    };
    rows.into_iter().map(clear).collect()
}

/// Writes a refused row back sealed.
pub async fn seal_refusal(txn: &Txn, seal: &Seal, clear: &ClearRefusal) -> Result<(), StoreError> {
    let place = sealed::refusal_row(clear.batch, clear.row_no);
    let words: Vec<&str> = clear.words.iter().map(String::as_str).collect();
    let sealed = seal.list(sealed::REFUSAL, &place, &words)?;
    import_refusal::Entity::update_many()
        .col_expr(import_refusal::Column::Sealed, Expr::value(sealed))
        .col_expr(import_refusal::Column::Found, Expr::value(""))
        .col_expr(import_refusal::Column::Cells, Expr::value("[]"))
        .filter(import_refusal::Column::BatchId.eq(clear.batch))
        .filter(import_refusal::Column::RowNo.eq(clear.row_no))
        .exec(&**txn)
        .await?;
    Ok(())
}
