//! What certificates call services.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

const DNS_SUFFIX: &str = ".hotline";
const URI_PREFIX: &str = "spiffe://hotline/";

/// The name by which callers look for a service: `routing.hotline`.
#[must_use]
pub fn dns_name(service: &str) -> String {
    format!("{service}{DNS_SUFFIX}")
}

/// The name by which a service calls on its own behalf: `spiffe://hotline/routing`.
#[must_use]
pub fn uri_name(service: &str) -> String {
    format!("{URI_PREFIX}{service}")
}

/// The services whose URI names stand in a certificate.
pub(super) fn services(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let service = |name: &GeneralName<'_>| match name {
        GeneralName::URI(uri) => uri.strip_prefix(URI_PREFIX).map(str::to_owned),
        _ => None,
    };
    let services = names.value.general_names.iter().filter_map(service);
    services.filter(|service| is_a_name(service)).collect()
}

/// One lower-case word: what more stands in a path is another name.
pub(super) fn is_a_name(service: &str) -> bool {
    !service.is_empty()
        && service
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
