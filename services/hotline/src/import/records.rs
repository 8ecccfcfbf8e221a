//! CSV and JSON lines of any length, one record in memory at a time.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::{Deserializer, MapAccess, Visitor};

use super::quotes::Watched;
use super::source::{ReadError, RowSource, SourceRow};
use super::text::{self, Decoded, RecordGuard};

/// So many JSON lines are looked at for the header's names.
const HEADER_LINES: usize = 100;

/// Opens a text file: JSON lines if it begins with a brace, else CSV.
///
/// # Errors
///
/// [`ReadError`] if it is no text or has no header.
pub(super) fn open(path: &Path) -> Result<Box<dyn RowSource>, ReadError> {
    let encoding = text::detect(path)?;
    let failed = |source| ReadError::File {
        path: path.to_owned(),
        source,
    };
    let read = Arc::new(AtomicU64::new(0));
    let size = std::fs::metadata(path).map_err(failed)?.len();
    let (decoded, guard) = Decoded::new(
        text::open(path, Arc::clone(&read)).map_err(failed)?,
        encoding,
    );
    let mut input = BufReader::new(decoded);
    let start = input.fill_buf().map_err(failed)?;
    let meter = Meter { read, size };
    match start.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Err(ReadError::NoHeader),
        Some(b'{') => Ok(Box::new(JsonLines::new(input, guard, meter)?)),
        Some(b'[') => Err(ReadError::UnknownFormat(
            "a JSON array; one object per line is expected",
        )),
        Some(_) => {
            let separator = separator(start);
            Ok(Box::new(Csv::new(input, separator, guard, meter)?))
        }
    }
}

/// How far reading is, in bytes of the file on disk.
struct Meter {
    read: Arc<AtomicU64>,
    size: u64,
}

impl Meter {
    #[expect(clippy::cast_precision_loss, reason = "a progress bar")]
    fn done(&self) -> Option<f64> {
        (self.size > 0).then(|| self.read.load(Ordering::Relaxed) as f64 / self.size as f64)
    }
}

/// The separator that the first line holds most: comma, tab or semicolon.
fn separator(start: &[u8]) -> u8 {
    let line = start
        .split(|&byte| byte == b'\n')
        .find(|line| !line.trim_ascii().is_empty())
        .unwrap_or(start);
    let count = |separator: u8| line.split(|&byte| byte == separator).count();
    [b';', b'\t', b',']
        .into_iter()
        .max_by_key(|&separator| count(separator))
        .unwrap_or(b',')
}

/// Comma-separated values; quoted cells may hold line breaks.
struct Csv {
    reader: csv::Reader<Watched<BufReader<Decoded>>>,
    record: csv::StringRecord,
    header: Vec<String>,
    guard: RecordGuard,
    meter: Meter,
}

impl Csv {
    fn new(
        input: BufReader<Decoded>,
        separator: u8,
        guard: RecordGuard,
        meter: Meter,
    ) -> Result<Self, ReadError> {
        let reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(Watched::new(input, separator));
        let mut csv = Self {
            reader,
            record: csv::StringRecord::new(),
            header: Vec::new(),
            guard,
            meter,
        };
        let header = csv.next_row()?.ok_or(ReadError::NoHeader)?;
        csv.header = header
            .cells
            .iter()
            .map(|name| name.trim().to_owned())
            .collect();
        Ok(csv)
    }

    fn failure(&self, error: csv::Error) -> ReadError {
        let line = self.reader.position().line();
        if self.guard.is_spent() {
            return ReadError::RecordTooLong { line };
        }
        ReadError::Broken {
            line,
            source: error.into(),
        }
    }
}

impl RowSource for Csv {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn next_row(&mut self) -> Result<Option<SourceRow>, ReadError> {
        loop {
            self.guard.renew();
            match self.reader.read_record(&mut self.record) {
                Ok(false) => return Ok(None),
                Ok(true) => {}
                Err(error) => return Err(self.failure(error)),
            }
            if let Some(open) = self.reader.get_ref().left_open()
                && open.offset < self.reader.position().byte()
            {
                return Err(ReadError::QuoteLeftOpen { line: open.line });
            }
            // The reader stands behind the record's line end; the record's own line ends are in its cells.
            let inner = self
                .record
                .as_slice()
                .bytes()
                .filter(|&byte| byte == b'\n')
                .count() as u64;
            let line = self.reader.position().line().saturating_sub(1 + inner);
            let row = SourceRow::read(line, self.record.iter().map(str::to_owned).collect());
            if !row.is_empty() {
                return Ok(Some(row));
            }
        }
    }

