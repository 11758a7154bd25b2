//! A revision is found by every name that it has, and no other.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use agent_tests::{Ended, Git, GitServer, Head, Repository, assert_ends, ends, git};
use serde_json::json;

use super::daemon::Daemon;
use super::{assert_checked_out, assert_no_revision, cloning, cloning_at, depth, three, work};

/// Runs against a server that has the repository, at a revision.
fn at(repository: &Repository, reference: &str) -> Ended {
    let server = GitServer::new().serve("owner/name", repository);
    cloning_at(&server.url("owner/name"), reference).end()
}

#[test]
fn a_branch_is_checked_out_as_a_branch_that_follows_its_remote() {
    let repository = three();
    let ended = at(&repository, "release");
    let tree = assert_checked_out(&ended, &repository.rev("release"));
    assert_eq!(tree.head, Head::Ref("refs/heads/release".to_owned()));
    let upstream = git(work(&ended), ["rev-parse", "--symbolic-full-name", "@{u}"]);
    assert_eq!(upstream, "refs/remotes/origin/release");
    assert_eq!(tree.remote_refs.len(), 1, "{:?}", tree.remote_refs);
}

#[test]
fn the_agent_starts_in_the_work_tree() {
    let ended = at(&three(), "main");
    assert_eq!(ended.text(), format!("{}\n", work(&ended).display()));
}

#[test]
fn a_light_tag_is_checked_out_detached() {
    let repository = three().tag("v1", "main^");
    let tree = assert_checked_out(&at(&repository, "v1"), &repository.rev("main^"));
    assert_eq!(tree.head, Head::Detached);
}

#[test]
fn an_annotated_tag_is_checked_out_at_its_commit() {
    let repository = three().annotated_tag("v1", "main^");
    let ended = at(&repository, "v1");
    let tree = assert_checked_out(&ended, &repository.rev("main^"));
    assert_eq!(tree.head, Head::Detached);
    let tag = git(work(&ended), ["rev-parse", "refs/tags/v1"]);
    assert_eq!(tag, repository.rev("v1"), "the tag itself came too");
}

#[test]
fn a_branch_wins_over_a_tag_of_the_same_name() {
    let repository = three().tag("release", "main");
    assert_checked_out(
        &at(&repository, "release"),
        &repository.rev("refs/heads/release"),
    );
    let ended = at(&repository, "refs/tags/release");
    assert_checked_out(&ended, &repository.rev("main"));
}

#[test]
fn a_full_id_that_is_a_tip_is_fetched_alone() {
    let repository = three();
    let commit = repository.rev("release");
    let ended = at(&repository, &commit.to_uppercase());
    let tree = assert_checked_out(&ended, &commit);
    assert_eq!(tree.head, Head::Detached);
    assert!(tree.shallow);
    assert_eq!(depth(&work(&ended)), 1);
}

#[test]
fn an_annotated_tags_own_id_is_its_commit() {
    let repository = three().annotated_tag("v1", "main^");
    let ended = at(&repository, &repository.rev("v1"));
    assert_checked_out(&ended, &repository.rev("main^"));
}

#[test]
fn a_full_id_within_history_is_fetched_alone_where_the_server_allows_it() {
    let repository = three().config("uploadpack.allowAnySHA1InWant", "true");
    let commit = repository.rev("main~2");
    let ended = at(&repository, &commit);
    assert_checked_out(&ended, &commit);
    assert_eq!(depth(&work(&ended)), 1);
    let objects = git(work(&ended), ["rev-list", "--all", "--count"]);
    assert_eq!(objects, "1", "more than the one commit came");
}

#[test]
fn a_full_id_within_history_is_found_over_every_protocol_of_a_server_that_forbids_it() {
    let repository = three();
    let commit = repository.rev("main~2");
    let http = at(&repository, &commit);
    assert_checked_out(&http, &commit);
    let daemon = Daemon::new(&repository);
    assert_checked_out(&cloning_at(daemon.url(), &commit).end(), &commit);
    let file = cloning_at(&repository.url(), &commit)
        .setting("workspace/localRemotes", json!(true))
        .end();
    assert_checked_out(&file, &commit);
}

#[test]
fn a_full_id_that_nobody_has_is_not_found() {
    let unknown = "0123456789012345678901234567890123456789";
    for allowed in ["true", "false"] {
        let repository = three().config("uploadpack.allowAnySHA1InWant", allowed);
        assert_no_revision(&at(&repository, unknown), "RefNotFound", &[unknown]);
    }
}

