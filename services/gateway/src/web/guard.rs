//! What stands between pages and browsers: headers that keep foreign code out, and a look at where a form comes from.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use tokio::time::timeout;

use super::Site;

/// The longest that making a page may take: hashing passwords waits for its turn.
const PAGE_MAX: Duration = Duration::from_secs(30);

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'";
const FEATURES: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
                        magnetometer=(), microphone=(), payment=(), usb=()";

const HEADERS: [(HeaderName, &str); 11] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // With `no-referrer` browsers tell the origin of our own forms as `null` (Fetch, 3.2), and none could be sent.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    ),
    (HeaderName::from_static("permissions-policy"), FEATURES),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

pub(super) async fn in_time(request: Request, next: Next) -> Response {
    let page = timeout(PAGE_MAX, next.run(request)).await;
    page.unwrap_or_else(|_| StatusCode::GATEWAY_TIMEOUT.into_response())
}

/// Forms are taken from our own pages only. The code in the form is looked at where the form is read.
pub(super) async fn forms(State(site): State<Site>, request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_safe || is_own(request.headers(), &site.origin) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "this form came from another site").into_response()
}

/// Browsers say where a form comes from; who says nothing is not believed.
fn is_own(headers: &HeaderMap, origin: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_foreign = |site: &str| site != "same-origin";
    text("origin").is_some_and(|told| told == origin)
        && !text("sec-fetch-site").is_some_and(is_foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_from_elsewhere_is_refused() {
        let cases = [
            (&[("origin", "http://127.0.0.1:7080")][..], true),
            (
                &[
                    ("origin", "http://127.0.0.1:7080"),
                    ("sec-fetch-site", "same-origin"),
                ],
                true,
            ),
            (
                &[
                    ("origin", "http://127.0.0.1:7080"),
                    ("sec-fetch-site", "cross-site"),
                ],
                false,
            ),
            (&[("origin", "http://127.0.0.1:7081")], false),
            (&[("origin", "https://127.0.0.1:7080")], false),
            (&[("origin", "null")], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[], false),
        ];
        for (told, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in told {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(
                is_own(&headers, "http://127.0.0.1:7080"),
                expected,
                "{told:?}"
            );
        }
    }
}
