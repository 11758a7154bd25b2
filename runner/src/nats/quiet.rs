//! The client library's own log, which nobody wants: it says `error` for every attempt, writes a
//! line per message at `debug` and credentials at `trace`. What is worth a line, we say.

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// What targets of the library begin with.
const LIBRARY: &str = "async_nats";

/// Returns the calling thread's log without the library's lines, for the sink's thread.
pub(crate) fn dispatch() -> Dispatch {
    Dispatch::new(Quiet {
        log: tracing::dispatcher::get_default(Dispatch::clone),
        level: LevelFilter::current(),
    })
}

struct Quiet {
    log: Dispatch,
    level: LevelFilter,
}

fn is_wanted(metadata: &Metadata<'_>) -> bool {
    !metadata.target().starts_with(LIBRARY)
}

impl Subscriber for Quiet {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_wanted(metadata) {
            self.log.register_callsite(metadata)
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_wanted(metadata) && self.log.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.log.new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.log.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.log.record_follows_from(span, follows);
    }

    fn event(&self, event: &Event<'_>) {
        self.log.event(event);
    }

    fn enter(&self, span: &Id) {
        self.log.enter(span);
    }

    fn exit(&self, span: &Id) {
        self.log.exit(span);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.log.clone_span(id)
    }

    fn try_close(&self, id: Id) -> bool {
        self.log.try_close(id)
    }
}