#[test]
fn the_id_of_a_tree_is_no_commit() {
    let repository = three().config("uploadpack.allowAnySHA1InWant", "true");
    let tree = repository.rev("main^{tree}");
    assert_no_revision(
        &at(&repository, &tree),
        "RefNotFound",
        &[&tree, "not a commit"],
    );
}

#[test]
fn a_short_id_of_a_tip_is_fetched_alone() {
    let repository = three();
    let commit = repository.rev("release");
    for short in [&commit[..7], &commit[..39].to_uppercase()] {
        let ended = at(&repository, short);
        assert_checked_out(&ended, &commit);
        assert_eq!(depth(&work(&ended)), 1);
    }
}

#[test]
fn a_short_id_within_history_is_found() {
    let repository = three();
    let commit = repository.rev("main~2");
    assert_checked_out(&at(&repository, &commit[..10]), &commit);
}

#[test]
fn a_short_id_that_nobody_has_is_not_found() {
    let ended = at(&three(), "0badc0ffee");
    assert_no_revision(&ended, "RefNotFound", &["0badc0ffee"]);
}

/// Lists ids that share their first four digits with one before them, as (begin, one, other).
fn clashes(ids: &str) -> Vec<(String, String, String)> {
    let mut seen = std::collections::BTreeMap::new();
    let mut found = Vec::new();
    for id in ids.lines().filter_map(|line| line.get(..40)) {
        if let Some(one) = seen.insert(id[..4].to_owned(), id.to_owned()) {
            found.push((id[..4].to_owned(), one, id.to_owned()));
        }
    }
    found
}

#[test]
fn a_short_id_that_several_commits_have_is_ambiguous() {
    let repository = Repository::new().history("main", 1500);
    let commits = git(repository.dir(), ["rev-list", "main"]);
    let (begin, one, other) = clashes(&commits).pop().expect("1500 ids clash in 4 digits");
    let ended = at(&repository, &begin);
    assert_no_revision(&ended, "RefNotFound", &[&begin, "several"]);
    let tips = repository.branch("one", &one).branch("other", &other);
    let ended = at(&tips, &begin);
    assert_no_revision(&ended, "RefNotFound", &[&begin, "several"]);
}

#[test]
fn a_short_id_that_one_commit_and_a_file_have_is_the_commits() {
    let repository = Repository::new().history("main", 1500);
    let all = git(repository.dir(), ["rev-list", "--objects", "main"]);
    let is_commit = |id: &str| git(repository.dir(), ["cat-file", "-t", id]) == "commit";
    let commits = git(repository.dir(), ["rev-list", "main"]);
    let ambiguous: Vec<_> = clashes(&commits).into_iter().map(|clash| clash.0).collect();
    let (begin, commit) = clashes(&all)
        .into_iter()
        .filter(|(begin, ..)| !ambiguous.contains(begin))
        .find_map(
            |(begin, one, other)| match (is_commit(&one), is_commit(&other)) {
                (true, false) => Some((begin, one)),
                (false, true) => Some((begin, other)),
                _ => None,
            },
        )
        .expect("4500 ids clash in 4 digits");
    assert_checked_out(&at(&repository, &begin), &commit);
}

#[test]
fn a_branch_that_reads_like_an_id_is_a_branch() {
    let repository = three().branch("deadbeef", "main^");
    let tree = assert_checked_out(&at(&repository, "deadbeef"), &repository.rev("main^"));
    assert_eq!(tree.head, Head::Ref("refs/heads/deadbeef".to_owned()));
}

#[test]
fn any_full_reference_is_checked_out() {
    let repository = three()
        .commit("fork", [("README", "fork\n")])
        .reference("refs/pull/1/head", "fork")
        .without("refs/heads/fork");
    let commit = repository.rev("refs/pull/1/head");
    let tree = assert_checked_out(&at(&repository, "refs/pull/1/head"), &commit);
    assert_eq!(tree.head, Head::Detached);
    let tree = assert_checked_out(&at(&repository, &commit), &commit);
    assert_eq!(tree.head, Head::Detached);
    let ended = at(&repository, "refs/heads/release");
    let tree = assert_checked_out(&ended, &repository.rev("release"));
    assert_eq!(tree.head, Head::Ref("refs/heads/release".to_owned()));
}

