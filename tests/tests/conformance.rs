//! What the controller wrote runs as the pod would run it.

#[path = "conformance/published.rs"]
mod published;
#[path = "conformance/stored.rs"]
mod stored;

use std::fs;
use std::path::PathBuf;

use agent_tests::conformance::{Agent, Case, Pod, inode, list, string};
use agent_tests::{Run, S3Server, binary};
use published::{assert_only_events_are_new, assert_published, with_stream};
use serde_json::{Value, json};
use stored::{assert_stored, expect_stored};

/// Asserts what holds of every case, whatever its agent is.
#[track_caller]
fn assert_delivered(case: &Case, pod: &Pod, code: i32) {
    let Pod { ended, .. } = pod;
    assert_eq!(ended.code, code, "{}", ended.stderr);
    ended.assert_the_controller_reads_it();
    let status = &ended.status;
    assert_eq!(status["adapter"], case.expected["adapter"]);
    assert_eq!(status["binary"], case.expected["binary"]);
    assert_eq!(status["args"], case.expected["args"]);
    assert_eq!(status["process"]["exitCode"], 0);
    assert_eq!(status["provider"], case.env_of("AGENT_PROVIDER"));
    let mut artifacts = status["artifacts"].clone();
    // What the contract knows is all that there is besides how storing went.
    let known = artifacts.as_object_mut().expect("it is an object");
    known.remove("uploads");
    assert_eq!(
        artifacts,
        json!({
            "statusPath": "/workspace/.agent/status.json",
            "logPath": "/workspace/.agent/runner.log",
            "outputArtifacts": case.expected["outputArtifacts"],
        })
    );
    // The kubelet holds the file open by its inode: a rename over it would be lost.
    assert_eq!(inode(&pod.path("kubelet/status.json")), pod.inode);
    let log = fs::read(pod.path("workspace/.agent/runner.log")).expect("there is a log");
    assert_eq!(log, ended.stdout, "the log is what the pod's log is");
    let full = fs::read(pod.path("workspace/.agent/status.full.json")).expect("it is beside");
    let full: Value = serde_json::from_slice(&full).expect("it is JSON");
    assert_eq!(full["outcome"], status["outcome"]);
    for file in list(&case.expected["inputFiles"]) {
        let path = string(&file["path"]);
        let mounted = case.mounts(pod.ended.dir.path());
        let seen = match mounted.iter().find(|(_, target)| target == path) {
            Some((source, _)) => source.clone(),
            None => pod.path(path),
        };
        let content = fs::read_to_string(seen).expect("the input file is there");
        assert_eq!(content, string(&file["content"]), "{path}");
    }
}

/// Asserts that the agent was called as the controller's own runner would have.
#[track_caller]
fn assert_called(case: &Case, pod: &Pod) {
    let call = pod.call();
    assert_eq!(call["args"], case.expected["args"]);
    for (name, value) in case.expected["env"].as_object().into_iter().flatten() {
        assert_eq!(&call["env"][name], value, "{name}");
    }
    // Everything that the Job sets reaches the agent too, under what the templates set.
    for (name, value) in case.env() {
        if case.expected["env"].get(name).is_none() {
            assert_eq!(call["env"][name], value, "{name}");
        }
    }
}

#[test]
fn claude_as_an_exec_provider_is_called_as_the_incumbent_calls_it() {
    let case = Case::named("exec-claude");
    let pod = case.run(Agent::Recorder);
    assert_called(&case, &pod);
    // Its artifact has a key and there is no store: a success that cannot be delivered is none.
    assert_delivered(&case, &pod, 73);
    assert_eq!(pod.ended.outcome(), "ArtifactFailed");
    assert_eq!(
        pod.ended.error(),
        "artifact `report`: no object store is configured"
    );
}

