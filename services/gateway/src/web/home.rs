//! Who I am, my sessions, my password.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use hotline_kernel::time::{Timestamp, Zone};
use http::StatusCode;

use super::Site;
use super::render::{Form, SESSION, Visit, cookie, go_to};
use super::words::Language;
use crate::domain::account::Account;
use crate::domain::password::Password;
use crate::domain::session::Session;
use crate::error::GatewayError;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    l: Language,
    form: String,
    message: String,
    is_good_news: bool,
    means: Means,
    name: String,
    roles: Vec<&'static str>,
    unit_code: String,
    outsourced: bool,
    ends_at: String,
    stepped_up_at: String,
    sessions: Vec<Line>,
}

/// By what somebody may prove himself.
struct Means {
    /// By his password and authenticator; otherwise there is nothing of his to be changed or asked for here.
    has_password: bool,
    /// At the identity provider, with a second factor.
    has_provider: bool,
}

struct Line {
    id: String,
    from_addr: String,
    agent: String,
    made_at: String,
    seen_at: String,
    is_this_one: bool,
}

/// What somebody recognises his own program by: the browser and the system that it names.
fn program(agent: &str, language: Language) -> String {
    // Later ones call themselves by the earlier ones' names, too.
    let browsers = [
        ("Edg/", "Edge"),
        ("MicroMessenger/", "WeChat"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let of = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    let told = [of(&browsers), of(&systems)];
    let told: Vec<&str> = told.into_iter().flatten().collect();
    if told.is_empty() {
        return language.say("其他程序", "another program").to_owned();
    }
    told.join(" · ")
}

/// A role, as people call it.
fn role_name(word: &str, language: Language) -> &'static str {
    let names = [
        ("operator", "坐席", "operator"),
        ("dispatcher", "派单员", "dispatcher"),
        ("shift_supervisor", "值班长", "shift supervisor"),
        ("duty_officer", "值守员", "duty officer"),
        ("unit_clerk", "承办单位经办人", "unit clerk"),
        ("unit_lead", "承办单位负责人", "unit lead"),
        ("follow_up_agent", "回访员", "follow-up agent"),
        ("quality_inspector", "质检员", "quality inspector"),
        ("knowledge_editor", "知识库编辑", "knowledge editor"),
        ("reviewer", "审核员", "reviewer"),
        ("leader", "领导", "leader"),
        ("secretary", "秘书", "secretary"),
        ("analyst", "分析员", "analyst"),
        ("administrator", "系统管理员", "administrator"),
        (
            "security_administrator",
            "安全管理员",
            "security administrator",
        ),
        ("auditor", "审计员", "auditor"),
    ];
    let found = names.iter().find(|(known, ..)| *known == word);
    found.map_or("?", |(_, zh, en)| language.say(zh, en))
}

pub(super) async fn show(State(site): State<Site>, visit: Visit) -> Response {
    page(&site, &visit, None).await
}

async fn page(site: &Site, visit: &Visit, news: Option<Result<(), GatewayError>>) -> Response {
    let (cause, account, session) = match visit.person(site, "home").await {
        Ok(Some(person)) => person,
        Ok(None) => {
            let over = visit.token.as_ref();
            return go_to(
                "/sign-in",
                [over.and_then(|_| cookie(SESSION, "", Some(0)))],
            );
        }
        Err(_) => return visit.unavailable(),
    };
    let sessions = site.accounts.own_sessions(&cause).await.unwrap_or_default();
    let has_password = site.accounts.has_password(account.id).await;
    // Who cannot be asked now is shown the forms, and told so when he sends one.
    let has_password = has_password.unwrap_or(true);
    let language = visit.language;
    let message = match &news {
        None => String::new(),
        Some(Ok(())) => language.say("已完成。", "Done.").to_owned(),
        // Nobody is told to sign in whose old password was wrong.
        Some(Err(GatewayError::SignInRefused)) => language
            .say("旧密码不正确。", "The old password is wrong.")
            .to_owned(),
        Some(Err(error)) => language.told(error),
    };
    let page = HomePage {
        form: visit.form_code(site),
        message,
        is_good_news: matches!(news, Some(Ok(()))),
        means: Means {
            has_password,
            has_provider: account.oidc_subject.is_some() && site.accounts.provider_vouches(),
        },
        ..home(language, site.zone, (&account, &session), &sessions)
    };
    let is_refused = matches!(news, Some(Err(_)));
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    visit.page(status, &page)
}

fn home(
    language: Language,
    zone: Zone,
    (account, session): (&Account, &Session),
    all: &[Session],
) -> HomePage {
    let told = |at: Timestamp| zone.wall(at).format("%Y-%m-%d %H:%M").to_string();
    let line = |found: &Session| Line {
        id: found.id.to_string(),
        from_addr: found.from_addr.clone(),
        agent: program(&found.agent, language),
        made_at: told(found.made_at),
        seen_at: told(found.seen_at),
        is_this_one: found.id == session.id,
    };
    HomePage {
        l: language,
        form: String::new(),
        message: String::new(),
        means: Means {
            has_password: true,
            has_provider: false,
        },
        is_good_news: false,
        name: account.name.as_str().to_owned(),
        roles: account
            .roles
            .iter()
            .map(|word| role_name(word, language))
            .collect(),
        unit_code: account.unit_code.clone(),
        outsourced: account.outsourced,
        ends_at: told(session.ends_at()),
        stepped_up_at: session.stepped_up_at.map(told).unwrap_or_default(),
        sessions: all.iter().map(line).collect(),
    }
}

pub(super) async fn end_session(State(site): State<Site>, mut form: Form) -> Response {
    let id = form.take("id").parse();
    let (cause, _, own) = match form.visit.person(&site, "sessions").await {
        Ok(Some(person)) => person,
        Ok(None) => return go_to("/sign-in", []),
        Err(_) => return form.visit.unavailable(),
    };
    let ended = match id {
        Ok(id) if id == own.id => return super::sign_in::sign_out(State(site), form).await,
        Ok(id) => site.accounts.end_own_session(cause, id).await,
        Err(_) => Err(GatewayError::SessionNotFound),
    };
    page(&site, &form.visit, Some(ended)).await
}

pub(super) async fn change_password(State(site): State<Site>, mut form: Form) -> Response {
    let (old, new) = (
        Password::new(form.take("old_password")),
        Password::new(form.take("new_password")),
    );
    let cause = match form.visit.person(&site, "password").await {
        Ok(Some((cause, ..))) => cause,
        Ok(None) => return go_to("/sign-in", []),
        Err(_) => return form.visit.unavailable(),
    };
    let changed = site.accounts.change_password(cause, old, new).await;
    page(&site, &form.visit, Some(changed)).await
}

pub(super) async fn step_up(State(site): State<Site>, mut form: Form) -> Response {
    let code = form.take("code");
    let cause = match form.visit.person(&site, "step-up").await {
        Ok(Some((cause, ..))) => cause,
        Ok(None) => return go_to("/sign-in", []),
        Err(_) => return form.visit.unavailable(),
    };
    match site.accounts.step_up(cause, code).await {
        Ok(token) => go_to("/", [cookie(SESSION, token.reveal(), None)]),
        Err(error) => page(&site, &form.visit, Some(Err(error))).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_told_by_its_browser_and_system() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
        let edge = format!("{chrome} Edg/131.0.0.0");
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
        for (agent, expected) in [
            (chrome, "Chrome · Windows"),
            (&edge, "Edge · Windows"),
            (firefox, "Firefox · Linux"),
            ("a program", "another program"),
            ("", "another program"),
        ] {
            assert_eq!(program(agent, Language::English), expected, "{agent}");
        }
    }
}
