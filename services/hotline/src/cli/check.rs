//! `hotline check`: do the promises hold in the databases?

use std::io::Write as _;

use hotline_platform::access::Role;
use hotline_platform::check::{self, Finding};
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{ChannelConservation, GetConservationRequest};

use super::reach::{by, said};
use super::{Outcome, Place};
use crate::compose::Mounted;
use crate::services::Name;
use crate::{City, Parts, folder};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Services whose databases are looked at; none means all.
    services: Vec<Name>,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let config = args.place.config()?;
    let names = if args.services.is_empty() {
        Name::ALL
    } else {
        &args.services
    };
    folder::require(&config, names)?;
    let mounted = City::mount(names, &config, Parts::default(), false).await?;
    let found = findings(&mounted).await;
    let told = tell_backlog(&mounted).await;
    mounted.close().await;
    let found = found?;
    told?;
    let mut out = std::io::stdout().lock();
    for finding in &found {
        writeln!(
            out,
            "{}: broken: {}: {}",
            finding.service, finding.promise, finding.rows
        )?;
    }
    writeln!(out, "{} findings", found.len())?;
    Ok(if found.is_empty() {
        Outcome::Well
    } else {
        Outcome::Findings
    })
}

/// Everything that does not hold in the databases of `mounted`.
///
/// # Errors
///
/// A database that cannot be read.
pub async fn findings(mounted: &Mounted) -> anyhow::Result<Vec<Finding>> {
    let mut found = Vec::new();
    for (name, service) in &mounted.services {
        // Positions before heads: a city that runs meanwhile moves the heads first.
        found.extend(check::findings(&service.core).await?);
        for producer in service
            .reaction
            .as_ref()
            .map_or(&[][..], |reaction| reaction.producers())
        {
            let reached = check::positions(&service.core, producer).await?;
            let Some((_, from)) = mounted
                .services
                .iter()
                .find(|(mounted, _)| mounted.word() == *producer)
            else {
                continue;
            };
            let heads = check::heads(&from.core).await?;
            found.extend(check::ahead(name.word(), producer, &reached, &heads));
        }
        if *name == Name::Intake {
            found.extend(conservation(mounted).await?);
            found.extend(hotline_intake::findings(&service.core).await?);
        }
    }
    Ok(found)
}

/// What is under way; no finding, but worth knowing.
async fn tell_backlog(mounted: &Mounted) -> anyhow::Result<()> {
    for (name, service) in &mounted.services {
        for (what, count) in check::backlog(&service.core).await? {
            writeln!(std::io::stdout(), "{name}: {count} {what}")?;
        }
        for producer in service
            .reaction
            .as_ref()
            .map_or(&[][..], |reaction| reaction.producers())
        {
            let Some((_, from)) = mounted
                .services
                .iter()
                .find(|(mounted, _)| mounted.word() == *producer)
            else {
                continue;
            };
            let reached = check::positions(&service.core, producer).await?;
            let lag = check::lag(&reached, &check::heads(&from.core).await?);
            if lag > 0 {
                writeln!(
                    std::io::stdout(),
                    "{name}: {lag} events of {producer} not heard yet"
                )?;
            }
        }
    }
    Ok(())
}

/// Conservation (I12 in `docs/architecture.md`), asked of intake by its own query.
async fn conservation(mounted: &Mounted) -> anyhow::Result<Vec<Finding>> {
    let mut client = IntakeServiceClient::new(mounted.peers.transport("intake", None));
    let answer = said(
        client
            .get_conservation(by(Role::Administrator, GetConservationRequest {}))
            .await,
    )?;
    Ok(answer.channels.iter().flat_map(unbalanced).collect())
}

fn unbalanced(channel: &ChannelConservation) -> Vec<Finding> {
    let appeals = channel.awaiting_triage
        + channel.accepted
        + channel.merged
        + channel.answered
        + channel.guided
        + channel.diverted
        + channel.quarantined
        + channel.withdrawn;
    let rows = channel.rows_present + channel.rows_refused + channel.rows_registered;
    let sums = [
        (
            "every registered appeal is somewhere",
            channel.registered,
            appeals,
        ),
        (
            "every row read is present, refused or registered",
            channel.rows_read,
            rows,
        ),
    ];
    let broken = |&(_, total, parts): &(&str, i64, i64)| total != parts;
    let finding = |(promise, total, parts)| {
        let rows = format!("channel {}: {total} against {parts}", channel.channel_code);
        Finding {
            service: "intake".to_owned(),
            promise,
            rows,
        }
    };
    sums.into_iter().filter(broken).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_appeal_or_row_that_is_nowhere_is_found() {
        let whole = ChannelConservation {
            channel_code: "12345".to_owned(),
            registered: 8,
            awaiting_triage: 1,
            accepted: 1,
            merged: 1,
            answered: 1,
            guided: 1,
            diverted: 1,
            quarantined: 1,
            withdrawn: 1,
            rows_read: 6,
            rows_present: 1,
            rows_refused: 2,
            rows_registered: 3,
        };
        assert!(unbalanced(&whole).is_empty());
        let lost = ChannelConservation {
            merged: 0,
            ..whole.clone()
        };
        assert_eq!(unbalanced(&lost)[0].rows, "channel 12345: 8 against 7");
        let unread = ChannelConservation {
            rows_read: 7,
            ..whole
        };
        assert_eq!(unbalanced(&unread)[0].rows, "channel 12345: 7 against 6");
    }
}
