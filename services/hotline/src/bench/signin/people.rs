//! Whom is asked for: accounts with a password, some of them disabled, and names that no account has.

use anyhow::Context as _;
use hotline_platform::clock::machine_time;
use hotline_platform::peers::Transport;
use hotline_proto::gateway::account_service_client::AccountServiceClient;
use hotline_proto::gateway::{
    AddAccountRequest, BeginSetUpRequest, CompleteSetUpRequest, DisableAccountRequest,
};
use totp_rs::{Builder, Secret};

use crate::bench::program;
use crate::bench::server::Server;
use crate::cli::reach::{at_this_machine, said};

/// Wrong passwords that are compared without a wait.
pub(super) const FREE: usize = 5;
/// What all of them chose.
const PASSWORD: &str = "violet-gravel-83";
/// How long a code of an authenticator counts, in seconds.
const STEP_S: u64 = 30;

/// Names of equal length.
pub(super) struct People {
    pub(super) known: Vec<String>,
    pub(super) unknown: Vec<String>,
    pub(super) disabled: Vec<String>,
}

impl People {
    /// So many of each kind, and two known and two unknown more that are asked for in other ways.
    pub(super) async fn gather(server: &Server, count: usize) -> anyhow::Result<Self> {
        let names = |word: &str, count: usize| -> Vec<String> {
            (0..count)
                .map(|index| format!("{word}-{index:05}"))
                .collect()
        };
        let people = Self {
            known: names("known", count + 2),
            unknown: names("nobdy", count + 2),
            disabled: names("close", count),
        };
        let mut keeper = AccountServiceClient::new(server.connect()?);
        let mut person = AccountServiceClient::new(program::believing(&server.url())?);
        for name in people.known.iter().chain(&people.disabled) {
            add(&mut keeper, &mut person, name).await?;
        }
        for name in &people.disabled {
            let request = DisableAccountRequest {
                idempotency_key: format!("disable-{name}"),
                name: name.clone(),
                reason: "bench".to_owned(),
                ..DisableAccountRequest::default()
            };
            said(keeper.disable_account(at_this_machine(request)).await)?;
        }
        Ok(people)
    }
}

/// Adds an account whose person takes a password and pairs an authenticator.
async fn add(
    keeper: &mut AccountServiceClient<Transport>,
    person: &mut AccountServiceClient<Transport>,
    name: &str,
) -> anyhow::Result<()> {
    let request = AddAccountRequest {
        idempotency_key: format!("add-{name}"),
        name: name.to_owned(),
        roles: vec!["operator".to_owned()],
        reason: "bench".to_owned(),
        ..AddAccountRequest::default()
    };
    let link = said(keeper.add_account(at_this_machine(request)).await)?.link;
    let request = BeginSetUpRequest {
        link: link.clone(),
        ..BeginSetUpRequest::default()
    };
    let offer = said(person.begin_set_up(request).await)?;
    let request = CompleteSetUpRequest {
        link,
        password: PASSWORD.to_owned(),
        code: code(&offer.secret)?,
        ..CompleteSetUpRequest::default()
    };
    said(person.complete_set_up(request).await)?;
    Ok(())
}

/// What an authenticator with this secret shows now.
fn code(secret: &str) -> anyhow::Result<String> {
    let secret = Secret::try_from_base32(secret)
        .ok()
        .context("a secret in base 32")?;
    let totp = Builder::new()
        .with_secret(secret)
        .with_digits(6)
        .with_step_duration(STEP_S)
        .with_account_name("account")
        .build()
        .ok()
        .context("an authenticator")?;
    let seconds = u64::try_from(machine_time().timestamp())?;
    Ok(totp.generate(seconds).to_string())
}
