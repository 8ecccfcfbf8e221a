//! A certified provider (`tests/sign_in/provider.mjs`) on loopback, and the hands of somebody who signs in there.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use openidconnect::{ClientSecret, reqwest};
use serde_json::json;

use crate::config::{Config, OidcConfig};
use crate::tests::{PAGES, config};

pub(super) const SECRET: &str = "a-secret-of-an-invented-provider-0123456789";

/// Where tests find its package; `tests/run` puts it there. Without it these tests have nothing to test against.
pub(in crate::tests) fn packages() -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "what tests run with is no configuration"
    )]
    let found = std::env::var("HOTLINE_TEST_NODE").ok();
    if found.is_none() {
        println!("not tested: HOTLINE_TEST_NODE is not set");
    }
    found
}

/// The provider, as long as the test.
pub(in crate::tests) struct Certified {
    /// Who it says to be.
    pub(super) issuer: String,
    /// Where it is.
    pub(in crate::tests) here: String,
    child: Child,
    // It ends when this is closed.
    _stdin: ChildStdin,
}

impl Drop for Certified {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Certified {
    /// One on a port of its own, if the environment has its package.
    pub(super) fn start() -> Option<Self> {
        Self::start_as(0, None)
    }

    /// One at this port (0: any) that says to be `issuer`.
    pub(super) fn start_as(port: u16, issuer: Option<&str>) -> Option<Self> {
        Self::asked(&json!({"back_at": back_at(), "port": port, "issuer": issuer}))
    }

    /// One that sends people back to `pages`.
    pub(in crate::tests) fn start_for(pages: &str) -> Option<Self> {
        Self::asked(&json!({"back_at": format!("{pages}/oidc/callback")}))
    }

    fn asked(asked: &serde_json::Value) -> Option<Self> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/sign_in");
        let mut child = Command::new("node")
            .args(["provider.mjs", &asked.to_string()])
            .env("HOTLINE_TEST_NODE", packages()?)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out)
            .read_line(&mut line)
            .expect("it says where it is");
        let (issuer, here) = line.trim().split_once(' ').expect("two addresses");
        Some(Self {
            issuer: issuer.to_owned(),
            here: here.to_owned(),
            _stdin: child.stdin.take().expect("piped"),
            child,
        })
    }

    pub(super) fn port(&self) -> u16 {
        let (_, port) = self.here.rsplit_once(':').expect("a port");
        port.parse().expect("a number")
    }

    /// Its second factor counts for ours.
    pub(in crate::tests) fn trusted(&self) -> Config {
        let oidc = OidcConfig {
            second_factor_amr: vec!["otp".to_owned()],
            second_factor_acr: vec!["urn:invented:two".to_owned()],
            ..self.oidc()
        };
        Config {
            oidc: Some(oidc),
            ..config()
        }
    }

    /// It proves with one factor only.
    pub(in crate::tests) fn half_trusted(&self) -> Config {
        Config {
            oidc: Some(self.oidc()),
            ..config()
        }
    }

    pub(super) fn oidc(&self) -> OidcConfig {
        OidcConfig {
            issuer: self.issuer.clone(),
            client_id: "hotline".to_owned(),
            client_secret_file: None,
            client_secret: Some(ClientSecret::new(SECRET.to_owned())),
            ca_file: None,
            reauthenticate: true,
            second_factor_acr: Vec::new(),
            second_factor_amr: Vec::new(),
        }
    }
}

pub(super) fn back_at() -> String {
    format!("{PAGES}/oidc/callback")
}

pub(super) fn http() -> reqwest::Client {
    let builder = reqwest::ClientBuilder::new().redirect(reqwest::redirect::Policy::none());
    builder.no_proxy().build().expect("a client")
}

/// Somebody at the provider, with what his browser keeps of it.
#[derive(Default)]
pub(super) struct Guest {
    cookies: HashMap<String, String>,
}

impl Guest {
    /// Goes where our page sends him, says who he is where he is asked, and returns the path and query that the
    /// provider sends him back to.
    pub(super) async fn visits(&mut self, provider: &Certified, url: &str, form: &str) -> String {
        let http = http();
        let (mut place, mut answers) = (url.to_owned(), None::<String>);
        for _ in 0..12 {
            let pairs: Vec<String> = self
                .cookies
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            let request = match answers.take() {
                Some(body) => http
                    .post(&place)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(body),
                None => http.get(&place),
            };
            let answer = request.header("cookie", pairs.join("; ")).send().await;
            let answer = answer.expect("it answers");
            for value in answer.headers().get_all("set-cookie") {
                let text = value.to_str().expect("text");
                let pair = text.split(';').next().expect("a pair");
                let (key, value) = pair.split_once('=').expect("a cookie");
                self.cookies.insert(key.to_owned(), value.to_owned());
            }
            let goes_to = answer.headers().get("location");
            match goes_to.map(|to| to.to_str().expect("text").to_owned()) {
                Some(to) if to.starts_with(PAGES) => return to[PAGES.len()..].to_owned(),
                Some(to) if to.starts_with('/') => place = format!("{}{to}", provider.here),
                // An impostor sends people to whom it says to be.
                Some(to) => place = to.replace(&provider.issuer, &provider.here),
                None => {
                    let page = answer.text().await.expect("a page");
                    assert!(page.contains("<form"), "{page}");
                    answers = Some(form.to_owned());
                }
            }
        }
        panic!("the provider sends nobody back");
    }
}

/// `place` with the value of a parameter changed.
pub(super) fn with(place: &str, name: &str, value: Option<&str>) -> String {
    let (path, query) = place.split_once('?').expect("a query");
    let mut changed = form_urlencoded::Serializer::new(String::new());
    for (key, old) in form_urlencoded::parse(query.as_bytes()) {
        if key != name {
            changed.append_pair(&key, &old);
        } else if let Some(value) = value {
            changed.append_pair(name, value);
        }
    }
    format!("{path}?{}", changed.finish())
}

/// The value of a parameter.
pub(super) fn of(place: &str, name: &str) -> String {
    let (_, query) = place.split_once('?').expect("a query");
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no {name}")).1.into_owned()
}
