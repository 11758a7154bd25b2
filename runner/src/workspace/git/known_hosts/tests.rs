use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIL9rYEbloP9GS0P6lRv781DnQ96T3Ev9nUWXqk804UVz";
const OTHER: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIIAAWvvLXsj2s8oAjrkfTMxitE7xoTXPtF0atE/nYpW0";
const ECDSA: &str = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAmPXFBj1S6Nw4hKomXi22MNkGk9bRrtoepn2ymzowhnOzDpDPE46IbPXGgmj+hARN3T/rYojRPZruLTuV2yE/A=";

/// `git.example.com` and `[git.example.com]:2222`, as `ssh-keygen -H` wrote them.
const HASHED: &str = "\
|1|xACq6bEpzfb+eoT2INp+zS3yrS0=|Arle9ObpFG+gHWKpu+CJq386FCM= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL9rYEbloP9GS0P6lRv781DnQ96T3Ev9nUWXqk804UVz
|1|nk1l4w7VIKUem/YBlXtC+ZxZwRE=|hY68QnsqOhcqFobU82LwLZYintk= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL9rYEbloP9GS0P6lRv781DnQ96T3Ev9nUWXqk804UVz
";

fn standing(text: &str, host: &str, port: u16, key: &str) -> Standing {
    let blob = Base64::decode_vec(key).expect("a constant of this file");
    let key_type = if key == ECDSA {
        "ecdsa-sha2-nistp256"
    } else {
        "ssh-ed25519"
    };
    HostKeys::read(text.as_bytes(), host, port).standing(key_type, &blob)
}

/// One line of each kind of name, with the ed25519 key.
fn of(names: &str) -> String {
    format!("{names} ssh-ed25519 {ED25519}\n")
}

#[test]
fn a_hashed_name_is_recognised() {
    let first = HASHED.lines().next().expect("it has two lines");
    assert_eq!(
        standing(first, "git.example.com", 22, ED25519),
        Standing::Known
    );
    assert_eq!(
        standing(first, "git.example.org", 22, ED25519),
        Standing::Unknown
    );
    let second = HASHED.lines().nth(1).expect("it has two lines");
    assert_eq!(
        standing(second, "git.example.com", 2222, ED25519),
        Standing::Known
    );
    assert_eq!(
        standing(second, "git.example.com", 22, ED25519),
        Standing::Unknown
    );
}

#[test]
fn another_key_for_a_hashed_name_is_a_change() {
    assert_eq!(
        standing(HASHED, "git.example.com", 2222, OTHER),
        Standing::Changed(2)
    );
}

#[test]
fn a_key_of_another_type_is_a_change() {
    assert_eq!(
        standing(&of("host"), "host", 22, ECDSA),
        Standing::Changed(1)
    );
}

#[test]
fn one_of_several_keys_is_enough() {
    let text = format!(
        "host ssh-ed25519 {OTHER}\nhost ecdsa-sha2-nistp256 {ECDSA}\n{}",
        of("host")
    );
    for key in [ED25519, OTHER, ECDSA] {
        assert_eq!(standing(&text, "host", 22, key), Standing::Known);
    }
}

#[test]
fn a_change_names_the_line_of_the_same_type() {
    let text = format!("# ours\nhost ecdsa-sha2-nistp256 {ECDSA}\n\n{}", of("host"));
    assert_eq!(standing(&text, "host", 22, OTHER), Standing::Changed(4));
}

#[test]
fn a_revoked_key_stays_revoked_when_another_line_knows_it() {
    let text = format!("{}@revoked * ssh-ed25519 {ED25519}\n", of("host"));
    assert_eq!(standing(&text, "host", 22, ED25519), Standing::Revoked(2));
    assert_eq!(standing(&text, "host", 2222, ED25519), Standing::Revoked(2));
}

#[test]
fn a_revoked_key_does_not_make_its_host_known() {
    let text = format!("@revoked host ssh-ed25519 {ED25519}\n");
    assert_eq!(standing(&text, "host", 22, OTHER), Standing::Unknown);
}

