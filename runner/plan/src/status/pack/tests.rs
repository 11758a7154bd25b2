use super::*;
use crate::outcome::Outcome;
use crate::spec::OutputArtifact;
use crate::status::{GitStatus, ProcessStatus, StatusArtifacts, UploadsStatus, WipStatus};
use proptest::prelude::*;

fn status() -> RunStatus {
    RunStatus {
        provider: "shell".to_owned(),
        adapter: Some("exec".to_owned()),
        binary: Some("/bin/sh".to_owned()),
        args: Some(vec!["-c".to_owned(), "exit 7".to_owned()]),
        exit_code: 7,
        cwd: Some("/workspace".to_owned()),
        error: Some("`sh` exited with code 7".to_owned()),
        outcome: Outcome::AgentFailed,
        reason: "NonZeroExit".to_owned(),
        process: Some(ProcessStatus::default()),
        ..RunStatus::begun("2026-08-23T10:15:00Z")
    }
}

#[test]
fn a_short_status_is_whole() {
    let packed: Value = serde_json::from_slice(&pack(&status())).expect("JSON");
    assert_eq!(packed, serde_json::to_value(status()).expect("JSON"));
}

#[test]
fn a_long_prompt_in_args_costs_the_prompt_and_says_so() {
    let long = RunStatus {
        args: Some(vec!["-p".to_owned(), "x".repeat(100_000)]),
        ..status()
    };
    let packed: Value = serde_json::from_slice(&pack(&long)).expect("JSON");
    assert_eq!(packed["args"][0], "-p");
    assert_eq!(packed["args"][1].as_str().map(str::len), Some(160));
    assert_eq!(packed["truncated"], serde_json::json!(["args"]));
    assert_eq!(packed["error"], "`sh` exited with code 7");
}

#[test]
fn twenty_two_artifacts_still_fit() {
    // The incumbent's file passes 4096 bytes at 22 artifacts and is then ignored (performance §5).
    let artifact = |index| OutputArtifact {
        name: format!("report-{index}"),
        path: Some(format!("/workspace/out/stage/report-{index}.md")),
        key: Some(format!("runs/fix-login-7/report-{index}.md")),
        url: Some(format!("s3://bucket/runs/fix-login-7/report-{index}.md")),
    };
    let many = RunStatus {
        artifacts: StatusArtifacts {
            output_artifacts: Some((0..1000).map(artifact).collect()),
            ..StatusArtifacts::default()
        },
        ..status()
    };
    let bytes = pack(&many);
    assert!(bytes.len() <= LIMIT);
    let packed: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(
        packed["artifacts"]["outputArtifacts"]
            .as_array()
            .map(Vec::len),
        Some(12)
    );
}

#[test]
fn what_the_controller_reads_outlives_our_own_notes() {
    let names = |prefix: &str| {
        (0..60)
            .map(|n| (format!("{prefix}{n:02}-{:030}", 0), n))
            .collect()
    };
    let artifact = OutputArtifact {
        name: "report".to_owned(),
        path: Some("x".repeat(60)),
        ..OutputArtifact::default()
    };
    let noisy = RunStatus {
        redactions: names("redaction"),
        timings: names("timing"),
        artifacts: StatusArtifacts {
            output_artifacts: Some(vec![artifact; 20]),
            ..StatusArtifacts::default()
        },
        ..status()
    };
    let packed: Value = serde_json::from_slice(&pack(&noisy)).expect("JSON");
    assert_eq!(
        packed["truncated"],
        serde_json::json!(["args", "redactions", "timings"])
    );
    let kept = packed["artifacts"]["outputArtifacts"].as_array();
    assert_eq!(kept.map(Vec::len), Some(20));
}

#[test]
fn a_thousand_quarantined_files_cost_their_names_and_not_the_commit() {
    let long = RunStatus {
        git: Some(GitStatus {
            url: "https://h/a/b".to_owned(),
            commit: Some("0".repeat(40)),
            quarantined: (0..1000)
                .map(|n| format!("{n}/{}", "x".repeat(200)))
                .collect(),
            ..GitStatus::default()
        }),
        ..status()
    };
    let bytes = pack(&long);
    assert!(bytes.len() <= LIMIT);
    let packed: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(packed["git"]["commit"], "0".repeat(40));
    assert_eq!(packed["git"]["branch"], Value::Null);
    let kept = packed["git"]["quarantined"].as_array();
    assert_eq!(kept.map(Vec::len), Some(8));
    assert_eq!(packed["truncated"], serde_json::json!(["git.quarantined"]));
}

