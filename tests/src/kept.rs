//! Everything that a city keeps, as bytes to be searched: tables, files, the courier.

use std::fmt::Write as _;
use std::path::Path;

use hotline::services::Name;
use hotline_proto::intake::{FinishImportRequest, ImportRowsRequest, RawRow, StartImportRequest};
use hotline_proto::shared::Nature;

use crate::city::City;
use crate::principal::by;

/// Something that is kept.
pub struct Kept {
    /// Where.
    pub place: String,
    /// What.
    pub bytes: Vec<u8>,
}

impl City {
    /// Every table of every service, every file of their folders, and every entry of the courier.
    pub async fn keeps(&self) -> Vec<Kept> {
        let mut kept = Vec::new();
        for &service in Name::ALL {
            let bytes = self.tables(service).await.dump_all().await.into_bytes();
            let place = format!("tables of {service}");
            kept.push(Kept { place, bytes });
            let url = self.database_url(service);
            if let Some(file) = url.strip_prefix("sqlite://") {
                let folder = Path::new(file).parent().expect("a file is in a folder");
                files(folder, &mut kept);
            }
        }
        files(&self.data_dir(), &mut kept);
        if let Some(url) = self.redis() {
            kept.push(courier(&url).await);
        }
        kept
    }

    /// Imports rows of a file.
    pub async fn imports(&self, header: &[&str], mapping: &str, rows: &[Vec<String>]) {
        let start = StartImportRequest {
            channel_code: "tel".to_owned(),
            nature: Nature::New.into(),
            file_name: "rows.csv".to_owned(),
            file_sha256: "a".repeat(64),
            mapping_toml: mapping.to_owned(),
            header: header.iter().map(|&name| name.to_owned()).collect(),
        };
        let mut intake = self.intake();
        let started = intake
            .start_import(by("administrator", "root", start))
            .await;
        let batch_id = self.said("start an import", started).batch_id;
        let raw = |(row_no, cells): (i64, &Vec<String>)| RawRow {
            row_no,
            cells: cells.clone(),
            source_line: row_no + 1,
            ..RawRow::default()
        };
        let rows = ImportRowsRequest {
            batch_id: batch_id.clone(),
            rows: (1_i64..).zip(rows).map(raw).collect(),
        };
        let sent = intake.import_rows(by("administrator", "root", rows)).await;
        let sums = self.said("import rows", sent).sums.expect("sums");
        assert_eq!(
            (sums.registered, sums.refused),
            (1, 1),
            "{}: one of each",
            self.label
        );
        let finish = FinishImportRequest { batch_id };
        let finished = intake
            .finish_import(by("administrator", "root", finish))
            .await;
        self.said("finish an import", finished);
        self.settles().await;
    }
}

/// Where `marker` stands, as it is or in hexadecimal digits.
pub fn places(kept: &[Kept], marker: &str) -> Vec<String> {
    let mut digits = String::new();
    for byte in marker.bytes() {
        write!(digits, "{byte:02x}").expect("a text takes all");
    }
    let needles = [marker.to_owned(), digits.to_uppercase(), digits];
    let holds = |bytes: &[u8]| {
        needles.iter().any(|needle| {
            let needle = needle.as_bytes();
            bytes.windows(needle.len()).any(|part| part == needle)
        })
    };
    kept.iter()
        .filter(|kept| holds(&kept.bytes))
        .map(|kept| format!("{marker} in {}", kept.place))
        .collect()
}

fn files(folder: &Path, kept: &mut Vec<Kept>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a folder that can be listed").path();
        if path.is_dir() {
            files(&path, kept);
            continue;
        }
        // A file that was just removed holds nothing.
        if let Ok(bytes) = std::fs::read(&path) {
            let place = path.display().to_string();
            kept.push(Kept { place, bytes });
        }
    }
}

/// Keys, texts and entries of streams.
async fn courier(url: &str) -> Kept {
    let client = redis::Client::open(url).expect("a URL of Redis");
    let connected = client.get_multiplexed_async_connection().await;
    let mut redis = connected.expect("Redis answers");
    let asked = redis::cmd("KEYS").arg("*").query_async(&mut redis).await;
    let keys: Vec<Vec<u8>> = asked.expect("keys");
    let mut bytes = Vec::new();
    for key in keys {
        bytes.extend(&key);
        let asked = redis::cmd("TYPE").arg(&key).query_async(&mut redis).await;
        let kind: String = asked.expect("a type");
        let mut command = match kind.as_str() {
            "stream" => redis::cmd("XRANGE"),
            _ => redis::cmd("DUMP"),
        };
        command.arg(&key);
        if kind == "stream" {
            command.arg("-").arg("+");
        }
        let answer = command.query_async(&mut redis).await;
        let value: redis::Value = answer.expect("a value");
        collect(&value, &mut bytes);
    }
    let place = "Redis".to_owned();
    Kept { place, bytes }
}

fn collect(value: &redis::Value, bytes: &mut Vec<u8>) {
    match value {
        redis::Value::BulkString(text) => bytes.extend(text),
        redis::Value::SimpleString(text) => bytes.extend(text.as_bytes()),
        redis::Value::Array(values) | redis::Value::Set(values) => {
            for value in values {
                collect(value, bytes);
            }
        }
        redis::Value::Map(pairs) => {
            for (key, value) in pairs {
                collect(key, bytes);
                collect(value, bytes);
            }
        }
        _ => {}
    }
}
