//! Signing in at the identity provider: away, and back.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::header::{self, HeaderValue};
use http::{StatusCode, Uri};

use super::Site;
use super::render::{
    Crossing, Form, HALF_WAY, SESSION, TRIP, Visit, cookie, crossing_cookie, go_to, go_to_any,
};
use super::sign_in;
use super::words::Language;
use crate::app::oidc::{Back, CameBack};
use crate::domain::trip::Purpose;
use crate::error::GatewayError;

/// How long a browser keeps what it needs to come back, in seconds.
const TRIP_S: u32 = 600;
/// How long it keeps what goes with a code, in seconds.
const HALF_WAY_S: u32 = 300;

/// A page that goes on by itself. The browser came from another site, so after a mere redirect it would not show its
/// new cookie (`SameSite=Strict`).
#[derive(Template)]
#[template(path = "came_back.html")]
struct CameBackPage {
    l: Language,
}

/// Asks for the second factor of somebody whom the provider has proven.
#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    l: Language,
    form: String,
    message: String,
}

/// Sends the browser to the provider.
pub(super) async fn start(State(site): State<Site>, visit: Visit) -> Response {
    go(&site, &visit, Purpose::SignIn).await
}

/// Sends the browser of somebody who is signed in to the provider, to prove himself again.
pub(super) async fn step_up(State(site): State<Site>, visit: Visit) -> Response {
    match visit.person(&site, "step-up").await {
        Ok(Some((.., session))) => go(&site, &visit, Purpose::StepUp(session.id)).await,
        Ok(None) => go_to("/sign-in", []),
        Err(_) => visit.unavailable(),
    }
}

async fn go(site: &Site, visit: &Visit, purpose: Purpose) -> Response {
    match site.accounts.go_to_provider(purpose).await {
        Ok((url, kept)) => go_to_any(&url, [crossing_cookie(TRIP, &kept, TRIP_S)]),
        Err(error) => sign_in::page(site, visit, String::new(), Some(&error)),
    }
}

/// The browser comes back, once.
pub(super) async fn callback(State(site): State<Site>, visit: Visit, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let mut told: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    if told.contains_key("lang") {
        // Whoever was refused here asks for the page in the other language.
        return go_to("/sign-in", []);
    }
    let mut take = |name: &str| told.remove(name).unwrap_or_default();
    let back = Back {
        code: take("code"),
        state: take("state"),
        issuer: Some(take("iss")).filter(|issuer| !issuer.is_empty()),
        kept: visit.crossing.trip.clone(),
        agent: visit.agent.clone(),
    };
    let came = site.accounts.come_back(visit.cause("oidc"), back).await;
    let came_back = || visit.page(StatusCode::OK, &CameBackPage { l: visit.language });
    let session = |token: &str| cookie(SESSION, token, None);
    let (mut response, kept) = match &came {
        Ok(CameBack::SignedIn(signed_in)) => (came_back(), session(signed_in.token.reveal())),
        Ok(CameBack::SteppedUp(token)) => (came_back(), session(token.reveal())),
        Ok(CameBack::HalfWay(kept)) => (
            code_page(&site, &visit, None),
            cookie(HALF_WAY, kept, Some(HALF_WAY_S)),
        ),
        Err(error) => (
            sign_in::page(&site, &visit, String::new(), Some(error)),
            None,
        ),
    };
    set(&mut response, [kept, crossing_cookie(TRIP, "", 0)]);
    response
}

fn code_page(site: &Site, visit: &Visit, problem: Option<&GatewayError>) -> Response {
    let page = CodePage {
        l: visit.language,
        form: visit.form_code(site),
        message: problem
            .map(|problem| visit.language.told(problem))
            .unwrap_or_default(),
    };
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::FORBIDDEN);
    visit.page(status, &page)
}

/// Takes the code of somebody who came back with one factor.
pub(super) async fn code(State(site): State<Site>, mut form: Form) -> Response {
    let code = form.take("code");
    let visit = &form.visit;
    let Crossing { half_way, .. } = &visit.crossing;
    let asked = (code, visit.agent.as_str());
    let cause = visit.cause("oidc");
    match site.accounts.finish_half_way(cause, half_way, asked).await {
        Ok(signed_in) => go_to(
            "/",
            [
                cookie(SESSION, signed_in.token.reveal(), None),
                cookie(HALF_WAY, "", Some(0)),
            ],
        ),
        Err(error @ (GatewayError::CodeWrong | GatewayError::TooMany { .. })) => {
            code_page(&site, visit, Some(&error))
        }
        Err(error) => sign_in::page(&site, visit, String::new(), Some(&error)),
    }
}

fn set(response: &mut Response, cookies: impl IntoIterator<Item = Option<HeaderValue>>) {
    for value in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
