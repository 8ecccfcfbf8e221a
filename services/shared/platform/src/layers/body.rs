//! Bodies that watch what flows through them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use super::{deadline, size};
use crate::db::BoxError;

/// A gRPC message is preceded by a flag and its length.
const GRPC_PREFIX_BYTES: u64 = 5;

/// A request body that fails once more than its limit has come.
pub(super) struct Limited {
    inner: Body,
    limit_kib: u32,
    left_bytes: u64,
}

impl Limited {
    pub(super) fn new(inner: Body, limit_kib: u32) -> Self {
        let left_bytes = u64::from(limit_kib) * 1024 + GRPC_PREFIX_BYTES;
        Self {
            inner,
            limit_kib,
            left_bytes,
        }
    }
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(frame) = ready!(Pin::new(&mut self.inner).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(BoxError::from)?;
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left_bytes.checked_sub(length) {
            Some(left_bytes) => {
                self.left_bytes = left_bytes;
                Poll::Ready(Some(Ok(frame)))
            }
            None => Poll::Ready(Some(Err(size::too_large(self.limit_kib).into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response body that holds its place until the last frame.
pub(super) struct Held<P> {
    pub(super) inner: Body,
    pub(super) _place: P,
}

impl<P: Unpin> HttpBody for Held<P> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response body that ends with `DEADLINE_EXCEEDED` if it is not through by its deadline.
pub(super) struct Timed {
    inner: Body,
    ends_at: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    is_over: bool,
}

impl Timed {
    pub(super) fn new(inner: Body, ends_at: Instant) -> Self {
        Self {
            inner,
            ends_at,
            timer: None,
            is_over: false,
        }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let ready @ Poll::Ready(_) = Pin::new(&mut self.inner).poll_frame(context) {
            return ready;
        }
        let ends_at = self.ends_at;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(ends_at)));
        ready!(timer.as_mut().poll(context));
        self.is_over = true;
        Poll::Ready(Some(Ok(Frame::trailers(trailers(deadline::exceeded())))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.inner.is_end_stream()
    }
}

fn trailers(status: Status) -> http::HeaderMap {
    let (mut head, ()) = status.into_http::<()>().into_parts();
    head.headers.remove(http::header::CONTENT_TYPE);
    head.headers
}