#[test]
fn without_a_revision_the_remotes_default_branch_is_checked_out() {
    let repository = three().commit("trunk", [("README", "trunk\n")]);
    let repository = repository.default_branch("trunk");
    let server = GitServer::new().serve("owner/name", &repository);
    let ended = cloning(&server.url("owner/name")).end();
    let tree = assert_checked_out(&ended, &repository.rev("trunk"));
    assert_eq!(tree.head, Head::Ref("refs/heads/trunk".to_owned()));
    let default = git(work(&ended), ["symbolic-ref", "refs/remotes/origin/HEAD"]);
    assert_eq!(default, "refs/remotes/origin/trunk");
}

/// Detaches the `HEAD` of a server's repository.
fn detached(repository: Repository, at: &str) -> Repository {
    let commit = repository.rev(at);
    std::fs::write(repository.dir().join("HEAD"), format!("{commit}\n")).expect("it is ours");
    repository
}

#[test]
fn without_a_revision_a_remotes_detached_head_is_checked_out() {
    let repository = detached(three(), "main~2");
    let commit = repository.rev("main~2");
    let server = GitServer::new().serve("owner/name", &repository);
    let ended = cloning(&server.url("owner/name")).end();
    let tree = assert_checked_out(&ended, &commit);
    assert_eq!(tree.head, Head::Detached);
    assert_eq!(depth(&work(&ended)), 1);
    // By its id, too.
    assert_checked_out(&at(&repository, &commit), &commit);
}

#[test]
fn a_remotes_detached_head_that_no_branch_has_is_found_by_its_id() {
    let repository = three().commit("gone", [("README", "gone\n")]);
    let repository = detached(repository, "gone").without("refs/heads/gone");
    let commit = repository.rev("HEAD");
    assert_checked_out(&at(&repository, &commit), &commit);
    assert_checked_out(&at(&repository, &commit[..12]), &commit);
}

#[test]
fn a_name_that_nobody_has_is_not_found_and_the_nearest_is_named() {
    let repository = three().tag("v1.0.0", "main");
    let ended = at(&repository, "relaese");
    assert_no_revision(
        &ended,
        "RefNotFound",
        &["`relaese`", "`release`", "owner/name"],
    );
    let ended = at(&repository, "v1.0.1");
    assert_no_revision(&ended, "RefNotFound", &["`v1.0.1`", "`v1.0.0`"]);
    let ended = at(&repository, "refs/heads/relaese");
    assert_no_revision(&ended, "RefNotFound", &["`refs/heads/relaese`", "release"]);
    let repository = repository.branch("facade", "main");
    let ended = at(&repository, "facades");
    assert_no_revision(&ended, "RefNotFound", &["`facades`", "`facade`"]);
    let ended = at(&repository, "faade");
    assert_no_revision(&ended, "RefNotFound", &["`faade`", "`facade`"]);
}

#[test]
fn an_empty_repository_is_called_empty_whatever_is_asked_for() {
    let repository = Repository::new();
    let server = GitServer::new().serve("owner/name", &repository);
    let url = server.url("owner/name");
    let ended = cloning(&url).end();
    assert_no_revision(&ended, "EmptyRepository", &["owner/name", "empty"]);
    let id = "0123456789012345678901234567890123456789";
    for reference in ["main", "refs/heads/main", "0badc0ffee", id] {
        let ended = cloning_at(&url, reference).end();
        assert_no_revision(&ended, "EmptyRepository", &["owner/name", "empty"]);
    }
}

#[test]
fn a_default_branch_that_is_not_there_is_not_found() {
    let repository = three().default_branch("gone");
    let server = GitServer::new().serve("owner/name", &repository);
    let ended = cloning(&server.url("owner/name")).end();
    assert_no_revision(&ended, "RefNotFound", &["HEAD"]);
}

#[test]
fn a_branch_that_nobody_asks_for_may_have_a_name_that_is_not_utf_8() {
    let repository = three();
    let odd = OsStr::from_bytes(b"refs/heads/caf\xe9");
    let tip = repository.rev("main^");
    let args = [OsStr::new("update-ref"), odd, OsStr::new(&tip)];
    Git::new(repository.dir()).run(args);
    assert_checked_out(&at(&repository, "main"), &repository.rev("main"));
    // Within history: all branches come, that one, too.
    let first = repository.rev("main~2");
    let ended = at(&repository, &first[..10]);
    assert_checked_out(&ended, &first);
    let again = cloning_at(&repository.url(), "main")
        .setting("workspace/localRemotes", json!(true))
        .setting("cwd", json!(work(&ended)))
        .end();
    assert_ends("again", &again, &ends(0, "Completed", "Completed"));
    let ended = at(&repository, "cafe");
    assert_no_revision(&ended, "RefNotFound", &["`cafe`"]);
}
