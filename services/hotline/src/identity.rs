//! The keys of a city: who may speak for somebody between processes, and whom they believe.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use hotline_platform::identity::{SignKey, Signer, Verifier, VerifyKey};
use hotline_platform::peers::Outgoing;
use hotline_platform::runtime::Secret;
use hotline_platform::tls::Tls;
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::folder;

/// What a city's id is derived from its secret for.
const CITY_ID: &str = "city id";
/// Bytes of a city's id: it is no secret, and need only differ from others'.
const CITY_ID_BYTES: usize = 8;
/// The key in the data folder of an embedded city.
const KEY_FILE: &str = "identity.key";
/// What others verify its tokens with.
const PUBLIC_FILE: &str = "identity.pub";

/// `[identity]`: with which keys principals travel between processes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// File with the key that signs them; absent: `identity.key` in the data folder, made at the first start, unless
    /// there are `verifying_key_files`, which make a process one that speaks for nobody.
    pub signing_key_file: Option<PathBuf>,
    /// Files with the keys of others that are believed.
    pub verifying_key_files: Vec<PathBuf>,
}

/// The keys of one process.
pub struct Identity {
    /// `None` in a process that speaks for nobody but itself.
    pub signer: Option<Arc<Signer>>,
    /// Believes what the city's signers sign.
    pub verifier: Arc<Verifier>,
    /// The certificate that the process shows; `None`: it speaks with this machine only.
    pub tls: Option<Arc<Tls>>,
}

impl Identity {
    /// Reads the keys that are configured; where none are, the first start makes one in the data folder.
    ///
    /// # Errors
    ///
    /// A configured file that is missing or holds no key.
    pub fn of(config: &Config, secret: &Secret) -> anyhow::Result<Self> {
        let city = city_id(secret);
        let key = match signing_file(config) {
            Some(path) => {
                if config.identity.signing_key_file.is_none() {
                    make_key(&config.data_dir)?;
                }
                Some(read_key(&path)?)
            }
            None => None,
        };
        let mut believed: Vec<VerifyKey> = key.iter().map(SignKey::verify_key).collect();
        for path in &config.identity.verifying_key_files {
            let found = VerifyKey::read(&read(path)?)
                .with_context(|| format!("the verifying key {}", path.display()))?;
            if !believed.contains(&found) {
                believed.push(found);
            }
        }
        Ok(Self {
            signer: key.map(|key| Arc::new(Signer::new(key, &city))),
            verifier: Arc::new(Verifier::new(believed, &city).context("[identity]")?),
            tls: config.tls.as_ref().map(Tls::open).transpose()?,
        })
    }

    /// What calls carry that leave a process of the city.
    #[must_use]
    pub fn outgoing(&self) -> Outgoing {
        Outgoing {
            signer: self.signer.clone(),
            tls: self.tls.clone(),
            ..Outgoing::default()
        }
    }
}

/// What the calls of a program carry that somebody runs for himself: his credential, or a signature with the city's
/// key if he can read it. Makes nothing.
///
/// # Errors
///
/// A key or secret that is there and cannot be understood.
pub fn of_a_command(config: &Config) -> anyhow::Result<Outgoing> {
    let tls = config.tls.as_ref().map(Tls::open).transpose()?;
    let credential = config.credential.clone();
    let signer = match &credential {
        Some(_) => None,
        None => readable_signer(config)?.map(Arc::new),
    };
    Ok(Outgoing {
        signer,
        credential,
        tls,
    })
}

/// Who may not read the key has a credential of his own, or is told that he needs one.
fn readable_signer(config: &Config) -> anyhow::Result<Option<Signer>> {
    let Some(key) = signing_file(config) else {
        return Ok(None);
    };
    if File::open(&key).is_err() || File::open(folder::secret_file(config)).is_err() {
        return Ok(None);
    }
    let city = city_id(&folder::secret(config, None)?);
    Ok(Some(Signer::new(read_key(&key)?, &city)))
}

/// What tells one city's tokens from another's.
fn city_id(secret: &Secret) -> String {
    hex::encode(&secret.derive_key(CITY_ID)[..CITY_ID_BYTES])
}

/// Where this process has its signing key; `None` if it is only to believe others'.
fn signing_file(config: &Config) -> Option<PathBuf> {
    let own = &config.identity;
    let embedded = || config.data_dir.join(KEY_FILE);
    let configured = own.signing_key_file.clone();
    configured.or_else(|| own.verifying_key_files.is_empty().then(embedded))
}

/// Makes the key of a folder if it has none, and writes down what others verify its tokens with.
///
/// # Errors
///
/// A folder that cannot be written.
pub fn make_key(dir: &Path) -> anyhow::Result<()> {
    let path = &dir.join(KEY_FILE);
    if !path.exists() {
        folder::make(dir)?;
        let mut seed = Zeroizing::new([0; 32]);
        StdRng::from_os_rng().fill_bytes(seed.as_mut());
        folder::write_once(path, &SignKey::new(&seed).text(), 0o600)
            .with_context(|| format!("make {}", path.display()))?;
    }
    let public = dir.join(PUBLIC_FILE);
    let wanted = read_key(path)?.verify_key().text();
    if std::fs::read_to_string(&public).is_ok_and(|text| text.trim() == wanted) {
        return Ok(());
    }
    // It follows from the key, so that one that was half written is written again.
    std::fs::write(&public, format!("{wanted}\n"))
        .with_context(|| format!("write {}", public.display()))
}

