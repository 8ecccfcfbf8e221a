//! `hotline user`: accounts, kept by whoever sits at this machine.

use std::io::Write as _;

use anyhow::Context as _;
use hotline_platform::access::Role;
use hotline_platform::peers::Transport;
use hotline_proto::gateway as pb;
use hotline_proto::gateway::account_service_client::AccountServiceClient;

use super::Place;
use super::reach::{Reach, at_this_machine, said};
use crate::config::Config;

/// Rows asked for at once.
const PAGE: u32 = 200;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Adds an account and prints the link by which its person chooses a password.
    Add {
        /// Its name: small letters, digits, dots, dashes.
        name: String,
        /// A role, such as `operator`; may be repeated.
        #[arg(long = "role", required = true, value_parser = role)]
        roles: Vec<Role>,
        /// The unit that it acts for, if its roles are a unit's.
        #[arg(long, default_value = "")]
        unit: String,
        /// A contractor's: it records and answers directly, whatever its roles.
        #[arg(long)]
        outsourced: bool,
        /// Who it is at the identity provider (`sub`). Where that proves two factors, it signs in there and gets no link.
        #[arg(long, default_value = "")]
        oidc_subject: String,
        #[command(flatten)]
        why: Why,
    },
    /// Lists the accounts.
    List,
    /// Disables an account; its sessions end at once. `reset` brings it back.
    Disable {
        /// Its name.
        name: String,
        #[command(flatten)]
        why: Why,
    },
    /// Takes password and authenticator away and prints a link to choose new ones.
    Reset {
        /// Its name.
        name: String,
        #[command(flatten)]
        why: Why,
    },
    /// Gives roles to an account, beside those it has.
    Grant {
        /// Its name.
        name: String,
        /// A role; may be repeated.
        #[arg(long = "role", required = true, value_parser = role)]
        roles: Vec<Role>,
        /// The unit that it acts for from now on; none: as before.
        #[arg(long)]
        unit: Option<String>,
        #[command(flatten)]
        why: Why,
    },
    /// Takes roles away from an account.
    Revoke {
        /// Its name.
        name: String,
        /// A role; may be repeated.
        #[arg(long = "role", required = true, value_parser = role)]
        roles: Vec<Role>,
        #[command(flatten)]
        why: Why,
    },
    /// Lists what security administrators asked for and nobody decided.
    Requests,
    /// Approves a request.
    Approve {
        /// Its id, from the list.
        id: String,
    },
    /// Refuses a request.
    Refuse {
        /// Its id, from the list.
        id: String,
    },
    /// Lists an account's sessions, or ends one.
    Sessions {
        /// Its name.
        name: String,
        /// The id of a session to end, from the list.
        #[arg(long)]
        end: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
struct Why {
    /// Why, for the audit trail.
    #[arg(long, default_value = "on this machine")]
    reason: String,
}

fn role(word: &str) -> Result<Role, String> {
    let known = Role::ALL.map(Role::word).join(", ");
    Role::of(word).ok_or_else(|| format!("expected one of {known}"))
}

fn words(roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role.word().to_owned()).collect()
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.place.config()?;
    let pages = Pages::of(&config);
    let reach = Reach::find(config).await?;
    let mut client = AccountServiceClient::new(reach.transport("gateway"));
    let done = carry_out(&mut client, args.what, &pages).await;
    let left = reach.leave().await;
    done?;
    left
}

/// Where pages are served, to print links.
pub(super) struct Pages(Option<String>);

impl Pages {
    /// As `config` says.
    pub(super) fn of(config: &Config) -> Self {
        Self(config.gateway.own.pages_url())
    }

    /// The whole link of what it holds. It stands behind `#`, so that browsers send it to no server's log.
    pub(super) fn link(&self, holds: &str) -> String {
        match &self.0 {
            Some(url) => format!("{url}/set-up#{holds}"),
            None => holds.to_owned(),
        }
    }
}

type Client = AccountServiceClient<Transport>;

async fn carry_out(client: &mut Client, what: What, pages: &Pages) -> anyhow::Result<()> {
    match what {
        What::Add {
            name,
            roles,
            unit,
            outsourced,
            oidc_subject,
            why,
        } => {
            let wanted = pb::AddAccountRequest {
                name,
                roles: words(&roles),
                unit_code: unit,
                outsourced,
                oidc_subject,
                reason: why.reason,
                ..Default::default()
            };
            let added = said(client.add_account(at_this_machine(wanted)).await)?;
            tell(
                added.account.as_ref(),
                (&added.link, &added.asker_part),
                pages,
            )
        }
        What::List => list(client).await,
        What::Disable { name, why } => {
            let reason = why.reason;
            let wanted = pb::DisableAccountRequest {
                name,
                reason,
                ..Default::default()
            };
            let disabled = said(client.disable_account(at_this_machine(wanted)).await)?;
            tell(disabled.account.as_ref(), ("", ""), pages)
        }
        What::Reset { name, why } => {
            let reason = why.reason;
            let wanted = pb::RequestResetRequest {
                name,
                reason,
                ..Default::default()
            };
            let reset = said(client.request_reset(at_this_machine(wanted)).await)?;
            tell(
                reset.account.as_ref(),
                (&reset.link, &reset.asker_part),
                pages,
            )
        }
        What::Grant {
            name,
            roles,
            unit,
            why,
        } => grant(client, &name, &roles, (unit, why.reason), pages).await,
        What::Revoke { name, roles, why } => {
            let wanted = pb::TakeRolesRequest {
                name,
                roles: words(&roles),
                reason: why.reason,
                ..Default::default()
            };
            let left = said(client.take_roles(at_this_machine(wanted)).await)?;
            tell(left.account.as_ref(), ("", ""), pages)
        }
        What::Requests => requests(client).await,
        What::Approve { id } => {
            let wanted = pb::ApproveRequestRequest {
                request_id: id,
                ..Default::default()
            };
            let approved = said(client.approve_request(at_this_machine(wanted)).await)?;
            tell(approved.account.as_ref(), (&approved.link, ""), pages)?;
            if !approved.link.is_empty() {
                let told = "with the second part (hp_…) that whoever asked was given";
                writeln!(std::io::stdout(), "{told}")?;
            }
            Ok(())
        }
        What::Refuse { id } => {
            let wanted = pb::RefuseRequestRequest {
                request_id: id,
                ..Default::default()
            };
            said(client.refuse_request(at_this_machine(wanted)).await)?;
            writeln!(std::io::stdout(), "refused")?;
            Ok(())
        }
        What::Sessions { name, end } => sessions(client, name, end).await,
    }
}

