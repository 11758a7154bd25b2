//! The real agent CLIs, as `tests/install` puts them into `target/agents`.
//!
//! ```no_run
//! use agent_tests::{ModelApi, Step, agents};
//!
//! let Some(codex) = agents::codex() else { return };
//! let api = ModelApi::start([Step::text("hello")]);
//! let home = tempfile::tempdir().unwrap();
//! std::process::Command::new(codex)
//!     .args(["exec", "--json", "--skip-git-repo-check", "hi"])
//!     .envs(agents::codex_env(home.path(), &api))
//!     .status()
//!     .unwrap();
//! ```

use std::path::{Path, PathBuf};

use crate::ModelApi;

/// The variable that has the key of the provider in the configuration of [`codex_home`].
pub const CODEX_KEY: &str = "FAKE_KEY";

/// The key that [`claude_env`] and [`codex_env`] give.
pub const KEY: &str = "key-of-the-tests";

/// Versions and hashes, of which `tests/install` leaves a copy when it is done.
const LOCK: &str = include_str!("../agents/package-lock.json");

/// Returns the real claude; without it says so on stderr, or panics in CI.
pub fn claude() -> Option<PathBuf> {
    installed("@anthropic-ai/claude-code-linux-x64/claude")
}

/// Returns the real codex; without it says so on stderr, or panics in CI.
pub fn codex() -> Option<PathBuf> {
    installed("codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex")
}

#[expect(clippy::print_stderr, reason = "a test that was not done must be seen")]
fn installed(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/agents");
    let path = root.join("node_modules").join(name);
    // Another version than the pinned one would prove nothing.
    let pinned = std::fs::read_to_string(root.join("installed.json")).is_ok_and(|it| it == LOCK);
    if pinned && path.exists() {
        return Some(path.canonicalize().expect("what exists has a path"));
    }
    let ci = std::env::vars_os().any(|(name, value)| name == "CI" && !value.is_empty());
    assert!(!ci, "`{name}` is not installed: run `sh tests/install`");
    eprintln!("SKIPPED: `{name}` is not installed: run `sh tests/install`");
    None
}

/// Returns the variables of a claude that knows nothing but this directory and this API.
///
/// `HOME` is the directory, which must exist; `PATH` and `TMPDIR` are left to the test.
pub fn claude_env(home: &Path, api: &ModelApi) -> Vec<(String, String)> {
    let variables = [
        ("ANTHROPIC_BASE_URL", api.url()),
        ("ANTHROPIC_API_KEY", KEY.to_owned()),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
        // As root it takes no `--dangerously-skip-permissions` otherwise.
        ("IS_SANDBOX", "1".to_owned()),
        ("HOME", text(home)),
    ];
    variables
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

/// Configures a codex in a directory, which is made, and returns its variables.
///
/// `HOME` and `CODEX_HOME` are the directory; `PATH` and `TMPDIR` are left to the test.
pub fn codex_env(home: &Path, api: &ModelApi) -> Vec<(String, String)> {
    codex_home(home, api);
    let variables = [
        ("CODEX_HOME", text(home)),
        ("HOME", text(home)),
        (CODEX_KEY, KEY.to_owned()),
    ];
    variables
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

/// Writes `config.toml` into a directory, which is made: the API as the only provider.
///
/// Codex then asks nobody else, tries everything twice, and waits 4 s in a stream.
pub fn codex_home(dir: &Path, api: &ModelApi) {
    let config = format!(
        r#"model = "gpt-5.5"
model_provider = "fake"
check_for_update_on_startup = false

[analytics]
enabled = false

[features]
plugins = false
apps = false

[model_providers.fake]
name = "Fake"
base_url = "{}/v1"
wire_api = "responses"
env_key = "{CODEX_KEY}"
request_max_retries = 1
stream_max_retries = 1
stream_idle_timeout_ms = 4000
"#,
        api.url()
    );
    std::fs::create_dir_all(dir).expect("the directory can be made");
    std::fs::write(dir.join("config.toml"), config).expect("the directory is writable");
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
