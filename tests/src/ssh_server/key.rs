//! Keys as `ssh-keygen` makes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The algorithm of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519.
    Ed25519,
    /// RSA with 3072 bits; takes a moment to make.
    Rsa,
    /// ECDSA on P-256.
    Ecdsa,
}

/// A key pair in a directory of its own; gone when dropped.
///
/// ```no_run
/// use agent_tests::{KeyKind, SshKey};
///
/// let key = SshKey::new(KeyKind::Ed25519);
/// let old = SshKey::pem(KeyKind::Rsa, "");
/// assert!(old.private().starts_with("-----BEGIN RSA PRIVATE KEY-----"));
/// ```
#[derive(Debug)]
pub struct SshKey {
    dir: TempDir,
}

impl SshKey {
    /// Makes a key in the format of OpenSSH, without a passphrase.
    pub fn new(kind: KeyKind) -> Self {
        Self::make(kind, &["-N", ""])
    }

    /// Makes a key in the format of OpenSSH, encrypted with a passphrase.
    pub fn encrypted(kind: KeyKind, passphrase: &str) -> Self {
        Self::make(kind, &["-N", passphrase])
    }

    /// Makes a key as PEM, `BEGIN RSA PRIVATE KEY` or `BEGIN EC PRIVATE KEY`; an empty passphrase
    /// means that it is not encrypted.
    ///
    /// # Panics
    ///
    /// Panics for Ed25519, which this format cannot hold.
    pub fn pem(kind: KeyKind, passphrase: &str) -> Self {
        assert_ne!(kind, KeyKind::Ed25519, "PEM cannot hold an Ed25519 key");
        Self::make(kind, &["-m", "PEM", "-N", passphrase])
    }

    /// Makes a key as PKCS #8, `BEGIN PRIVATE KEY` or `BEGIN ENCRYPTED PRIVATE KEY`.
    ///
    /// # Panics
    ///
    /// Panics for Ed25519, which `ssh-keygen` does not write so.
    pub fn pkcs8(kind: KeyKind, passphrase: &str) -> Self {
        assert_ne!(kind, KeyKind::Ed25519, "`ssh-keygen` writes no such key");
        Self::make(kind, &["-m", "PKCS8", "-N", passphrase])
    }

    /// The file with the private key, mode 0600.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("key")
    }

    /// The text of the private key.
    pub fn private(&self) -> String {
        std::fs::read_to_string(self.path()).expect("the key has been made")
    }

    /// The public key: algorithm and Base64, without a comment.
    pub fn public(&self) -> String {
        std::fs::read_to_string(self.path().with_extension("pub"))
            .expect("the key has been made")
            .trim_end()
            .to_owned()
    }

    fn make(kind: KeyKind, options: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let kind: &[&str] = match kind {
            KeyKind::Ed25519 => &["-t", "ed25519"],
            KeyKind::Rsa => &["-t", "rsa", "-b", "3072"],
            KeyKind::Ecdsa => &["-t", "ecdsa", "-b", "256"],
        };
        let args = [&["-q", "-C", "", "-f", "key"], kind, options].concat();
        keygen(dir.path(), &args);
        Self { dir }
    }
}

/// Runs `ssh-keygen` in a directory; panics with its own words if it fails.
pub(super) fn keygen(dir: &Path, args: &[&str]) {
    let ended = Command::new("ssh-keygen")
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap_or_else(|error| {
            panic!("`ssh-keygen` cannot be started ({error}); see `tests/install`")
        });
    assert!(
        ended.status.success(),
        "`ssh-keygen` failed:\n{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
}
