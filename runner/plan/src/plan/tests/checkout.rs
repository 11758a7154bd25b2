//! What a run asks to clone, and what becomes of it.

use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

use super::Asked;
use crate::outcome::Outcome;
use crate::plan::{CheckoutPlan, CheckoutTimeouts, OnBase, Revision};
use crate::settings::{Submodules, Trust};

const URL: &str = "https://example.com/team/app.git";

fn asked(git: Value) -> Asked {
    Asked::exec().spec("/runner/workspace/git", git)
}

#[track_caller]
fn checkout(asked: &Asked) -> CheckoutPlan {
    asked.planned().checkout.expect("something is cloned")
}

#[test]
fn a_stock_run_clones_nothing() {
    let vcs = json!({ "vcs": { "provider": "github", "repository": "a/b" } });
    let plan = Asked::exec().payload(vcs).planned();
    assert!(plan.checkout.is_none());
    assert_eq!(plan.process.cwd, Path::new("/workspace"));
}

#[test]
fn plain_coordinates_are_one_commit_of_the_default_branch() {
    let plan = asked(json!({ "url": URL })).planned();
    assert_eq!(plan.process.cwd, Path::new("/workspace/repo"));
    assert_eq!(plan.warnings, [""; 0]);
    let checkout = plan.checkout.expect("it is asked for");
    assert_eq!(checkout.remote.url(), URL);
    assert_eq!(checkout.base, Revision::Default);
    assert_eq!((checkout.head, checkout.on_base), (None, OnBase::Branch));
    assert_eq!(checkout.depth.map(Into::into), Some(1_u32));
    assert_eq!(
        (checkout.submodules, checkout.trust),
        (Submodules::Off, Trust::Trusted)
    );
    assert_eq!(checkout.dir, Path::new("/workspace/repo"));
    assert_eq!(checkout.path, None);
    let expected = CheckoutTimeouts {
        connect: Duration::from_secs(30),
        transfer: Duration::from_mins(1),
        total: Some(Duration::from_mins(30)),
    };
    assert_eq!(checkout.timeouts, expected);
}

#[test]
fn every_key_of_the_settings_reaches_the_plan() {
    let asked = Asked::exec().spec("/inputs", json!({ "x": "app" })).setting(
        "workspace",
        json!({
            "git": { "url": "ssh://h/{{inputs.x}}", "ref": "v{{inputs.x}}", "path": "./{{inputs.x}}/api",
                     "depth": 0, "submodules": "recursive" },
            "trust": "quarantine",
            "hostKeys": "accept-new",
            "timeouts": { "connect": 1, "transfer": "2s", "total": 0 },
        }),
    );
    let plan = asked.setting("cwd", json!("/srv/{{inputs.x}}")).planned();
    assert_eq!(plan.process.cwd, Path::new("/srv/app/app/api"));
    assert!(
        plan.roots.iter().any(|root| root == Path::new("/srv/app")),
        "{:?}",
        plan.roots
    );
    let checkout = plan.checkout.expect("it is asked for");
    assert_eq!(checkout.remote.url(), "ssh://h/app");
    assert_eq!(checkout.base, Revision::Name("vapp".to_owned()));
    assert_eq!(checkout.path.as_deref(), Some(Path::new("app/api")));
    assert_eq!(
        (checkout.depth, checkout.submodules),
        (None, Submodules::Recursive)
    );
    assert_eq!(checkout.trust, Trust::Quarantine);
    assert!(checkout.access.ssh.accept_new);
    assert_eq!(checkout.timeouts.total, None);
    assert_eq!(checkout.timeouts.transfer, Duration::from_secs(2));
}

#[test]
fn yaml_turns_on_and_off_into_booleans() {
    for (written, expected) in [
        (json!(true), Submodules::On),
        (json!("on"), Submodules::On),
        (json!(false), Submodules::Off),
    ] {
        let asked = asked(json!({ "url": URL, "submodules": written }));
        assert_eq!(checkout(&asked).submodules, expected);
    }
}

#[test]
fn an_empty_object_asks_and_null_or_a_lone_depth_in_the_environment_does_not() {
    let vcs = json!({ "vcs": { "provider": "github", "repository": "a/b" } });
    let with = |git| asked(git).payload(vcs.clone());
    assert_eq!(
        checkout(&with(json!({}))).remote.url(),
        "https://github.com/a/b.git"
    );
    assert!(with(Value::Null).planned().checkout.is_none());
    let stock = Asked::exec().payload(vcs.clone());
    let tuned = stock
        .clone()
        .env("AGENT_RUNNER_WORKSPACE_GIT_DEPTH", "7")
        .env("AGENT_RUNNER_WORKSPACE_GIT_SUBMODULES", "on")
        .env("AGENT_RUNNER_WORKSPACE_GIT_REF", " ");
    assert!(tuned.planned().checkout.is_none());
    let named = checkout(&tuned.env("AGENT_RUNNER_WORKSPACE_GIT_REF", "v1"));
    assert_eq!(named.depth.map(Into::into), Some(7_u32));
    assert_eq!(named.submodules, Submodules::On);
    let coordinates = stock.spec("/execution/coordinates/git", json!({}));
    assert!(coordinates.planned().checkout.is_some());
}

