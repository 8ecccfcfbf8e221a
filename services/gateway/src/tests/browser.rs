//! The pages in a real browser, which sends what real browsers send: origins, cookies, forms.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use chrono::TimeDelta;
use hotline_kernel::time::Zone;
use hotline_platform::access::Role;
use hotline_platform::clock::machine_time;
use hotline_platform::pages;
use hotline_platform::tasks::Tasks;
use serde_json::{Value, json};

use super::oidc::certified::{Certified, packages};
use super::oidc::joins;
use super::{Office, PASSWORD, base32};
use crate::domain::second_factor::SharedSecret;
use crate::web::{Site, router};

/// A browser, as long as the test.
struct Chromium {
    child: Child,
    hands: Option<ChildStdin>,
    eyes: Lines<BufReader<ChildStdout>>,
    shots: Option<String>,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // When its input ends, it closes its processes and takes its folder away.
        drop(self.hands.take());
        drop(self.child.wait());
    }
}

impl Chromium {
    fn start() -> Option<Self> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/sign_in");
        let mut child = Command::new("node")
            .arg("browser.mjs")
            .env("HOTLINE_TEST_NODE", packages()?)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let hands = child.stdin.take().expect("piped");
        let out = child.stdout.take().expect("piped");
        #[expect(
            clippy::disallowed_methods,
            reason = "what tests run with is no configuration"
        )]
        let shots = std::env::var("HOTLINE_TEST_SHOTS").ok();
        let mut browser = Self {
            child,
            hands: Some(hands),
            eyes: BufReader::new(out).lines(),
            shots,
        };
        assert_eq!(browser.hears(), json!("ready"));
        Some(browser)
    }

    fn hears(&mut self) -> Value {
        let line = self.eyes.next().expect("it lives").expect("a line");
        let told: Value = serde_json::from_str(&line).expect("JSON");
        assert!(told.get("failed").is_none(), "{told}");
        told["is"].clone()
    }

    fn does(&mut self, what: &Value) -> Value {
        let mut hands = self.hands.as_ref().expect("not closed");
        writeln!(hands, "{what}").expect("it listens");
        self.hears()
    }

    fn fills(&mut self, fields: &[(&str, &str)]) {
        for (label, value) in fields {
            self.does(&json!(["fill", label, value]));
        }
    }

    /// Goes somewhere by a button or link, and is shown a page that is none of an error.
    fn goes(&mut self, verb: &str, name: &str) {
        let status = self.does(&json!([verb, name]));
        assert!(
            status.as_u64() < Some(400),
            "{name}: {status}: {}",
            self.reads()
        );
    }

    fn reads(&mut self) -> String {
        self.does(&json!(["text"]))
            .as_str()
            .expect("a text")
            .to_owned()
    }

    fn is_at(&mut self, path: &str) {
        self.does(&json!(["arrives", path]));
    }

    fn shot(&mut self, name: &str) {
        if let Some(folder) = self.shots.clone() {
            self.does(&json!(["shot", format!("{folder}/{name}.png")]));
        }
    }

    /// Nothing was blocked that our pages need; that somebody was refused is no fault of theirs.
    fn has_only_refusals(&mut self, url: &str) {
        let problems = self.does(&json!(["problems"]));
        for problem in problems.as_array().expect("a list") {
            let text = problem.as_str().expect("a text");
            assert!(
                !text.contains(url) || text.contains("403 (Forbidden)"),
                "{text}"
            );
        }
    }
}

/// The pages of an office on a port of their own.
struct Desk {
    url: String,
    addr: SocketAddr,
    /// Keeps the port until they are served.
    held: Option<TcpListener>,
}

impl Desk {
    /// One at a free port.
    fn free() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("its address");
        let url = format!("http://{addr}");
        Self {
            url,
            addr,
            held: Some(listener),
        }
    }

    async fn serves(&mut self, office: &Office, tasks: &Tasks) {
        let site = Site::new(office.accounts.clone(), [7; 32], &self.url, Zone::SHANGHAI);
        drop(self.held.take());
        let served = pages::start(self.addr, router(site), None, tasks).await;
        served.expect("a free port");
    }
}

