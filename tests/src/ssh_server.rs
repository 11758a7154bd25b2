//! A real `sshd` that lets deploy keys in and runs git on the repositories that it serves.
//!
//! An `sshd -i` of its own for each connection: the port is bound before anybody is told of it,
//! where a daemon would have to be given a port that another may take meanwhile.
//!
//! ```no_run
//! use agent_tests::{Git, KeyKind, KnownHosts, Repository, SshKey, SshServer};
//!
//! let repository = Repository::new().commit("main", [("README", "hello\n")]);
//! let key = SshKey::new(KeyKind::Ed25519);
//! let server = SshServer::new().serve("owner/name", &repository).authorize(&key);
//! let dir = tempfile::tempdir().unwrap();
//! let known_hosts = dir.path().join("known_hosts");
//! std::fs::write(&known_hosts, server.known_hosts(KnownHosts::Plain)).unwrap();
//! Git::new(dir.path())
//!     .env("GIT_SSH_COMMAND", server.ssh_command(&key, &known_hosts))
//!     .run(["clone", &server.url("owner/name"), "clone"]);
//! ```

mod key;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::unistd::{User, geteuid};
use tempfile::TempDir;

use crate::Repository;
use crate::git_server::listener::{Life, Listener};
use crate::repository::git;
use key::keygen;
pub use key::{KeyKind, SshKey};

/// Where Debian has it; `sshd` wants to be started by its whole path.
const SSHD: &str = "/usr/sbin/sshd";

/// An SSH server; gone with all its sessions when dropped.
#[derive(Debug)]
pub struct SshServer {
    // First, so that it ends before its directory goes.
    listener: Listener,
    connections: Arc<AtomicUsize>,
    repositories: Vec<Arc<TempDir>>,
    dir: TempDir,
    host_key: SshKey,
}

/// What a `known_hosts` file says of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownHosts {
    /// `[127.0.0.1]:port` and its key.
    Plain,
    /// The same, with the name hashed.
    Hashed,
    /// Another key of the same kind.
    WrongKey,
    /// Its key, and then that it is revoked.
    Revoked,
    /// Its key, for another host.
    OtherHost,
}

impl Default for SshServer {
    fn default() -> Self {
        Self::new()
    }
}

impl SshServer {
    /// Listens on a free port of 127.0.0.1 with an Ed25519 host key, and lets nobody in.
    pub fn new() -> Self {
        assert!(
            Path::new(SSHD).exists(),
            "`{SSHD}` is not there: run `tests/install`"
        );
        if geteuid().is_root() {
            // Debian makes it when the service starts.
            std::fs::create_dir_all("/run/sshd").expect("root can make directories");
        }
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let connections = Arc::new(AtomicUsize::new(0));
        let listener = {
            let (dir, count) = (dir.path().to_owned(), Arc::clone(&connections));
            Listener::new(move |stream, life| {
                count.fetch_add(1, Ordering::SeqCst);
                // An error means that the server is being dropped.
                drop(session(&dir, stream, life));
            })
        };
        let server = Self {
            listener,
            connections,
            repositories: Vec::new(),
            dir,
            host_key: SshKey::new(KeyKind::Ed25519),
        };
        server.write("authorized_keys", "");
        std::fs::create_dir(server.path("repositories"))
            .expect("a temporary directory is writable");
        server.write("session", &server.script());
        server.configure();
        server
    }

    /// Serves a repository under `/<name>.git`, such as `owner/name` or `group/subgroup/name`.
    #[must_use]
    pub fn serve(mut self, name: &str, repository: &Repository) -> Self {
        let mounted = repository.mount(&self.path("repositories"), name);
        self.repositories.push(mounted);
        self
    }

    /// Lets a key in.
    #[must_use]
    pub fn authorize(self, key: &SshKey) -> Self {
        let mut file = OpenOptions::new()
            .append(true)
            .open(self.path("authorized_keys"))
            .expect("it has been made");
        writeln!(file, "{}", key.public()).expect("a temporary directory is writable");
        self
    }

    /// Has another host key, of this kind, from the next connection on.
    #[must_use]
    pub fn host_key(mut self, kind: KeyKind) -> Self {
        self.host_key = SshKey::new(kind);
        self.configure();
        self
    }

    /// Adds a line to the configuration of `sshd`; where it says a thing twice, the first counts.
    #[must_use]
    pub fn sshd_option(self, line: &str) -> Self {
        let path = self.path("sshd_config");
        let text = std::fs::read_to_string(&path).expect("it has been made");
        self.write("sshd_config", &format!("{line}\n{text}"));
        self
    }

    /// Its own directory, which all that a session starts has in its environment.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The user that there is.
    pub fn user(&self) -> String {
        User::from_uid(geteuid())
            .expect("users can be looked up")
            .expect("who runs the tests has a name")
            .name
    }

