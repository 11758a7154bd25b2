use std::fs;
use std::process::Command;

use super::*;

/// Makes a key as people do.
fn generate(arguments: &[&str]) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("key");
    let status = Command::new("ssh-keygen")
        .args(["-q", "-C", "test", "-f"])
        .arg(&file)
        .args(arguments)
        .status()
        .expect("ssh-keygen is installed");
    assert!(status.success());
    let public = fs::read_to_string(file.with_extension("pub")).expect("it was written");
    let private = fs::read_to_string(&file).expect("it was written");
    // Whoever reads the private key must get the public one that belongs to it.
    if let Ok(key) = parse(&private) {
        let ours = key.public_key().to_openssh().expect("it can be written");
        assert!(
            public.starts_with(ours.trim_end_matches(" test")),
            "{public}"
        );
    }
    private
}

#[test]
fn every_usual_form_of_every_usual_key_is_read() {
    for (kind, bits) in [
        ("ed25519", "256"),
        ("ecdsa", "256"),
        ("ecdsa", "384"),
        ("ecdsa", "521"),
        ("rsa", "2048"),
    ] {
        for format in ["RFC4716", "PEM", "PKCS8"] {
            let key = generate(&["-t", kind, "-b", bits, "-m", format, "-N", ""]);
            assert_eq!(parse(&key).err(), None, "{kind} {bits} {format}");
        }
    }
}

#[test]
fn what_pasting_does_to_a_key_does_no_harm() {
    let key = generate(&["-t", "ed25519", "-N", ""]);
    let pasted = [
        key.trim_end().to_owned(),
        key.replace('\n', "\r\n"),
        key.replace('\n', "  \n"),
        key.replace('\n', "\n    "),
        format!("\u{feff}\n\n{key}\n\n"),
        format!(
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{key}"
        ),
    ];
    for text in pasted {
        assert_eq!(parse(&text).err(), None, "{text:?}");
    }
}

#[test]
fn a_passphrase_is_named_as_the_problem() {
    for (kind, format) in [
        ("ed25519", "RFC4716"),
        ("rsa", "PEM"),
        ("rsa", "PKCS8"),
        ("ecdsa", "PEM"),
        ("ecdsa", "PKCS8"),
    ] {
        let key = generate(&["-t", kind, "-m", format, "-N", "passphrase"]);
        assert_eq!(
            parse(&key).err(),
            Some(KeyProblem::Encrypted),
            "{kind} {format}"
        );
    }
}

#[test]
fn what_is_no_private_key_is_called_what_it_is() {
    let cases = [
        ("", KeyProblem::Empty),
        (" \r\n", KeyProblem::Empty),
        ("ssh-ed25519 AAAA test\n", KeyProblem::Public),
        ("ecdsa-sha2-nistp256 AAAA", KeyProblem::Public),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            KeyProblem::Public,
        ),
        (
            "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n",
            KeyProblem::Public,
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            KeyProblem::Public,
        ),
        ("ghp_token", KeyProblem::NotAKey),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            KeyProblem::Unusable,
        ),
        ("-----BEGIN PRIVATE KEY-----", KeyProblem::Unusable),
        (
            "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n",
            KeyProblem::Unusable,
        ),
    ];
    for (text, problem) in cases {
        assert_eq!(parse(text).err(), Some(problem), "{text:?}");
    }
}

#[test]
fn an_error_names_the_file_and_nothing_of_its_content() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("key");
    let content = "-----BEGIN OPENSSH PRIVATE KEY-----\nVERYSECRET\u{e9}\n-----END OPENSSH PRIVATE KEY-----\n";
    fs::write(&file, content).expect("a writable directory");
    let error = read(&file).expect_err("it is damaged");
    let text = format!("{error} {error:?}");
    assert!(text.contains("/key"), "{text}");
    assert!(!text.contains("SECRET"), "{text}");
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let error = read(Path::new("/dev/zero")).expect_err("it has no end");
    assert!(matches!(error, SshError::Key { .. }), "{error}");
}
