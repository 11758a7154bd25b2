//! What is cloned is asked for in many places, and the nearest one counts.

use std::path::PathBuf;

use agent_tests::{Entry, GitServer, Repository, Run, assert_ends, ends, git};
use serde_json::{Value, json};

use super::daemon::Daemon;
use super::{WORK, assert_checked_out, cloning, depth, three, work};

/// A run with a work tree and no coordinates.
fn plain() -> Run {
    let run = Run::new();
    let work = run.path(WORK);
    run.shell("pwd").setting("cwd", json!(work))
}

fn with_payload(run: Run, payload: &Value) -> Run {
    let path: PathBuf = run.path("run.json");
    std::fs::write(&path, payload.to_string()).expect("it can be written");
    run.env("AGENT_RUN_SPEC", path)
}

/// A repository with a branch for each place that may ask.
fn asked() -> Repository {
    let places = ["flag", "variable", "setting", "spec", "payload", "main"];
    places.into_iter().fold(Repository::new(), |all, place| {
        all.commit(place, [("asked", place), ("flag/f", ""), ("setting/f", "")])
    })
}

#[test]
fn one_commit_is_fetched_unless_more_are_asked_for() {
    let repository = three();
    let server = GitServer::new().serve("owner/name", &repository);
    let daemon = Daemon::new(&repository);
    for url in [server.url("owner/name"), daemon.url().to_owned()] {
        for (asked, commits, shallow) in [
            (None, 1, true),
            (Some(1), 1, true),
            (Some(2), 2, true),
            (Some(0), 3, false),
        ] {
            let mut run = cloning(&url);
            if let Some(asked) = asked {
                run = run.setting("workspace/git/depth", json!(asked));
            }
            let ended = run.end();
            let tree = assert_checked_out(&ended, &repository.rev("main"));
            assert_eq!(depth(&work(&ended)), commits, "{url} {asked:?}");
            assert_eq!(tree.shallow, shallow, "{url} {asked:?}");
        }
    }
}

#[test]
fn more_history_than_there_is_is_all_of_it() {
    let repository = three();
    let server = GitServer::new().serve("owner/name", &repository);
    let ended = cloning(&server.url("owner/name"))
        .setting("workspace/git/depth", json!(99))
        .end();
    assert_checked_out(&ended, &repository.rev("main"));
    assert_eq!(depth(&work(&ended)), 3);
}

#[test]
fn files_of_the_machine_are_cloned_where_that_is_asked_for() {
    let repository = three();
    let run = || cloning(&repository.url());
    let ended = run().setting("workspace/localRemotes", json!(true)).end();
    assert_checked_out(&ended, &repository.rev("main"));
    assert_eq!(
        git(work(&ended), ["cat-file", "-p", "HEAD:README"]),
        "three"
    );
    let ended = run().end();
    assert_ends("in a pod", &ended, &ends(78, "PolicyRefused", "BadRemote"));
    assert!(!ended.dir.path().join("work").exists());
}

#[test]
fn the_path_becomes_the_agents_directory() {
    let repository = three();
    let server = GitServer::new().serve("owner/name", &repository);
    let ended = cloning(&server.url("owner/name"))
        .setting("workspace/git/path", json!("./app/"))
        .end();
    assert_checked_out(&ended, &repository.rev("main"));
    let app = work(&ended).join("app");
    assert_eq!(ended.text(), format!("{}\n", app.display()));
    assert_eq!(ended.status["git"]["path"], "app");
}

#[test]
fn a_path_that_is_not_there_fails_before_a_file_is_written() {
    let repository = three();
    let server = GitServer::new().serve("owner/name", &repository);
    let ended = cloning(&server.url("owner/name"))
        .setting("workspace/git/path", json!("apps"))
        .end();
    assert_ends("path", &ended, &ends(74, "WorkspaceFailed", "PathNotFound"));
    assert!(
        ended.error().contains("did you mean `app`?"),
        "{}",
        ended.error()
    );
    assert!(!ended.dir.path().join("work").exists());
}

