//! What goes to and comes from a browser: cookies, forms, pages.

use std::collections::HashMap;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::response::{Html, IntoResponse, Response};
use hotline_platform::pages::Browser;
use hotline_platform::work::Cause;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use zeroize::Zeroizing;

use super::Site;
use super::words::Language;
use crate::app::knowing::Known;
use crate::domain::account::Account;
use crate::domain::session::Session;
use crate::domain::token::{Opens, Token};
use crate::error::GatewayError;

/// The session. The prefix makes browsers keep it to this host and to secure connections.
pub(super) const SESSION: &str = "__Host-sid";
/// The device, which has a counter of failures of its own.
pub(super) const DEVICE: &str = "__Host-device";
/// What the code in forms is made of for somebody without a session.
const FORM: &str = "__Host-form";
const LANGUAGE: &str = "__Host-lang";
/// What the browser keeps while its owner is at the identity provider.
pub(super) const TRIP: &str = "__Host-trip";
/// What it keeps of somebody who came back and owes a code.
pub(super) const HALF_WAY: &str = "__Host-half-way";
/// Fields of one form.
const FIELDS_MAX: usize = 16;
/// How long the device is remembered, in seconds.
const DEVICE_S: u32 = 90 * 24 * 3600;

/// A cookie's header: to be kept for `max_age_s`, or until the browser closes.
pub(super) fn cookie(name: &str, value: &str, max_age_s: Option<u32>) -> Option<HeaderValue> {
    let age = max_age_s
        .map(|age| format!("; Max-Age={age}"))
        .unwrap_or_default();
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}");
    HeaderValue::from_str(&text).ok()
}

/// The header that keeps a device's token.
pub(super) fn device_cookie(token: &Token) -> Option<HeaderValue> {
    cookie(DEVICE, token.reveal(), Some(DEVICE_S))
}

/// A cookie's header, for what the browser shows when it comes back from another site (`SameSite=Lax`).
pub(super) fn crossing_cookie(name: &str, value: &str, max_age_s: u32) -> Option<HeaderValue> {
    let text =
        format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={max_age_s}");
    HeaderValue::from_str(&text).ok()
}

/// What a browser keeps on the way to and from the identity provider, as it sent it; empty: nothing.
#[derive(Default)]
pub(super) struct Crossing {
    pub(super) trip: String,
    pub(super) half_way: String,
}

/// Who looks at a page, and how.
pub(crate) struct Visit {
    /// From where.
    pub(super) from_addr: String,
    /// With which program.
    pub(super) agent: String,
    /// In which language.
    pub(super) language: Language,
    /// The session's token, if he has one; whether it opens anything is another matter.
    pub(super) token: Option<Token>,
    /// The device's token.
    pub(super) device: Option<Token>,
    /// What the browser keeps on the way to and from the identity provider.
    pub(super) crossing: Crossing,
    form: String,
    is_form_new: bool,
    is_language_new: bool,
}

impl FromRequestParts<Site> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<Browser>>();
        let cookies = cookies(&parts.headers);
        let read = |opens, name| cookies.get(name).and_then(|text| Token::parse(opens, text));
        let is_form =
            |text: &&String| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let known_form = cookies.get(FORM).filter(is_form).cloned();
        let header = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let asked = parts
            .uri
            .query()
            .and_then(|query| query.strip_prefix("lang="));
        let asked = asked.and_then(Language::of);
        let kept = cookies.get(LANGUAGE).and_then(|word| Language::of(word));
        let accepted = Language::accepted(header(header::ACCEPT_LANGUAGE).unwrap_or(""));
        Ok(Self {
            from_addr: peer.map_or_else(
                || "unknown".to_owned(),
                |peer| peer.0.0.ip().to_canonical().to_string(),
            ),
            agent: header(header::USER_AGENT).unwrap_or("").to_owned(),
            language: asked.or(kept).unwrap_or(accepted),
            token: read(Opens::Session, SESSION),
            device: read(Opens::Device, DEVICE),
            crossing: Crossing {
                trip: cookies.get(TRIP).cloned().unwrap_or_default(),
                half_way: cookies.get(HALF_WAY).cloned().unwrap_or_default(),
            },
            is_form_new: known_form.is_none(),
            form: known_form.unwrap_or_else(|| hex::encode(site.accounts.random::<16>())),
            is_language_new: asked.is_some(),
        })
    }
}