#[test]
fn the_key_of_an_authority_is_no_host_key() {
    let text = format!("@cert-authority\t*\tssh-ed25519 {ED25519}\n");
    assert_eq!(standing(&text, "host", 22, ED25519), Standing::Unknown);
    assert_eq!(HostKeys::read(text.as_bytes(), "host", 22).authorities(), 1);
}

#[test]
fn a_name_without_a_port_is_good_for_any_but_changes_none() {
    assert_eq!(
        standing(&of("host"), "host", 2222, ED25519),
        Standing::Known
    );
    assert_eq!(
        standing(&of("host"), "host", 2222, OTHER),
        Standing::Unknown
    );
}

#[test]
fn lines_that_cannot_be_read_are_counted_and_do_no_harm() {
    let mut text = format!(
        "host\nhost ssh-ed25519\nhost ssh-ed25519 ***\nhost ssh-rsa {ED25519}\n\
         @unheard-of host ssh-ed25519 {ED25519}\n@revoked\n|1|c2hvcnQ=|c2hvcnQ= ssh-ed25519 {ED25519}\n\
         |2|x ssh-ed25519 {ED25519}\nhost 1024 35 1234567890\nhost ssh-ed25519 AAAA\n",
    )
    .into_bytes();
    text.extend_from_slice(b"\xff\xfe\n  # a comment\n\r\n");
    let keys = HostKeys::read(&text, "host", 22);
    assert_eq!(keys.skipped(), 11);
    assert_eq!(keys.key_types().count(), 0);
}

#[test]
fn carriage_returns_comments_and_a_missing_newline_do_no_harm() {
    let text =
        format!("\r\n\t host\tssh-ed25519 {ED25519} root@host # x\r\nother ssh-ed25519 {OTHER}");
    assert_eq!(standing(&text, "host", 22, ED25519), Standing::Known);
    assert_eq!(standing(&text, "other", 22, OTHER), Standing::Known);
}

#[test]
fn known_types_are_listed_in_the_order_of_the_file() {
    let text = format!(
        "host ecdsa-sha2-nistp256 {ECDSA}\n{}elsewhere ssh-rsa x\n",
        of("host")
    );
    let keys = HostKeys::read(text.as_bytes(), "host", 22);
    assert_eq!(
        keys.key_types().collect::<Vec<_>>(),
        ["ecdsa-sha2-nistp256", "ssh-ed25519"]
    );
}

#[test]
fn many_stars_take_no_long_time() {
    let pattern = "*a".repeat(2000);
    let name = "a".repeat(1999) + "b";
    assert!(!matches(pattern.as_bytes(), name.as_bytes()));
}

#[test]
fn names_match_as_ssh_keygen_finds_them() {
    let names = [
        "git.example.com",
        "GIT.Example.com",
        "*.example.com",
        "*",
        "?it.example.com",
        "git?example?com",
        "git.example.co",
        "git.example.com?",
        "*.example.com,!git.example.com",
        "!git.example.com",
        "!other,git.example.com",
        "first,git.example.com",
        "git.example.com,",
        "[git.example.com]:2222",
        "[git.example.com]:22",
        "[*.example.com]:2222",
        "[*]:*",
        "*:2222",
        "192.0.2.7",
        "192.0.2.*",
        "2001:db8::1",
        "[2001:db8::1]:2222",
    ];
    let hosts = [
        "git.example.com",
        "ci.example.com",
        "192.0.2.7",
        "2001:db8::1",
    ];
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("known_hosts");
    for pattern in names {
        std::fs::write(&file, of(pattern)).expect("a writable directory");
        for host in hosts {
            for (port, name) in [(22, host.to_owned()), (2222, format!("[{host}]:2222"))] {
                let keys = HostKeys::read(of(pattern).as_bytes(), host, port);
                assert_eq!(
                    !keys.named.is_empty(),
                    ssh_keygen_finds(&name, &file),
                    "`{name}` in `{pattern}`"
                );
            }
        }
    }
}

fn ssh_keygen_finds(name: &str, file: &Path) -> bool {
    Command::new("ssh-keygen")
        .args(["-F", name, "-f"])
        .arg(file)
        .stdout(Stdio::null())
        .status()
        .expect("ssh-keygen is installed")
        .success()
}
