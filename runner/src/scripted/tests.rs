use super::*;

#[test]
fn the_name_alone_makes_the_agent() {
    assert!(is_scripted(OsStr::new(
        "/tmp/x/agent-runner-scripted-agent"
    )));
    assert!(!is_scripted(OsStr::new("/usr/local/bin/agent-runner")));
}

#[test]
fn it_plays_nothing_without_a_script() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let name = dir.path().join(NAME);
    let played = play(name.as_os_str(), &[], &Environment::default());
    assert!(played.is_err_and(|error| error.to_string().contains("no script")));
    assert!(play(OsStr::new(NAME), &[], &Environment::default()).is_err());
}
