//! Requests that can be had back as long as nobody has read of their body.
//!
//! A service acts on a message, and a message is in the body. So a call whose body was never read was
//! certainly not acted on, whatever became of its socket, and can be sent again without asking anybody.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, request};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

type Slot = Arc<Mutex<Option<Body>>>;

/// A request that is sent, and perhaps sent again.
pub(super) struct Unread {
    head: request::Parts,
    slot: Slot,
}

impl Unread {
    pub(super) fn new(request: Request<Body>) -> Self {
        let (head, body) = request.into_parts();
        let slot = Arc::new(Mutex::new(Some(body)));
        Self { head, slot }
    }

    /// The request to send; those handed out before are void.
    pub(super) fn request(&mut self) -> Request<Body> {
        let body = take(&self.slot);
        self.slot = Arc::new(Mutex::new(body));
        let lent = Lent {
            slot: Arc::clone(&self.slot),
            read: None,
        };
        Request::from_parts(self.head.clone(), Body::new(lent))
    }

    /// Whether nobody has read of it yet.
    pub(super) fn is_unread(&self) -> bool {
        lock(&self.slot).is_some()
    }
}

/// A body that stays with its owner until it is read.
struct Lent {
    slot: Slot,
    read: Option<Body>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.read.is_none() {
            self.read = take(&self.slot);
        }
        match &mut self.read {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(Some(Err(Status::aborted("this call is sent again")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.read {
            Some(body) => body.is_end_stream(),
            None => lock(&self.slot).as_ref().is_some_and(Body::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.read {
            Some(body) => body.size_hint(),
            None => lock(&self.slot)
                .as_ref()
                .map(Body::size_hint)
                .unwrap_or_default(),
        }
    }
}

fn take(slot: &Slot) -> Option<Body> {
    lock(slot).take()
}

fn lock(slot: &Slot) -> std::sync::MutexGuard<'_, Option<Body>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::future::poll_fn;

    use super::*;

    async fn first_frame(body: &mut Body) -> Result<Bytes, Status> {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        let frame = frame.ok_or_else(|| Status::internal("nothing in it"))??;
        frame
            .into_data()
            .map_err(|_| Status::internal("no data in it"))
    }

    fn of(text: &'static str) -> Unread {
        let whole = axum::body::Body::from(text);
        Unread::new(Request::new(Body::new(whole)))
    }

    #[tokio::test]
    async fn what_nobody_read_is_sent_again_and_the_first_sending_is_void() {
        let mut unread = of("a message");
        let mut first = unread.request().into_body();
        assert!(unread.is_unread());
        let mut second = unread.request().into_body();
        let voided = first_frame(&mut first)
            .await
            .map_err(|status| status.code());
        assert_eq!(voided, Err(tonic::Code::Aborted));
        assert!(unread.is_unread(), "the void one took nothing");
        let read = first_frame(&mut second).await.ok();
        assert_eq!(read.as_deref(), Some(&b"a message"[..]));
        assert!(!unread.is_unread());
    }

    #[tokio::test]
    async fn what_was_read_of_is_not_had_back() {
        let mut unread = of("a message");
        let mut first = unread.request().into_body();
        assert!(first_frame(&mut first).await.is_ok());
        let mut second = unread.request().into_body();
        assert!(first_frame(&mut second).await.is_err());
    }
}
