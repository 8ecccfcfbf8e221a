//! Setting an account up by a link.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use qrcode::QrCode;
use qrcode::render::svg;

use super::Site;
use super::render::{Form, Visit};
use super::words::Language;
use crate::app::set_up::{SetUp, SetUpOffer};
use crate::domain::account::AccountName;
use crate::domain::password::Password;
use crate::domain::token::{Opens, SetUpProof, Token};
use crate::error::GatewayError;

/// The width of the picture for authenticators, in pixels.
const PICTURE: u32 = 200;

#[derive(Template)]
#[template(path = "set_up.html")]
struct LinkPage {
    l: Language,
    form: String,
    message: String,
}

#[derive(Template)]
#[template(path = "set_up_choose.html")]
struct ChoosePage {
    l: Language,
    form: String,
    message: String,
    link: String,
    asker_part: String,
    /// The account's; empty if its person chooses it.
    fixed_name: String,
    name: String,
    secret: String,
    picture: String,
}

#[derive(Template)]
#[template(path = "set_up_done.html")]
struct DonePage {
    l: Language,
    name: String,
    codes: Vec<String>,
}

pub(super) async fn show(State(site): State<Site>, visit: Visit) -> Response {
    link_page(&site, &visit, None)
}

fn link_page(site: &Site, visit: &Visit, problem: Option<&GatewayError>) -> Response {
    let page = LinkPage {
        l: visit.language,
        form: visit.form_code(site),
        message: problem
            .map(|problem| visit.language.told(problem))
            .unwrap_or_default(),
    };
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::FORBIDDEN);
    visit.page(status, &page)
}

pub(super) async fn begin(State(site): State<Site>, mut form: Form) -> Response {
    let (link, asker_part) = (form.take("link"), form.take("asker_part"));
    match proof(&link, &asker_part) {
        Some(proof) => choose(&site, &form.visit, &proof, (String::new(), None)).await,
        None => link_page(&site, &form.visit, Some(&GatewayError::LinkNotFound)),
    }
}

/// The link and the asker's part as they were typed; the whole link may have been pasted.
fn proof(link: &str, asker_part: &str) -> Option<SetUpProof> {
    let link = link.rsplit('#').next().unwrap_or_default();
    let asker_part = match asker_part.trim() {
        "" => None,
        text => Some(Token::parse(Opens::SetUpPart, text)?),
    };
    Some(SetUpProof {
        link: Token::parse(Opens::SetUp, link)?,
        asker_part,
    })
}

/// The page on which everything is chosen, or the one before it if the link is no good.
async fn choose(
    site: &Site,
    visit: &Visit,
    proof: &SetUpProof,
    (name, problem): (String, Option<&GatewayError>),
) -> Response {
    let offer = match site
        .accounts
        .begin_set_up(visit.cause("set-up"), proof)
        .await
    {
        Ok(offer) => offer,
        Err(error) => return link_page(site, visit, Some(&error)),
    };
    let page = ChoosePage {
        l: visit.language,
        form: visit.form_code(site),
        message: problem
            .map(|problem| visit.language.told(problem))
            .unwrap_or_default(),
        link: proof.link.reveal().to_owned(),
        asker_part: proof
            .asker_part
            .as_ref()
            .map(|part| part.reveal().to_owned())
            .unwrap_or_default(),
        picture: picture(&offer),
        fixed_name: offer
            .name
            .map(|name| name.as_str().to_owned())
            .unwrap_or_default(),
        name,
        secret: in_groups(&offer.secret),
    };
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    visit.page(status, &page)
}

/// The secret as an SVG picture, empty if it cannot be drawn: it stands there as text, too.
fn picture(offer: &SetUpOffer) -> String {
    let Ok(code) = QrCode::new(offer.url.as_bytes()) else {
        return String::new();
    };
    let drawn = code
        .render::<svg::Color<'_>>()
        .min_dimensions(PICTURE, PICTURE)
        .build();
    // What stands before it is for files.
    drawn
        .find("<svg")
        .map(|start| drawn[start..].to_owned())
        .unwrap_or_default()
}

fn in_groups(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = letters
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(" ")
}

pub(super) async fn finish(State(site): State<Site>, mut form: Form) -> Response {
    let (link, asker_part) = (form.take("link"), form.take("asker_part"));
    let Some(proof) = proof(&link, &asker_part) else {
        return link_page(&site, &form.visit, Some(&GatewayError::LinkNotFound));
    };
    let name = form.take("name");
    match complete(&site, &mut form, &proof, &name).await {
        Ok((name, codes)) => {
            let page = DonePage {
                l: form.visit.language,
                name: name.as_str().to_owned(),
                codes,
            };
            form.visit.page(StatusCode::OK, &page)
        }
        Err(error) => choose(&site, &form.visit, &proof, (name, Some(&error))).await,
    }
}

async fn complete(
    site: &Site,
    form: &mut Form,
    proof: &SetUpProof,
    name: &str,
) -> Result<(AccountName, Vec<String>), GatewayError> {
    let invalid = |field, expected| GatewayError::Invalid { field, expected };
    let name = match name {
        "" => None,
        text => Some(AccountName::parse(text).ok_or(invalid("name", AccountName::EXPECTED))?),
    };
    let (password, again) = (
        Password::new(form.take("password")),
        Password::new(form.take("password_again")),
    );
    if password.bytes() != again.bytes() {
        return Err(invalid("password_again", "the same password again"));
    }
    let chosen = SetUp {
        proof: proof.clone(),
        name,
        password,
        code: form.take("code"),
    };
    let cause = form.visit.cause("set-up");
    let (name, codes) = site.accounts.complete_set_up(cause, chosen).await?;
    Ok((name, codes.iter().map(|code| code.to_string()).collect()))
}
