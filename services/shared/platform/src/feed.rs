//! The producer's log as a service: what consumers read, in this process and from others.

use std::collections::HashMap;

use hotline_proto::event::event_log_server::{EventLog, EventLogServer};
use hotline_proto::event::{FetchRequest, FetchResponse, Head, HeadsRequest, HeadsResponse};
use prost::Message;
use tonic::{Code, Request, Response, Status};

use crate::core::Core;
use crate::fault;
use crate::grpc::{core_status, invalid_field, problem};
use crate::migration::PARTITIONS;
use crate::outbox::{self, Position};

/// Events in an answer when the request does not say.
const LIMIT_DEFAULT: u32 = 200;
/// Events in an answer at most.
const LIMIT_MAX: u32 = 1000;
/// An answer ends behind the event that reaches this size.
const ANSWER_BYTES: usize = 1024 * 1024;
/// The largest answer a reader accepts: one event may be larger than [`ANSWER_BYTES`].
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The logs of the services that are mounted here.
#[derive(Debug)]
pub struct Logs {
    cores: HashMap<&'static str, Core>,
}

/// The gRPC service over the logs of `cores`: one per process.
#[must_use]
pub fn event_log(cores: &[Core]) -> EventLogServer<Logs> {
    let cores = cores
        .iter()
        .map(|core| (core.name(), core.clone()))
        .collect();
    EventLogServer::new(Logs { cores }).max_encoding_message_size(ANSWER_BYTES_MAX)
}

impl Logs {
    fn of(&self, producer: &str) -> Result<&Core, Status> {
        let absent = || {
            problem(
                "event",
                Code::NotFound,
                "PRODUCER_NOT_HERE",
                format!("no log of `{producer}` here"),
            )
        };
        self.cores.get(producer).ok_or_else(absent)
    }
}

#[tonic::async_trait]
impl EventLog for Logs {
    async fn heads(
        &self,
        request: Request<HeadsRequest>,
    ) -> Result<Response<HeadsResponse>, Status> {
        let core = self.of(&request.into_inner().producer)?;
        let heads = outbox::heads(core.db().read())
            .await
            .map_err(|error| core_status(core.name(), &error))?;
        let head = |(partition, last_pub_seq)| Head {
            partition,
            epoch: heads.epoch,
            last_pub_seq,
        };
        let log_id = heads.log.to_string();
        Ok(Response::new(HeadsResponse {
            heads: (0..).zip(heads.last).map(head).collect(),
            log_id,
        }))
    }

    async fn fetch(
        &self,
        request: Request<FetchRequest>,
    ) -> Result<Response<FetchResponse>, Status> {
        let asked = request.into_inner();
        let core = self.of(&asked.producer)?;
        let partition = u16::try_from(asked.partition)
            .ok()
            .filter(|partition| *partition < PARTITIONS);
        let partition = partition
            .ok_or_else(|| invalid_field("event", "partition", "a partition from 0 to 15"))?;
        let limit = if asked.limit == 0 {
            LIMIT_DEFAULT
        } else {
            asked.limit.min(LIMIT_MAX)
        };
        let failed = |error| core_status(core.name(), &error);
        let from = Position {
            epoch: asked.epoch,
            partition,
            after: asked.after,
        };
        let mut events = outbox::read(core.db().read(), core.name(), from, limit)
            .await
            .map_err(failed)?;
        if events.is_empty() {
            // Nothing is there, or nothing of this epoch.
            let epoch = outbox::heads(core.db().read()).await.map_err(failed)?.epoch;
            if epoch != asked.epoch {
                let message = format!("the log's epoch is {epoch}, not {}", asked.epoch);
                return Err(problem(
                    "event",
                    Code::FailedPrecondition,
                    "EPOCH_CHANGED",
                    message,
                ));
            }
        }
        let mut size = 0;
        let fits = events.iter().take_while(|event| {
            let has_room = size < ANSWER_BYTES;
            size += event.encoded_len();
            has_room
        });
        events.truncate(fits.count());
        fault::point("log.read");
        Ok(Response::new(FetchResponse { events }))
    }
}
