//! Commands that keep accounts, keys, the vault and the audit trail, as somebody types them beside a running city.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::process::{Output, Stdio};

use hotline_platform::clock::machine_time;
use hotline_proto::gateway::account_service_client::AccountServiceClient;
use hotline_proto::gateway::{
    BeginSetUpRequest, CompleteSetUpRequest, SignInRequest, StepUpRequest,
};
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{Contact, RegisterAppealRequest};
use hotline_proto::shared::Kind;
use hotline_tests::authenticator::Authenticator;
use hotline_tests::principal::{Door, by};
use hotline_tests::process::Installation;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend};
use tonic::Request;

/// An invented citizen.
const NAME: &str = "欧阳试样";
const PHONE: &str = "19900001111";
const PASSWORD: &str = "an invented pass phrase";

/// A city that runs, and what is typed beside it.
struct Beside<'a>(&'a Installation);

impl Beside<'_> {
    fn ends(&self, args: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = self.0.command(args);
        command.envs(environment.iter().copied());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.output().expect("the binary starts")
    }

    /// What a command that succeeds prints.
    fn told(&self, args: &[&str]) -> String {
        let output = self.ends(args, &[]);
        let erred = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{}: {args:?}: {erred}",
            self.0.label
        );
        String::from_utf8(output.stdout).expect("text")
    }

    /// What a command that is refused says of it; it prints nothing else.
    fn refused(&self, args: &[&str], environment: &[(&str, &str)]) -> String {
        let output = self.ends(args, environment);
        assert!(!output.status.success(), "{}: {args:?}", self.0.label);
        assert_eq!(output.stdout, b"", "{}: {args:?}", self.0.label);
        String::from_utf8(output.stderr).expect("text")
    }
}