fn uploads(store: &str, problem: &str) -> UploadsStatus {
    UploadsStatus {
        store: store.to_owned(),
        objects: u64::MAX,
        unchanged: u64::MAX,
        bytes: u64::MAX,
        missing: u64::MAX,
        refused: u64::MAX,
        failed: u64::MAX,
        pending: u64::MAX,
        manifest: Some(store.to_owned()),
        problem: Some(problem.to_owned()),
    }
}

#[test]
fn what_was_stored_costs_its_problem_first_and_its_counts_last() {
    let long = |args: usize| RunStatus {
        args: Some(vec!["x".repeat(args)]),
        artifacts: StatusArtifacts {
            uploads: Some(uploads("s3://runs", &"no ".repeat(2000))),
            ..StatusArtifacts::default()
        },
        ..status()
    };
    let packed: Value = serde_json::from_slice(&pack(&long(10))).expect("JSON");
    let kept = &packed["artifacts"]["uploads"];
    assert_eq!(kept["problem"].as_str().map(str::len), Some(200));
    assert_eq!(kept["manifest"], "s3://runs");
    assert_eq!(
        packed["truncated"],
        serde_json::json!(["artifacts.uploads.problem"])
    );
    let crowded = RunStatus {
        cwd: Some("/x".repeat(3000)),
        git: Some(GitStatus {
            commit: Some("0".repeat(4000)),
            ..GitStatus::default()
        }),
        ..long(10)
    };
    let packed: Value = serde_json::from_slice(&pack(&crowded)).expect("JSON");
    let kept = &packed["artifacts"]["uploads"];
    assert_eq!(kept["failed"], u64::MAX);
    assert_eq!(kept["manifest"], Value::Null);
    assert_eq!(packed["git"], Value::Null);
}

#[test]
fn counts_of_what_did_not_happen_are_not_there() {
    let json = serde_json::to_value(UploadsStatus::default()).expect("JSON");
    let expected = serde_json::json!({ "store": "", "objects": 0, "unchanged": 0, "bytes": 0 });
    assert_eq!(json, expected);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        (any::<char>(), 0..30_000_usize)
            .prop_map(|(letter, count)| std::iter::repeat_n(letter, count).collect()),
        "[\\x00-\\x1f\"\\\\]{0,2000}",
    ]
}

prop_compose! {
    fn any_status()(
        texts in proptest::collection::vec(text(), 12),
        args in proptest::collection::vec(text(), 0..6),
        warnings in proptest::collection::vec(text(), 0..40),
        names in proptest::collection::btree_map(text(), any::<u64>(), 0..20),
    ) -> RunStatus {
        let [provider, adapter, binary, signal, started_at, finished_at, cwd, error, reason, path, name, truncated]: [String; 12] =
            texts.try_into().expect("twelve were asked for");
        let artifact = OutputArtifact { name, path: Some(path.clone()), key: Some(path.clone()), url: Some(path.clone()) };
        RunStatus {
            provider, adapter: Some(adapter), binary: Some(binary), args: Some(args), signal: Some(signal), started_at, finished_at,
            run_uid: Some(path.clone()), cwd: Some(cwd), error: Some(cut(&error, crate::status::ERROR_LIMIT)), reason,
            artifacts: StatusArtifacts { status_path: Some(path.clone()), log_path: Some(path.clone()), output_artifacts: Some(vec![artifact; 5]), uploads: Some(uploads(&path, &error)) },
            git: Some(GitStatus {
                url: path.clone(), commit: Some(path.clone()), branch: Some(path.clone()), base: Some(path.clone()),
                ahead: Some(u64::MAX), dirty: Some(true), path: Some(path.clone()),
                wip: Some(WipStatus { directory: path.clone(), bundle: Some(path.clone()), patch: Some(path.clone()), untracked: u64::MAX }),
                quarantined: warnings.clone(), error: Some(error),
            }),
            process: Some(ProcessStatus { leftovers: warnings.clone(), stopped: Some(path), ..ProcessStatus::default() }),
            timings: names.clone(), redactions: names, warnings, truncated: vec![truncated; 9],
            ..status()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_it_holds_it_fits_and_the_controller_reads_it(status in any_status()) {
        let bytes = pack(&status);
        prop_assert!(bytes.len() <= LIMIT, "{} bytes", bytes.len());
        prop_assert_eq!(bytes[0], b'{');
        let packed: Value = serde_json::from_slice(&bytes).expect("valid UTF-8 JSON");
        prop_assert_eq!(&packed["status"], "failed");
        prop_assert_eq!(&packed["exitCode"], 7);
        prop_assert_eq!(&packed["outcome"], "AgentFailed");
    }
}