/// The secret that a page shows, as somebody types it into his authenticator.
fn shown_secret(page: &str) -> SharedSecret {
    let (_, rest) = page.split_once("或手工输入：").expect("a secret");
    let line = rest.trim_start().lines().next().expect("a line");
    SharedSecret::new(base32(&line.split_whitespace().collect::<String>()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_browser_sets_up_signs_in_ends_a_session_and_signs_out() {
    for office in Office::all().await {
        let Some(mut browser) = Chromium::start() else {
            return;
        };
        office.clock.set(machine_time());
        let (tasks, mut desk) = (Tasks::new(), Desk::free());
        desk.serves(&office, &tasks).await;
        let link = office.accounts.first_link().await.unwrap().unwrap();

        // The link as it was printed: what stands behind # is put into the form, and out of the address.
        browser.does(&json!([
            "goto",
            format!("{}/set-up#{}", desk.url, link.reveal())
        ]));
        let typed = browser.does(&json!(["value", "链接或其中 # 之后的部分"]));
        assert_eq!(typed, json!(link.reveal()));
        assert_eq!(
            browser.does(&json!(["address"])),
            json!(format!("{}/set-up", desk.url))
        );
        browser.shot("1-set-up");
        browser.goes("press", "继续");
        let secret = shown_secret(&browser.reads());
        browser.shot("2-choose");
        let code = secret.code_at(office.now());
        browser.fills(&[
            ("用户名", "first"),
            ("密码（至少 12 个字符）", PASSWORD),
            ("再输入一次", PASSWORD),
            ("验证器显示的 6 位数字", &code),
        ]);
        browser.goes("press", "启用");
        assert!(browser.reads().contains("恢复码只显示这一次"));
        browser.shot("3-done");

        browser.goes("follow", "去登录");
        let sign_in = async |browser: &mut Chromium| {
            office.seconds_pass(60);
            let code = secret.code_at(office.now());
            browser.fills(&[("用户名", "first"), ("密码", PASSWORD), ("验证码", &code)]);
            browser.goes("press", "登录");
            browser.is_at("/");
        };
        browser.fills(&[
            ("用户名", "first"),
            ("密码", "wrong-wrong-wrong"),
            ("验证码", "000000"),
        ]);
        browser.does(&json!(["press", "登录"]));
        assert!(browser.reads().contains("不正确"), "{}", browser.reads());
        browser.shot("4-refused");
        sign_in(&mut browser).await;
        let home = browser.reads();
        assert!(
            home.contains("安全管理员") && home.contains("本会话"),
            "{home}"
        );
        browser.shot("5-home");

        // A second session in the same browser, from which the first one is ended.
        browser.does(&json!(["forget"]));
        browser.does(&json!(["goto", format!("{}/", desk.url)]));
        browser.is_at("/sign-in");
        sign_in(&mut browser).await;
        assert_eq!(browser.reads().matches("结束").count(), 1);
        browser.goes("press", "结束");
        assert!(browser.reads().contains("已完成"), "{}", browser.reads());
        browser.shot("6-ended");
        office.seconds_pass(60);
        browser.fills(&[("验证码", &secret.code_at(office.now()))]);
        browser.goes("press", "验证");
        assert!(browser.reads().contains("上次"), "{}", browser.reads());
        browser.goes("follow", "English");
        assert!(browser.reads().contains("My sessions"));
        browser.goes("follow", "中文");
        browser.goes("press", "退出");
        browser.is_at("/sign-in");
        let cookies = browser.does(&json!(["cookies"]));
        let cookies = cookies.as_array().expect("names");
        assert!(!cookies.contains(&json!("__Host-sid")), "{cookies:?}");
        assert!(cookies.contains(&json!("__Host-device")), "{cookies:?}");
        browser.has_only_refusals(&desk.url);
        drop(browser);
        tasks.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_browser_signs_in_at_the_identity_provider() {
    let mut desk = Desk::free();
    let Some(provider) = Certified::start_for(&desk.url) else {
        return;
    };
    for office in Office::all_at(&desk.url, provider.trusted()).await {
        let mut browser = Chromium::start().expect("as before");
        office.clock.set(machine_time() - TimeDelta::minutes(1));
        joins(&office, "li", "sub-li", Role::Operator).await;
        office.clock.set(machine_time());
        let tasks = Tasks::new();
        desk.serves(&office, &tasks).await;

        browser.does(&json!(["goto", format!("{}/sign-in", desk.url)]));
        browser.shot("7-with-provider");
        browser.goes("follow", "用统一身份认证登录");
        assert!(
            browser
                .does(&json!(["address"]))
                .to_string()
                .contains(&provider.here)
        );
        browser.fills(&[("Name", "sub-li")]);
        browser.does(&json!(["check", "second factor"]));
        browser.does(&json!(["press", "Sign in"]));
        browser.is_at("/");
        let home = browser.reads();
        assert!(home.contains("坐席") && !home.contains("管理员"), "{home}");
        browser.shot("8-home-of-provider");

        browser.goes("follow", "到统一身份认证再次验证");
        browser.fills(&[("Name", "sub-li")]);
        browser.does(&json!(["check", "second factor"]));
        browser.does(&json!(["press", "Sign in"]));
        browser.is_at("/");
        assert!(browser.reads().contains("上次"), "{}", browser.reads());

        // Somebody whom only the provider knows is told so.
        browser.goes("press", "退出");
        browser.is_at("/sign-in");
        browser.goes("follow", "用统一身份认证登录");
        browser.fills(&[("Name", "sub-stranger")]);
        browser.does(&json!(["press", "Sign in"]));
        assert!(
            browser.reads().contains("统一身份认证登录未成功"),
            "{}",
            browser.reads()
        );
        browser.shot("9-refused-by-provider");
        browser.has_only_refusals(&desk.url);
        drop(browser);
        tasks.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_browser_gives_the_code_that_somebody_owes_after_the_provider() {
    let mut desk = Desk::free();
    let Some(provider) = Certified::start_for(&desk.url) else {
        return;
    };
    let offices = Office::all_at(&desk.url, provider.half_trusted()).await;
    let office = offices.first().expect("the embedded one");
    let mut browser = Chromium::start().expect("as before");
    office.clock.set(machine_time() - TimeDelta::minutes(1));
    let li = joins(office, "li", "sub-li", Role::Operator)
        .await
        .expect("a link");
    office.clock.set(machine_time());
    let tasks = Tasks::new();
    desk.serves(office, &tasks).await;
    browser.does(&json!(["goto", format!("{}/sign-in", desk.url)]));
    browser.goes("follow", "用统一身份认证登录");
    browser.fills(&[("Name", "sub-li")]);
    browser.goes("press", "Sign in");
    browser.shot("10-owes-a-code");
    browser.fills(&[("验证码", &li.secret.code_at(office.now()))]);
    browser.goes("press", "登录");
    browser.is_at("/");
    assert!(browser.reads().contains("坐席"), "{}", browser.reads());
    browser.has_only_refusals(&desk.url);
    drop(browser);
    tasks.drain().await;
}