/// What stands behind `mark` up to the next blank.
fn after<'t>(told: &'t str, mark: &str) -> &'t str {
    let (_, rest) = told.split_once(mark).expect(mark);
    rest.split_whitespace().next().expect("something")
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_kept_and_their_links_shown_once() {
    for installation in Installation::all().await {
        let process = installation.start().await;
        let beside = Beside(&installation);
        let added = beside.told(&["user", "add", "wang", "--role", "operator"]);
        assert!(added.starts_with("wang  invited  operator"), "{added}");
        assert_eq!(added.matches("#hl_").count(), 1, "{added}");
        let again = beside.refused(&["user", "add", "wang", "--role", "operator"], &[]);
        assert!(again.contains("there is an account"), "{again}");
        let unknown = beside.refused(&["user", "add", "li", "--role", "king"], &[]);
        assert!(
            unknown.contains("expected one of") && unknown.contains("operator"),
            "{unknown}"
        );
        let listed = beside.told(&["user", "list"]);
        assert!(listed.contains("wang  invited  operator"), "{listed}");
        assert!(!listed.contains("hl_"), "a link is shown once: {listed}");

        let disabled = beside.told(&["user", "disable", "wang", "--reason", "left"]);
        assert!(disabled.contains("wang  disabled"), "{disabled}");
        let reset = beside.told(&["user", "reset", "wang", "--reason", "is back"]);
        assert!(reset.contains("wang  invited"), "{reset}");
        let link = format!("hl_{}", after(&reset, "#hl_"));
        assert!(!added.contains(&link), "another link");
        let nobody = beside.refused(&["user", "disable", "nobody"], &[]);
        assert!(
            nobody.contains("nobody") || nobody.contains("no "),
            "{nobody}"
        );
        let exported = installation.folder().join("trail.csv");
        let exported = exported.to_str().expect("text");
        beside.told(&["audit", "export", "--out", exported]);
        let trail = std::fs::read_to_string(exported).expect("it was written");
        for kept in ["added", "disabled", "is back", "os:"] {
            assert!(trail.contains(kept), "{}: {kept}", installation.label);
        }
        assert!(!trail.contains("hl_"), "no secret is in the trail");
        process.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_and_who_approves_are_shown_a_part_each_of_what_opens_an_account() {
    for installation in Installation::all().await {
        let process = installation.start().await;
        let beside = Beside(&installation);
        let role = ["--role", "security_administrator"];
        let link = beside.told(&[&["user", "add", "wang"][..], &role].concat());
        let session = session_of("wang", after(&link, "/set-up#"), process.channel()).await;
        let token = [("HOTLINE_TOKEN", session.as_str())];
        let output = beside.ends(&["user", "add", "li", "--role", "operator"], &token);
        let added = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{added}");
        let part = after(&added, "shown once: ");
        assert!(part.starts_with("hp_") && !added.contains("hl_"), "{added}");
        let waiting = beside.told(&["user", "requests"]);
        assert!(waiting.contains("li  operator"), "{waiting}");
        let alone = beside.ends(&["user", "approve", after(&waiting, "")], &token);
        assert!(!alone.status.success(), "who asked approves nothing");
        let approved = beside.told(&["user", "approve", after(&waiting, "")]);
        let link = after(&approved, "/set-up#");
        let mut accounts = AccountServiceClient::new(process.channel());
        for (asker_part, opens) in [("", false), (part, true)] {
            let asked = BeginSetUpRequest {
                link: link.to_owned(),
                asker_part: asker_part.to_owned(),
            };
            let answer = accounts.begin_set_up(asked).await;
            assert_eq!(answer.is_ok(), opens, "{}", installation.label);
        }
        process.kill();
    }
}

/// Sets the account of this link up and signs in with a fresh second factor.
async fn session_of(name: &str, link: &str, channel: Door) -> String {
    let mut accounts = AccountServiceClient::new(channel);
    let asked = BeginSetUpRequest {
        link: link.to_owned(),
        ..BeginSetUpRequest::default()
    };
    let offer = accounts.begin_set_up(asked).await.expect("a good link");
    let authenticator = Authenticator::new(&offer.into_inner().secret);
    let chosen = CompleteSetUpRequest {
        link: link.to_owned(),
        password: PASSWORD.to_owned(),
        code: authenticator.code_at(machine_time()),
        ..CompleteSetUpRequest::default()
    };
    let done = accounts.complete_set_up(chosen).await.expect("set up");
    let codes = done.into_inner().recovery_codes;
    let asked = SignInRequest {
        name: name.to_owned(),
        password: PASSWORD.to_owned(),
        code: codes[0].clone(),
        ..SignInRequest::default()
    };
    let session = accounts.sign_in(asked).await.expect("signed in");
    let mut asked = Request::new(StepUpRequest {
        code: codes[1].clone(),
    });
    let bearer = format!("Bearer {}", session.into_inner().token);
    let bearer = bearer.parse().expect("text");
    asked.metadata_mut().insert("authorization", bearer);
    let stepped_up = accounts.step_up(asked).await.expect("stepped up");
    stepped_up.into_inner().token
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_opens_what_it_is_for_until_it_is_revoked() {
    for installation in Installation::all().await {
        let process = installation.start().await;
        installation.load_sample();
        let beside = Beside(&installation);
        let number = appeal(process.channel()).await;
        let scope = ["--channel", "wechat", "--verb", "query"];
        let made = beside.told(&[&["key", "create", "--owner", "a partner"][..], &scope].concat());
        let (id, secret) = (after(&made, ""), after(&made, "shown once: "));
        let listed = beside.told(&["key", "list"]);
        assert!(listed.contains(id) && listed.contains("active"), "{listed}");
        assert!(!listed.contains(secret), "shown once");

        let second = beside.told(&["key", "rotate", id]);
        let newer = after(&second, "shown once: ");
        assert_ne!(secret, newer);
        for token in [secret, newer] {
            // It may ask how an appeal of its channel stands, not read the desk's view of it.
            let told = beside.refused(&["show", &number], &[("HOTLINE_TOKEN", token)]);
            assert!(!told.contains("signed in"), "it is known: {told}");
        }
        let revoked = beside.told(&["key", "revoke", id]);
        assert!(revoked.contains("revoked"), "{revoked}");
        let known = beside.refused(&["show", &number], &[("HOTLINE_TOKEN", newer)]);
        let unknown = beside.refused(&["show", &number], &[("HOTLINE_TOKEN", secret)]);
        assert_ne!(known, unknown, "{}", installation.label);
        let nothing = beside.refused(&["key", "revoke", "nokey"], &[]);
        assert!(!nothing.is_empty());
        process.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_forgotten_by_two_persons_and_keys_are_renewed_meanwhile() {
    for installation in Installation::all().await {
        let process = installation.start().await;
        installation.load_sample();
        let beside = Beside(&installation);
        let number = appeal(process.channel()).await;
        let before = beside.told(&["vault", "status"]);
        assert_eq!(before.matches("in use").count(), 1, "{before}");
        let key = after(&beside.told(&["vault", "rotate"]), "anew by ").to_owned();
        let status = beside.told(&["vault", "status"]);
        assert!(
            status.contains(&key) && status.contains("retired"),
            "{status}"
        );
        assert!(beside.told(&["vault", "check"]).contains(" 0 do not open"));

        let what = ["--number", &number, "--reason", "he asked for it"];
        let asked = beside.told(&[&["vault", "erase", "--by", "zhang"][..], &what].concat());
        assert!(
            asked.contains(&number) && asked.contains("waits"),
            "{asked}"
        );
        assert!(!asked.contains(NAME), "masked: {asked}");
        let id = after(&asked, "");
        let alone = beside.refused(&["vault", "approve", id, "--by", "zhang"], &[]);
        assert!(alone.contains("another"), "{alone}");
        let still = beside.told(&["vault", "check"]);
        assert!(!still.starts_with("0 sealed values open"), "{still}");
        let done = beside.told(&["vault", "approve", id, "--by", "li"]);
        assert!(done.contains("approved by user:li, done"), "{done}");
        assert!(beside.told(&["vault", "erasures"]).contains(id));
        let checked = beside.told(&["vault", "check"]);
        assert!(checked.starts_with("0 sealed values open"), "{checked}");
        let shown = beside.told(&["show", &number]);
        assert!(!shown.contains(PHONE) && !shown.contains(NAME), "{shown}");
        process.kill();
        installation.check();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_row_of_the_trail_is_named_and_ends_with_one() {
    for installation in Installation::all().await {
        let process = installation.start().await;
        let beside = Beside(&installation);
        beside.told(&["user", "add", "wang", "--role", "operator"]);
        process.ask_to_stop();
        assert!(process.end().await.success(), "{}", installation.label);
        assert!(!beside.told(&["audit", "verify"]).is_empty());
        spoil(&installation).await;
        let found = beside.ends(&["audit", "verify"], &[]);
        assert_eq!(found.status.code(), Some(1), "{}", installation.label);
        let told = String::from_utf8_lossy(&found.stdout);
        assert!(told.contains("gateway"), "{told}");
    }
}

/// Whoever owns the database changes who did something.
async fn spoil(installation: &Installation) {
    let databases = installation.databases();
    let of_accounts = databases.iter().find(|(name, _)| name.word() == "gateway");
    let (_, url) = of_accounts.expect("a database");
    let db = Database::connect(url).await.expect("it is there");
    let lifted = db.execute_unprepared(unguarded(&db)).await;
    lifted.expect("it is the owner's");
    let changed = db
        .execute_unprepared("UPDATE audit SET actor = 'user:nobody'")
        .await;
    assert!(changed.expect("it was unguarded").rows_affected() > 0);
    db.close().await.expect("closed");
}

fn unguarded(db: &DatabaseConnection) -> &'static str {
    match db.get_database_backend() {
        DbBackend::Postgres => "ALTER TABLE audit DISABLE TRIGGER USER",
        _ => "DROP TRIGGER audit_no_update",
    }
}

/// The number of an appeal of an invented citizen.
async fn appeal(channel: Door) -> String {
    let request = RegisterAppealRequest {
        idempotency_key: "an-appeal".to_owned(),
        channel_code: "wechat".to_owned(),
        contact: Some(Contact {
            name: NAME.to_owned(),
            phone: PHONE.to_owned(),
            ..Contact::default()
        }),
        subject: "路灯不亮".to_owned(),
        text: "小区门口的路灯三天不亮，晚上看不清路。".to_owned(),
        kind: Kind::Complaint.into(),
        ..RegisterAppealRequest::default()
    };
    let mut intake = IntakeServiceClient::new(channel);
    let answer = intake
        .register_appeal(by("channel", "wechat", request))
        .await;
    let receipt = answer.expect("registered").into_inner().receipt;
    receipt.expect("an answer has a receipt").number
}