#[test]
fn flag_wins_over_variable_over_setting_over_spec_over_payload() {
    let repository = asked();
    let server = GitServer::new().serve("owner/name", &repository);
    let url = server.url("owner/name");
    let nowhere = "https://nowhere.invalid/owner/name.git";
    let all = |run: Run, from: usize| {
        let mut run = run;
        let git = |reference: &str, is_first: bool| {
            let url = if is_first { &url } else { nowhere };
            json!({ "git": { "url": url, "ref": reference } })
        };
        run = with_payload(
            run,
            &json!({ "execution": { "coordinates": git("payload", from == 4) } }),
        );
        if from <= 3 {
            run = run.spec("/execution/coordinates", git("spec", from == 3));
        }
        if from <= 2 {
            run = run.setting("workspace", git("setting", from == 2));
        }
        if from <= 1 {
            let url = if from == 1 { &url } else { nowhere };
            run = run
                .env("AGENT_RUNNER_WORKSPACE_GIT_URL", url)
                .env("AGENT_RUNNER_WORKSPACE_GIT_REF", "variable");
        }
        if from == 0 {
            run = run
                .arg("--workspace-git-url")
                .arg(&url)
                .arg("--workspace-git-ref=flag");
        }
        run
    };
    for (from, place) in ["flag", "variable", "setting", "spec", "payload"]
        .iter()
        .enumerate()
    {
        let ended = all(plain(), from).end();
        assert_checked_out(&ended, &repository.rev(place));
    }
}

#[test]
fn each_part_is_taken_from_the_nearest_place_that_says_it() {
    let repository = asked();
    let server = GitServer::new().serve("owner/name", &repository);
    let run = plain()
        .spec(
            "/execution/coordinates/git/url",
            json!(server.url("owner/name")),
        )
        .spec("/execution/coordinates/git/ref", json!("spec"))
        .spec("/execution/coordinates/git/path", json!("setting"))
        .env("AGENT_RUNNER_WORKSPACE_GIT_REF", "variable")
        .arg("--workspace-git-path=flag");
    let ended = run.end();
    assert_checked_out(&ended, &repository.rev("variable"));
    assert_eq!(
        ended.text(),
        format!("{}\n", work(&ended).join("flag").display())
    );
}

#[test]
fn settings_are_templates_and_coordinates_are_not() {
    let repository = asked();
    let server = GitServer::new().serve("owner/name", &repository);
    let inputs = json!({ "server": server.base(), "branch": "setting", "folder": "flag" });
    let run = plain()
        .spec("/inputs", inputs.clone())
        .setting(
            "workspace/git/url",
            json!("{{inputs.server}}/owner/name.git"),
        )
        .setting("workspace/git/ref", json!("{{ inputs.branch }}"))
        .setting("workspace/git/path", json!("{{inputs.folder}}"));
    let ended = run.end();
    assert_checked_out(&ended, &repository.rev("setting"));
    assert_eq!(
        ended.text(),
        format!("{}\n", work(&ended).join("flag").display())
    );

    let run = plain()
        .spec("/inputs", inputs)
        .spec(
            "/execution/coordinates/git/url",
            json!(server.url("owner/name")),
        )
        .spec("/execution/coordinates/git/ref", json!("{{inputs.branch}}"));
    let ended = run.end();
    // Branches may have braces in their names, so it is a name that nobody has.
    assert_ends(
        "values",
        &ended,
        &ends(74, "WorkspaceFailed", "RefNotFound"),
    );
}

#[test]
fn a_run_that_asks_for_nothing_clones_nothing() {
    let server = GitServer::new().serve("owner/name", &three());
    let vcs = json!({ "vcs": {
        "provider": "gitea", "repository": "owner/name", "cloneBaseUrl": server.base(),
    } });
    let run = Run::new().shell("pwd");
    let dir = run.dir().to_owned();
    let ended = with_payload(run, &vcs).end();
    assert_ends("nothing", &ended, &ends(0, "Completed", "Completed"));
    assert_eq!(ended.text(), format!("{}\n", dir.display()));
    assert!(ended.status["git"].is_null(), "{}", ended.status);
    assert_eq!(server.connections(), 0);
}

#[test]
fn an_agent_writes_where_the_checkout_is() {
    let repository = three().commit("main", [Entry::executable("run", "#!/bin/sh\necho ran\n")]);
    let server = GitServer::new().serve("owner/name", &repository);
    let ended = cloning(&server.url("owner/name"))
        .shell("./run && echo change >>README")
        .end();
    assert_ends("run", &ended, &ends(0, "Completed", "Completed"));
    assert_eq!(ended.text(), "ran\n");
    assert_eq!(ended.status["git"]["dirty"], true);
}

#[test]
fn slashes_at_the_end_of_a_url_do_not_count() {
    let repository = three();
    let server = GitServer::new().serve("owner/name", &repository);
    let daemon = Daemon::new(&repository);
    for url in [server.url("owner/name"), daemon.url().to_owned()] {
        for slashes in ["/", "//"] {
            let ended = cloning(&format!("{url}{slashes}")).end();
            let tree = assert_checked_out(&ended, &repository.rev("main"));
            assert_eq!(tree.origin_url.as_deref(), Some(&*url));
        }
    }
}
