//! How the agent was called, for whoever asks later.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use agent_plan::env::Environment;
use anyhow::Context;
use serde::{Deserialize, Serialize};

/// Name of the record in its directory.
const CALL: &str = "call.json";

/// Name of what came on stdin, beside it.
const STDIN: &str = "stdin";

/// Most attempts of one run.
const ATTEMPTS: usize = 9;

/// How the agent was called.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Call {
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// Its process.
    pub pid: i32,
    /// Places that it could not write to.
    pub unwritable: Vec<String>,
    /// What came on stdin.
    #[serde(skip)]
    pub stdin: String,
}

impl Call {
    /// Reads the calls recorded in a directory, first to last.
    pub fn all(dir: &Path) -> Vec<Self> {
        let read = |attempt| {
            let place = dir.join(format!("call-{attempt}"));
            let mut call: Self = serde_json::from_slice(&fs::read(place.join(CALL)).ok()?).ok()?;
            let stdin = fs::read(place.join(STDIN)).unwrap_or_default();
            call.stdin = String::from_utf8_lossy(&stdin).into_owned();
            Some(call)
        };
        (1..=ATTEMPTS).map_while(read).collect()
    }
}

/// Records a call; returns where what comes on stdin is written to.
pub(super) fn record(
    dir: &Path,
    args: &[OsString],
    environment: &Environment,
) -> anyhow::Result<PathBuf> {
    let place = (1..=ATTEMPTS)
        .map(|attempt| dir.join(format!("call-{attempt}")))
        .find(|place| fs::create_dir(place).is_ok())
        .context("the call cannot be recorded")?;
    let lossy = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    let cwd = std::env::current_dir().unwrap_or_default();
    let call = Call {
        args: args.iter().map(|arg| lossy(arg)).collect(),
        env: environment
            .iter()
            .map(|(name, value)| (lossy(name), lossy(value)))
            .collect(),
        pid: nix::unistd::getpid().as_raw(),
        unwritable: unwritable(&cwd, environment),
        cwd,
        stdin: String::new(),
    };
    fs::write(place.join(CALL), serde_json::to_vec_pretty(&call)?)?;
    Ok(place.join(STDIN))
}

/// The places that every agent writes to, as far as they cannot be.
fn unwritable(cwd: &Path, environment: &Environment) -> Vec<String> {
    let home = environment.path("HOME").unwrap_or_default();
    let temporary = environment.path("TMPDIR").unwrap_or_else(|| "/tmp".into());
    let places = [
        ("the working directory", cwd),
        ("`HOME`", &home),
        ("`TMPDIR`", &temporary),
    ];
    let mut unwritable = Vec::new();
    for (what, place) in places {
        let probe = place.join(format!(".probe-{}", std::process::id()));
        match File::create(&probe) {
            Ok(_) => drop(fs::remove_file(probe)),
            Err(error) => unwritable.push(format!("{what}, `{}`: {error}", place.display())),
        }
    }
    unwritable
}
