//! A private authority for a small city: it makes the certificates of the city's processes.

use std::net::IpAddr;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use zeroize::Zeroizing;

use super::names::{dns_name, is_a_name, uri_name};
use crate::clock::machine_time;

/// The authority's name in its certificates. With its key it is the authority, so it never changes.
const NAME: &str = "hotline city authority";
/// Certificates are good from a little before they are made, for clocks that are behind.
const BEFORE: Duration = Duration::from_mins(5);

/// A certificate and its key, both in PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: Zeroizing<String>,
}

/// What cannot be made into a certificate.
#[derive(Debug, thiserror::Error)]
pub enum NotIssued {
    /// A service whose name is none.
    #[error("expected services by their names, such as routing, found {0:?}")]
    Service(String),
    /// No service at all.
    #[error("expected at least one service")]
    Nobody,
    /// The key is none, or a name does not fit into a certificate.
    #[error("the certificate cannot be made: {0}")]
    Failed(#[from] rcgen::Error),
}

/// Makes an authority whose certificate is good for `life`.
///
/// # Errors
///
/// [`NotIssued::Failed`].
pub fn found(life: Duration) -> Result<Issued, NotIssued> {
    let key = KeyPair::generate()?;
    let certificate = authority(life).self_signed(&key)?;
    Ok(Issued {
        certificate: certificate.pem(),
        key: Zeroizing::new(key.serialize_pem()),
    })
}

/// Makes a certificate for a process with `services`, good for `life`, which outside callers also find under `hosts`
/// (names and addresses).
///
/// # Errors
///
/// [`NotIssued`] names the service that is none.
pub fn issue(
    authority_key: &str,
    services: &[String],
    hosts: &[String],
    life: Duration,
) -> Result<Issued, NotIssued> {
    let issuer = Issuer::new(authority(life), KeyPair::from_pem(authority_key)?);
    let first = services.first().ok_or(NotIssued::Nobody)?;
    let mut names = Vec::new();
    for service in services {
        if !is_a_name(service) {
            return Err(NotIssued::Service(service.clone()));
        }
        names.push(SanType::DnsName(dns_name(service).try_into()?));
        names.push(SanType::URI(uri_name(service).try_into()?));
    }
    for host in hosts {
        names.push(match host.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(host.as_str().try_into()?),
        });
    }
    let mut params = named(first, life);
    params.subject_alt_names = names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(Issued {
        certificate: certificate.pem(),
        key: Zeroizing::new(key.serialize_pem()),
    })
}

fn authority(life: Duration) -> CertificateParams {
    let mut params = named(NAME, life);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(name: &str, life: Duration) -> CertificateParams {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, name);
    let now = Duration::from_secs(u64::try_from(machine_time().timestamp()).unwrap_or(0));
    let at = |since_1970: Duration| date_time_ymd(1970, 1, 1) + since_1970;
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name;
    params.not_before = at(now.saturating_sub(BEFORE));
    params.not_after = at(now.saturating_add(life));
    params
}
