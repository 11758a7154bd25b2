//! Renders a compiled template: Handlebars walks the blocks, and asks us for all else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    RenderErrorReason, Renderable, ScopedJson,
};
use serde_json::Value;

use super::functions::Function;
use super::output::{self, Log, Source, Text};
use super::path::{self, Lookup};
use super::program::{Base, Part, Program, Reference, STEP, Step, Watch};
use super::text::tag_text;
use super::{Rendered, TemplateError};

/// Most values a template may ask for. A second of work; blocks over the same list, nested in each
/// other, ask for more than the universe has time for.
const MAX_COST: usize = 1_000_000;

/// Renders `program`.
pub(crate) fn run(
    blocks: &Handlebars<'_>,
    source: &Source<'_>,
    program: &Program,
) -> Result<Rendered, TemplateError> {
    let context = Context::from(source.roots.clone());
    let record = Mutex::new(Record::default());
    let mut text = Text::default();
    let mut rc = RenderContext::new(None);
    let steps = Steps {
        source: *source,
        by_number: &program.steps,
        record: &record,
        cost: AtomicUsize::new(0),
    };
    rc.register_local_helper(STEP, Box::new(steps));
    let result = program.tree.render(blocks, &context, &mut rc, &mut text);
    let record = std::mem::take(&mut *lock(&record));
    match (record.failure, result) {
        (Some(failure), _) => Err(failure),
        (None, Ok(())) => Ok(text.rendered(record.log)),
        (None, Err(error)) => Err(match error.reason() {
            RenderErrorReason::IOError(_) => Text::too_long(),
            _ => TemplateError::Blocks {
                source: Box::new(error),
            },
        }),
    }
}

/// The helper that answers the tree.
struct Steps<'p> {
    source: Source<'p>,
    by_number: &'p [Step],
    record: &'p Mutex<Record>,
    cost: AtomicUsize,
}

/// What came up while rendering. Helpers are shared, hence the lock around it; nobody waits for it.
#[derive(Debug, Default)]
struct Record {
    log: Log,
    failure: Option<TemplateError>,
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HelperDef for Steps<'_> {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        rc: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let value = match self.step(helper) {
            Some(Step::Value(reference)) => self.argument(reference, context, rc)?,
            Some(Step::Call(function, tag)) => {
                let value = apply(*function, helper).ok_or_else(|| {
                    self.fail(TemplateError::Arguments {
                        function: function.name(),
                        tag: self.source.template[tag.clone()].to_owned(),
                        offset: tag.start,
                        expected: function.expected(),
                    })
                })?;
                ScopedJson::Derived(value)
            }
            Some(Step::Fragment(_)) | None => ScopedJson::Missing,
        };
        self.charge(value.as_json())?;
        Ok(value)
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        rc: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let Some(Step::Fragment(parts)) = self.step(helper) else {
            let value = self.call_inner(helper, registry, context, rc)?;
            out.write(&tag_text(value.as_json()))?;
            return Ok(());
        };
        for part in parts {
            self.charge(&Value::Null)?;
            match part {
                Part::Text(range) => out.write(&self.source.template[range.clone()])?,
                Part::Path(reference) => self.insert(reference, context, rc, out)?,
            }
        }
        Ok(())
    }
}

