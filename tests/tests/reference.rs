//! `docs/reference.md` says what the code does, because it is made from the code's own tables.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use agent_plan::env::VARIABLES;
use agent_plan::event::EventKind;
use agent_plan::outcome::{Code, ENDINGS, Word};
use agent_plan::record::{Header, Record};
use agent_plan::settings::SETTINGS;
use agent_plan::status::RunStatus;
use agent_tests::binary;
use serde_json::Value;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference.md");

#[test]
fn the_reference_page_is_what_the_code_says() {
    let wanted = page();
    let update = std::env::vars_os().any(|(name, _)| name == "AGENT_TESTS_UPDATE");
    if update {
        std::fs::write(PAGE, &wanted).expect("the page can be written");
    }
    let found = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert_eq!(found, wanted, "the page is stale: run `make generate`");
}

/// What the names of variables begin with that are not our own alone.
const FAMILIES: [&str; 6] = [
    "NATS_",
    "OTEL_",
    "CODEX_",
    "TRACEPARENT",
    "TRACESTATE",
    "VCS_",
];

/// Names that are not the runner's to read: a variable that exists in debug builds only, for the
/// tests themselves, and credentials of the agent's own.
const ELSEWHERE: [&str; 3] = ["AGENT_RUNNER_FAULT", "CODEX_API_KEY", "CODEX_AUTH"];

#[test]
fn every_variable_in_the_code_is_documented() {
    let page = page();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for directory in ["runner/src", "runner/plan/src", "providers/src"] {
        for_each_file(&root.join(directory), &mut |path, text| {
            let is_test = path.components().any(|part| {
                let part = part.as_os_str();
                part == "tests" || part == "tests.rs"
            });
            for name in names(text, is_test) {
                if !ELSEWHERE.contains(&name.as_str()) {
                    assert!(
                        page.contains(&format!("`{name}`")),
                        "`{name}` in {} is not in the reference",
                        path.display()
                    );
                }
            }
        });
    }
}

/// Every `AGENT_RUN…` name in a text, and every literal that is a name of another family.
fn names(text: &str, is_test: bool) -> Vec<String> {
    let is_part =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    let ours = text
        .split(|letter| !is_part(letter))
        .filter(|word| word.starts_with("AGENT_RUN"));
    // Constants are called as variables are, so that only quotes tell a variable. What tests set is
    // behind the code, where it is not in a file of its own.
    let code = text.split("#[cfg(test)]").next();
    let code = code.filter(|_| !is_test).unwrap_or_default();
    let others = code
        .split('"')
        .filter(|literal| literal.chars().all(is_part))
        .filter(|literal| FAMILIES.iter().any(|family| literal.starts_with(family)));
    ours.chain(others)
        .filter(|name| !name.ends_with('_'))
        .map(str::to_owned)
        .collect()
}

fn for_each_file(directory: &Path, check: &mut dyn FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(directory)
        .expect("the sources are there")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            for_each_file(&path, check);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            check(
                &path,
                &std::fs::read_to_string(&path).expect("sources are text"),
            );
        }
    }
}

fn page() -> String {
    let mut page =
        "# Reference\n\nGenerated from the code by `make generate`; a test compares the two.\n"
            .to_owned();
    exit_codes(&mut page);
    settings(&mut page);
    variables(&mut page);
    status(&mut page);
    events(&mut page);
    local(&mut page);
    page
}

/// Adds a table; cells must not hold a `|`.
fn table<const N: usize>(
    page: &mut String,
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let mut row = |cells: &[String]| {
        writeln!(page, "| {} |", cells.join(" | ")).expect("a String takes everything");
    };
    row(&head.map(str::to_owned));
    row(&head.map(|_| "---".to_owned()));
    for cells in rows {
        assert!(
            cells.iter().all(|cell| !cell.contains('|')),
            "a cell has a bar in it: {cells:?}"
        );
        row(&cells);
    }
}

fn exit_codes(page: &mut String) {
    page.push_str(
        "\n## Outcomes and exit codes\n\nThe status file is the truth; the exit code is a hint, because an agent may exit with any \
         of these numbers itself. `retryable` says whether the same run may well succeed later.\n\n",
    );
    let rows = ENDINGS.iter().map(|ending| {
        let code = match ending.code {
            Code::Fixed(code) => code.to_string(),
            Code::Agents => "the agent's own, or 128 + its signal".to_owned(),
            Code::Signal => "130 (INT), 143 (TERM)".to_owned(),
        };
        let word = match ending.outcome.word() {
            Word::Succeeded => "`succeeded`",
            Word::Failed => "`failed`",
            Word::Cancelled => "`cancelled`",
        };
        let retryable = if ending.retryable { "yes" } else { "no" };
        [
            code,
            format!("`{:?}`", ending.outcome),
            word.to_owned(),
            retryable.to_owned(),
            ending.meaning.to_owned(),
            ending.next_step.to_owned(),
        ]
    });
    table(
        page,
        [
            "Code",
            "`outcome`",
            "`status`",
            "`retryable`",
            "What happened",
            "What to do",
        ],
        rows,
    );
}

