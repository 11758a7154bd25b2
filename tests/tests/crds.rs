//! The definitions of the chart's kinds say what our types and a controller say, and a cluster that has
//! them takes what it should and nothing else.

#[path = "crds/cluster.rs"]
mod cluster;
#[path = "crds/definition.rs"]
mod definition;
#[path = "crds/examples.rs"]
mod examples;
#[path = "crds/refused.rs"]
mod refused;
#[path = "crds/structural.rs"]
mod structural;
#[path = "crds/yaml.rs"]
mod yaml;

use std::collections::BTreeSet;

use agent_plan::resource::Kind;

const DIRECTORY: &str = "charts/agents/crds";

/// `kubectl apply` keeps all of it in an annotation, which may not be larger.
const MOST_BYTES: usize = 256 << 10;

#[test]
fn each_definition_is_what_its_type_and_its_frame_say() {
    let update = std::env::vars_os().any(|(name, _)| name == "AGENT_TESTS_UPDATE");
    let directory = definition::below_root(DIRECTORY);
    let definitions = definition::all();
    for definition in &definitions {
        let path = directory.join(&definition.file);
        let wanted = format!(
            "# Made by `make generate` of tests/crds/{} and the types of runner/plan/src/resource/.\n{}",
            definition.file,
            yaml::written(&definition.object)
        );
        if update {
            std::fs::create_dir_all(&directory).expect("the directory can be made");
            std::fs::write(&path, &wanted).expect("the definition can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == wanted,
            "{DIRECTORY}/{} is stale: run `make generate`",
            definition.file
        );
        assert!(found.len() < MOST_BYTES, "{} is too large", definition.file);
    }
    // Helm applies whatever is there.
    let there: BTreeSet<_> = std::fs::read_dir(directory)
        .expect("the directory is there")
        .flatten()
        .map(|entry| entry.file_name().into_string().expect("names are text"))
        .collect();
    let wanted = definitions.iter().map(|it| it.file.clone()).collect();
    assert_eq!(there, wanted);
}

#[test]
fn what_is_written_is_what_was_made() {
    let files = definition::yaml_files(DIRECTORY);
    for (definition, (_, written)) in definition::all().iter().zip(&files) {
        assert_eq!(written[..], *std::slice::from_ref(&definition.object));
    }
}

#[test]
fn all_nineteen_kinds_are_there() {
    let definitions = definition::all();
    let mut names: Vec<_> = definitions
        .iter()
        .map(|it| it.object["metadata"]["name"].as_str().expect("it is text"))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "agentproviders.agents.proompteng.ai",
            "agentruns.agents.proompteng.ai",
            "agents.agents.proompteng.ai",
            "approvalpolicies.approvals.proompteng.ai",
            "artifacts.artifacts.proompteng.ai",
            "budgets.budgets.proompteng.ai",
            "implementationsources.agents.proompteng.ai",
            "implementationspecs.agents.proompteng.ai",
            "memories.agents.proompteng.ai",
            "orchestrationruns.orchestration.proompteng.ai",
            "orchestrations.orchestration.proompteng.ai",
            "schedules.schedules.proompteng.ai",
            "secretbindings.security.proompteng.ai",
            "signaldeliveries.signals.proompteng.ai",
            "signals.signals.proompteng.ai",
            "toolruns.tools.proompteng.ai",
            "tools.tools.proompteng.ai",
            "versioncontrolproviders.agents.proompteng.ai",
            "workspaces.workspaces.proompteng.ai",
        ]
    );
}

#[test]
fn every_kind_of_ours_is_there_with_its_version() {
    let definitions = definition::all();
    for kind in Kind::ALL {
        if !matches!(kind, Kind::Secret | Kind::ConfigMap) {
            let definition = definitions.iter().find(|it| it.kind == kind.name());
            let definition = definition.unwrap_or_else(|| panic!("{kind} has no definition"));
            assert_eq!(definition.api_version(), kind.api_version());
        }
    }
}

#[test]
fn no_two_kinds_share_a_name_to_call_them_by() {
    let mut names = BTreeSet::new();
    for definition in definition::all() {
        let of = &definition.object["spec"]["names"];
        let short = of["shortNames"].as_array().expect("it has some");
        // A kind whose singular is its plural has one name less.
        for name in [&of["plural"], &of["singular"]].into_iter().chain(short) {
            let name = name.as_str().expect("names are text").to_owned();
            assert!(names.insert(name.clone()), "`{name}` is there twice");
        }
        let category = &of["categories"][0];
        assert!(!names.contains(category.as_str().expect("it is text")));
    }
}