    /// The URL of a repository, served or not: `ssh://user@127.0.0.1:<port>/owner/name.git`.
    pub fn url(&self, name: &str) -> String {
        format!("ssh://{}@{}/{name}.git", self.user(), self.address())
    }

    /// The text of a `known_hosts` file.
    pub fn known_hosts(&self, what: KnownHosts) -> String {
        let (key, port) = (self.host_key.public(), self.address().port());
        let plain = format!("[127.0.0.1]:{port} {key}\n");
        match what {
            KnownHosts::Plain => plain,
            KnownHosts::Hashed => {
                let dir = tempfile::tempdir().expect("a temporary directory can be made");
                let file = dir.path().join("known_hosts");
                std::fs::write(&file, plain).expect("a temporary directory is writable");
                keygen(dir.path(), &["-H", "-f", "known_hosts"]);
                std::fs::read_to_string(file).expect("it has been written")
            }
            KnownHosts::WrongKey => {
                let kind = match key.split(' ').next() {
                    Some("ssh-rsa") => KeyKind::Rsa,
                    Some("ssh-ed25519") => KeyKind::Ed25519,
                    _ => KeyKind::Ecdsa,
                };
                format!("[127.0.0.1]:{port} {}\n", SshKey::new(kind).public())
            }
            KnownHosts::Revoked => format!("{plain}@revoked {plain}"),
            KnownHosts::OtherHost => format!("git.example.com {key}\n"),
        }
    }

    /// The `GIT_SSH_COMMAND` for a strict client with this key and this `known_hosts` file.
    pub fn ssh_command(&self, key: &SshKey, known_hosts: &Path) -> String {
        format!(
            "ssh -F /dev/null -i {} -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes \
             -o StrictHostKeyChecking=yes -o UserKnownHostsFile={} -o GlobalKnownHostsFile=/dev/null",
            key.path().display(),
            known_hosts.display()
        )
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The commands that clients asked for, in order.
    pub fn commands(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("commands")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What the `sshd`s wrote: who came with which key, and why one was not let in.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_file(self.dir.path())).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a temporary directory is writable");
    }

    fn configure(&self) {
        let config = format!(
            "HostKey {key}\n\
             AuthorizedKeysFile {dir}/authorized_keys\n\
             ForceCommand /bin/sh {dir}/session\n\
             StrictModes no\n\
             UsePAM no\n\
             UseDNS no\n\
             PidFile none\n\
             PermitRootLogin prohibit-password\n\
             PasswordAuthentication no\n\
             KbdInteractiveAuthentication no\n\
             PermitTTY no\n\
             PermitUserRC no\n\
             AllowTcpForwarding no\n\
             AcceptEnv GIT_PROTOCOL\n\
             LogLevel VERBOSE\n",
            key = self.host_key.path().display(),
            dir = self.dir.path().display(),
        );
        self.write("sshd_config", &config);
    }

    /// The script for `sh` that stands in for a forge's shell: git on repositories, nothing else.
    fn script(&self) -> String {
        format!(
            r#"dir='{dir}'
printf '%s\n' "$SSH_ORIGINAL_COMMAND" >>"$dir/commands"
export PATH=/usr/local/bin:/usr/bin:/bin HOME="$dir" LC_ALL=C
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
program=${{SSH_ORIGINAL_COMMAND%% *}}
case "$program" in
git-upload-pack | git-receive-pack) ;;
*)
    echo "this server has only git: $SSH_ORIGINAL_COMMAND" >&2
    exit 128
    ;;
esac
path=${{SSH_ORIGINAL_COMMAND#* }}
path=${{path#\'}}
path=${{path%\'}}
repository="$dir/repositories/${{path#/}}"
# Whole paths of this machine are repositories, too.
[ -d "$repository" ] || [ ! -d "$path" ] || repository=$path
exec '{exec_path}'/git "${{program#git-}}" "$repository"
"#,
            dir = self.dir.path().display(),
            exec_path = git(self.dir.path(), ["--exec-path"]),
        )
    }
}

fn log_file(dir: &Path) -> PathBuf {
    dir.join("sshd.log")
}

/// Has an `sshd` of its own speak on a connection.
fn session(dir: &Path, stream: TcpStream, life: &Life) -> io::Result<()> {
    let log: File = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log_file(dir))?;
    let (input, output) = (OwnedFd::from(stream.try_clone()?), OwnedFd::from(stream));
    let mut child = life.spawn(
        Command::new(SSHD)
            .args(["-i", "-e", "-f"])
            .arg(dir.join("sshd_config"))
            .env_clear()
            .env("TMPDIR", dir)
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(output))
            .stderr(Stdio::from(log)),
    )?;
    child.wait().map(drop)
}
