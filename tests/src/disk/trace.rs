//! The trace that `tests/shim/disk.c` writes, record by record.

/// Bytes of a record's head: operation, length of the name, offset, length of the data.
const HEAD_BYTES: usize = 24;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Create,
    Write,
    Truncate,
    Unlink,
    Rename,
    Link,
    Sync,
    SyncFailed,
}

impl Operation {
    /// In the order of the shim's numbers, which begin with 1.
    pub(super) const ALL: [Self; 8] = [
        Self::Create,
        Self::Write,
        Self::Truncate,
        Self::Unlink,
        Self::Rename,
        Self::Link,
        Self::Sync,
        Self::SyncFailed,
    ];
}

/// One change, or a sync.
pub(super) struct Record<'a> {
    pub(super) operation: Operation,
    pub(super) name: &'a str,
    pub(super) offset: usize,
    pub(super) data: &'a [u8],
}

impl<'a> Record<'a> {
    /// The first record of `trace`, and what stands behind it.
    pub(super) fn read(trace: &'a [u8]) -> (Self, &'a [u8]) {
        let (head, rest) = trace.split_at(HEAD_BYTES);
        let operation = Operation::ALL[number(&head[..4]) - 1];
        let (name, rest) = rest.split_at(number(&head[4..8]));
        let data_bytes = match operation {
            Operation::Write | Operation::Rename | Operation::Link => number(&head[16..]),
            _ => 0,
        };
        let (data, rest) = rest.split_at(data_bytes);
        let record = Self {
            operation,
            name: std::str::from_utf8(name).expect("a plain name"),
            offset: number(&head[8..16]),
            data,
        };
        (record, rest)
    }

    /// A second name.
    pub(super) fn text(&self) -> &'a str {
        std::str::from_utf8(self.data).expect("a plain name")
    }
}

fn number(bytes: &[u8]) -> usize {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    usize::try_from(u64::from_le_bytes(wide)).expect("a trace fits into memory")
}
