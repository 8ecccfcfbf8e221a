//! Whether a running city has come to rest, for tests, demo and commands.

use std::time::Duration;

use anyhow::Context as _;
use hotline_platform::check;
use hotline_platform::peers::Transport;
use hotline_platform::quiet::Quiet;
use hotline_proto::event::event_log_client::EventLogClient;
use hotline_proto::event::{Head, HeadsRequest};

use super::Running;

/// How long a city may take to come to rest.
const SETTLE_MAX: Duration = Duration::from_mins(10);

impl Running {
    /// Waits until every event is applied and every due timer has fired.
    ///
    /// # Errors
    ///
    /// Events that do not come to rest.
    pub async fn settle(&self) -> anyhow::Result<()> {
        let cores = self
            .mounted
            .services
            .iter()
            .map(|(_, service)| service.core.clone());
        Ok(Quiet::new(cores.collect()).settle(SETTLE_MAX).await?)
    }

    /// How many events of `producer` a service that runs here has not heard yet.
    ///
    /// # Errors
    ///
    /// A database or producer that does not answer.
    pub async fn lag(&self, service: &str, producer: &'static str) -> anyhow::Result<i64> {
        let found = self
            .mounted
            .services
            .iter()
            .find(|(name, _)| name.word() == service);
        let (name, service) = found.with_context(|| format!("{service} does not run here"))?;
        let heads = log_heads(
            self.mounted.peers.transport(producer, Some(name.word())),
            producer,
        )
        .await?;
        Ok(check::lag(
            &check::positions(&service.core, producer).await?,
            &heads,
        ))
    }
}

/// How far a log is numbered, by its own word.
async fn log_heads(transport: Transport, producer: &str) -> anyhow::Result<check::Places> {
    let asked = HeadsRequest {
        producer: producer.to_owned(),
    };
    let answer = EventLogClient::new(transport)
        .heads(asked)
        .await?
        .into_inner();
    let place = |head: Head| {
        Ok((
            i32::try_from(head.partition)?,
            (head.epoch, head.last_pub_seq),
        ))
    };
    answer.heads.into_iter().map(place).collect()
}
