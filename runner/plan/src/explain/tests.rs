use super::*;

#[test]
fn a_checkout_is_told_as_far_as_it_is_known() {
    let mut git = GitStatus {
        url: "https://h/a".to_owned(),
        ..GitStatus::default()
    };
    assert_eq!(checkout(&git), "`https://h/a`");
    git.commit = Some("c0ffee".to_owned());
    git.ahead = Some(0);
    assert_eq!(
        checkout(&git),
        "`https://h/a` was left at c0ffee on no branch"
    );
    git.branch = Some("main".to_owned());
    git.ahead = Some(2);
    git.dirty = Some(true);
    git.quarantined = vec![".mcp.json".to_owned()];
    git.error = Some("the patch was not saved".to_owned());
    assert_eq!(
        checkout(&git),
        "`https://h/a` was left at c0ffee on main, 2 commit(s) ahead, with uncommitted changes, 1 file(s) quarantined; the patch was not saved"
    );
}