#[test]
fn flag_over_variable_over_setting_over_spec_over_payload() {
    let at = |n: u8| format!("https://example.com/team/app{n}.git");
    let url = |asked: &Asked| checkout(asked).remote.url();
    let mut run = Asked::exec().payload(json!({
        "vcs": { "provider": "github", "repository": "a/b" },
        "execution": { "coordinates": { "git": { "url": at(1), "ref": "one", "depth": 5 } } },
    }));
    assert_eq!(url(&run), at(1));
    run = run.spec("/execution/coordinates/git/url", json!(at(2)));
    assert_eq!(url(&run), at(2));
    run = run.setting("workspace/git/url", json!(at(3)));
    run = run.setting("workspace/git/ref", json!(""));
    assert_eq!(url(&run), at(3));
    run = run.env("AGENT_RUNNER_WORKSPACE_GIT_URL", &at(4));
    assert_eq!(url(&run), at(4));
    run = run.flag("workspace.git.url", &at(5));
    let checkout = checkout(&run);
    assert_eq!(checkout.remote.url(), at(5));
    // What a higher place does not say, a lower one may.
    assert_eq!(checkout.base, Revision::Name("one".to_owned()));
    assert_eq!(checkout.depth.map(Into::into), Some(5_u32));
}

#[test]
fn coordinates_are_values_that_nobody_renders() {
    let asked = Asked::exec().spec("/inputs", json!({ "x": "app" }));
    let git = json!({ "url": URL, "ref": "{{inputs.x}}" });
    let checkout = checkout(&asked.spec("/execution/coordinates/git", git));
    assert_eq!(checkout.base, Revision::Name("{{inputs.x}}".to_owned()));
}

#[test]
fn coordinates_of_the_wrong_type_are_refused_by_place() {
    for (execution, place) in [
        (
            json!({ "coordinates": { "git": { "url": URL, "ref": 7 } } }),
            "coordinates.git.ref",
        ),
        (
            json!({ "coordinates": { "git": { "depth": -1 } } }),
            "coordinates.git.depth",
        ),
        (
            json!({ "coordinates": { "git": { "submodules": "all" } } }),
            "coordinates.git.submodules",
        ),
        (json!({ "coordinates": { "git": URL } }), "coordinates.git"),
        (json!({ "coordinates": 7 }), "coordinates"),
    ] {
        let error = Asked::exec()
            .payload(json!({ "execution": execution.clone() }))
            .refused();
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("`run.json: execution.{place}`: ")),
            "{text}"
        );
        assert!(text.contains("expected"), "{text}");
        assert_eq!(
            (error.outcome(), error.reason()),
            (Outcome::SpecInvalid, "WrongType")
        );

        let spec = json!({ "provider": "p", "execution": execution }).to_string();
        let error = crate::spec::parse(spec.as_bytes(), "spec.json").expect_err("the same");
        assert!(
            error
                .to_string()
                .contains(&format!("`execution.{place}`: ")),
            "{error}"
        );
    }
    for nothing in [json!(null), json!({}), json!({ "coordinates": null })] {
        let plan = Asked::exec()
            .payload(json!({ "execution": nothing }))
            .planned();
        assert!(plan.checkout.is_none());
    }
}

#[test]
fn unknown_coordinates_are_warned_of() {
    let git = json!({ "url": URL, "reff": "main" });
    let of_payload = json!({ "execution": { "coordinates": { "git": git } } });
    let warnings = Asked::exec().payload(of_payload).planned().warnings;
    let expected = "run.json: unknown field `execution.coordinates.git.reff`: did you mean `ref`?";
    assert_eq!(warnings, [expected]);
    let warnings = Asked::exec()
        .spec("/execution/coordinates/git", git)
        .planned()
        .warnings;
    assert!(
        warnings.len() == 1 && warnings[0].ends_with("did you mean `ref`?"),
        "{warnings:?}"
    );
}

