//! The run's place in a trace: the ids of its spans and of its parent's.

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample,
};
use std::collections::HashMap;

/// Which trace the run is in, and where.
///
/// Ids that others are told before a span begins are allotted here.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    id: TraceId,
    state: TraceState,
    flags: TraceFlags,
    /// The span that the run's is a child of; invalid if there is none.
    pub(super) parent: SpanId,
    /// The run's span.
    pub(super) run: SpanId,
    /// The span of its agent's phase.
    pub(super) agent: SpanId,
}

impl Trace {
    /// Goes on with the trace that `parent` and its state name, or begins one if they name none.
    pub(super) fn new(parent: Option<&(String, String)>, sampler: &Sampler) -> Self {
        let ids = RandomIdGenerator::default();
        let context = parent.map(context);
        let parent = context
            .as_ref()
            .map(|context| context.span().span_context().clone());
        let parent = parent.filter(SpanContext::is_valid);
        let id = parent
            .as_ref()
            .map_or_else(|| ids.new_trace_id(), SpanContext::trace_id);
        let context = context.filter(|_| parent.is_some());
        // Samplers look at the parent and the id; there is nothing else to tell them.
        let kind = SpanKind::Internal;
        let drawn = sampler.should_sample(context.as_ref(), id, "invoke_agent", &kind, &[], &[]);
        Self {
            id,
            state: drawn.trace_state,
            flags: match drawn.decision {
                SamplingDecision::RecordAndSample => TraceFlags::SAMPLED,
                SamplingDecision::Drop | SamplingDecision::RecordOnly => TraceFlags::default(),
            },
            parent: parent.map_or(SpanId::INVALID, |parent| parent.span_id()),
            run: ids.new_span_id(),
            agent: ids.new_span_id(),
        }
    }

    /// Whether its spans are exported.
    pub(super) fn is_sampled(&self) -> bool {
        self.flags.is_sampled()
    }

    /// Returns what a span is known by.
    pub(super) fn context_of(&self, span: SpanId) -> SpanContext {
        SpanContext::new(self.id, span, self.flags, false, self.state.clone())
    }

    /// Returns a `traceparent` for whoever is a child of this span.
    pub(super) fn traceparent(&self, span: SpanId) -> String {
        format!("00-{}-{span}-{:02x}", self.id, self.flags.to_u8())
    }

    /// Returns the id of one more span.
    pub(super) fn another() -> SpanId {
        RandomIdGenerator::default().new_span_id()
    }
}

fn context((parent, state): &(String, String)) -> Context {
    let said = HashMap::from([
        ("traceparent".to_owned(), parent.clone()),
        ("tracestate".to_owned(), state.clone()),
    ]);
    TraceContextPropagator::new().extract_with_context(&Context::new(), &said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn of(parent: Option<&str>, sampler: &Sampler) -> Trace {
        let parent = parent.map(|parent| (parent.to_owned(), "vendor=1".to_owned()));
        Trace::new(parent.as_ref(), sampler)
    }

    fn of_parent() -> Sampler {
        Sampler::ParentBased(Box::new(Sampler::AlwaysOn))
    }

    #[test]
    fn a_run_with_a_parent_is_in_its_trace() {
        let trace = of(Some(PARENT), &of_parent());
        assert_eq!(trace.parent.to_string(), "b7ad6b7169203331");
        let told = trace.traceparent(trace.agent);
        let wanted = format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", trace.agent);
        assert_eq!(told, wanted);
        assert_eq!(
            trace.context_of(trace.run).trace_state().header(),
            "vendor=1"
        );
        assert_ne!(trace.run, trace.agent);
    }

    #[test]
    fn a_run_without_a_usable_parent_begins_a_trace() {
        let zeros = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        for parent in [None, Some("nonsense"), Some(zeros.as_str())] {
            let trace = of(parent, &of_parent());
            assert_eq!(trace.parent, SpanId::INVALID, "{parent:?}");
            assert!(trace.is_sampled(), "{parent:?}");
            let context = trace.context_of(trace.run);
            assert!(context.is_valid(), "{parent:?}");
            assert_eq!(context.trace_state().header(), "", "{parent:?}");
        }
    }

    #[test]
    fn a_parent_that_is_not_sampled_is_obeyed_and_passed_on() {
        let trace = of(Some(&PARENT.replace("-01", "-00")), &of_parent());
        assert!(!trace.is_sampled());
        assert!(trace.traceparent(trace.run).ends_with("-00"));
        assert!(of(Some(&PARENT.replace("-01", "-00")), &Sampler::AlwaysOn).is_sampled());
        assert!(!of(Some(PARENT), &Sampler::AlwaysOff).is_sampled());
    }
}
