use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use agent_plan::env::Environment;
use agent_plan::plan::{Access, Scheme};

use super::super::{AccessError, grant};
use super::{EXE, access, granted, scratch, value, words};

#[test]
fn a_git_ssh_of_the_image_is_left_alone_too() {
    let scratch = scratch();
    let mut access = Access {
        token: None,
        ..access()
    };
    access.ssh.accept_new = true;
    assert_eq!(
        granted(&access, &[("GIT_SSH", "/opt/ssh")], scratch.path()),
        []
    );
}

#[test]
fn a_key_gets_its_last_newline_and_hosts_stay_strict() {
    let scratch = scratch();
    let (key, known) = (
        scratch.path().join("privateKey"),
        scratch.path().join("known hosts"),
    );
    fs::write(&key, "-----BEGIN\nx\n-----END").expect("it can be written");
    fs::write(&known, "h ssh-ed25519 AAAA\n").expect("it can be written");
    let mut access = Access {
        token: None,
        ..access()
    };
    access.ssh.key = Some(key);
    access.ssh.known_hosts = Some(known.clone());
    let variables = granted(&access, &[], scratch.path());
    let copy = scratch.path().join("git/key");
    assert_eq!(
        fs::read_to_string(&copy).expect("it is there"),
        "-----BEGIN\nx\n-----END\n"
    );
    let command = value(&variables, "GIT_SSH_COMMAND").expect("it is there");
    assert_eq!(
        words(command),
        [
            "ssh",
            "-o",
            &format!("IdentityFile=\"{}\"", copy.display()),
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            &format!("UserKnownHostsFile=\"{}\"", known.display()),
        ]
    );
}

#[test]
fn new_hosts_are_noted_in_a_copy() {
    let scratch = scratch();
    let known = scratch.path().join("known_hosts");
    fs::write(&known, "h ssh-ed25519 AAAA").expect("it can be written");
    let mut access = Access {
        token: None,
        ..access()
    };
    access.ssh.known_hosts = Some(known);
    access.ssh.accept_new = true;
    let variables = granted(&access, &[], scratch.path());
    let copy = scratch.path().join("git/known_hosts");
    assert_eq!(
        fs::read_to_string(&copy).expect("it is there"),
        "h ssh-ed25519 AAAA\n"
    );
    let command = words(value(&variables, "GIT_SSH_COMMAND").expect("it is there"));
    assert!(command.contains(&"StrictHostKeyChecking=accept-new".to_owned()));
    assert!(command.contains(&format!("UserKnownHostsFile=\"{}\"", copy.display())));
}

#[test]
fn without_known_hosts_those_of_the_image_count() {
    let scratch = scratch();
    let key = scratch.path().join("privateKey");
    fs::write(&key, "key\n").expect("it can be written");
    let mut access = Access {
        token: None,
        ..access()
    };
    access.ssh.key = Some(key);
    let variables = granted(&access, &[], scratch.path());
    let command = value(&variables, "GIT_SSH_COMMAND").expect("it is there");
    assert!(command.contains("StrictHostKeyChecking=yes"));
    assert!(!command.contains("UserKnownHostsFile"));
}

#[test]
fn ssh_gets_hostile_paths_as_they_are() {
    let outer = scratch();
    let scratch = outer.path().join("a b'c\"d%h$(e)\\`f`#g");
    fs::create_dir(&scratch).expect("it can be made");
    let mut access = Access {
        token: None,
        ..access()
    };
    access.ssh.accept_new = true;
    let variables = granted(&access, &[], &scratch);
    let command = value(&variables, "GIT_SSH_COMMAND").expect("it is there");
    // `ssh -G` prints what it made of its options.
    let script = format!("{command} -F none -G host");
    let output = Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("there is a shell");
    let text = String::from_utf8(output.stdout).expect("it is UTF-8");
    let seen = text
        .lines()
        .find_map(|line| line.strip_prefix("userknownhostsfile "));
    let expected = scratch.join("git/known_hosts").display().to_string();
    assert_eq!(seen, Some(expected.as_str()));
}

#[test]
fn a_path_that_ssh_would_expand_is_refused() {
    let outer = scratch();
    let scratch = outer.path().join("${HOME}");
    fs::create_dir(&scratch).expect("it can be made");
    let mut access = Access {
        token: None,
        ..access()
    };
    access.ssh.accept_new = true;
    let refused = grant(
        &access,
        Scheme::Ssh,
        &Environment::default(),
        &scratch,
        Path::new(EXE),
    );
    assert!(matches!(refused, Err(AccessError::Path { .. })));
}

#[test]
fn a_missing_key_names_itself() {
    let scratch = scratch();
    let mut access = access();
    access.ssh.key = Some(PathBuf::from("/nowhere/privateKey"));
    let refused = grant(
        &access,
        Scheme::Ssh,
        &Environment::default(),
        scratch.path(),
        Path::new(EXE),
    )
    .expect_err("there is no key");
    assert_eq!(
        refused.to_string(),
        "`/nowhere/privateKey` for ssh cannot be read"
    );
    assert_eq!(refused.reason(), "SshKeyUnreadable");
}
