//! The runner's own log: one line a phase, on stderr, redacted, never blocking.

mod form;

use form::{Clock, Line};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use agent_plan::env::{self, Environment};
use agent_plan::plan;
use agent_plan::secret::Redactor;
use tracing::level_filters::LevelFilter;

use crate::outlet::Outlet;

/// Milliseconds that a slow reader of stderr gets per line; then the line is dropped. Long enough
/// for a busy node, short enough that ten lines fit the status reserve of 2 s.
const PATIENCE: u16 = 200;

/// The line's beginning, and erase to its end (ECMA-48).
const ERASE: &str = "\r\x1b[K";

/// Whether something is drawn on the terminal, which a line of the log must not be added to.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// The redactor of this process: the plan's, as soon as there is one.
static REDACTOR: RwLock<Option<Redactor>> = RwLock::new(None);

/// What a redactor is made from if one is needed before there is a plan.
static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();

/// Starts the log by `AGENT_RUNNER_LOG` and `AGENT_RUNNER_LOG_FORMAT`.
///
/// A value that is neither level nor format is complained about; the default is then used.
pub fn init(environment: &Environment) {
    // Set once a process; it does not change.
    drop(ENVIRONMENT.set(environment.clone()));
    let wanted = environment.get(env::LOG_LEVEL).unwrap_or("info");
    let format = environment.get(env::LOG_FORMAT).unwrap_or("text");
    let level = wanted.parse::<LevelFilter>();
    let complaint = match (&level, format) {
        (Err(_), _) => Some(format!(
            "`${}` is `{wanted}`, which is no level: using `info`",
            env::LOG_LEVEL
        )),
        (_, "text" | "json") => None,
        _ => Some(format!(
            "`${}` is `{format}`, neither `text` nor `json`: using `text`",
            env::LOG_FORMAT
        )),
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_target(false)
        .with_ansi(false)
        .with_timer(Clock)
        .with_writer(|| Line(Vec::new()));
    // A second start in one process keeps the first subscriber, which is what a caller wants.
    drop(if format == "json" {
        builder.json().try_init()
    } else {
        builder.try_init()
    });
    if let Some(problem) = complaint {
        tracing::warn!(problem, "Setting ignored.");
    }
}

/// Returns what keeps secrets out of everything that this process writes.
///
/// Before there is a plan it is made from the environment, and only when somebody asks: a run that
/// comes to its plan never pays for it.
pub fn redactor() -> Redactor {
    let known = REDACTOR.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(redactor) = known.as_ref() {
        return redactor.clone();
    }
    drop(known);
    let environment = ENVIRONMENT.get().cloned().unwrap_or_default();
    let first = plan::redactor(None, Vec::new(), &[&environment]);
    let mut known = REDACTOR.write().unwrap_or_else(PoisonError::into_inner);
    known.get_or_insert(first).clone()
}

/// Redacts everything that is written from here on with `redactor`.
pub fn redact_with(redactor: Redactor) {
    *REDACTOR.write().unwrap_or_else(PoisonError::into_inner) = Some(redactor);
}

/// Writes one line to stderr, redacted, giving up on a reader that does not read.
pub(crate) fn line(text: &str) {
    let redactor = redactor();
    let mut clean = redactor.text(text);
    if DRAWN.swap(false, Ordering::Relaxed) {
        clean = format!("{ERASE}{clean}").into();
    }
    if let Ok(outlet) = Outlet::stderr() {
        // Whoever does not read stderr has chosen not to know.
        drop(outlet.write_soon(clean.as_bytes(), PATIENCE));
    }
}

/// Draws on the last line of the terminal behind stderr; the next line of the log takes its place.
pub(crate) fn draw(text: &str) {
    DRAWN.store(true, Ordering::Relaxed);
    put(&format!("{ERASE}{text}"));
}

/// Removes what was drawn, if it is still there.
pub(crate) fn erase() {
    if DRAWN.swap(false, Ordering::Relaxed) {
        put(ERASE);
    }
}

fn put(text: &str) {
    if let Ok(outlet) = Outlet::stderr() {
        // A frame that a slow terminal misses is followed by the next.
        drop(outlet.write_soon(text.as_bytes(), PATIENCE));
    }
}