#[test]
fn a_keyed_artifact_is_stored_and_shown_as_the_incumbent_shows_it() {
    let server = S3Server::new();
    let mut case = Case::named("exec-claude");
    let keys = expect_stored(&mut case, &server);
    assert_eq!(keys, ["runs/audit/report.md"]);
    let variables = server.env();
    let mut env = case.env();
    env.extend(
        variables
            .iter()
            .map(|(name, value)| (*name, value.as_str())),
    );
    let report = "mkdir -p \"$dir/workspace/out/audit\"; echo done > \"$dir/workspace/out/audit/report.md\"\n";
    let pod = case.run_with(Agent::Recorder, env, report);
    assert_called(&case, &pod);
    assert_delivered(&case, &pod, 0);
    assert_stored(&server, &keys, &pod.ended.status);
    let object = server.object(&keys[0]).expect("it is there");
    assert_eq!(object.text(), "done\n");
}

#[test]
fn a_provider_without_an_adapter_block_is_called_as_the_incumbent_calls_it() {
    let case = Case::named("exec-inferred");
    let pod = case.run(Agent::Recorder);
    assert_called(&case, &pod);
    assert_delivered(&case, &pod, 0);
}

#[test]
fn quotes_and_unicode_reach_the_agent_as_they_are() {
    let case = Case::named("exec-unicode-quotes");
    let pod = case.run(Agent::Recorder);
    assert_called(&case, &pod);
    assert_delivered(&case, &pod, 0);
}

#[test]
fn a_server_of_events_changes_nothing_else() {
    for (name, code) in [
        ("exec-claude", 73),
        ("exec-inferred", 0),
        ("exec-unicode-quotes", 0),
    ] {
        let case = Case::named(name);
        let without = case.run(Agent::Recorder).call();
        let nats = with_stream();
        let url = nats.url();
        let mut env = case.env();
        env.push(("NATS_URL", &url));
        let pod = case.run_with(Agent::Recorder, env, "");
        assert_called(&case, &pod);
        assert_delivered(&case, &pod, code);
        let call = pod.call();
        assert_eq!(call["args"], without["args"]);
        assert_only_events_are_new(&call["env"], &without["env"]);
        assert_published(&case, &pod, &nats);
    }
}

#[test]
fn a_real_shell_runs_in_the_pod() {
    let case = Case::named("exec-inferred");
    let pod = case.run(Agent::Real);
    assert_delivered(&case, &pod, 0);
    assert_eq!(pod.ended.stdout, b"plain\n");
    assert_eq!(pod.ended.outcome(), "Completed");
}

#[test]
fn a_real_printf_prints_what_the_parameters_say() {
    let case = Case::named("exec-unicode-quotes");
    let pod = case.run(Agent::Real);
    assert_delivered(&case, &pod, 0);
    let args = list(&case.expected["args"]);
    let expected = format!("{}|{}|", string(&args[1]), string(&args[2]));
    assert_eq!(pod.ended.text(), expected);
}

/// A definition of the provider `claude`, as an image would have it.
const DEFINITION: &str = r#"{
  "binary": "/usr/local/bin/claude",
  "argsTemplate": ["-p", "{{ inputs.prompt }}", "--run", "{{ agentRun.name }}"],
  "envTemplate": { "STAGE": "{{ inputs.stage }}" }
}"#;

#[test]
fn a_payload_alone_runs_the_provider_that_the_image_defines() {
    let case = Case::named("exec-claude");
    let env = case.env();
    let without = |name: &&(&str, &str)| name.0 != "AGENT_RUNNER_SPEC_PATH";
    let mut env: Vec<_> = env.iter().filter(without).copied().collect();
    env.push(("AGENT_PROVIDER_DIR", "/workspace/providers"));
    let more = format!(
        "mkdir \"$dir/workspace/providers\"\ncat > \"$dir/workspace/providers/claude.json\" <<'END'\n{DEFINITION}\nEND\n"
    );
    let pod = case.run_with(Agent::Recorder, env, &more);
    let call = pod.call();
    let prompt = "Analyze cluster health & summarize \"top\" risks <now>";
    assert_eq!(call["args"], json!(["-p", prompt, "--run", "exec-claude"]));
    assert_eq!(call["env"]["STAGE"], "audit");
    assert_eq!(pod.ended.code, 0, "{}", pod.ended.stderr);
    pod.ended.assert_the_controller_reads_it();
    assert!(pod.path("workspace/.agent/runner.log").exists());
}

