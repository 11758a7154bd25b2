//! The Job and its pod (contract §3.2, §3.4).

use serde_json::{Map, Value, json};

use crate::manifest::Found;
use crate::resource::{AgentProvider, ComputeResources, PromptKind};

use super::adapter::{RUNNER, SYSTEM_PROMPT};
use super::ask::Ask;
use super::config_map::InputFile;
use super::environment::codex_home;
use super::field::Field;
use super::names;
use super::notes::{Notes, SecretPurpose};
use super::payload;
use super::refusal::Refusal;
use super::repository::Repository;
use super::said;
use super::system_prompt::SystemPrompt;
use super::volumes::{Mounted, Volumes};

/// What a pod is made of besides what the run says.
#[derive(Debug)]
pub(super) struct Container<'c> {
    pub(super) image: &'c str,
    pub(super) binary: &'c str,
    pub(super) arguments: Vec<String>,
    pub(super) env: Vec<Value>,
    /// Secrets of which every key is a variable.
    pub(super) secrets: &'c [&'c str],
    pub(super) resources: Value,
}

impl<'c> Container<'c> {
    /// What a provider says is started.
    pub(super) fn binary(provider: Found<'c, AgentProvider>) -> &'c str {
        said(provider.object.spec.binary.as_deref()).unwrap_or(RUNNER)
    }

    fn value(&self, volumes: &Volumes<'_>) -> Value {
        let mut container = Map::new();
        let mut set = |key: &str, value: Value| container.insert(key.to_owned(), value);
        set("name", "agent-runner".into());
        set("image", self.image.into());
        set("command", json!([self.binary]));
        set("args", self.arguments.clone().into());
        set("env", self.env.clone().into());
        if !self.secrets.is_empty() {
            let secrets = self.secrets.iter();
            let from = secrets.map(|name| json!({ "secretRef": { "name": name } }));
            set("envFrom", from.collect());
        }
        set("resources", self.resources.clone());
        set("volumeMounts", volumes.mounts().into());
        set("terminationMessagePath", payload::STATUS.into());
        set("terminationMessagePolicy", "File".into());
        container.into()
    }
}

/// What each ConfigMap is called; that of input files only where there are any.
#[derive(Debug)]
pub(super) struct ConfigMapNames {
    pub(super) spec: String,
    pub(super) inputs: Option<String>,
}

/// Collects the volumes of the pod, but for that with a token of the service account.
pub(super) fn volumes<'m>(
    known: &payload::Known<'_, 'm>,
    names: &ConfigMapNames,
    files: &[InputFile],
    notes: &mut Notes,
) -> Result<Volumes<'m>, Refusal> {
    let (ask, repository) = (known.ask, known.repository);
    let mut volumes = Volumes::new(ask.field("metadata.name"));
    let workload = ask.spec().workload.as_ref();
    if let Some(own) = workload.and_then(|workload| workload.volumes.as_deref()) {
        volumes.add_own(own, &ask.field("spec.workload.volumes"), notes)?;
    }
    let has_home = volumes.is_taken(codex_home(ask));
    if let Some(name) = &names.inputs {
        let source = json!({ "configMap": { "name": name } });
        let mut inputs = Mounted::new(names::name(name, "vol"), source);
        for (index, file) in files.iter().enumerate() {
            let key = format!("input-{index}");
            inputs = inputs.at(&file.path, &json!({ "subPath": key }));
        }
        let field = Field::of(known.provider.manifest, "spec.inputFiles");
        volumes.add(inputs, Some(&field))?;
    }
    let source = json!({ "configMap": { "name": names.spec } });
    let mut spec = Mounted::new(names::name(&names.spec, "vol"), source);
    for (path, key) in [
        (payload::RUN, "run.json"),
        (payload::SPEC, "agent-runner.json"),
    ] {
        spec = spec.at(path, &json!({ "subPath": key }));
    }
    volumes.add(spec, None)?;
    if let Some(reference) = &known.system_prompt.reference {
        let name = names::name(ask.name(), "system-prompt");
        let source = SystemPrompt::volume(reference);
        let (directory, _) = SYSTEM_PROMPT.rsplit_once('/').unwrap_or_default();
        let field = Field::of(known.agent.manifest, "spec.defaults.systemPromptRef");
        if reference.kind == PromptKind::Secret {
            let purpose = SecretPurpose::File(SYSTEM_PROMPT.to_owned());
            notes.need(&reference.name, Some(&reference.key), purpose, Some(&field));
        }
        let mounted = Mounted::read_only(name, source, directory);
        volumes.add(mounted, Some(&field))?;
    }
    auth(ask, has_home, repository, &mut volumes, notes)?;
    for mounted in repository.iter().flat_map(|it| &it.mounted) {
        volumes.add(mounted.clone(), None)?;
    }
    Ok(volumes)
}

/// Adds the credentials of codex, in a directory of their own unless the run `has_home` or its
/// repository has something there.
fn auth(
    ask: &Ask<'_>,
    has_home: bool,
    repository: Option<&Repository>,
    volumes: &mut Volumes<'_>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let Some(auth) = &ask.controller.auth_secret else {
        return Ok(());
    };
    let home = codex_home(ask);
    let mut credentials = repository.iter().flat_map(|it| &it.mounted);
    if !has_home && !credentials.any(|it| it.is_at(home)) {
        let name = names::name(ask.name(), "auth-home");
        let directory = Mounted::new(name, json!({ "emptyDir": {} }));
        volumes.add(directory.at(home, &json!({})), None)?;
    }
    notes.need(
        &auth.name,
        Some(&auth.key),
        SecretPurpose::File(auth.path()),
        None,
    );
    let source = json!({
        "secret": {
            "secretName": auth.name,
            "items": [{ "key": auth.key, "path": auth.key }],
        },
    });
    let file = Mounted::new(names::name(ask.name(), "auth-secret"), source);
    let file = file.at(
        &auth.path(),
        &json!({ "subPath": auth.key, "readOnly": true }),
    );
    volumes.add(file, None)
}

