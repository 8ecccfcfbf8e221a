//! What is said between this process and the identity provider: to the agreed one, in little time, in few bytes, to no
//! other place that an answer names.

use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use openidconnect::url::{Host, Url};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, reqwest};

use crate::config::OidcSettingsError;

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// The longest answer, in bytes.
const ANSWER_MAX_BYTES: usize = 256 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody is asked at such an address.
    #[error("expected an https address like the issuer's")]
    Address,
    /// Longer than anything a provider has to say.
    #[error("the answer is longer than {ANSWER_MAX_BYTES} bytes")]
    TooLong,
    /// The network, or what is at its end.
    #[error("the provider cannot be asked")]
    Transport(#[from] reqwest::Error),
    /// The answer is none of HTTP.
    #[error("the answer cannot be read")]
    Answer(#[from] http::Error),
}

/// The line to the provider.
pub(crate) struct Wire {
    http: reqwest::Client,
    issuer: Url,
}

impl Wire {
    /// A line to `issuer`; `ca_file` holds the only authority whose certificates it may show, if it is not one of
    /// those that browsers know.
    pub(crate) fn new(issuer: Url, ca_file: Option<&Path>) -> Result<Self, OidcSettingsError> {
        if !is_kept_private(&issuer) {
            return Err(OidcSettingsError::Issuer);
        }
        let mut builder = reqwest::ClientBuilder::new()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_MAX)
            .timeout(ANSWER_MAX);
        if let Some(path) = ca_file {
            let unreadable = || OidcSettingsError::Authority(path.to_owned());
            let text = std::fs::read(path).map_err(|_| unreadable())?;
            let found = reqwest::Certificate::from_pem_bundle(&text).map_err(|_| unreadable())?;
            if found.is_empty() {
                return Err(unreadable());
            }
            builder = builder.tls_built_in_root_certs(false);
            for certificate in found {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let http = builder.build().map_err(OidcSettingsError::Client)?;
        Ok(Self { http, issuer })
    }

    /// Whether a browser may be sent, or a question asked, to `url`.
    pub(crate) fn may_go_to(&self, url: &Url) -> bool {
        url.scheme() == self.issuer.scheme() && is_kept_private(url)
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, AskError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| AskError::Address)?;
        if !self.may_go_to(&url) {
            return Err(AskError::Address);
        }
        let mut answer = self.http.execute(request.try_into()?).await?;
        let mut told = http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            told = told.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > ANSWER_MAX_BYTES {
                return Err(AskError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(told.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = AskError;
    type Future = BoxFuture<'c, Result<HttpResponse, AskError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// Whether what goes to `url` is read by nobody on the way.
fn is_kept_private(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_here,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_asked_behind_tls_or_on_this_machine_and_names_no_place_in_clear() {
        let url = |text: &str| Url::parse(text).unwrap();
        for (issuer, expected) in [
            ("https://id.example", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080/a", true),
            ("http://localhost:8080", true),
            ("http://id.example", false),
            ("http://127.0.0.1.example", false),
            ("http://10.0.0.1", false),
            ("file:///etc/passwd", false),
        ] {
            let made = Wire::new(url(issuer), None);
            assert_eq!(made.is_ok(), expected, "{issuer}");
        }
        let outside = Wire::new(url("https://id.example"), None).unwrap();
        let here = Wire::new(url("http://127.0.0.1:8080"), None).unwrap();
        for (place, from_outside, from_here) in [
            ("https://keys.example/jwks", true, false),
            ("http://127.0.0.1:8080/jwks", false, true),
            ("http://169.254.169.254/latest", false, false),
            ("gopher://127.0.0.1:6379", false, false),
        ] {
            assert_eq!(outside.may_go_to(&url(place)), from_outside, "{place}");
            assert_eq!(here.may_go_to(&url(place)), from_here, "{place}");
        }
    }
}
