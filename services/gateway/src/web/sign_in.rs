//! Signing in and out.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};

use super::Site;
use super::render::{DEVICE, Form, SESSION, Visit, cookie, device_cookie, go_to};
use super::words::Language;
use crate::app::sign_in::SignIn;
use crate::domain::password::Password;
use crate::error::GatewayError;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    l: Language,
    form: String,
    name: String,
    message: String,
    wants_new_password: bool,
    has_provider: bool,
}

pub(super) async fn show(State(site): State<Site>, visit: Visit) -> Response {
    if matches!(visit.person(&site, "sign-in").await, Ok(Some(_))) {
        return go_to("/", []);
    }
    page(&site, &visit, String::new(), None)
}

pub(super) fn page(
    site: &Site,
    visit: &Visit,
    name: String,
    problem: Option<&GatewayError>,
) -> Response {
    let page = SignInPage {
        l: visit.language,
        form: visit.form_code(site),
        name,
        message: problem
            .map(|problem| visit.language.told(problem))
            .unwrap_or_default(),
        has_provider: site.accounts.has_provider(),
        wants_new_password: matches!(
            problem,
            Some(GatewayError::PasswordExpired | GatewayError::Weak(_))
        ),
    };
    let status = match problem {
        None => StatusCode::OK,
        Some(GatewayError::TooMany { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Some(GatewayError::ProviderAway | GatewayError::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        Some(_) => StatusCode::FORBIDDEN,
    };
    visit.page(status, &page)
}

pub(super) async fn sign_in(State(site): State<Site>, mut form: Form) -> Response {
    let name = form.take("name");
    let new = Some(form.take("new_password")).filter(|text| !text.is_empty());
    let asked = SignIn {
        name: name.clone(),
        password: Password::new(form.take("password")),
        code: form.take("code"),
        device: form.visit.device.clone(),
        new_password: new.map(Password::new),
        agent: form.visit.agent.clone(),
    };
    let cause = form.visit.cause("sign-in");
    match site.accounts.sign_in_evenly(cause, asked).await {
        Ok(signed_in) => {
            let session = cookie(SESSION, signed_in.token.reveal(), None);
            go_to(
                "/",
                [session, signed_in.device.as_ref().and_then(device_cookie)],
            )
        }
        Err(error) => page(&site, &form.visit, name, Some(&error)),
    }
}

pub(super) async fn sign_out(State(site): State<Site>, form: Form) -> Response {
    let ended = match form.visit.person(&site, "sign-out").await {
        Ok(Some((cause, ..))) => site.accounts.sign_out(cause).await,
        Ok(None) => Ok(()),
        // He may be signed in: nobody is told that he is out while the session lives.
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "a session could not be ended");
        return form.visit.unavailable();
    }
    let mut response = go_to("/sign-in", [cookie(SESSION, "", Some(0))]);
    // Not the cookies: the device shall stay known.
    let (name, value) = (
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    response.headers_mut().insert(name, value);
    debug_assert!(DEVICE.starts_with("__Host-"), "kept");
    response
}
