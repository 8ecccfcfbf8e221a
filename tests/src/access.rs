//! Calls of any method in anybody's name, told apart by their outcome only.

use hotline::services::Name;
use hotline_platform::grpc::{PRINCIPAL_METADATA, Principal, SERVICE_METADATA};
use prost::Message;
use prost::bytes::{Buf, BufMut};
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{Body as HttpBody, StdError};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::city::City;
use crate::city::door::Door as CityDoor;

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The code.
    pub code: Code,
    /// The machine-readable reason of a refusal, empty if none.
    pub reason: String,
    /// What a refusal says.
    pub message: String,
    /// The messages of the answer, behind each other.
    pub answer: Vec<u8>,
}

impl Outcome {
    fn of(answer: Result<Vec<u8>, Status>) -> Self {
        match answer {
            Ok(answer) => Self {
                code: Code::Ok,
                reason: String::new(),
                message: String::new(),
                answer,
            },
            Err(status) => Self {
                code: status.code(),
                reason: status
                    .get_details_error_info()
                    .map(|info| info.reason)
                    .unwrap_or_default(),
                message: status.message().to_owned(),
                answer: Vec::new(),
            },
        }
    }
}

impl City {
    /// Calls `path` (`/package.Service/Method`) in the name of `principal`.
    pub async fn calls(
        &self,
        path: &str,
        principal: &Principal,
        message: &impl Message,
    ) -> Outcome {
        let (name, value) = match principal.service() {
            Some(service) => (SERVICE_METADATA, service.to_owned()),
            None => (PRINCIPAL_METADATA, principal.to_metadata()),
        };
        let mut request = Request::new(message.encode_to_vec());
        request
            .metadata_mut()
            .insert(name, value.parse().expect("ASCII"));
        let service = service_of(path);
        // A person comes over the socket, a service from within its process.
        let answer = match principal.service() {
            Some(_) => self.answer(self.inside(service), path, request).await,
            None => self.answer(self.channel(service), path, request).await,
        };
        Outcome::of(answer)
    }

    /// Calls `path` with an empty message and this metadata, as it stands, over the socket.
    pub async fn calls_as_it_stands(&self, path: &str, name: &'static str, value: &str) -> Outcome {
        let mut request = Request::new(Vec::new());
        if !name.is_empty() {
            request
                .metadata_mut()
                .insert(name, value.parse().expect("ASCII"));
        }
        Outcome::of(
            self.answer(self.unsigned(service_of(path)), path, request)
                .await,
        )
    }

    /// Calls `path` with these bytes and this metadata, as they stand, through a door.
    pub async fn sends_through(
        &self,
        door: &CityDoor,
        path: &str,
        metadata: Option<(&'static str, String)>,
        message: &impl Message,
    ) -> Outcome {
        let request = request(metadata, message.encode_to_vec());
        Outcome::of(self.answer(door.channel.clone(), path, request).await)
    }

    /// Calls `path` with these bytes and this metadata, as they stand: over the socket, or from within the process.
    pub async fn sends(
        &self,
        path: &str,
        metadata: Option<(&'static str, String)>,
        message: Vec<u8>,
        is_inside: bool,
    ) -> Outcome {
        let request = request(metadata, message);
        let service = service_of(path);
        Outcome::of(if is_inside {
            self.answer(self.inside(service), path, request).await
        } else {
            self.answer(self.unsigned(service), path, request).await
        })
    }

    async fn answer<T>(
        &self,
        way: T,
        path: &str,
        request: Request<Vec<u8>>,
    ) -> Result<Vec<u8>, Status>
    where
        T: GrpcService<Body>,
        T::Error: Into<StdError>,
        T::ResponseBody: HttpBody<Data = prost::bytes::Bytes> + Send + 'static,
        <T::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
    {
        let path: PathAndQuery = path.parse().expect("a path");
        let mut client = Grpc::new(way);
        let ready = client.ready().await;
        ready.unwrap_or_else(|error| panic!("{}: {}", self.label, error.into()));
        // An answer of one message is a stream of one.
        let mut stream = client
            .server_streaming(request, path, Bytes)
            .await?
            .into_inner();
        let mut answer = Vec::new();
        while let Some(message) = stream.message().await? {
            answer.extend(message);
        }
        Ok(answer)
    }
}

fn request(metadata: Option<(&'static str, String)>, message: Vec<u8>) -> Request<Vec<u8>> {
    let mut request = Request::new(message);
    if let Some((name, value)) = metadata {
        let value = value.parse().expect("ASCII");
        request.metadata_mut().insert(name, value);
    }
    request
}

/// The service whose process serves `path`; a log is asked where intake is.
fn service_of(path: &str) -> Name {
    let of = |name: &&Name| path.contains(&format!(".{}.", name.word()));
    Name::ALL.iter().find(of).copied().unwrap_or(Name::Intake)
}

/// Messages as their bytes.
#[derive(Clone, Copy, Debug)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut message = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}
