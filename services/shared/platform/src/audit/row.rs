//! A row of the audit trail and the bytes that its code covers.

use sea_orm::{DbErr, QueryResult, Value};
use uuid::Uuid;

use super::key::{self, AuditKey, CODE_BYTES};

/// A table and its columns, as text between `INSERT INTO` and `VALUES`.
pub(crate) const INTO: &str = "audit (at, actor, session, unit_code, from_addr, method, resource, resource_id, \
     version, action, reason, trace_id, writer, writer_seq, mac)";

/// What [`Row::read`] reads, in its order.
pub(crate) const COLUMNS: &str = "seq, at, actor, session, unit_code, from_addr, method, resource, resource_id, version, \
     action, reason, trace_id, writer, writer_seq, mac, chain_seq";

/// What happened, as it is written and coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content<'a> {
    /// The process life that wrote it.
    pub(crate) writer: Uuid,
    /// Its number among all that this life wrote or began to write.
    pub(crate) writer_seq: i64,
    /// Microseconds UTC.
    pub(crate) at: i64,
    pub(crate) actor: &'a str,
    pub(crate) session: &'a str,
    pub(crate) unit_code: &'a str,
    pub(crate) from_addr: &'a str,
    pub(crate) method: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) resource_id: &'a str,
    pub(crate) version: i64,
    pub(crate) action: &'a str,
    pub(crate) reason: &'a str,
    /// Of the W3C trace, empty if none.
    pub(crate) trace_id: &'a str,
}

impl Content<'_> {
    /// The canonical bytes: the service, then every field in a fixed order, each behind its length.
    pub(crate) fn encode(&self, service: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(320);
        put(&mut bytes, service.as_bytes());
        put(&mut bytes, self.writer.as_bytes());
        put(&mut bytes, &self.writer_seq.to_be_bytes());
        put(&mut bytes, &self.at.to_be_bytes());
        put(&mut bytes, &self.version.to_be_bytes());
        for text in [
            self.actor,
            self.session,
            self.unit_code,
            self.from_addr,
            self.method,
            self.resource,
            self.resource_id,
            self.action,
            self.reason,
            self.trace_id,
        ] {
            put(&mut bytes, text.as_bytes());
        }
        bytes
    }

    /// The values of [`INTO`].
    pub(crate) fn values(&self, service: &str, key: &AuditKey) -> Vec<Value> {
        let code = key.row(&self.encode(service)).to_vec();
        vec![
            self.at.into(),
            self.actor.into(),
            self.session.into(),
            self.unit_code.into(),
            self.from_addr.into(),
            self.method.into(),
            self.resource.into(),
            self.resource_id.into(),
            self.version.into(),
            self.action.into(),
            self.reason.into(),
            self.trace_id.into(),
            self.writer.into(),
            self.writer_seq.into(),
            code.into(),
        ]
    }
}

/// Text behind its length, so that no two rows have the same bytes.
pub(crate) fn put(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
    bytes.extend_from_slice(field);
}

/// A row as it stands in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    /// Texts in the order of [`COLUMNS`]: actor, session, unit code, address, method, resource, its id.
    who_and_what: [String; 7],
    pub(crate) version: i64,
    /// Action, reason, trace id.
    done: [String; 3],
    /// Absent in rows that were written before rows had one.
    pub(crate) writer: Option<Uuid>,
    pub(crate) writer_seq: Option<i64>,
    code: Option<Vec<u8>>,
    pub(crate) chain_seq: Option<i64>,
}

/// Whether a row is what its writer wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentic {
    /// Its code fits.
    Yes,
    /// It has none: it is older than the codes, or was put in by hand.
    Uncoded,
    /// Its code does not fit.
    No,
}

impl Row {
    /// Reads a row of [`COLUMNS`].
    pub(crate) fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let text = |index| row.try_get_by_index::<String>(index);
        Ok(Self {
            seq: row.try_get_by_index(0)?,
            at: row.try_get_by_index(1)?,
            who_and_what: [
                text(2)?,
                text(3)?,
                text(4)?,
                text(5)?,
                text(6)?,
                text(7)?,
                text(8)?,
            ],
            version: row.try_get_by_index(9)?,
            done: [text(10)?, text(11)?, text(12)?],
            writer: row.try_get_by_index(13)?,
            writer_seq: row.try_get_by_index(14)?,
            code: row.try_get_by_index(15)?,
            chain_seq: row.try_get_by_index(16)?,
        })
    }

    pub(crate) fn content(&self) -> Content<'_> {
        let [
            actor,
            session,
            unit_code,
            from_addr,
            method,
            resource,
            resource_id,
        ] = &self.who_and_what;
        let [action, reason, trace_id] = &self.done;
        Content {
            writer: self.writer.unwrap_or_default(),
            writer_seq: self.writer_seq.unwrap_or_default(),
            at: self.at,
            actor,
            session,
            unit_code,
            from_addr,
            method,
            resource,
            resource_id,
            version: self.version,
            action,
            reason,
            trace_id,
        }
    }

    /// Whether it is as it was written, and the hash of the chain with it at its end.
    pub(crate) fn link(
        &self,
        before: &[u8; CODE_BYTES],
        chain_seq: i64,
        service: &str,
        key: &AuditKey,
    ) -> (Authentic, [u8; CODE_BYTES]) {
        let canonical = self.content().encode(service);
        let code = self.code.as_deref();
        let authentic = match code {
            None => Authentic::Uncoded,
            Some(code) if key.is_row(&canonical, code) => Authentic::Yes,
            Some(_) => Authentic::No,
        };
        let code = code.unwrap_or_default();
        (
            authentic,
            key::link(before, chain_seq, self.seq, &canonical, code),
        )
    }
}

/// The trace of a W3C traceparent, empty if there is none.
pub(crate) fn trace_id(trace_parent: &str) -> &str {
    trace_parent.split('-').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content<'static> {
        Content {
            writer: Uuid::from_u128(1),
            writer_seq: 2,
            at: 3,
            actor: "operator:li",
            session: "s",
            unit_code: "U",
            from_addr: "127.0.0.1",
            method: "/m",
            resource: "ticket",
            resource_id: "1",
            version: 4,
            action: "signed",
            reason: "r",
            trace_id: "t",
        }
    }

    #[test]
    fn no_two_contents_have_the_same_bytes() {
        let plain = content();
        let others = [
            Content {
                writer: Uuid::from_u128(2),
                ..plain.clone()
            },
            Content {
                writer_seq: 3,
                at: 2,
                ..plain.clone()
            },
            Content {
                actor: "operator:l",
                session: "is",
                ..plain.clone()
            },
            Content {
                reason: "",
                trace_id: "rt",
                ..plain.clone()
            },
            Content {
                resource_id: "",
                ..plain.clone()
            },
            Content {
                version: 5,
                ..plain.clone()
            },
        ];
        for other in others {
            assert_ne!(other.encode("intake"), plain.encode("intake"), "{other:?}");
        }
        assert_ne!(plain.encode("routing"), plain.encode("intake"));
    }

    #[test]
    fn the_trace_of_a_traceparent_is_its_second_part() {
        assert_eq!(
            trace_id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        assert_eq!(trace_id(""), "");
    }
}