impl Steps<'_> {
    fn step(&self, helper: &Helper<'_>) -> Option<&Step> {
        let number = helper.param(0)?.value().as_u64()?;
        self.by_number.get(usize::try_from(number).ok()?)
    }

    fn argument<'rc>(
        &self,
        reference: &Reference,
        context: &'rc Context,
        rc: &RenderContext<'_, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let base = base(reference, context, rc)?;
        let value = below(base.clone(), &reference.names);
        let reported = match reference.watch {
            Watch::Ignore => false,
            Watch::Absent => value.is_missing(),
            Watch::Nothing => value.as_json().is_null(),
        };
        if reported {
            let lookup = if value.is_missing() {
                Lookup::Missing
            } else {
                Lookup::Found(value.as_json())
            };
            self.note(reference, lookup, &base);
        }
        Ok(value)
    }

    fn insert<'rc>(
        &self,
        reference: &Reference,
        context: &'rc Context,
        rc: &RenderContext<'_, 'rc>,
        out: &mut dyn Output,
    ) -> Result<(), RenderError> {
        let base = base(reference, context, rc)?;
        let lookup = match look_up(&base, &reference.names) {
            // Only a bare path can be somebody else's syntax; `this.x` is ours.
            Lookup::UnknownRoot if !matches!(reference.base, Base::Roots | Base::Current) => {
                Lookup::Missing
            }
            lookup => lookup,
        };
        self.note(reference, lookup, &base);
        output::insert(&self.source, &reference.tag, lookup, out)?;
        Ok(())
    }

    fn note(&self, reference: &Reference, lookup: Lookup<'_>, base: &ScopedJson<'_>) {
        let nearest = || path::nearest(base.as_json(), &reference.names);
        let log = &mut lock(self.record).log;
        log.note(
            &self.source,
            &reference.tag,
            &reference.path,
            lookup,
            nearest,
        );
    }

    /// Counts what `value` costs whoever asked for it, and refuses if that is too much.
    fn charge(&self, value: &Value) -> Result<(), RenderError> {
        let cost = 1 + match value {
            Value::Array(items) => items.len(),
            Value::Object(map) => map.len(),
            Value::String(text) => text.len() / 1024,
            _ => 0,
        };
        if self.cost.fetch_add(cost, Ordering::Relaxed) + cost > MAX_COST {
            return Err(self.fail(TemplateError::TooManySteps { limit: MAX_COST }));
        }
        Ok(())
    }

    /// Keeps the failure, which Handlebars' own error has no room for.
    fn fail(&self, failure: TemplateError) -> RenderError {
        let error = RenderErrorReason::Other(failure.to_string()).into();
        lock(self.record).failure = Some(failure);
        error
    }
}

/// Calls `function` with the arguments that follow the number of the step.
fn apply(function: Function, helper: &Helper<'_>) -> Option<Value> {
    let arguments: Vec<&Value> = helper
        .params()
        .iter()
        .skip(1)
        .map(handlebars::PathAndJson::value)
        .collect();
    function.apply(&arguments)
}

/// The value in which the names of `reference` are.
fn base<'rc>(
    reference: &Reference,
    context: &'rc Context,
    rc: &RenderContext<'_, 'rc>,
) -> Result<ScopedJson<'rc>, RenderError> {
    let roots = ScopedJson::Context(context.data(), Vec::new());
    match &reference.base {
        Base::Roots => Ok(roots),
        Base::Nowhere => Ok(ScopedJson::Missing),
        Base::Local(name) => rc.evaluate(context, &format!("@{name}")),
        Base::Scope(levels) => rc.evaluate(context, &format!("{}this", "../".repeat(*levels))),
        Base::Current => {
            let this = rc.evaluate(context, "this")?;
            let first = reference.names.first().map_or("", String::as_str);
            let inside = path::member(this.as_json(), first).is_some();
            Ok(if inside { this } else { roots })
        }
    }
}

/// What is at `names` in `base`, which may be the very value that is meant.
fn look_up<'v>(base: &'v ScopedJson<'_>, names: &[String]) -> Lookup<'v> {
    match base {
        ScopedJson::Missing => Lookup::Missing,
        // The roots as a whole are never a value: only a blank tag asks for them.
        ScopedJson::Context(_, at) if names.is_empty() && at.is_empty() => Lookup::UnknownRoot,
        _ if names.is_empty() => Lookup::Found(base.as_json()),
        _ => path::look_up(base.as_json(), names),
    }
}

/// [`look_up`], keeping the place of the value so that blocks need no copy of it.
fn below<'rc>(base: ScopedJson<'rc>, names: &[String]) -> ScopedJson<'rc> {
    match base {
        ScopedJson::Missing => ScopedJson::Missing,
        ScopedJson::Context(_, at) if names.is_empty() && at.is_empty() => ScopedJson::Missing,
        _ if names.is_empty() => base,
        ScopedJson::Context(value, mut at) => match path::look_up(value, names) {
            Lookup::Found(value) => {
                at.extend(names.iter().cloned());
                ScopedJson::Context(value, at)
            }
            Lookup::Missing | Lookup::UnknownRoot => ScopedJson::Missing,
        },
        derived => match path::look_up(derived.as_json(), names) {
            Lookup::Found(value) => ScopedJson::Derived(value.clone()),
            Lookup::Missing | Lookup::UnknownRoot => ScopedJson::Missing,
        },
    }
}