/// The Job.
pub(super) fn job(
    ask: &Ask<'_>,
    metadata: &Value,
    service_account: &str,
    container: &Container<'_>,
    volumes: &Volumes<'_>,
    has_token: bool,
) -> Value {
    let mut pod = Map::new();
    let mut set = |key: &str, value: Value| pod.insert(key.to_owned(), value);
    set("serviceAccountName", service_account.into());
    if has_token {
        set("automountServiceAccountToken", false.into());
    }
    set("restartPolicy", "Never".into());
    set("containers", vec![container.value(volumes)].into());
    set("volumes", volumes.volumes().into());
    pod.extend(scheduling(ask));
    let backoff = ask.configured_number("backoffLimit");
    let backoff = backoff.or(ask.controller.backoff_limit).unwrap_or(0);
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": backoff,
            "template": {
                "metadata": { "labels": metadata["labels"] },
                "spec": pod,
            },
        },
    })
}

/// Where the pod may run: what the run says, else what the controller was told.
fn scheduling(ask: &Ask<'_>) -> Map<String, Value> {
    let told = &ask.controller.scheduling;
    let object = |key: &str, told: &Option<Map<String, Value>>| {
        let own = ask.configured_object(key).cloned();
        let object = own.or_else(|| told.clone()).unwrap_or_default();
        (!object.is_empty()).then_some(Value::Object(object))
    };
    let list = |key: &str, told: &Option<Vec<Value>>| {
        let own = ask.configured_list(key).map(<[Value]>::to_vec);
        let list = own.or_else(|| told.clone()).unwrap_or_default();
        (!list.is_empty()).then_some(Value::Array(list))
    };
    let text = |key: &str, told: &Option<String>| {
        let told = said(told.as_deref());
        ask.configured_text(key).or(told).map(Value::from)
    };
    let secrets = list("imagePullSecrets", &told.image_pull_secrets);
    let spread = &told.topology_spread_constraints;
    let all = [
        ("nodeSelector", object("nodeSelector", &told.node_selector)),
        ("tolerations", list("tolerations", &told.tolerations)),
        (
            "topologySpreadConstraints",
            list("topologySpreadConstraints", spread),
        ),
        ("affinity", object("affinity", &told.affinity)),
        (
            "securityContext",
            object("podSecurityContext", &told.security_context),
        ),
        (
            "imagePullSecrets",
            secrets.and_then(|secrets| named(&secrets)),
        ),
        (
            "priorityClassName",
            text("priorityClassName", &told.priority_class),
        ),
        ("schedulerName", text("schedulerName", &told.scheduler)),
    ];
    let all = all.into_iter();
    all.filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

/// Secrets of a registry, which are names or objects with one.
fn named(secrets: &Value) -> Option<Value> {
    let secrets = secrets.as_array()?.iter();
    let said = secrets.filter_map(|entry| said(entry.as_str().or(entry["name"].as_str())));
    let objects: Vec<_> = said.map(|name| json!({ "name": name })).collect();
    (!objects.is_empty()).then_some(objects.into())
}

/// Compute resources: those of the controller, the provider, the runtime and the run, laid over each
/// other key by key. What is no text does not count.
pub(super) fn resources(
    ask: &Ask<'_>,
    provider: Found<'_, AgentProvider>,
    notes: &mut Notes,
) -> Value {
    let typed = |resources: Option<&ComputeResources>| {
        let resources = resources.cloned().unwrap_or_default();
        [resources.requests, resources.limits]
    };
    let plain = |resources: Option<&Map<String, Value>>| {
        let part = |key: &str| resources?.get(key)?.as_object().cloned();
        [part("requests"), part("limits")]
    };
    let own = provider.object.spec.workload.as_ref();
    let run = ask.spec().workload.as_ref();
    let layers = [
        plain(ask.controller.resources.as_ref()),
        typed(own.and_then(|workload| workload.resources.as_ref())),
        plain(ask.configured_object("resources")),
        typed(run.and_then(|workload| workload.resources.as_ref())),
    ];
    let fields = [
        None,
        Some(Field::of(provider.manifest, "spec.workload.resources")),
        Some(ask.field("spec.runtime.config.resources")),
        Some(ask.field("spec.workload.resources")),
    ];
    for (field, layer) in fields.iter().zip(&layers) {
        let Some(field) = field else { continue };
        for (key, quantities) in ["requests", "limits"].into_iter().zip(layer) {
            let odd = quantities
                .iter()
                .flatten()
                .filter(|(_, it)| !it.is_string());
            for (name, _) in odd {
                notes.warn(
                    &field.key(key).key(name),
                    "it is no text, and a controller leaves it out: write it in quotes",
                );
            }
        }
    }
    let mut resources = Map::new();
    for (index, key) in ["requests", "limits"].into_iter().enumerate() {
        let quantities = layers.iter().filter_map(|layer| layer[index].as_ref());
        let quantities = quantities.flatten().filter_map(|(name, quantity)| {
            let name = said(Some(name))?.to_owned();
            Some((name, Value::from(said(quantity.as_str())?)))
        });
        let quantities: Map<_, _> = quantities.collect();
        if !quantities.is_empty() {
            resources.insert(key.to_owned(), quantities.into());
        }
    }
    resources.into()
}
