//! The span of an event's effect is linked to the trace of the command that caused it.
//!
//! A link and not a parent: tickets live for weeks, traces should not.

use std::collections::HashMap;

use hotline_proto::event::Envelope;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// A span for applying `event`. Ids and types only: events hold no more than masked text, spans hold none.
pub(crate) fn linked_span(event: &Envelope) -> Span {
    let span = tracing::info_span!(
        "event",
        event.producer = event.producer,
        event.r#type = event.r#type,
        event.stream = event.stream_id,
        event.partition = event.partition,
        event.number = event.pub_seq,
    );
    if !event.trace_parent.is_empty() {
        let carrier = HashMap::from([("traceparent".to_owned(), event.trace_parent.clone())]);
        let context = TraceContextPropagator::new().extract(&carrier);
        let cause = context.span().span_context().clone();
        if cause.is_valid() {
            span.add_link(cause);
        }
    }
    span
}
