//! What is printed for people: errors with their causes and hints, plans, endings.
//!
//! This is the only module that walks an error's chain, and the only one that prints data of ours
//! on stdout; the agent's output goes its own way.

use std::error::Error;
use std::io::{self, Write};

use agent_plan::outcome::{Decision, Outcome};
use agent_plan::plan::{CheckoutView, CodexView, DeliveryView, EventsView, PlanView};
use agent_plan::settings::When;

use crate::telemetry;

/// Returns an error with all its causes, and what to do about it, in one line.
pub fn sentence(error: &dyn Error, hint: Option<String>) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    match hint {
        Some(hint) => format!("{text}; {hint}"),
        None => text,
    }
}

/// Prints an error on stderr.
pub fn error(message: &str) {
    telemetry::line(&format!("error: {message}\n"));
}

/// Logs how the run ended.
pub fn ending(decision: &Decision) {
    let Decision {
        outcome,
        reason,
        exit_code,
        error,
        ..
    } = decision;
    match error {
        None => tracing::info!(?outcome, exit_code, "Run ended."),
        Some(error) if *outcome == Outcome::Internal => {
            tracing::error!(?outcome, %reason, exit_code, %error, "Run ended.");
        }
        Some(error) => tracing::warn!(?outcome, %reason, exit_code, %error, "Run ended."),
    }
}

/// Prints a status that has no file to be in.
pub fn last_resort(status: &[u8]) {
    telemetry::line(&format!("status: {}", String::from_utf8_lossy(status)));
}

/// Prints data on stdout; a reader that is gone is not an error.
///
/// # Errors
///
/// Fails if stdout refuses it for another reason.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let printed = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Returns a plan in words.
pub fn plan(view: &PlanView) -> String {
    let mut text = Page::default();
    text.section("Run");
    text.line("provider", &view.provider);
    text.line("adapter", &view.adapter);
    for (name, value) in [
        ("name", &view.run.name),
        ("uid", &view.run.uid),
        ("namespace", &view.run.namespace),
    ] {
        if let Some(value) = value {
            text.line(name, value);
        }
    }
    text.line("attempt", &view.run.attempt.to_string());
    text.section("Agent");
    text.line("binary", &view.process.binary);
    for (index, arg) in view.process.args.iter().enumerate() {
        text.line(&format!("arg {}", index + 1), arg);
    }
    text.line("cwd", &view.process.cwd);
    for (name, value) in &view.process.env {
        text.line("env", &format!("{name}={value}"));
    }
    text.line(
        "inherits",
        &format!("{} variables", view.process.inherited.len()),
    );
    let prompt = view.process.prompt.as_deref();
    text.line("prompt", prompt.unwrap_or("none: stdin is inherited"));
    if let Some(skill) = &view.process.skill {
        text.line("skill", skill);
    }
    if let Some(session) = &view.process.resume {
        text.line("resumes", session);
    }
    if let Some(codex) = &view.process.codex {
        codex_lines(&mut text, codex);
    }
    for (name, limit) in &view.process.budget {
        text.line("budget", &format!("{name} {limit}"));
    }
    for (name, seconds) in &view.process.timeouts {
        text.line("timeout", &format!("{name} {seconds} s"));
    }
    for credentials in &view.credentials {
        text.line("git", credentials);
    }
    if let Some(checkout) = &view.checkout {
        text.section("Checkout");
        checkout_lines(&mut text, checkout);
    }
    if !view.files.is_empty() {
        text.section("Input files");
    }
    for file in &view.files {
        text.line(
            &file.mode,
            &format!("{} ({} bytes)", file.path, file.content.len()),
        );
    }
    text.section("Events");
    event_lines(&mut text, &view.events);
    artifact_lines(&mut text, view);
    text.section("Runner");
    text.line("status", view.status_path.as_deref().unwrap_or("none"));
    text.line("log", view.log_path.as_deref().unwrap_or("none"));
    let grace = &view.grace;
    text.line(
        "grace",
        &format!(
            "{} s: agent {} s, flush {} s, status {} s",
            grace.total, grace.stop, grace.flush, grace.status
        ),
    );
    text.line(
        "secrets",
        &match view.secrets.as_slice() {
            [] => "none known".to_owned(),
            names => format!("redacted: {}", names.join(", ")),
        },
    );
    if !view.warnings.is_empty() {
        text.section("Warnings");
    }
    for warning in &view.warnings {
        text.line("-", warning);
    }
    text.0
}