    fn done(&self) -> Option<f64> {
        self.meter.done()
    }
}

/// A line that is not empty.
struct Line {
    number: u64,
    text: String,
    /// `None` if it is none that can be read.
    object: Option<Object>,
}

/// One JSON object per line. The names of the first lines, in order of appearance, are the header.
struct JsonLines {
    input: BufReader<Decoded>,
    line: u64,
    header: Vec<String>,
    columns: HashMap<String, usize>,
    ahead: VecDeque<Line>,
    guard: RecordGuard,
    meter: Meter,
}

impl JsonLines {
    fn new(input: BufReader<Decoded>, guard: RecordGuard, meter: Meter) -> Result<Self, ReadError> {
        let mut lines = Self {
            input,
            line: 0,
            header: Vec::new(),
            columns: HashMap::new(),
            ahead: VecDeque::new(),
            guard,
            meter,
        };
        while lines.ahead.len() < HEADER_LINES {
            let Some(line) = lines.read_line()? else {
                break;
            };
            for (name, _) in line.object.iter().flat_map(|object| &object.0) {
                if !lines.columns.contains_key(name) {
                    lines.columns.insert(name.clone(), lines.header.len());
                    lines.header.push(name.clone());
                }
            }
            lines.ahead.push_back(line);
        }
        if lines.header.is_empty() {
            Err(ReadError::NoHeader)
        } else {
            Ok(lines)
        }
    }

    fn read_line(&mut self) -> Result<Option<Line>, ReadError> {
        let mut text = String::new();
        loop {
            self.guard.renew();
            text.clear();
            let got = self.input.read_line(&mut text).map_err(|source| {
                if self.guard.is_spent() {
                    ReadError::RecordTooLong {
                        line: self.line + 1,
                    }
                } else {
                    ReadError::Broken {
                        line: self.line,
                        source,
                    }
                }
            })?;
            if got == 0 {
                return Ok(None);
            }
            self.line += 1;
            if !text.trim().is_empty() {
                return Ok(Some(Line {
                    number: self.line,
                    object: serde_json::from_str(&text).ok(),
                    text,
                }));
            }
        }
    }

    /// The line as a row. One that cannot be read is kept whole, as its only cell; why is said without
    /// a word of it.
    fn row(&self, line: Line) -> SourceRow {
        match self.cells(line.object) {
            Ok(cells) => SourceRow::read(line.number, cells),
            Err(expected) => SourceRow {
                line: line.number,
                cells: vec![line.text.trim().to_owned()],
                unreadable: expected.to_owned(),
            },
        }
    }

    fn cells(&self, object: Option<Object>) -> Result<Vec<String>, &'static str> {
        let object = object.ok_or("a JSON object")?;
        let mut cells: Vec<Option<String>> = vec![None; self.header.len()];
        for (name, value) in object.0 {
            let at = self
                .columns
                .get(&name)
                .ok_or("no other names than the first 100 lines hold")?;
            if cells[*at].replace(value).is_some() {
                return Err("a JSON object that holds each name once");
            }
        }
        Ok(cells.into_iter().map(Option::unwrap_or_default).collect())
    }
}

impl RowSource for JsonLines {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn next_row(&mut self) -> Result<Option<SourceRow>, ReadError> {
        loop {
            let next = match self.ahead.pop_front() {
                Some(next) => Some(next),
                None => self.read_line()?,
            };
            let Some(line) = next else {
                return Ok(None);
            };
            let row = self.row(line);
            if !row.is_empty() {
                return Ok(Some(row));
            }
        }
    }

    fn done(&self) -> Option<f64> {
        self.meter.done()
    }
}

/// A JSON object whose names keep their order; values become text.
struct Object(Vec<(String, String)>);

impl<'de> serde::Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
            let text = match value {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            fields.push((name, text));
        }
        Ok(Object(fields))
    }
}