/// A run whose provider is defined in its own directory, and not in the spec.
fn defined(definition: &Value) -> Run {
    let run = Run::new();
    let folder = run.path("providers");
    fs::create_dir(&folder).expect("a folder can be made");
    fs::write(folder.join("fake.json"), definition.to_string()).expect("it can be written");
    run.env("AGENT_PROVIDER_DIR", folder)
}

#[test]
fn a_spec_without_adapter_runs_the_provider_that_the_image_defines() {
    let run = defined(&json!({
        "binary": binary("fake-agent"),
        "argsTemplate": ["print", "{{inputs.word}}"],
    }));
    let status = run.path("agent/status.json");
    let ended = run
        // As a 0.9.1 controller writes it: neither version nor adapter.
        .whole_spec(json!({
            "provider": "fake",
            "inputs": { "word": "old" },
            "artifacts": { "statusPath": status },
        }))
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, b"old\n");
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.status["provider"], "fake");
}

#[test]
fn a_provider_that_nobody_defines_is_an_invalid_spec() {
    let run = defined(&json!({ "binary": "/bin/true" }));
    let status = run.path("agent/status.json");
    let ended = run
        .whole_spec(json!({ "provider": "other", "artifacts": { "statusPath": status } }))
        .end();
    assert_eq!(ended.code, 65);
    assert_eq!(ended.reason(), "NoAdapter");
    ended.assert_the_controller_reads_it();
}

/// A spec whose agent prints `word` and whose status is in the run's directory.
fn printing(run: &Run, word: &str) -> Value {
    json!({
        "provider": "fake",
        "artifacts": { "statusPath": run.path("agent/status.json") },
        "adapter": {
            "type": "exec",
            "exec": { "binary": binary("fake-agent"), "argsTemplate": ["print", word] },
        },
    })
}

fn write_spec(run: &Run, word: &str) -> PathBuf {
    let path = run.path(&format!("{word}.json"));
    fs::write(&path, printing(run, word).to_string()).expect("a spec can be written");
    path
}

#[test]
fn an_inline_spec_runs() {
    let run = Run::new();
    let spec = printing(&run, "inline").to_string();
    let ended = run.env("AGENT_RUNNER_SPEC", spec).start_with(None).end();
    assert_eq!(ended.stdout, b"inline\n");
    ended.assert_the_controller_reads_it();
}

#[test]
fn an_argument_wins_over_a_path_over_an_inline_spec() {
    let run = Run::new();
    let (argument, path) = (write_spec(&run, "argument"), write_spec(&run, "path"));
    let inline = printing(&run, "inline").to_string();
    let ended = run
        .env("AGENT_RUNNER_SPEC_PATH", &path)
        .env("AGENT_RUNNER_SPEC", &inline)
        .start_with(Some(argument))
        .end();
    assert_eq!(ended.stdout, b"argument\n");

    let run = Run::new();
    let path = write_spec(&run, "path");
    let inline = printing(&run, "inline").to_string();
    let ended = run
        .env("AGENT_RUNNER_SPEC_PATH", path)
        .env("AGENT_RUNNER_SPEC", inline)
        .start_with(None)
        .end();
    assert_eq!(ended.stdout, b"path\n");
}

#[test]
fn further_bare_arguments_are_ignored_with_a_warning() {
    let ended = Run::new()
        .agent(["print", "hello"])
        .arg("second")
        .arg("third")
        .end();
    assert_eq!(ended.code, 0);
    assert_eq!(ended.stdout, b"hello\n");
    let warnings = ended.status["warnings"].to_string();
    assert!(
        warnings.contains("argument `second` and all after it are ignored"),
        "{warnings}"
    );
}

#[test]
fn no_spec_at_all_says_where_one_could_be() {
    let run = Run::new();
    let status = run.path("agent/status.json");
    let ended = run
        .env("AGENT_RUNNER_STATUS_PATH", status)
        .start_with(None)
        .end();
    assert_eq!(ended.code, 66);
    assert_eq!(ended.reason(), "NoSpec");
    assert!(
        ended.error().contains("AGENT_RUNNER_SPEC_PATH"),
        "{}",
        ended.error()
    );
    ended.assert_the_controller_reads_it();
}