fn settings(page: &mut String) {
    page.push_str(
        "\n## Settings\n\nA flag wins over a variable, a variable over the object `runner` at the top level of the spec, that over \
         `adapter.runner`, that over the default. Durations are seconds (`90`, `1.5`) or words (`1h 30m`); lists in flags and \
         variables are comma-separated.\n\n",
    );
    let rows = SETTINGS.iter().map(|setting| {
        [
            format!("`runner.{}`", setting.key),
            format!("`--{}`", setting.flag),
            format!("`{}`", setting.variable),
            setting.default.to_owned(),
            setting.meaning.to_owned(),
        ]
    });
    table(
        page,
        ["In the spec", "Flag", "Variable", "Default", "What it does"],
        rows,
    );
}

fn variables(page: &mut String) {
    page.push_str("\n## Variables that are not settings\n\n");
    let rows = VARIABLES.iter().map(|variable| {
        [
            format!("`{}`", variable.name),
            variable.set_by.to_owned(),
            variable.meaning.to_owned(),
        ]
    });
    table(page, ["Variable", "Usually set by", "What it does"], rows);
}

fn status(page: &mut String) {
    page.push_str(
        "\n## Status fields\n\nThe file at `artifacts.statusPath` is compact and at most 4000 bytes; `status.full.json` beside it is \
         complete. `agent-runner schema status` prints the JSON Schema. Fields up to `error` are the controller's.\n\n",
    );
    let schema = schemars::schema_for!(RunStatus);
    let mut rows = Vec::new();
    fields(schema.as_value(), schema.as_value(), "", &mut rows);
    table(page, ["Field", "Always there", "What it says"], rows);
}

fn events(page: &mut String) {
    page.push_str(
        "\n## Events\n\nA journal, `events.ndjson`, is lines of JSON: a header for each attempt, and behind it a record for each \
         event. `agent-runner schema event` prints the JSON Schema of a record. What is published of it, and where: \
         [events.md](events.md).\n\n",
    );
    let kinds = schemars::schema_for!(EventKind);
    let kinds = kinds.as_value()["oneOf"].as_array().cloned();
    let rows = kinds.into_iter().flatten().map(|kind| {
        let name = kind["const"].as_str().unwrap_or_default();
        let meaning = kind["description"].as_str().unwrap_or_default();
        [format!("`{name}`"), meaning.replace('\n', " ")]
    });
    table(page, ["Kind", "What it says"], rows);
    for (what, schema) in [
        ("header", schemars::schema_for!(Header)),
        ("record", schemars::schema_for!(Record)),
    ] {
        writeln!(page, "\nOf a {what}:\n").expect("a String takes everything");
        let mut rows = Vec::new();
        fields(schema.as_value(), schema.as_value(), "", &mut rows);
        table(page, ["Field", "Always there", "What it says"], rows);
    }
}

fn local(page: &mut String) {
    page.push_str(
        "\n## Local runs\n\n`agent-runner local` takes what would be applied to a cluster, and needs none: \
         [local.md](local.md).\n\n```text\n",
    );
    let help = Command::new(binary("agent-runner"))
        .args(["local", "--help"])
        .env_clear()
        .output()
        .expect("the runner can be started");
    page.push_str(&String::from_utf8(help.stdout).expect("it is text"));
    page.push_str(
        "```\n\nA value of a Secret is taken from `--secret`, else from a Secret among the manifests, else from the variable \
         `SECRET_<NAME>_<KEY>`: in capitals, with `_` for all that is neither letter nor digit. \
         `SECRET_HUB_TOKEN_TLS_KEY` is the key `tls.key` of the Secret `hub-token`.\n\nWhat a controller is told by \
         its own environment, `local` is told by the same variables:\n\n",
    );
    let rows = agent_plan::resolve::VARIABLES
        .iter()
        .map(|variable| [format!("`{}`", variable.name), variable.meaning.to_owned()]);
    table(page, ["Variable", "What it does"], rows);
}

fn fields(root: &Value, object: &Value, prefix: &str, rows: &mut Vec<[String; 3]>) {
    let required = object["required"].as_array().cloned().unwrap_or_default();
    for (name, field) in object["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let always = if required.iter().any(|required| required == name) {
            "yes"
        } else {
            "no"
        };
        let meaning = field["description"]
            .as_str()
            .unwrap_or_default()
            .replace('\n', " ");
        rows.push([format!("`{path}`"), always.to_owned(), meaning]);
        let reference = field["$ref"]
            .as_str()
            .or(field["anyOf"][0]["$ref"].as_str());
        let inner = reference.and_then(|reference| root.pointer(reference.trim_start_matches('#')));
        if let Some(inner) = inner.filter(|inner| inner["properties"].is_object()) {
            fields(root, inner, &format!("{path}."), rows);
        }
    }
}
