//! Logs, traces and figures of a process. None of them ever holds personal data or SQL.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Registry};

use crate::config::{LogFormat, TelemetryConfig};

/// Our own crates; what libraries trace is not exported.
const EXPORTED_TARGET: &str = "hotline";
/// Bounds of the buckets that durations are counted in, in seconds.
const SECONDS_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// The running telemetry of a process. Flush it before leaving.
#[must_use = "spans that were not exported yet are lost unless it is flushed"]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Why telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is no filter.
    #[error("[telemetry] log_filter: expected directives such as `info,hotline_platform=debug`")]
    Filter(#[from] ParseError),
    /// The address of the collector is not usable.
    #[error("[telemetry] otlp_endpoint: expected an address such as http://collector:4317")]
    Exporter(#[from] ExporterBuildError),
    /// A process has one subscriber, and it has it already.
    #[error("logs are already being written")]
    AlreadyStarted(#[from] TryInitError),
}

impl Telemetry {
    /// Starts logs, and traces if a collector's address is set. Call it once, inside the runtime.
    ///
    /// # Errors
    ///
    /// [`TelemetryError`] names the key that is not as expected.
    pub fn start(config: &TelemetryConfig) -> Result<Self, TelemetryError> {
        let provider = config.otlp_endpoint.as_deref().map(exporter).transpose()?;
        // The filter is on the log only: one on the whole would also drop the trace context.
        let mut layers = vec![log_layer(config)?];
        if let Some(provider) = &provider {
            let tracer = provider.tracer("hotline");
            let ours = Targets::new().with_target(EXPORTED_TARGET, Level::INFO);
            layers.push(
                tracing_opentelemetry::layer()
                    .with_tracer(tracer)
                    .with_filter(ours)
                    .boxed(),
            );
        }
        tracing_subscriber::registry().with(layers).try_init()?;
        Ok(Self { provider })
    }

    /// Exports what is left and ends the export.
    pub async fn flush(self) {
        let Some(provider) = self.provider else {
            return;
        };
        // Shutting down blocks on the exporter, which needs the runtime's workers.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last spans could not be exported");
        }
    }
}

fn exporter(endpoint: &str) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()?;
    let resource = Resource::builder()
        .with_attribute(KeyValue::new("service.name", "hotline"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}

fn log_layer(config: &TelemetryConfig) -> Result<BoxedLayer, ParseError> {
    let filter = EnvFilter::try_new(&config.log_filter)?;
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    Ok(match config.log_format {
        LogFormat::Human => log.with_target(false).with_filter(filter).boxed(),
        LogFormat::Json => log.json().flatten_event(true).with_filter(filter).boxed(),
    })
}

/// The figures of this process, in the text format that Prometheus reads.
///
/// # Errors
///
/// A [`BuildError`] if the buckets are empty, which they are not.
pub fn figures() -> Result<PrometheusHandle, BuildError> {
    // A process can have one recorder; every server in it shows the same figures.
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets(SECONDS_BUCKETS)?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another recorder was there first; the figures stay empty");
    }
    Ok(RECORDER.get_or_init(|| handle).clone())
}

/// The W3C traceparent of the current span, empty if it is not traced.
#[must_use]
pub fn trace_parent() -> String {
    let mut carrier = Carrier(String::new());
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.0
}

/// Puts `span` under the trace that a caller told. Nothing happens if it told none.
pub fn continue_from(span: &Span, trace_parent: &str) {
    let context = context_of(trace_parent);
    if context.span().span_context().is_valid() && span.set_parent(context).is_err() {
        tracing::trace!("this span is not traced");
    }
}

/// Links `span` to the trace of the command that an event came from. A link, not a parent: a ticket
/// lives for weeks.
pub fn link(span: &Span, trace_parent: &str) {
    let context = context_of(trace_parent);
    let linked = context.span().span_context().clone();
    if linked.is_valid() {
        span.add_link(linked);
    }
}

/// Whether `text` is a W3C traceparent.
#[must_use]
pub fn is_trace_parent(text: &str) -> bool {
    context_of(text).span().span_context().is_valid()
}

fn context_of(trace_parent: &str) -> Context {
    TraceContextPropagator::new()
        .extract_with_context(&Context::new(), &Carrier(trace_parent.to_owned()))
}

/// Carries one header, `traceparent`.
struct Carrier(String);

impl Injector for Carrier {
    fn set(&mut self, key: &str, value: String) {
        if key == "traceparent" {
            self.0 = value;
        }
    }
}

impl Extractor for Carrier {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent" && !self.0.is_empty()).then_some(self.0.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_is_taken() {
        let cases = [
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                true,
            ),
            (
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                false,
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                false,
            ),
            ("张三", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_trace_parent(text), expected, "`{text}`");
        }
    }
}
