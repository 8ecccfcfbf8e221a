//! The pages, through their router.

use axum::Router;
use axum::body::{Body, to_bytes};
use hotline_kernel::time::Zone;
use hotline_platform::access::Role;
use http::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{Request, Response, StatusCode};
use tower::ServiceExt as _;

use super::{Office, PASSWORD, base32};
use crate::domain::second_factor::SharedSecret;
use crate::web::{Site, router};

const HERE: &str = super::PAGES;

/// A browser with its cookies.
pub(super) struct Browser {
    router: Router,
    cookies: Vec<(String, String)>,
}

/// What it was shown.
pub(super) struct Shown {
    pub(super) status: StatusCode,
    pub(super) head: http::HeaderMap,
    pub(super) text: String,
}

impl Browser {
    pub(super) fn at(office: &Office) -> Self {
        let site = Site::new(office.accounts.clone(), [7; 32], HERE, Zone::SHANGHAI);
        Self {
            router: router(site),
            cookies: Vec::new(),
        }
    }

    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.cookies.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// As if it had been given this cookie before.
    pub(super) fn keeps(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    pub(super) async fn gets(&mut self, path: &str) -> Shown {
        let request = Request::get(path).header("accept-language", "en");
        self.sends(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a form from our own page, with the code that stands on it.
    pub(super) async fn posts(
        &mut self,
        path: &str,
        from: &Shown,
        fields: &[(&str, &str)],
    ) -> Shown {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("form", from.field("form"));
        form.extend_pairs(fields);
        self.posts_raw(path, Some(HERE), form.finish()).await
    }

    async fn posts_raw(&mut self, path: &str, origin: Option<&str>, body: String) -> Shown {
        let mut request = Request::post(path).header("accept-language", "en");
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        self.sends(request.body(Body::from(body)).unwrap()).await
    }

    async fn sends(&mut self, mut request: Request<Body>) -> Shown {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !pairs.is_empty() {
            request
                .headers_mut()
                .insert(COOKIE, pairs.join("; ").parse().unwrap());
        }
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        for value in response.headers().get_all(SET_COOKIE) {
            let text = value.to_str().unwrap();
            assert!(text.starts_with("__Host-"), "{text}");
            for part in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite="] {
                assert!(text.contains(part), "{text}");
            }
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 1024 * 1024).await.unwrap();
        Shown {
            status: head.status,
            head: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

impl Shown {
    /// The value of a hidden field.
    pub(super) fn field(&self, name: &str) -> &str {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self
            .text
            .split_once(&start)
            .unwrap_or_else(|| panic!("no {name}: {}", self.text));
        rest.split('"').next().unwrap()
    }

    pub(super) fn goes_to(&self, place: &str) {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        assert_eq!(self.head[LOCATION], place);
    }
}

/// As on paper: the secret for an authenticator.
fn secret(page: &Shown) -> SharedSecret {
    let (_, rest) = page.text.split_once("<code>").expect("a secret");
    let text: String = rest.split('<').next().unwrap().split_whitespace().collect();
    SharedSecret::new(base32(&text))
}

async fn signs_in(browser: &mut Browser, office: &Office, secret: &SharedSecret) -> Shown {
    let page = browser.gets("/sign-in").await;
    let code = secret.code_at(office.now());
    let fields = [("name", "first"), ("password", PASSWORD), ("code", &code)];
    browser.posts("/sign-in", &page, &fields).await
}

#[tokio::test]
async fn the_first_administrator_sets_himself_up_signs_in_looks_around_and_signs_out() {
    for office in Office::all().await {
        let link = office.accounts.first_link().await.unwrap().unwrap();
        let mut browser = Browser::at(&office);
        let page = browser.gets("/set-up").await;
        let wrong = browser.posts("/set-up", &page, &[("link", "hl_0")]).await;
        assert_eq!(wrong.status, StatusCode::FORBIDDEN);
        // The whole link as it was printed.
        let whole = format!("{HERE}/set-up#{}", link.reveal());
        let choose = browser.posts("/set-up", &page, &[("link", &whole)]).await;
        assert!(choose.text.contains("<svg"), "a picture");
        let secret = secret(&choose);
        let finish = async |browser: &mut Browser, again: &str| {
            let code = secret.code_at(office.now());
            let fields = [
                ("link", link.reveal()),
                ("name", "first"),
                ("password", PASSWORD),
                ("password_again", again),
                ("code", code.as_str()),
            ];
            browser.posts("/set-up/finish", &choose, &fields).await
        };
        let differs = finish(&mut browser, "another-one-1234").await;
        assert!(
            differs.text.contains("The two passwords differ"),
            "{}",
            differs.text
        );
        let done = finish(&mut browser, PASSWORD).await;
        assert_eq!(
            done.text.matches("<li><code>").count(),
            10,
            "recovery codes"
        );
        let used = finish(&mut browser, PASSWORD).await;
        assert_eq!(used.status, StatusCode::FORBIDDEN);

        office.seconds_pass(60);
        signs_in(&mut browser, &office, &secret).await.goes_to("/");
        assert!(browser.cookie("__Host-device").is_some());
        let home = browser.gets("/").await;
        assert!(home.text.contains("security administrator") && home.text.contains("this one"));
        browser
            .posts("/sign-out", &home, &[])
            .await
            .goes_to("/sign-in");
        assert!(browser.cookie("__Host-sid").is_none());
        assert!(
            browser.cookie("__Host-device").is_some(),
            "the device stays known"
        );
        browser.gets("/").await.goes_to("/sign-in");
    }
}

#[tokio::test]
async fn no_page_lets_foreign_code_in() {
    let office = Office::all().await.swap_remove(0);
    let link = office.accounts.first_link().await.unwrap().unwrap();
    let mut browser = Browser::at(&office);
    let start = browser.gets("/set-up").await;
    let choose = browser
        .posts("/set-up", &start, &[("link", link.reveal())])
        .await;
    let pages = [
        browser.gets("/sign-in").await,
        browser.gets("/nowhere").await,
        browser.gets("/assets/style.css").await,
        start,
        choose,
    ];
    for page in pages {
        let policy = page.head["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(page.head[name], value);
        }
        for inline in [
            "<style",
            " style=",
            " onclick=",
            " onload=",
            "javascript:",
            "<script>",
        ] {
            assert!(!page.text.contains(inline), "{inline}");
        }
    }
    // What somebody types comes back as text.
    let page = browser.gets("/sign-in").await;
    let fields = [
        ("name", "\"><script>alert(1)</script>"),
        ("password", "x"),
        ("code", "x"),
    ];
    let back = browser.posts("/sign-in", &page, &fields).await;
    assert!(!back.text.contains("<script>alert"), "{}", back.text);
}

#[tokio::test]
async fn a_form_that_is_not_of_this_page_and_browser_is_refused() {
    let office = Office::all().await.swap_remove(0);
    let person = office.person("first", Role::Operator).await;
    let mut browser = Browser::at(&office);
    let page = browser.gets("/sign-in").await;
    let body = |form: &str| {
        let code = person.secret.code_at(office.now());
        format!("form={form}&name=first&password={PASSWORD}&code={code}")
    };
    let good = page.field("form").to_owned();
    for (origin, form) in [
        (Some("http://evil.example"), good.as_str()),
        (Some("null"), &good),
        (None, &good),
        (Some(HERE), ""),
        (Some(HERE), &"0".repeat(64)),
    ] {
        let answer = browser.posts_raw("/sign-in", origin, body(form)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin:?} {form}");
    }
    // Another browser's code.
    let other = Browser::at(&office)
        .gets("/sign-in")
        .await
        .field("form")
        .to_owned();
    let answer = browser
        .posts_raw("/sign-in", Some(HERE), body(&other))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    browser
        .posts_raw("/sign-in", Some(HERE), body(&good))
        .await
        .goes_to("/");
    // The code from before somebody signed in is none afterwards.
    let answer = browser
        .posts_raw("/sign-out", Some(HERE), format!("form={good}"))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
