//! What a controller looks at before it makes a pod: labels, image, service account, runtime
//! (contract §3.2, §3.5, §10.3).

use crate::manifest::{Found, shown};
use crate::pattern::matches;
use crate::resource::{Agent, AgentProvider};

use super::ask::Ask;
use super::field::Field;
use super::notes::Notes;
use super::refusal::{Reason, Refusal};
use super::{listed, said};

/// Notes that nobody says what runs it; without a cluster, it is a Job.
pub(super) fn runtime(ask: &Ask<'_>, notes: &mut Notes) {
    if kind(ask).is_none() {
        notes.object(
            &ask.field("spec.runtime.type"),
            Reason::MissingRuntime,
            "it does not say its runtime, which is `job`",
        );
    }
    let annotations = ask.run.object.metadata.annotations.as_ref();
    let template = annotations.and_then(|it| said(it.get("agents.proompteng.ai/template")));
    if template == Some("true") {
        notes.warn(
            &ask.field("metadata.annotations"),
            "it is a template of runs: a controller does not start it",
        );
    }
}

fn kind<'m>(ask: &Ask<'m>) -> Option<&'m str> {
    said(ask.spec().runtime.as_ref()?.kind.as_deref())
}

/// Looks whether the run is a Job.
pub(super) fn is_job(ask: &Ask<'_>) -> Result<(), Refusal> {
    let config = |key: &str| ask.field("spec.runtime.config").key(key);
    let missing =
        |keys: &[&str], reason| match keys.iter().find(|key| ask.configured_text(key).is_none()) {
            Some(key) => Err(config(key).refused(reason, "it is missing or blank")),
            None => Ok(()),
        };
    let what = match kind(ask) {
        None | Some("job") => return Ok(()),
        Some("custom") => {
            missing(&["endpoint"], Reason::MissingEndpoint)?;
            "a runtime of type `custom` starts no runner"
        }
        Some("temporal") => {
            missing(
                &["workflowType", "taskQueue"],
                Reason::MissingTemporalConfig,
            )?;
            "a runtime of type `temporal` starts no runner"
        }
        Some("workflow") => "a runtime of type `workflow` is several Jobs, one after another",
        Some(other) => {
            let other = shown(other);
            let message = format!("there is no runtime of type `{other}`");
            return Err(ask
                .field("spec.runtime.type")
                .refused(Reason::SubmitFailed, message)
                .hint("write `job`"));
        }
    };
    Err(ask
        .field("spec.runtime.type")
        .refused(Reason::UnsupportedRuntime, what)
        .hint("write a run of type `job`"))
}

/// Looks at the labels of the run.
pub(super) fn labels(ask: &Ask<'_>) -> Result<(), Refusal> {
    let policy = &ask.controller.labels;
    let field = ask.field("metadata.labels");
    let labels = ask.run.object.metadata.labels.iter();
    let labels = labels.flat_map(crate::resource::Strings::iter);
    let labels: Vec<_> = labels
        .filter(|(key, value)| !key.is_empty() && said(Some(value)).is_some())
        .map(|(key, _)| key)
        .collect();
    let missing = |key: &&String| !labels.contains(&key.as_str());
    if let Some(key) = policy.required.iter().find(missing) {
        let message = format!("the controller demands the label `{key}`");
        return Err(field
            .refused(Reason::MissingRequiredLabels, message)
            .hint("the variable `AGENTS_CONTROLLER_LABELS_REQUIRED` says which"));
    }
    let any = |patterns: &[String], key: &str| patterns.iter().any(|it| matches(it, key));
    if let Some(key) = labels.iter().find(|key| any(&policy.denied, key)) {
        return Err(field
            .key(key)
            .refused(Reason::LabelBlocked, "the controller forbids this label")
            .hint("the variable `AGENTS_CONTROLLER_LABELS_DENIED` says which"));
    }
    let foreign = |key: &&&str| !policy.allowed.is_empty() && !any(&policy.allowed, key);
    if let Some(key) = labels.iter().find(foreign) {
        return Err(field
            .key(key)
            .refused(
                Reason::LabelNotAllowed,
                "the controller does not permit this label",
            )
            .hint("the variable `AGENTS_CONTROLLER_LABELS_ALLOWED` says which"));
    }
    Ok(())
}

/// Chooses the image: that of the run, else that of the provider, else that of the controller.
pub(super) fn image<'m>(
    ask: &Ask<'m>,
    provider: Found<'m, AgentProvider>,
) -> Result<&'m str, Refusal> {
    let run = ask.spec().workload.as_ref();
    let run = run.and_then(|workload| said(workload.image.as_deref()));
    let own = provider.object.spec.workload.as_ref();
    let own = own.and_then(|workload| said(workload.image.as_deref()));
    let run_field = ask.field("spec.workload.image");
    let (image, field) = if let Some(image) = run {
        (image, run_field)
    } else if let Some(image) = own {
        (image, Field::of(provider.manifest, "spec.workload.image"))
    } else if let Some(image) = said(ask.controller.image.as_deref()) {
        (image, run_field)
    } else {
        return Err(run_field
            .refused(
                Reason::MissingWorkloadImage,
                "neither run nor provider nor controller says an image",
            )
            .hint("write it here, or to the variable `AGENTS_AGENT_RUNNER_IMAGE`"));
    };
    let shown = shown(image);
    let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, image));
    if any(&ask.controller.images_denied) {
        let message = format!("the controller forbids the image `{shown}`");
        return Err(field.refused(Reason::ImageBlocked, message));
    }
    if !ask.controller.images_allowed.is_empty() && !any(&ask.controller.images_allowed) {
        let message = format!("the controller does not permit the image `{shown}`");
        return Err(field.refused(Reason::ImageNotAllowed, message));
    }
    Ok(image)
}

/// Chooses the service account: that of the run, else that of the provider, else that of the
/// controller; and looks whether the Agent permits it.
pub(super) fn service_account<'m>(
    ask: &Ask<'m>,
    agent: Found<'m, Agent>,
    provider: Found<'m, AgentProvider>,
) -> Result<&'m str, Refusal> {
    let config = |key: &'static str| {
        let name = ask.configured_text(key)?;
        Some((name, ask.field("spec.runtime.config").key(key)))
    };
    let own = || {
        let workload = provider.object.spec.workload.as_ref()?;
        let name = said(workload.service_account_name.as_deref())?;
        let path = "spec.workload.serviceAccountName";
        Some((name, Field::of(provider.manifest, path)))
    };
    let (name, field) = config("serviceAccount")
        .or_else(|| config("serviceAccountName"))
        .or_else(own)
        .unwrap_or_else(|| {
            let default = said(ask.controller.service_account.as_deref());
            let field = ask.field("spec.runtime.config.serviceAccount");
            (default.unwrap_or("default"), field)
        });
    let security = agent.object.spec.security.as_ref();
    let allowed = security.and_then(|it| it.allowed_service_accounts.as_deref());
    let allowed = listed(allowed.unwrap_or_default());
    if allowed.is_empty() || allowed.contains(&name) {
        return Ok(name);
    }
    let message = format!(
        "the service account `{}` is not among `spec.security.allowedServiceAccounts` of {}",
        shown(name),
        agent.manifest
    );
    Err(field.refused(Reason::ServiceAccountNotAllowed, message))
}
