//! What offices do beside tickets: imports, tables, documents.

use hotline_proto::intake::{
    FinishImportRequest, ImportRowsRequest, LoadRegistryRequest as LoadIntake, RawRow,
    StartImportRequest,
};
use hotline_proto::reporting::{IssueDocumentRequest, ListDocumentsRequest, Series};
use hotline_proto::routing::LoadRegistryRequest as LoadRouting;
use hotline_proto::shared::{Nature, RegistryTable};
use hotline_tests::principal::by;
use hotline_tests::registry::{HOLIDAYS_2026, HOLIDAYS_2027, Owner, TABLES};

use crate::server::{Gone, Server};

/// Rows of an import, and of one of its chunks.
const ROWS: i64 = 9;
const CHUNK: usize = 3;

/// A client that imports file after file.
#[derive(Default)]
pub struct Importer {
    /// Files that are through.
    finished: i64,
    /// The run of the present file, once it was acknowledged.
    batch_id: Option<String>,
    /// Rows of the present file that were acknowledged.
    acknowledged: i64,
}

impl Importer {
    /// Appeals that the city must hold once the present file is through.
    pub fn registered(&self) -> i64 {
        self.finished * ROWS
    }

    /// Imports a file, or the rest of the one that was cut off.
    pub async fn imports(&mut self, server: &mut Server) -> Result<(), Gone> {
        let batch_id = match &self.batch_id {
            Some(batch_id) => batch_id.clone(),
            None => {
                let request = by("administrator", "importer", self.start());
                let started = server.intake().start_import(request).await;
                self.batch_id
                    .insert(server.said(started).await?.batch_id)
                    .clone()
            }
        };
        while self.acknowledged < ROWS {
            let rows = (self.acknowledged + 1..=ROWS).take(CHUNK);
            let rows = rows.map(|row_no| self.row(row_no)).collect();
            let request = ImportRowsRequest {
                batch_id: batch_id.clone(),
                rows,
            };
            let sent = server
                .intake()
                .import_rows(by("administrator", "importer", request))
                .await;
            let next_row = server.said(sent).await?.next_row;
            assert!(
                next_row > self.acknowledged + 1,
                "row {next_row} is next, and was acknowledged"
            );
            self.acknowledged = next_row - 1;
        }
        let request = FinishImportRequest { batch_id };
        let ended = server
            .intake()
            .finish_import(by("administrator", "importer", request))
            .await;
        let sums = server.said(ended).await?.sums.expect("sums");
        assert_eq!((sums.rows_read, sums.registered), (ROWS, ROWS), "{sums:?}");
        self.finished += 1;
        self.acknowledged = 0;
        self.batch_id = None;
        Ok(())
    }

    fn start(&self) -> StartImportRequest {
        StartImportRequest {
            channel_code: "mail".to_owned(),
            nature: Nature::New.into(),
            file_name: "invented.csv".to_owned(),
            file_sha256: format!("{:064x}", self.finished),
            mapping_toml: String::new(),
            header: ["source_id", "said_at", "subject", "text"]
                .map(str::to_owned)
                .to_vec(),
        }
    }

    fn row(&self, row_no: i64) -> RawRow {
        let file = self.finished;
        let cells = vec![
            format!("F{file}-{row_no}"),
            "2026-03-05 09:00:00".to_owned(),
            format!("第{file}批第{row_no}号井盖松动"),
            format!("样例路第{row_no}号井盖松动，第{file}次反映，请派人维修。"),
        ];
        RawRow {
            row_no,
            cells,
            source_line: row_no + 1,
            unreadable: String::new(),
        }
    }
}

/// An office that loads tables and issues documents.
#[derive(Default)]
pub struct Office {
    /// Documents that were issued.
    issued: i64,
    loads: usize,
}

impl Office {
    /// Loads every table of the small city.
    pub async fn founds(&mut self, server: &mut Server) -> Result<(), Gone> {
        for (owner, name, csv) in TABLES {
            load(server, owner, name, csv).await?;
        }
        Ok(())
    }

    /// Loads a table of intake, and a calendar: in turn one of two, so that deadlines move.
    pub async fn loads(&mut self, server: &mut Server) -> Result<(), Gone> {
        let channels = TABLES
            .iter()
            .find(|(_, name, _)| *name == "channels")
            .expect("a table");
        load(server, channels.0, channels.1, channels.2).await?;
        let calendar = [HOLIDAYS_2026, HOLIDAYS_2027][self.loads % 2];
        load(server, Owner::Routing, "holidays", calendar).await?;
        self.loads += 1;
        Ok(())
    }

    /// Issues the next edition of a day's list.
    pub async fn issues(&mut self, server: &mut Server, day: &str) -> Result<(), Gone> {
        let request = IssueDocumentRequest {
            idempotency_key: format!("issue-{}", self.issued),
            expected_version: self.issued,
            series: Series::Daily.into(),
            period: day.to_owned(),
        };
        let answer = server
            .reporting()
            .issue_document(by("reviewer", "qian", request))
            .await;
        server.said(answer).await?;
        self.issued += 1;
        Ok(())
    }

    /// What was issued is there, each once.
    pub async fn documents(&self, server: &mut Server) -> Result<(), Gone> {
        let request = ListDocumentsRequest {
            series: Series::Daily.into(),
            page_size: 200,
            ..ListDocumentsRequest::default()
        };
        let answer = server
            .reporting()
            .list_documents(by("reviewer", "qian", request))
            .await;
        let found = server.said(answer).await?.documents.len();
        assert_eq!(i64::try_from(found), Ok(self.issued), "documents issued");
        Ok(())
    }
}

async fn load(server: &mut Server, owner: Owner, name: &str, csv: &str) -> Result<(), Gone> {
    let table = Some(RegistryTable {
        name: name.to_owned(),
        csv: csv.as_bytes().to_vec(),
    });
    match owner {
        Owner::Intake => {
            let request = by("administrator", "root", LoadIntake { table });
            let answer = server.intake().load_registry(request).await;
            server.said(answer).await?;
        }
        Owner::Routing => {
            let request = by("administrator", "root", LoadRouting { table });
            let answer = server.routing().load_registry(request).await;
            server.said(answer).await?;
        }
    }
    Ok(())
}
