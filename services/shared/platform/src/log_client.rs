//! A consumer's way to a producer's log: the same calls in this process and over a socket.

use std::time::Duration;

use hotline_proto::event::event_log_client::EventLogClient;
use hotline_proto::event::{Envelope, FetchRequest, HeadsRequest};
use tonic::{Code, Request, Status};

use crate::core::CoreError;
use crate::feed::ANSWER_BYTES_MAX;
pub use crate::peers::Transport;
use crate::signal::Heads;

/// Events asked for at once.
const FETCH_MAX: u32 = 200;
/// Deadlines of the calls.
const HEADS_TIMEOUT: Duration = Duration::from_secs(5);
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Calls the event log that holds one producer's events.
#[derive(Clone, Debug)]
pub(crate) struct LogClient {
    producer: &'static str,
    client: EventLogClient<Transport>,
}

impl LogClient {
    pub(crate) fn new(producer: &'static str, transport: Transport) -> Self {
        let client = EventLogClient::new(transport).max_decoding_message_size(ANSWER_BYTES_MAX);
        Self { producer, client }
    }

    /// How far each partition is numbered.
    pub(crate) async fn heads(&self) -> Result<Heads, CoreError> {
        let request = HeadsRequest {
            producer: self.producer.to_owned(),
        };
        let answer = within(HEADS_TIMEOUT, self.client.clone().heads(request)).await?;
        let answer = answer.into_inner();
        let log = answer
            .log_id
            .parse()
            .map_err(|error| CoreError::Unavailable(Box::<uuid::Error>::new(error)))?;
        let mut heads = Heads {
            log,
            ..Heads::default()
        };
        for head in answer.heads {
            heads.epoch = head.epoch;
            if let Some(last) = usize::try_from(head.partition)
                .ok()
                .and_then(|index| heads.last.get_mut(index))
            {
                *last = head.last_pub_seq;
            }
        }
        Ok(heads)
    }

    /// Events of one partition behind `after`, without a hole; `None` if the log has another epoch.
    pub(crate) async fn fetch(
        &self,
        epoch: i32,
        partition: u16,
        after: i64,
    ) -> Result<Option<Vec<Envelope>>, CoreError> {
        let asked = FetchRequest {
            producer: self.producer.to_owned(),
            partition: partition.into(),
            epoch,
            after,
            limit: FETCH_MAX,
        };
        let mut client = self.client.clone();
        let answer =
            match tokio::time::timeout(FETCH_TIMEOUT, client.fetch(Request::new(asked))).await {
                Err(late) => return Err(CoreError::Unavailable(Box::new(late))),
                Ok(Err(status)) if status.code() == Code::FailedPrecondition => return Ok(None),
                Ok(Err(status)) => return Err(CoreError::Unavailable(Box::new(status))),
                Ok(Ok(answer)) => answer.into_inner().events,
            };
        let follows = |(event, number): (&Envelope, i64)| {
            event.pub_seq == number
                && event.partition == u32::from(partition)
                && event.epoch == epoch
        };
        if !answer.iter().zip(after + 1..).all(follows) {
            return Err(CoreError::Unavailable(
                "the log answered with a hole".into(),
            ));
        }
        Ok(Some(answer))
    }
}

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, CoreError> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map_err(|status| CoreError::Unavailable(Box::new(status))),
        Err(late) => Err(CoreError::Unavailable(Box::new(late))),
    }
}