fn artifact_lines(text: &mut Page, view: &PlanView) {
    if !view.artifacts.is_empty() || view.uploads.is_some() {
        text.section("Artifacts");
    }
    let stored = view.uploads.iter().flat_map(|uploads| &uploads.deliveries);
    for artifact in &view.artifacts {
        let is_stored = |delivery: &DeliveryView| delivery.name == artifact.name;
        if artifact.key.is_some() && stored.clone().any(is_stored) {
            continue;
        }
        let place = artifact.path.as_deref().or(artifact.url.as_deref());
        text.line(&artifact.name, place.unwrap_or(""));
    }
    let Some(uploads) = &view.uploads else { return };
    for delivery in stored {
        let path = delivery.path.as_deref().unwrap_or("no path");
        let key = delivery.key.as_deref().unwrap_or("no key");
        let optional = if delivery.optional { ", optional" } else { "" };
        let when = match delivery.when {
            When::Always => "",
            When::Success => ", after a success",
            When::Failure => ", after a failure",
        };
        text.line(&delivery.name, &format!("{path} → {key}{optional}{when}"));
    }
    for include in &uploads.include {
        text.line(include.word(), &format!("→ below {}", uploads.prefix));
    }
    let store = match (&uploads.store, &uploads.problem) {
        (Some(store), _) => {
            let bucket = store.bucket.as_deref();
            let bucket = bucket.map_or_else(String::new, |bucket| format!(", bucket {bucket}"));
            format!("{}{bucket}", store.endpoint)
        }
        (None, problem) => format!("none: {}", problem.as_deref().unwrap_or("not configured")),
    };
    text.line("store", &store);
}

fn event_lines(text: &mut Page, events: &EventsView) {
    let journal = events.journal.as_deref();
    text.line(
        "journal",
        journal.unwrap_or("a private one, gone at the end"),
    );
    if events.stdout {
        text.line("records", "on stdout");
    }
    if let Some(nats) = &events.nats {
        for server in &nats.servers {
            text.line("server", server);
        }
        text.line("login", &nats.login);
        text.line("subject", &nats.subject);
        if nats.required {
            text.line("required", "the run fails without");
        }
    }
    if let Some(context) = &events.context {
        let what = format!("{} messages of `{}`", context.count, context.subject);
        text.line("context", &what);
    }
}

fn codex_lines(text: &mut Page, codex: &CodexView) {
    let default = "as codex is configured";
    text.line("model", codex.model.as_deref().unwrap_or(default));
    text.line("effort", codex.effort.as_deref().unwrap_or(default));
    text.line("sandbox", codex.sandbox);
    if !codex.thread_config.is_null() {
        text.line("thread", &codex.thread_config.to_string());
    }
    for (name, words) in [
        ("system", &codex.base_instructions),
        ("developer", &codex.developer_instructions),
        ("goal", &codex.goal),
    ] {
        if let Some(words) = words {
            text.line(name, words);
        }
    }
}

fn checkout_lines(text: &mut Page, checkout: &CheckoutView) {
    text.line("url", &checkout.url);
    text.line("into", &checkout.dir);
    if let Some(path) = &checkout.path {
        text.line("path", path);
    }
    text.line("base", &checkout.base);
    match &checkout.head {
        Some(head) => text.line("branch", head),
        None => text.line("leaves", &checkout.on_base),
    }
    let commits = |depth: u32| format!("{depth} commit(s)");
    let history = checkout.depth.map_or("all of it".to_owned(), commits);
    text.line("history", &history);
    text.line("submodules", &word(&checkout.submodules));
    text.line("trust", &word(&checkout.trust));
    for proxy in &checkout.proxies {
        text.line("proxy", proxy);
    }
    for (name, seconds) in &checkout.timeouts {
        text.line("timeout", &format!("{name} {seconds} s"));
    }
}

/// The word of a setting is its variant's name.
fn word(variant: &impl std::fmt::Debug) -> String {
    format!("{variant:?}").to_lowercase()
}

/// Text in two columns.
#[derive(Default)]
struct Page(String);

impl Page {
    fn section(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(title);
        self.0.push('\n');
    }

    /// Adds a line; line breaks inside `value` are indented under it.
    fn line(&mut self, name: &str, value: &str) {
        let mut lines = value.trim_end_matches('\n').split('\n');
        self.0.push_str(&format!(
            "  {name:<10} {}\n",
            lines.next().unwrap_or_default()
        ));
        for line in lines {
            self.0.push_str(&format!("  {:<10} {line}\n", ""));
        }
    }
}