/// Tells what became of an account, and what its person is to be given: a link, or the asker's part of one.
fn tell(
    account: Option<&pb::Account>,
    (link, asker_part): (&str, &str),
    pages: &Pages,
) -> anyhow::Result<()> {
    let account = account.context("the answer names no account")?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", line(account))?;
    if !link.is_empty() {
        writeln!(out, "good once, for 24 hours: {}", pages.link(link))?;
    }
    if !asker_part.is_empty() {
        let told = "for its person, with the link that another security administrator is given who approves";
        writeln!(out, "shown once: {asker_part}  {told}")?;
    }
    Ok(())
}

fn line(account: &pb::Account) -> String {
    let state = match account.state() {
        pb::AccountState::Invited => "invited",
        pb::AccountState::Active => "active",
        pb::AccountState::Disabled => "disabled",
        pb::AccountState::Unspecified => "unknown",
    };
    let mut told = format!("{}  {state}  {}", account.name, account.roles.join(" "));
    if !account.unit_code.is_empty() {
        told.push_str("  of ");
        told.push_str(&account.unit_code);
    }
    if account.outsourced {
        told.push_str("  outsourced");
    }
    if account.has_oidc_subject {
        told.push_str("  by the identity provider");
    }
    told
}

async fn list(client: &mut Client) -> anyhow::Result<()> {
    let mut page_token = String::new();
    loop {
        let wanted = pb::ListAccountsRequest {
            page_size: PAGE,
            page_token,
        };
        let page = said(client.list_accounts(at_this_machine(wanted)).await)?;
        for account in &page.accounts {
            writeln!(std::io::stdout(), "{}", line(account))?;
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        page_token = page.next_page_token;
    }
}

/// The account of a name: accounts are few, and listed by name.
async fn find(client: &mut Client, name: &str) -> anyhow::Result<pb::Account> {
    let mut page_token = String::new();
    loop {
        let wanted = pb::ListAccountsRequest {
            page_size: PAGE,
            page_token,
        };
        let page = said(client.list_accounts(at_this_machine(wanted)).await)?;
        if let Some(found) = page.accounts.into_iter().find(|found| found.name == name) {
            return Ok(found);
        }
        if page.next_page_token.is_empty() {
            anyhow::bail!("no account {name}; `hotline user list` shows them");
        }
        page_token = page.next_page_token;
    }
}

async fn grant(
    client: &mut Client,
    name: &str,
    roles: &[Role],
    (unit, reason): (Option<String>, String),
    pages: &Pages,
) -> anyhow::Result<()> {
    let account = find(client, name).await?;
    let mut wanted = account.roles;
    wanted.extend(words(roles));
    let wanted = pb::RequestRolesRequest {
        expected_version: account.version,
        name: name.to_owned(),
        roles: wanted,
        unit_code: unit.unwrap_or(account.unit_code),
        reason,
        ..Default::default()
    };
    let granted = said(client.request_roles(at_this_machine(wanted)).await)?;
    tell(
        granted.account.as_ref(),
        (&granted.link, &granted.asker_part),
        pages,
    )
}

async fn requests(client: &mut Client) -> anyhow::Result<()> {
    let mut page_token = String::new();
    loop {
        let wanted = pb::ListRequestsRequest {
            state: pb::RequestState::Open.into(),
            page_size: PAGE,
            page_token,
        };
        let page = said(client.list_requests(at_this_machine(wanted)).await)?;
        for request in &page.requests {
            let what = if request.is_reset {
                "reset".to_owned()
            } else {
                format!("{} {}", request.roles.join(" "), request.unit_code)
            };
            // Whoever approves opens the account to this person.
            let whose = match request.oidc_subject.as_str() {
                "" => String::new(),
                subject => format!("  at the identity provider {subject:?}"),
            };
            writeln!(
                std::io::stdout(),
                "{}  {}{whose}  {what}  asked by {}: {}",
                request.id,
                request.account_name,
                request.asked_by,
                request.reason
            )?;
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        page_token = page.next_page_token;
    }
}

async fn sessions(client: &mut Client, name: String, end: Option<String>) -> anyhow::Result<()> {
    if let Some(session_id) = end {
        let wanted = pb::EndSessionRequest {
            account_name: name,
            session_id,
        };
        said(client.end_session(at_this_machine(wanted)).await)?;
        writeln!(std::io::stdout(), "ended")?;
        return Ok(());
    }
    let wanted = pb::ListSessionsRequest {
        account_name: name,
        ..Default::default()
    };
    let page = said(client.list_sessions(at_this_machine(wanted)).await)?;
    for session in &page.sessions {
        writeln!(
            std::io::stdout(),
            "{}  from {}  {}",
            session.id,
            session.from_addr,
            session.agent
        )?;
    }
    Ok(())
}
