//! Requests that can be sent again: what was not read of, and what was read and kept because it is small.
//!
//! A service acts on a message, and a message is in the body. So a call whose body was never read was
//! certainly not acted on, whatever became of its socket, and can be sent again without asking anybody. One whose body
//! was read can be, if the peer said that it did not look at it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, request};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

/// So much of a body is kept while it is sent. What is larger is not sent twice.
const KEPT_MAX_BYTES: usize = 64 * 1024;

/// A request that is sent, and perhaps sent again.
pub(super) struct Unread {
    head: request::Parts,
    slot: Slot,
}

type Slot = Arc<Mutex<Kept>>;

/// A body, and what was read of it.
struct Kept {
    body: Body,
    /// The data that was read, from the beginning, while it was little enough.
    read: Vec<Bytes>,
    /// Whether that is everything that was read.
    is_all: bool,
    /// Which sending may read; those before are void.
    sending: u32,
}

impl Unread {
    pub(super) fn new(request: Request<Body>) -> Self {
        let (head, body) = request.into_parts();
        let kept = Kept {
            body,
            read: Vec::new(),
            is_all: true,
            sending: 0,
        };
        Self {
            head,
            slot: Arc::new(Mutex::new(kept)),
        }
    }

    /// The request to send; those handed out before are void.
    pub(super) fn request(&mut self) -> Request<Body> {
        let sending = {
            let mut kept = lock(&self.slot);
            kept.sending += 1;
            kept.sending
        };
        let lent = Lent {
            slot: Arc::clone(&self.slot),
            sending,
            next: 0,
        };
        Request::from_parts(self.head.clone(), Body::new(lent))
    }

    /// Whether nobody has read of it yet.
    pub(super) fn is_unread(&self) -> bool {
        let kept = lock(&self.slot);
        kept.is_all && kept.read.is_empty()
    }

    /// Whether everything that was read of it can be read again.
    pub(super) fn is_kept(&self) -> bool {
        lock(&self.slot).is_all
    }
}

/// A body as one sending reads it.
struct Lent {
    slot: Slot,
    sending: u32,
    /// The next piece of what was kept.
    next: usize,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let slot = Arc::clone(&self.slot);
        let mut kept = lock(&slot);
        if kept.sending != self.sending {
            return Poll::Ready(Some(Err(Status::aborted("this call is sent again"))));
        }
        if let Some(piece) = kept.read.get(self.next) {
            self.next += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece.clone()))));
        }
        let polled = Pin::new(&mut kept.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            kept.keep(frame);
            self.next = kept.read.len();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        let kept = lock(&self.slot);
        self.next == kept.read.len() && kept.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let kept = lock(&self.slot);
        let again: usize = kept.read.iter().skip(self.next).map(Bytes::len).sum();
        let (again, rest) = (again as u64, kept.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + again);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + again);
        }
        hint
    }
}

impl Kept {
    fn keep(&mut self, frame: &Frame<Bytes>) {
        let Some(data) = frame.data_ref() else {
            // Trailers of a request; gRPC has none.
            self.is_all = false;
            return;
        };
        let held: usize = self.read.iter().map(Bytes::len).sum();
        self.is_all &= held + data.len() <= KEPT_MAX_BYTES;
        if self.is_all {
            self.read.push(data.clone());
        }
    }
}

fn lock(slot: &Slot) -> std::sync::MutexGuard<'_, Kept> {
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

    fn of(pieces: Vec<&'static str>) -> Unread {
        let pieces = pieces
            .into_iter()
            .map(|piece| Ok::<_, Status>(Bytes::from(piece)));
        let whole = axum::body::Body::from_stream(futures::stream::iter(pieces));
        Unread::new(Request::new(Body::new(whole)))
    }

    #[tokio::test]
    async fn what_nobody_read_is_sent_again_and_the_first_sending_is_void() {
        let mut unread = of(vec!["a message"]);
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
    async fn what_was_read_is_read_again_from_the_beginning_and_then_goes_on() {
        let mut unread = of(vec!["a ", "whole ", "message"]);
        let mut first = unread.request().into_body();
        for _ in 0..2 {
            assert!(first_frame(&mut first).await.is_ok());
        }
        assert!(unread.is_kept() && !unread.is_unread());
        let mut second = unread.request().into_body();
        let mut read = Vec::new();
        while let Ok(piece) = first_frame(&mut second).await {
            read.extend(piece);
        }
        assert_eq!(read, b"a whole message");
        assert!(first_frame(&mut first).await.is_err(), "void");
    }

    #[tokio::test]
    async fn what_is_larger_than_is_kept_is_not_had_back() {
        let half: &'static str = "x".repeat(KEPT_MAX_BYTES).leak();
        let mut unread = of(vec![half, "y", "z"]);
        let mut first = unread.request().into_body();
        assert!(first_frame(&mut first).await.is_ok());
        assert!(unread.is_kept());
        assert!(first_frame(&mut first).await.is_ok());
        assert!(!unread.is_kept() && !unread.is_unread());
        // Even if what follows would fit again.
        assert!(first_frame(&mut first).await.is_ok());
        assert!(!unread.is_kept());
    }
}