#[test]
fn a_checkout_of_nothing_is_refused_with_what_to_write() {
    for git in [
        json!({}),
        json!({ "url": " ", "ref": "main" }),
        json!({ "url": "{{inputs.url}}" }),
    ] {
        let error = asked(git).refused();
        assert_eq!(
            (error.outcome(), error.reason()),
            (Outcome::SpecInvalid, "NoRepository")
        );
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("runner.workspace.git.url"))
        );
    }
}

#[test]
fn hostile_coordinates_are_refused_by_place_and_outcome() {
    use Outcome::{PolicyRefused, SpecInvalid};
    let ours = "runner.workspace.git.";
    for (git, place, outcome, reason) in [
        (
            json!({ "url": "ext::sh" }),
            "url",
            PolicyRefused,
            "BadRemote",
        ),
        (
            json!({ "url": "file:///etc" }),
            "url",
            PolicyRefused,
            "BadRemote",
        ),
        (json!({ "url": "/etc" }), "url", PolicyRefused, "BadRemote"),
        (
            json!({ "url": "ssh://-oProxyCommand=x/a" }),
            "url",
            SpecInvalid,
            "BadRemote",
        ),
        (
            json!({ "url": URL, "ref": "--upload-pack=x" }),
            "ref",
            SpecInvalid,
            "BadRef",
        ),
        (
            json!({ "url": URL, "path": "../.." }),
            "path",
            SpecInvalid,
            "BadPath",
        ),
        (
            json!({ "url": URL, "path": "/etc" }),
            "path",
            SpecInvalid,
            "BadPath",
        ),
        (
            json!({ "url": URL, "path": "a/.Git" }),
            "path",
            SpecInvalid,
            "BadPath",
        ),
    ] {
        let error = asked(git.clone()).refused();
        assert_eq!(
            (error.outcome(), error.reason()),
            (outcome, reason),
            "{git}"
        );
        assert!(
            error.to_string().contains(&format!("`{ours}{place}`")),
            "{error}"
        );
        assert!(error.hint().is_some(), "{error}");
        let error = Asked::exec()
            .spec("/execution/coordinates/git", git)
            .refused();
        assert!(
            error
                .to_string()
                .contains(&format!("`execution.coordinates.git.{place}`")),
            "{error}"
        );
    }
}

#[test]
fn files_are_cloned_where_the_setting_allows_it() {
    let asked =
        asked(json!({ "url": "file:///srv/a" })).setting("workspace/localRemotes", json!(true));
    assert_eq!(checkout(&asked).remote.url(), "file:///srv/a");
}

#[test]
fn a_user_in_a_url_that_nobody_uses_is_warned_of_and_a_password_is_refused() {
    let plan = asked(json!({ "url": "https://hunter22@example.com/a/b" })).planned();
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    assert!(plan.warnings[0].contains("user in the URL is not used"));
    let error = asked(json!({ "url": "https://u:hunter22@example.com/a/b" })).refused();
    let chain = format!("{error} {error:?} {:?}", error.hint());
    assert!(
        !format!("{chain} {:?}", plan.warnings).contains("hunter22"),
        "{chain}"
    );
}

#[test]
fn a_timeout_of_zero_is_refused_where_it_cannot_be_meant() {
    for key in ["connect", "transfer"] {
        let asked = asked(json!({ "url": URL }));
        let error = asked
            .setting(&format!("workspace/timeouts/{key}"), json!(0))
            .refused();
        assert_eq!(error.reason(), "BadSetting");
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[test]
fn unpushed_work_is_saved_beside_the_status_or_a_warning_says_why_not() {
    let asked = asked(json!({ "url": URL })).setting("workspace/wip", json!(true));
    let with = |asked: &Asked, path: &str| {
        let plan = asked
            .clone()
            .spec("/artifacts/statusPath", json!(path))
            .planned();
        (plan.wip, plan.warnings)
    };
    let (wip, warnings) = with(&asked, "/workspace/.agent/status.json");
    assert_eq!(
        wip.as_deref(),
        Some(Path::new("/workspace/.agent/workspace-wip"))
    );
    assert_eq!(warnings, [""; 0]);
    let (wip, warnings) = with(&asked, "/dev/termination-log");
    assert!(
        wip.is_none() && warnings[0].contains("devices"),
        "{warnings:?}"
    );
    let plan = asked.planned();
    assert!(
        plan.wip.is_none() && plan.warnings[0].contains("no status file"),
        "{:?}",
        plan.warnings
    );
    let bare = Asked::exec().setting("workspace/wip", json!(true));
    let (wip, warnings) = with(&bare, "/s/status.json");
    assert!(
        wip.is_none() && warnings[0].contains("no checkout"),
        "{warnings:?}"
    );
    let off = bare.setting("workspace/wip", json!(false));
    assert_eq!(with(&off, "/s/status.json"), (None, Vec::new()));
}
