//! `hotline key`: API keys of channels' programs, kept by whoever sits at this machine.

use std::io::Write as _;

use anyhow::Context as _;
use hotline_proto::gateway as pb;
use hotline_proto::gateway::account_service_client::AccountServiceClient;

use super::Place;
use super::reach::{Reach, at_this_machine, said};

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
    /// Makes a key and prints it, once.
    Create {
        /// Whose it is, for people.
        #[arg(long)]
        owner: String,
        /// The one channel that it speaks for.
        #[arg(long)]
        channel: String,
        /// What it may be used for, `register` or `query`; may be repeated.
        #[arg(long = "verb", required = true)]
        verbs: Vec<String>,
        /// A network that it may come from, such as 10.1.0.0/16; may be repeated. None: from anywhere.
        #[arg(long = "network")]
        networks: Vec<String>,
        /// How many days it is good.
        #[arg(long, default_value_t = 365)]
        days: u32,
        /// Calls in a minute.
        #[arg(long, default_value_t = 600)]
        per_minute: u32,
        /// Calls in a day.
        #[arg(long, default_value_t = 100_000)]
        per_day: u32,
    },
    /// Makes a second key with the scope of one; the old one goes on until it is revoked.
    Rotate {
        /// The old one's id, from the list.
        id: String,
    },
    /// Revokes a key.
    Revoke {
        /// Its id, from the list.
        id: String,
    },
    /// Lists the keys, without what proves them.
    List,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let reach = Reach::find(args.place.config()?).await?;
    let done = carry_out(&reach, args.what).await;
    let left = reach.leave().await;
    done?;
    left
}

async fn carry_out(reach: &Reach, what: What) -> anyhow::Result<()> {
    let mut client = AccountServiceClient::new(reach.transport("gateway"));
    match what {
        What::Create {
            owner,
            channel,
            verbs,
            networks,
            days,
            per_minute,
            per_day,
        } => {
            let wanted = pb::CreateKeyRequest {
                owner,
                channel_code: channel,
                verbs,
                networks,
                days,
                per_minute,
                per_day,
                ..Default::default()
            };
            let made = said(client.create_key(at_this_machine(wanted)).await)?;
            tell(made.key.as_ref(), &made.text)
        }
        What::Rotate { id } => {
            let wanted = pb::RotateKeyRequest {
                key_id: id,
                ..Default::default()
            };
            let made = said(client.rotate_key(at_this_machine(wanted)).await)?;
            tell(made.key.as_ref(), &made.text)
        }
        What::Revoke { id } => {
            let wanted = pb::RevokeKeyRequest {
                key_id: id,
                ..Default::default()
            };
            let revoked = said(client.revoke_key(at_this_machine(wanted)).await)?;
            tell(revoked.key.as_ref(), "")
        }
        What::List => {
            let mut page_token = String::new();
            loop {
                let wanted = pb::ListKeysRequest {
                    page_size: PAGE,
                    page_token,
                };
                let page = said(client.list_keys(at_this_machine(wanted)).await)?;
                for key in &page.keys {
                    writeln!(std::io::stdout(), "{}", line(key))?;
                }
                if page.next_page_token.is_empty() {
                    return Ok(());
                }
                page_token = page.next_page_token;
            }
        }
    }
}

fn tell(key: Option<&pb::Key>, text: &str) -> anyhow::Result<()> {
    let key = key.context("the answer names no key")?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", line(key))?;
    if !text.is_empty() {
        writeln!(out, "shown once: {text}")?;
    }
    Ok(())
}

fn line(key: &pb::Key) -> String {
    let state = if key.revoked_at.is_some() {
        "revoked"
    } else {
        "active"
    };
    let ends = key.expires_at.as_ref().map_or(0, |at| at.seconds);
    let ends =
        chrono::DateTime::from_timestamp(ends, 0).map(|at| at.format("%Y-%m-%d").to_string());
    format!(
        "{}  {state}  {}  channel {}  {}  until {}  {}/min {}/day  {}",
        key.id,
        key.owner,
        key.channel_code,
        key.verbs.join(" "),
        ends.unwrap_or_default(),
        key.per_minute,
        key.per_day,
        key.networks.join(" ")
    )
}
