//! Certificates of a city in several processes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hotline_platform::tls::authority::{self, Issued};
use hotline_platform::tls::{Clients, TlsConfig};

/// How long they are good.
const LIFE: Duration = Duration::from_hours(24);

/// An authority, and the folder of what it issues.
pub struct Authority {
    folder: PathBuf,
    made: Issued,
}

impl Authority {
    /// A new one that writes into `folder`.
    pub fn found(folder: &Path) -> Self {
        let made = authority::found(LIFE).expect("an authority");
        std::fs::write(folder.join("ca.pem"), &made.certificate).expect("a writable folder");
        Self {
            folder: folder.to_owned(),
            made,
        }
    }

    /// `[tls]` of a process that runs `services`; issued again, its files are replaced.
    pub fn issues(&self, services: &[&str]) -> TlsConfig {
        let services: Vec<String> = services.iter().map(|&name| name.to_owned()).collect();
        let issued = authority::issue(&self.made.key, &services, &[], LIFE).expect("services");
        let path = |kind: &str| self.folder.join(format!("{}.{kind}", services.join("_")));
        let config = TlsConfig {
            certificate_file: path("pem"),
            key_file: path("key"),
            ca_file: self.folder.join("ca.pem"),
            clients: Clients::Required,
        };
        std::fs::write(&config.certificate_file, issued.certificate).expect("a writable folder");
        std::fs::write(&config.key_file, issued.key.as_str()).expect("a writable folder");
        config
    }
}