fn read_key(path: &Path) -> anyhow::Result<SignKey> {
    let text = read(path)?;
    folder::refuse_open_to_all(path, "the signing key")?;
    SignKey::read(&text).with_context(|| format!("the signing key {}", path.display()))
}

fn read(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .with_context(|| format!("read the key {}", path.display()))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use hotline_platform::access::Role;
    use hotline_platform::grpc::Principal;

    use super::*;

    fn identity(config: &Config) -> anyhow::Result<Identity> {
        Identity::of(config, &folder::secret(config, None)?)
    }

    fn li() -> Principal {
        Principal::new("operator:li", Role::Operator)
    }

    #[test]
    fn the_first_start_makes_a_key_that_only_its_owner_reads_and_later_starts_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::embedded(folder.path());
        let first = identity(&config).unwrap();
        let mode = |name: &str| {
            let found = std::fs::metadata(folder.path().join(name)).unwrap();
            found.permissions().mode() & 0o777
        };
        assert_eq!(mode(KEY_FILE), 0o600);
        let token = first.signer.unwrap().sign(&li());
        let again = identity(&config).unwrap();
        assert_eq!(again.verifier.verify(token.as_bytes()), Ok(li()));

        // A command of somebody who can read the key is believed too.
        let command = of_a_command(&config).unwrap().signer.unwrap();
        let token = command.sign(&li());
        assert_eq!(again.verifier.verify(token.as_bytes()), Ok(li()));
    }

    #[test]
    fn who_has_verifying_keys_only_believes_and_signs_nothing() {
        let (gateway, service) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let signing = identity(&Config::embedded(gateway.path())).unwrap();
        let mut config = Config::embedded(service.path());
        config.city.secret_file = Some(gateway.path().join("secret"));
        config.identity.verifying_key_files = vec![gateway.path().join(PUBLIC_FILE)];
        let believing = identity(&config).unwrap();
        assert!(believing.signer.is_none());
        assert!(!service.path().join(KEY_FILE).exists(), "none is made");
        assert!(of_a_command(&config).unwrap().signer.is_none());
        let token = signing.signer.unwrap().sign(&li());
        assert_eq!(believing.verifier.verify(token.as_bytes()), Ok(li()));

        // Another city's secret with the same key is another city.
        let mut elsewhere = config.clone();
        let other = service.path().join("other");
        folder::write_once(&other, "the secret of another city", 0o600).unwrap();
        elsewhere.city.secret_file = Some(other);
        let other = identity(&elsewhere).unwrap();
        assert!(other.verifier.verify(token.as_bytes()).is_err());
    }

    #[test]
    fn two_keys_stand_while_one_takes_over_from_the_other() {
        let folders: Vec<_> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
        let secret = folders[0].path().join("city_secret");
        folder::write_once(&secret, "a secret of an invented city", 0o600).unwrap();
        let mut signed = Vec::new();
        let mut both = Config::embedded(folders[0].path());
        for folder in &folders {
            let mut config = Config::embedded(folder.path());
            config.city.secret_file = Some(secret.clone());
            signed.push(identity(&config).unwrap().signer.unwrap().sign(&li()));
            let public = folder.path().join(PUBLIC_FILE);
            both.identity.verifying_key_files.push(public);
        }
        both.city.secret_file = Some(secret);
        let believing = identity(&both).unwrap();
        for token in signed {
            assert_eq!(believing.verifier.verify(token.as_bytes()), Ok(li()));
        }
    }

    #[test]
    fn a_command_without_the_key_signs_nothing_and_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::embedded(folder.path());
        assert!(of_a_command(&config).unwrap().signer.is_none());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_key_that_everybody_can_read_stops_the_start_and_every_command() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::embedded(folder.path());
        identity(&config).unwrap();
        let path = folder.path().join(KEY_FILE);
        for (mode, is_taken) in [
            (0o644, false),
            (0o604, false),
            (0o602, false),
            (0o640, true),
            (0o600, true),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let told = identity(&config).err().map(|error| format!("{error:#}"));
            assert_eq!(told.is_none(), is_taken, "{mode:o}: {told:?}");
            assert_eq!(of_a_command(&config).is_ok(), is_taken, "{mode:o}");
            if let Some(told) = told {
                assert!(
                    told.contains("chmod 600") && told.contains(KEY_FILE),
                    "{told}"
                );
            }
        }
    }

    #[test]
    fn a_configured_key_that_is_missing_or_no_key_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine");
        let mut config = Config::embedded(folder.path());
        config.identity.signing_key_file = Some(path.clone());
        assert!(identity(&config).is_err(), "missing");
        std::fs::write(&path, "no key").unwrap();
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, mode).unwrap();
        let told = format!("{:#}", identity(&config).err().unwrap());
        assert!(
            told.contains("64 hexadecimal digits") && told.contains("mine"),
            "{told}"
        );
    }
}