fn cookies(headers: &HeaderMap) -> HashMap<String, String> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl Visit {
    /// What he causes before he is known.
    pub(super) fn cause(&self, page: &str) -> Cause {
        Cause {
            actor: "anonymous".to_owned(),
            session: String::new(),
            unit_code: String::new(),
            from_addr: self.from_addr.clone(),
            method: format!("page:{page}"),
            trace_parent: String::new(),
        }
    }

    /// Who he is and what he causes, if he is signed in.
    ///
    /// # Errors
    ///
    /// What stands in the way of knowing: he may be signed in all the same.
    pub(super) async fn person(
        &self,
        site: &Site,
        page: &str,
    ) -> Result<Option<(Cause, Account, Session)>, GatewayError> {
        let Some(token) = &self.token else {
            return Ok(None);
        };
        let known = match site.accounts.know(token.reveal(), &self.from_addr).await {
            Ok(known) => known,
            Err(GatewayError::SignInRefused) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Known::Person { account, session } = known else {
            return Ok(None);
        };
        let cause = Cause {
            actor: account.name.actor(),
            session: session.id.to_string(),
            unit_code: account.unit_code.clone(),
            ..self.cause(page)
        };
        Ok(Some((cause, account, session)))
    }

    /// A bare answer where nobody can be asked who he is; his cookies stay.
    pub(super) fn unavailable(&self) -> Response {
        let told = self.language.say("请稍后再试。", "Try again later.");
        (StatusCode::SERVICE_UNAVAILABLE, told).into_response()
    }

    /// The code for his forms: only this site can make it, for this browser and this session.
    pub(super) fn form_code(&self, site: &Site) -> String {
        let token = self.token.as_ref().map(Token::hash).unwrap_or_default();
        hex::encode(site.forms.mac(&[self.form.as_bytes(), &token]))
    }

    fn has_sent(&self, site: &Site, code: &str) -> bool {
        let token = self.token.as_ref().map(Token::hash).unwrap_or_default();
        let code = hex::decode(code).unwrap_or_default();
        site.forms.is_right(&[self.form.as_bytes(), &token], &code)
    }

    /// A page for him, with the cookies that he has not yet.
    pub(super) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let Ok(text) = page.render() else {
            tracing::error!("a page could not be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response = (status, Html(text)).into_response();
        let mut set = |value: Option<HeaderValue>| {
            if let Some(value) = value {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
        };
        if self.is_form_new {
            set(cookie(FORM, &self.form, None));
        }
        if self.is_language_new {
            set(cookie(LANGUAGE, self.language.word(), Some(DEVICE_S)));
        }
        response
    }
}

/// Goes on at another page; a browser that is asked to look again does not send the form again.
pub(super) fn go_to(
    place: &'static str,
    set: impl IntoIterator<Item = Option<HeaderValue>>,
) -> Response {
    go_to_any(place, set)
}

/// Goes on at a place elsewhere.
pub(super) fn go_to_any(
    place: &str,
    set: impl IntoIterator<Item = Option<HeaderValue>>,
) -> Response {
    let Ok(place) = HeaderValue::from_str(place) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response();
    for value in set.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// A form that one of our own pages sent.
pub(crate) struct Form {
    /// Who sent it.
    pub(super) visit: Visit,
    fields: HashMap<String, Zeroizing<String>>,
}

impl Form {
    /// Takes a field out; empty if it is not there.
    pub(super) fn take(&mut self, name: &str) -> String {
        let field = self.fields.remove(name);
        field
            .map(|mut text| std::mem::take(&mut *text))
            .unwrap_or_default()
    }
}

impl FromRequest<Site> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = match Visit::from_request_parts(&mut parts, site).await {
            Ok(visit) => visit,
            Err(never) => match never {},
        };
        let body = Bytes::from_request(Request::from_parts(parts, body), site)
            .await
            .map_err(IntoResponse::into_response)?;
        let fields = form_urlencoded::parse(&body).take(FIELDS_MAX);
        let fields: HashMap<String, Zeroizing<String>> = fields
            .map(|(name, value)| (name.into_owned(), Zeroizing::new(value.into_owned())))
            .collect();
        let code = fields.get("form").map_or("", |code| code.as_str());
        if visit.has_sent(site, code) {
            return Ok(Self { visit, fields });
        }
        let stale = visit.language.say(
            "页面已过期，请返回刷新后重试。",
            "This page is stale. Go back, reload it and try again.",
        );
        Err((StatusCode::FORBIDDEN, stale).into_response())
    }
}
