//! Where is measured: databases and folders that are made for it and removed after it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};

use super::cpu;
use super::program::Program;
use crate::config::Config;
use crate::demo::city::Clients;
use crate::demo::founding;
use crate::services::Name;
use crate::{City, Parts, Running};

/// What every database made here is called by; no other is ever dropped.
const PREFIX: &str = "hotline_bench_";

/// Which database a city keeps its data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Makes grounds and remembers what must be removed.
#[derive(Debug)]
pub(super) struct Grounds {
    folder: tempfile::TempDir,
    admin: Option<String>,
    redis: Option<String>,
    made: Mutex<Made>,
}

#[derive(Debug, Default)]
struct Made {
    count: usize,
    databases: Vec<String>,
    folders: Vec<PathBuf>,
}

/// Empty databases of one city, a folder for it, and its configuration.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) kind: Kind,
    /// Whose tables these are.
    pub(super) program: Program,
    folder: PathBuf,
    config: PathBuf,
    urls: BTreeMap<Name, String>,
    /// The parent of all PostgreSQL backends, if it runs on this machine.
    postmaster: Option<u32>,
}

impl Grounds {
    pub(super) fn new(admin: Option<String>, redis: Option<String>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        Ok(Self {
            folder,
            admin,
            redis,
            made: Mutex::default(),
        })
    }

    /// The kinds of database that can be measured.
    pub(super) fn kinds(&self) -> &'static [Kind] {
        if self.admin.is_some() {
            &[Kind::Postgres, Kind::Sqlite]
        } else {
            &[Kind::Sqlite]
        }
    }

    /// The Redis that may be used, if there is one.
    pub(super) fn redis(&self) -> Option<&str> {
        self.redis.as_deref()
    }

    /// Makes empty databases and a folder for this program.
    pub(super) async fn make(&self, kind: Kind) -> anyhow::Result<Ground> {
        self.make_for(kind, Program::This).await
    }

    /// As [`Grounds::make`], for `program`.
    pub(super) async fn make_for(&self, kind: Kind, program: Program) -> anyhow::Result<Ground> {
        let count = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.count += 1;
            made.count
        };
        let folder = self.folder.path().join(count.to_string());
        std::fs::create_dir(&folder)?;
        self.remember(|made| made.folders.push(folder.clone()));
        let mut urls = BTreeMap::new();
        let mut postmaster = None;
        if kind == Kind::Postgres {
            let admin = self.admin.as_deref().context("expected --postgres URL")?;
            let (server, _) = admin
                .rsplit_once('/')
                .context("--postgres ends with a database's name")?;
            let connection = connect(admin).await?;
            for &name in program.services() {
                let database = format!("{PREFIX}{}_{count}_{name}", std::process::id());
                connection
                    .execute_unprepared(&format!("CREATE DATABASE {database}"))
                    .await?;
                self.remember(|made| made.databases.push(database.clone()));
                urls.insert(name, format!("{server}/{database}"));
            }
            postmaster = find_postmaster(&connection).await?;
            connection.close().await?;
        } else {
            for &name in program.services() {
                let file = folder.join(format!("{name}.db"));
                urls.insert(name, format!("sqlite://{}", file.display()));
            }
        }
        let config = write_config(&folder, &urls)?;
        Ok(Ground {
            kind,
            program,
            folder,
            config,
            urls,
            postmaster,
        })
    }

    /// Removes everything that was made here; what cannot be removed is told.
    pub(super) async fn clear(&self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        self.remember(|empty| empty.count = made.count);
        for folder in made.folders {
            if let Err(error) = std::fs::remove_dir_all(&folder) {
                tracing::warn!(folder = %folder.display(), %error, "a folder of the bench stays");
            }
        }
        if made.databases.is_empty() {
            return;
        }
        if let Err(error) = self.drop_databases(&made.databases).await {
            tracing::warn!(databases = made.databases.join(" "), %error, "databases of the bench stay");
        }
    }

    async fn drop_databases(&self, databases: &[String]) -> anyhow::Result<()> {
        let admin = self.admin.as_deref().context("expected --postgres URL")?;
        let connection = connect(admin).await?;
        for database in databases {
            if !database.starts_with(PREFIX) {
                bail!("{database} was not made here");
            }
            connection
                .execute_unprepared(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"))
                .await?;
        }
        Ok(connection.close().await?)
    }

    fn remember(&self, note: impl FnOnce(&mut Made)) {
        note(&mut self.made.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Ground {
    /// For files of the scenario.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The configuration file of its city.
    pub(super) fn config_file(&self) -> &Path {
        &self.config
    }

    /// The configuration of its city.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        Ok(Config::read(Some(&self.config))?)
    }

    /// Where a service keeps its data.
    pub(super) fn url(&self, name: Name) -> anyhow::Result<&str> {
        let url = self.urls.get(&name);
        Ok(url.with_context(|| format!("{name} has no database"))?)
    }

    /// A connection to a service's database, past the service.
    pub(super) async fn connect(&self, name: Name) -> anyhow::Result<DatabaseConnection> {
        connect(self.url(name)?).await
    }

    /// Starts its whole city in this process, with the sample's tables, at a port of its own.
    pub(super) async fn city(&self) -> anyhow::Result<Running> {
        let mut config = self.config()?;
        config.server.listen.set_port(0);
        config.gateway.own.listen = None;
        let running = City::start(config, Parts::default()).await?;
        let clients = Clients::new(|service| running.transport(service));
        founding::load_city(&clients).await?;
        Ok(running)
    }

    /// Processor time of the database so far; `None` inside the server's process or on another machine.
    pub(super) fn database_cpu(&self) -> anyhow::Result<Option<std::time::Duration>> {
        self.postmaster.map(cpu::of_family).transpose()
    }
}

/// One connection, whose slow statements are nobody's business.
pub(super) async fn connect(url: &str) -> anyhow::Result<DatabaseConnection> {
    let mut options = sea_orm::ConnectOptions::new(url);
    options
        .max_connections(1)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    Ok(Database::connect(options).await?)
}

async fn find_postmaster(connection: &DatabaseConnection) -> anyhow::Result<Option<u32>> {
    let asked = Statement::from_sql_and_values(
        connection.get_database_backend(),
        "SELECT pg_backend_pid() AS pid",
        [],
    );
    let row = connection.query_one_raw(asked).await?;
    let backend: i32 = row.context("a backend has a process")?.try_get("", "pid")?;
    let Ok(backend) = u32::try_from(backend) else {
        return Ok(None);
    };
    let is_here = std::fs::read_to_string(format!("/proc/{backend}/comm"))
        .is_ok_and(|name| name.starts_with("postgres"));
    is_here.then(|| cpu::parent_of(backend)).transpose()
}

fn write_config(folder: &Path, urls: &BTreeMap<Name, String>) -> anyhow::Result<PathBuf> {
    let data = folder.join("data");
    let mut toml = format!(
        "data_dir = {:?}\n[database]\nauto_migrate = true\n[telemetry]\nlog_filter = \"warn\"\n",
        data.display().to_string()
    );
    for (name, url) in urls {
        writeln!(toml, "[{name}]\ndatabase_url = {url:?}")?;
        if *name == Name::Gateway {
            // Any port: nobody looks at pages here.
            writeln!(toml, "listen = \"127.0.0.1:0\"")?;
        }
    }
    let file = folder.join("hotline.toml");
    std::fs::write(&file, toml)?;
    Ok(file)
}
