//! What a sealer notices beside its work: rows that are gone, a chain that was cut back, somebody who holds it.

use std::collections::BTreeSet;
use std::time::Duration;

use metrics::{counter, gauge};
use sea_orm::ConnectionTrait;
use tokio::time::Instant;

use super::{BATCH_MAX, Sealer};
use crate::audit::seal::Seal;
use crate::core::{Core, CoreError};
use crate::db::sql;
use crate::work::{AuditEntry, Cause, Work};

/// Somebody who holds the chain for so long is complained of.
const HELD_MAX: Duration = Duration::from_mins(1);
/// Numbers that a complaint names.
const NAMED_MAX: usize = 20;

impl Sealer {
    /// Notes if the chain is not the one that this process has seen. It is noted until it is told: whoever looks next
    /// knows the shorter chain only.
    pub(super) async fn look_back<C: ConnectionTrait>(
        &mut self,
        last: Option<&Seal>,
        connection: &C,
    ) -> Result<(), CoreError> {
        if let Some(found) = self.is_cut_back(last, connection).await? {
            self.cut_back = Some(found);
        }
        Ok(())
    }

    /// Writes down that the chain was cut back, if it was noted. What cannot be written is told at the next pass.
    pub(super) async fn tell_of_cut(&mut self) -> Result<(), CoreError> {
        if let Some(reason) = self.cut_back.clone() {
            complain(&self.core, "cut back", reason).await?;
            self.cut_back = None;
        }
        Ok(())
    }

    /// Whether the chain is not the one that this process has seen, in words.
    async fn is_cut_back<C: ConnectionTrait>(
        &self,
        last: Option<&Seal>,
        connection: &C,
    ) -> Result<Option<String>, CoreError> {
        let Some(known) = &self.known else {
            return Ok(None);
        };
        if last == Some(known)
            || Seal::at(connection, known.chain_seq).await?.as_ref() == Some(known)
        {
            return Ok(None);
        }
        let end = last.map_or(0, |seal| seal.chain_seq);
        Ok(Some(format!(
            "number {} was sealed and is not there any more; the chain ended at {end}",
            known.chain_seq
        )))
    }

    /// While nothing is to be sealed: is the chain still there, and is all of it that this process wrote?
    pub(super) async fn look_at_head(&mut self) -> Result<(), CoreError> {
        let db = self.core.db().clone();
        let reader = db.read();
        let last = Seal::last(reader).await?;
        self.look_back(last.as_ref(), reader).await?;
        self.look_at_others(last.as_ref(), reader).await?;
        self.known = last;
        self.tell_of_cut().await
    }

    /// Looks at rows that another sealer sealed: some may be this process's.
    pub(super) async fn look_at_others<C: ConnectionTrait>(
        &mut self,
        last: Option<&Seal>,
        connection: &C,
    ) -> Result<(), CoreError> {
        let until = last.map_or(0, |seal| seal.chain_seq);
        let mut after = self.looked_until.unwrap_or_default().min(until);
        while after < until {
            let text = format!(
                "SELECT chain_seq, writer, writer_seq FROM audit WHERE chain_seq > $1 \
                 ORDER BY chain_seq, seq LIMIT {BATCH_MAX}"
            );
            let asked = sql(connection, text, vec![after.into()]);
            let rows = connection.query_all_raw(asked).await?;
            let Some(end) = rows.last() else { break };
            after = end.try_get_by_index(0)?;
            for row in &rows {
                self.core
                    .pen()
                    .sealed(row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            }
        }
        self.looked_until = Some(until);
        Ok(())
    }

    /// What this process committed before the pass began was visible to it: what is not sealed now is gone.
    pub(super) async fn miss(&self, awaited: &BTreeSet<i64>) -> Result<(), CoreError> {
        let missing = self.core.pen().give_up(awaited);
        if missing.is_empty() {
            return Ok(());
        }
        counter!("hotline_audit_rows_missing_total", "service" => self.core.name())
            .increment(missing.len() as u64);
        let named: Vec<String> = missing
            .iter()
            .take(NAMED_MAX)
            .map(ToString::to_string)
            .collect();
        let reason = format!(
            "{} rows were committed and are gone before they were sealed; numbers of writer {}: {}",
            missing.len(),
            self.core.pen().writer,
            named.join(", ")
        );
        complain(&self.core, "missing", reason).await
    }

    pub(super) fn complain_of_holder(&mut self) {
        let since = *self.held_since.get_or_insert_with(Instant::now);
        let held = since.elapsed();
        gauge!("hotline_audit_held_seconds", "service" => self.core.name()).set(held.as_secs_f64());
        if held > HELD_MAX {
            tracing::error!(
                service = self.core.name(),
                held_s = held.as_secs(),
                "audit rows wait and somebody else holds the chain"
            );
        }
    }
}

/// Writes down what the sealer found, for `verify` is not run every day.
pub(super) async fn complain(core: &Core, action: &str, reason: String) -> Result<(), CoreError> {
    tracing::error!(
        service = core.name(),
        action,
        reason,
        "the audit trail was tampered with"
    );
    let cause = Cause {
        actor: format!("service:{}", core.name()),
        session: String::new(),
        unit_code: String::new(),
        from_addr: String::new(),
        method: "sealer".to_owned(),
        trace_parent: String::new(),
    };
    let work = Work::begin(core).await?;
    let entry = AuditEntry {
        resource: "audit",
        resource_id: core.name().to_owned(),
        version: 0,
        action: action.to_owned(),
        reason,
    };
    work.audit(&cause, entry);
    work.commit().await
}
