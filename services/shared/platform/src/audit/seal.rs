//! A seal: how far the chain is and what its hash is there, coded by the installation's key.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::key::{AuditKey, CODE_BYTES};
use super::row::put;
use crate::core::CoreError;
use crate::db::{Txn, sql};

/// What [`Seal::read`] reads, in its order.
const COLUMNS: &str = "chain_seq, first_seq, hash, at, mac";

/// Stands behind the rows `first_seq` to `chain_seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) chain_seq: i64,
    pub(crate) first_seq: i64,
    pub(crate) hash: [u8; CODE_BYTES],
    /// When, in microseconds UTC.
    pub(crate) at: i64,
    code: Vec<u8>,
}

impl Seal {
    pub(crate) fn new(
        service: &str,
        key: &AuditKey,
        (first_seq, chain_seq): (i64, i64),
        hash: [u8; CODE_BYTES],
        at: i64,
    ) -> Self {
        let mut seal = Self {
            chain_seq,
            first_seq,
            hash,
            at,
            code: Vec::new(),
        };
        seal.code = key.seal(&seal.encode(service)).to_vec();
        seal
    }

    fn encode(&self, service: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        put(&mut bytes, service.as_bytes());
        put(&mut bytes, &self.chain_seq.to_be_bytes());
        put(&mut bytes, &self.first_seq.to_be_bytes());
        put(&mut bytes, &self.hash);
        put(&mut bytes, &self.at.to_be_bytes());
        bytes
    }

    /// Whether the installation made it, for this service.
    pub(crate) fn is_ours(&self, service: &str, key: &AuditKey) -> bool {
        key.is_seal(&self.encode(service), &self.code)
    }

    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let hash: Vec<u8> = row.try_get_by_index(2)?;
        Ok(Self {
            chain_seq: row.try_get_by_index(0)?,
            first_seq: row.try_get_by_index(1)?,
            // One of another length is nobody's, and its code says so.
            hash: hash.try_into().unwrap_or([0; CODE_BYTES]),
            at: row.try_get_by_index(3)?,
            code: row.try_get_by_index(4)?,
        })
    }

    pub(crate) async fn save(&self, txn: &Txn) -> Result<(), CoreError> {
        let text = format!("INSERT INTO audit_seal ({COLUMNS}) VALUES ($1, $2, $3, $4, $5)");
        let values = vec![
            self.chain_seq.into(),
            self.first_seq.into(),
            self.hash.to_vec().into(),
            self.at.into(),
            self.code.clone().into(),
        ];
        txn.execute_raw(sql(&**txn, text, values)).await?;
        Ok(())
    }

    /// The last one, if anything is sealed.
    pub(crate) async fn last<C: ConnectionTrait>(
        connection: &C,
    ) -> Result<Option<Self>, CoreError> {
        let text = format!("SELECT {COLUMNS} FROM audit_seal ORDER BY chain_seq DESC LIMIT 1");
        one(connection, text, vec![]).await
    }

    /// The one that ends at `chain_seq`.
    pub(crate) async fn at<C: ConnectionTrait>(
        connection: &C,
        chain_seq: i64,
    ) -> Result<Option<Self>, CoreError> {
        let text = format!("SELECT {COLUMNS} FROM audit_seal WHERE chain_seq = $1");
        one(connection, text, vec![chain_seq.into()]).await
    }

    /// The last one that ends before `chain_seq`, or was made before `made_before`.
    pub(crate) async fn before<C: ConnectionTrait>(
        connection: &C,
        column: Before,
        limit: i64,
    ) -> Result<Option<Self>, CoreError> {
        let column = match column {
            Before::Number => "chain_seq",
            Before::Instant => "at",
        };
        let text = format!(
            "SELECT {COLUMNS} FROM audit_seal WHERE {column} < $1 ORDER BY chain_seq DESC LIMIT 1"
        );
        one(connection, text, vec![limit.into()]).await
    }

    /// Those behind `after`, in order.
    pub(crate) async fn page<C: ConnectionTrait>(
        connection: &C,
        after: i64,
        until: i64,
        limit: u32,
    ) -> Result<Vec<Self>, CoreError> {
        let text = format!(
            "SELECT {COLUMNS} FROM audit_seal WHERE chain_seq > $1 AND chain_seq <= $2 \
             ORDER BY chain_seq LIMIT {limit}"
        );
        let asked = sql(connection, text, vec![after.into(), until.into()]);
        let rows = connection.query_all_raw(asked).await?;
        Ok(rows.iter().map(Self::read).collect::<Result<_, DbErr>>()?)
    }
}

/// By what [`Seal::before`] looks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Before {
    /// Its number.
    Number,
    /// When it was made.
    Instant,
}

async fn one<C: ConnectionTrait>(
    connection: &C,
    text: String,
    values: Vec<sea_orm::Value>,
) -> Result<Option<Seal>, CoreError> {
    let row = connection
        .query_one_raw(sql(connection, text, values))
        .await?;
    Ok(row.as_ref().map(Seal::read).transpose()?)
}
