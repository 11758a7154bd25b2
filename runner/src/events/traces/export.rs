//! The thread that gives spans to the collector.

use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use opentelemetry_otlp::{
    ExporterBuildError, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::runtime::Builder;
use tokio::sync::watch;

use super::client::{Client, ClientError};
use super::queue::{Fate, Queue};
use super::settings::Settings;

/// How often the last spans are tried, and how long after one another: a moment of overload passes,
/// and a collector that is not there costs no run more than 400 ms.
const LAST_TRIES: u32 = 3;
const LAST_PAUSE: Duration = Duration::from_millis(200);

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ExportError {
    /// There is nothing to post with.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The library refuses what the environment asks it for, such as a compression.
    #[error("the exporter cannot be made")]
    Exporter(#[source] ExporterBuildError),
    /// There is no runtime.
    #[error("there is no runtime for it")]
    Runtime(#[source] io::Error),
}

/// Starts the thread, which ends when the queue is closed; returns what says that it has.
///
/// Files of authorities are read there, because a disk may hang. What cannot be made is a warning.
///
/// # Errors
///
/// Fails if there can be no thread.
pub(super) fn start(
    settings: Settings,
    resource: Resource,
    queue: Arc<Queue>,
) -> io::Result<watch::Receiver<bool>> {
    let (ended, has_ended) = watch::channel(false);
    let work = move || {
        if let Err(error) = export_to_the_end(&settings, &resource, &queue) {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "No spans are exported.");
        }
        ended.send_replace(true);
    };
    let thread = thread::Builder::new().name("traces".to_owned()).spawn(work);
    // Not joined: whoever waits for its end waits for the message, and not longer than there is time.
    drop(thread?);
    Ok(has_ended)
}

fn export_to_the_end(
    settings: &Settings,
    resource: &Resource,
    queue: &Queue,
) -> Result<(), ExportError> {
    let client = Client::new(settings)?;
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client.clone())
        .with_endpoint(settings.endpoint.expose().as_str())
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(settings.timeout)
        // The library would sleep on the thread; what fails stays in the queue instead.
        .with_retry_policy(RetryPolicy::disabled())
        .build()
        .map_err(ExportError::Exporter)?;
    exporter.set_resource(resource);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ExportError::Runtime)?;
    runtime.block_on(export_all(&exporter, &client, queue, settings.delay));
    Ok(())
}

async fn export_all(exporter: &SpanExporter, client: &Client, queue: &Queue, delay: Duration) {
    let mut warned = false;
    loop {
        let ending = queue.wait(delay).await;
        let mut tries = if ending { LAST_TRIES } else { 1 };
        while !export(exporter, client, queue, &mut warned).await {
            tries -= 1;
            if tries == 0 {
                break;
            }
            tokio::time::sleep(LAST_PAUSE).await;
        }
        if ending {
            return;
        }
    }
}

/// Exports everything; returns whether that is done with, or should be tried again.
async fn export(
    exporter: &SpanExporter,
    client: &Client,
    queue: &Queue,
    warned: &mut bool,
) -> bool {
    loop {
        let batch = queue.batch();
        if batch.is_empty() {
            return true;
        }
        let Err(error) = exporter.export(batch.clone()).await else {
            queue.settle(Fate::Exported);
            continue;
        };
        let problem = client.problem();
        let lasts = problem.as_ref().is_none_or(|problem| problem.lasts);
        if !std::mem::replace(warned, true) {
            let error = problem.map_or_else(|| error.to_string(), |problem| problem.words);
            tracing::warn!(error, "Spans cannot be exported; the run goes on.");
        }
        if lasts {
            queue.settle(Fate::Refused);
        } else {
            queue.settle(Fate::Again(batch));
            return false;
        }
    }
}
