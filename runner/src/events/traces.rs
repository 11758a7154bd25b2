//! Spans over OTLP: a consumer of the run's records, off unless `runner.events.traces` is on.
//!
//! # Theory of operation
//!
//! Nothing in the runner makes a span: [`spans`] makes them out of records, whose times are theirs.
//! Their ids are random, but for those that others are told before the span begins ([`trace`]): the
//! run's, and that of the agent's phase, which the agent gets as its `TRACEPARENT`. Spans that have
//! ended wait in a [`queue`] for a thread ([`export`]) that posts them to a collector every few
//! seconds, over [`client`], as the standard variables say ([`settings`]).
//!
//! Spans are nice to have: whatever becomes of them delays no run and fails none. What did not fit
//! or was not taken is counted and said once.
//!
//! Deliberately absent: the SDK's tracer and its batch processor, which have a clock of their own,
//! cannot be told ids, and block at the end for as long as a collector likes.

mod client;
mod export;
mod queue;
mod settings;
mod spans;
mod trace;

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use agent_plan::env::Environment;
use agent_plan::plan::Plan;
use agent_plan::record::{Record, Speaker};
use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use queue::Queue;
use settings::{Off, Settings};
use spans::Spans;
use trace::Trace;

/// The spans of a run.
#[derive(Debug)]
pub(super) struct Traces {
    trace: Trace,
    /// `None` if the trace is not sampled: its ids are passed on, and that is all.
    recording: Option<Recording>,
}

#[derive(Debug)]
struct Recording {
    spans: Mutex<Spans>,
    queue: Arc<Queue>,
    ended: watch::Receiver<bool>,
}

impl Traces {
    /// Starts the exporter's thread, which connects when there is something to export; returns at
    /// once. `None` if spans are not wanted, or cannot be had, which is a warning.
    ///
    /// `speaker` is who speaks in the records, and `environment` our own; what `envTemplate` renders
    /// wins over it.
    pub(super) fn start(plan: &Plan, speaker: &Speaker, environment: &Environment) -> Option<Self> {
        if !plan.events.traces {
            return None;
        }
        let process = &plan.process;
        let rendered = |name: &str| process.rendered.iter().any(|rendered| rendered == name);
        let variable = |name: &str| {
            if rendered(name) {
                process.env.get(name)
            } else {
                environment.get(name)
            }
        };
        let settings = match Settings::new(variable) {
            Ok(settings) => settings,
            Err(Off::Asked) => return None,
            Err(Off::Cannot(problem)) => {
                tracing::warn!(problem, "No spans are exported.");
                return None;
            }
        };
        Self::with(&settings, speaker)
    }

    fn with(settings: &Settings, speaker: &Speaker) -> Option<Self> {
        let trace = Trace::new(settings.parent.as_ref(), &settings.sampler);
        let mut recording = None;
        if trace.is_sampled() {
            let queue = Arc::<Queue>::default();
            let resource = resource(settings, speaker);
            let ended = match export::start(settings.clone(), resource, Arc::clone(&queue)) {
                Ok(ended) => ended,
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(error, "No spans are exported.");
                    return None;
                }
            };
            recording = Some(Recording {
                spans: Mutex::new(Spans::new(trace.clone(), speaker)),
                queue,
                ended,
            });
        }
        Some(Self { trace, recording })
    }

    /// Takes the next record, redacted as all records are. Never waits.
    pub(super) fn record(&self, record: &Record) {
        if let Some(recording) = &self.recording {
            let ended = recording.spans().take(record);
            recording.queue.add(ended);
        }
    }

    /// Returns the `traceparent` of whatever is a child of the run.
    pub(super) fn traceparent(&self) -> String {
        self.trace.traceparent(self.trace.run)
    }

    /// Returns the `traceparent` of whatever the agent does; known before its phase begins.
    pub(super) fn traceparent_for_agent(&self) -> String {
        self.trace.traceparent(self.trace.agent)
    }

    /// Ends what has not ended, and waits until the collector has everything or is given up, but not
    /// longer than `until`. Takes no more records. Cancel safe; idempotent; on any runtime.
    pub(super) async fn finish(&self, until: Instant) {
        let Some(recording) = &self.recording else {
            return;
        };
        recording.queue.add(recording.spans().end());
        recording.queue.close();
        let mut ended = recording.ended.clone();
        // Neither a deadline that has passed nor a thread that is gone changes what there is to say.
        drop(timeout_at(until, ended.wait_for(|ended| *ended)).await);
        let missing = recording.queue.missing();
        if missing > 0 {
            tracing::info!(spans = missing, "The collector has not got every span.");
        }
    }
}

impl Recording {
    fn spans(&self) -> std::sync::MutexGuard<'_, Spans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says whose spans they are.
fn resource(settings: &Settings, speaker: &Speaker) -> Resource {
    let of_run = [
        ("agent_run.uid", Some(&speaker.run_uid)),
        ("agent_run.name", speaker.run_name.as_ref()),
        ("k8s.namespace.name", speaker.run_namespace.as_ref()),
    ];
    let of_run = of_run
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .map(|(name, value)| KeyValue::new(name, value.clone()));
    let told = settings.resource.iter();
    let told = told.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(of_run)
        .with_attributes(told)
        .build()
}

#[cfg(test)]
mod tests;
