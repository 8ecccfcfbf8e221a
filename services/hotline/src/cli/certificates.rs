//! `hotline certificates`: a private authority for a small city, and what it issues.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use hotline_platform::tls::authority::{self, Issued};

use crate::{folder, identity};

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
const DAY: Duration = Duration::from_hours(24);

/// What `hotline certificates` is told.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Makes the authority: ca.pem, which every process is told of, and ca.key, which stays off their machines.
    Init {
        /// Folder of the authority.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// How long its certificate is good.
        #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: u32,
    },
    /// Makes the key that signs who calls, and what the other processes verify it with: identity.key, identity.pub.
    Identity {
        /// Folder of both.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
    /// Issues a certificate for a process that runs these services: SERVICE.pem and SERVICE.key, after the first of
    /// them. Issued again, both are replaced, and running processes take them up within seconds.
    Issue {
        /// Folder of the authority.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Folder for certificate and key, instead of the authority's.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// How long it is good.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        /// Name or address by which callers from outside reach the process; may be said several times.
        #[arg(long = "host", value_name = "HOST")]
        hosts: Vec<String>,
        /// intake, routing, feedback, reporting, gateway.
        #[arg(required = true, value_name = "SERVICE")]
        services: Vec<crate::services::Name>,
    },
}

/// Makes what is asked for.
///
/// # Errors
///
/// An authority that is there already or not at all, and folders that cannot be written.
pub fn run(args: Args) -> anyhow::Result<()> {
    match args.what {
        What::Init { dir, days } => init(&dir, DAY * days),
        What::Identity { dir } => identity::make_key(&dir),
        What::Issue {
            dir,
            out,
            days,
            hosts,
            services,
        } => {
            let services: Vec<String> = services.iter().map(ToString::to_string).collect();
            let out = out.unwrap_or_else(|| dir.clone());
            issue(&dir, &out, &services, &hosts, DAY * days)
        }
    }
}

fn init(dir: &Path, life: Duration) -> anyhow::Result<()> {
    let (certificate, key) = (dir.join(CERTIFICATE), dir.join(KEY));
    if certificate.exists() || key.exists() {
        bail!(
            "there is an authority in {}; what another one issued would not be believed any more",
            dir.display()
        );
    }
    folder::make(dir)?;
    let made = authority::found(life)?;
    folder::write_once(&key, made.key.trim_end(), 0o600)
        .with_context(|| format!("write {}", key.display()))?;
    folder::write_once(&certificate, made.certificate.trim_end(), 0o644)
        .with_context(|| format!("write {}", certificate.display()))
}

fn issue(
    dir: &Path,
    out: &Path,
    services: &[String],
    hosts: &[String],
    life: Duration,
) -> anyhow::Result<()> {
    let key = dir.join(KEY);
    let authority_key = std::fs::read_to_string(&key).map(zeroize::Zeroizing::new);
    let authority_key = authority_key
        .with_context(|| format!("read {} (`hotline certificates init`)", key.display()))?;
    let Issued { certificate, key } = authority::issue(&authority_key, services, hosts, life)?;
    folder::make(out)?;
    let first = services.first().context("expected a service")?;
    let path = |kind: &str| out.join(format!("{first}.{kind}"));
    // Both names are there at every moment; a process that reads one of each keeps what it had and looks again.
    replace(&path("key"), &key, 0o600)?;
    replace(&path("pem"), &certificate, 0o644)
}

fn replace(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let draft = path.with_extension("new");
    drop(std::fs::remove_file(&draft));
    folder::write_once(&draft, text.trim_end(), mode)
        .and_then(|()| std::fs::rename(&draft, path))
        .with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use hotline_platform::tls::{Clients, Tls, TlsConfig};

    use super::*;

    fn services(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn an_authority_is_made_once_and_what_it_issues_goes_together() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("ca");
        init(&dir, DAY).unwrap();
        let told = init(&dir, DAY).unwrap_err().to_string();
        assert!(told.contains("there is an authority"), "{told}");
        let out = folder.path().join("routing");
        for _ in 0..2 {
            issue(&dir, &out, &services(&["routing", "feedback"]), &[], DAY).unwrap();
        }
        let config = TlsConfig {
            certificate_file: out.join("routing.pem"),
            key_file: out.join("routing.key"),
            ca_file: dir.join("ca.pem"),
            clients: Clients::Required,
        };
        assert!(Tls::open(&config).is_ok());
        for key in [&config.key_file, &dir.join("ca.key")] {
            let mode = std::fs::metadata(key).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", key.display());
        }
    }

    #[test]
    fn without_an_authority_nothing_is_issued() {
        let folder = tempfile::tempdir().unwrap();
        let told = issue(
            folder.path(),
            folder.path(),
            &services(&["routing"]),
            &[],
            DAY,
        );
        let told = format!("{:#}", told.unwrap_err());
        assert!(told.contains("certificates init"), "{told}");
    }
}
