//! Starting the agent, and saying in words why it could not be started.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use agent_plan::outcome::Outcome;
use agent_plan::plan::{ProcessPlan, Stdin};
use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;
use nix::unistd::{AccessFlags, access};
use tokio::process::{Child, Command};

use super::group::is_shortage;
use crate::executable::{self, NotFound};

/// The least that the agent's `oom_score_adj` is: what the kernel prefers to kill when memory is
/// short is the agent, well before us, but not before everything else on the node.
const OOM_SCORE_ADJ: u16 = 500;

/// The most that it can be (proc(5)).
const OOM_SCORE_ADJ_MAX: u16 = 1000;

/// Why the agent could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The working directory cannot be used.
    #[error("the working directory `{}` cannot be used", path.display())]
    WorkingDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no such file.
    #[error("the binary `{}` does not exist", program.display())]
    Missing {
        /// The binary.
        program: PathBuf,
        /// Where it was looked for, if it was.
        searched: Option<String>,
    },
    /// It may not be executed.
    #[error("the binary `{}` is not executable: {why}", program.display())]
    NotExecutable {
        /// The binary.
        program: PathBuf,
        /// Which of the reasons for that.
        why: &'static str,
    },
    /// It was built for another machine.
    #[error("the binary `{}` was built for {found}, this machine is {here}", program.display())]
    WrongArchitecture {
        /// The binary.
        program: PathBuf,
        /// What it was built for.
        found: String,
        /// What we are.
        here: &'static str,
    },
    /// It is neither a program nor a script with a `#!` line.
    #[error("the binary `{}` is neither an ELF program nor a script with a `#!` line", program.display())]
    UnknownFormat {
        /// The binary.
        program: PathBuf,
    },
    /// What it needs to start is not there.
    #[error("the binary `{}` needs `{interpreter}`, which does not exist", program.display())]
    InterpreterMissing {
        /// The binary.
        program: PathBuf,
        /// The script's or the loader's path.
        interpreter: String,
    },
    /// Anything else.
    #[error("the binary `{}` could not be started", program.display())]
    Start {
        /// The binary.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl SpawnError {
    /// Returns the outcome of a run that ends with it.
    pub fn outcome(&self) -> Outcome {
        if self.is_shortage() {
            // The node is short of something; nothing that was asked for is missing.
            Outcome::WorkspaceFailed
        } else {
            Outcome::InputMissing
        }
    }

    fn is_shortage(&self) -> bool {
        match self {
            Self::WorkingDir { source, .. } | Self::Start { source, .. } => is_shortage(source),
            _ => false,
        }
    }

    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            _ if self.is_shortage() => "NoResources",
            Self::WorkingDir { .. } => "WorkingDirMissing",
            Self::Missing { .. } => "BinaryMissing",
            Self::NotExecutable { .. } => "BinaryNotExecutable",
            Self::WrongArchitecture { .. } => "BinaryWrongArchitecture",
            Self::UnknownFormat { .. } => "BinaryUnknownFormat",
            Self::InterpreterMissing { .. } => "InterpreterMissing",
            Self::Start { .. } => "StartFailed",
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::WorkingDir { .. } => Some("create it in the image or correct `runner.cwd`".to_owned()),
            Self::Missing { searched: Some(path), .. } => Some(format!("it was looked for in PATH, `{path}`")),
            Self::Missing { .. } => Some("install it in the image or correct the provider's `binary`".to_owned()),
            Self::UnknownFormat { .. } => Some("a script needs a first line such as `#!/bin/sh`".to_owned()),
            Self::InterpreterMissing { interpreter, .. } if interpreter.contains("ld-") => {
                Some("the binary is for another C library (glibc or musl) than the image has".to_owned())
            }
            Self::WrongArchitecture { .. } => Some("use the image or the package of this machine's architecture".to_owned()),
            Self::Start { source, .. } if source.raw_os_error() == Some(Errno::E2BIG as i32) => {
                Some("arguments and environment together are too long; use input files or `runner.prompt`".to_owned())
            }
            _ if self.is_shortage() => {
                Some("raise the limits of open files, processes or memory, or try again".to_owned())
            }
            _ => None,
        }
    }
}

/// The pipes' ends that are the agent's.
#[derive(Debug)]
pub(super) struct Ends {
    /// `None`: the plan says what it reads.
    pub(super) stdin: Option<io::PipeReader>,
    pub(super) stdout: io::PipeWriter,
    pub(super) stderr: io::PipeWriter,
}

/// Starts the agent in a process group of its own.
pub(super) fn spawn(plan: &ProcessPlan, ends: Ends) -> Result<Child, SpawnError> {
    check_dir(&plan.cwd)?;
    let program = executable::find(plan).map_err(|NotFound { searched }| SpawnError::Missing {
        program: plan.program.clone(),
        searched: Some(searched),
    })?;
    check_format(&program)?;
    let start = |source| diagnose(&program, source);
    let mut command = Command::new(&program);
    command
        .args(&plan.args)
        .env_clear()
        .envs(plan.env.iter())
        .current_dir(&plan.cwd)
        .stdin(match ends.stdin {
            Some(pipe) => pipe.into(),
            None => stdin(&plan.stdin).map_err(start)?,
        })
        .stdout(ends.stdout)
        .stderr(ends.stderr)
        .process_group(0)
        .kill_on_drop(true);
    prepare_child(&mut command);
    command.spawn().map_err(start)
}

/// Raises the OOM score in the child itself, so that no descendant can be forked before that, and
/// ties its life to that of our main thread, which starts it.
#[expect(
    unsafe_code,
    reason = "pre_exec is the only place between fork and exec"
)]
fn prepare_child(command: &mut Command) {
    let score = oom_score_adj().to_string();
    let prepare = move || {
        // The file below belongs to root as long as we are hidden; what is executed is not.
        nix::sys::prctl::set_dumpable(true)?;
        let flags = nix::fcntl::OFlag::O_WRONLY | nix::fcntl::OFlag::O_CLOEXEC;
        let file = nix::fcntl::open(
            c"/proc/self/oom_score_adj",
            flags,
            nix::sys::stat::Mode::empty(),
        );
        if let Ok(file) = file {
            // Without it the agent runs all the same; the kernel just has no preference.
            let _: nix::Result<usize> = nix::unistd::write(&file, score.as_bytes());
        }
        // Should the runner be killed itself, nobody would be left to stop the agent.
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are made: open, write, close and
    // prctl, on what was made before; nothing allocates, locks or panics.
    unsafe {
        command.pre_exec(prepare);
    }
}

/// The agent's score: halfway from ours to the top, for a pod whose class has raised ours already.
fn oom_score_adj() -> u16 {
    let ours = std::fs::read_to_string("/proc/self/oom_score_adj").ok();
    // A negative score is a node's daemon's, never a pod's; it counts as 0.
    let ours = ours
        .and_then(|text| text.trim().parse::<u16>().ok())
        .unwrap_or(0)
        .min(OOM_SCORE_ADJ_MAX);
    OOM_SCORE_ADJ.max(ours + (OOM_SCORE_ADJ_MAX - ours) / 2)
}

/// A prompt goes through a file in memory: it needs no writer that could wait for a reader.
fn stdin(stdin: &Stdin) -> io::Result<Stdio> {
    if matches!(stdin, Stdin::Empty | Stdin::Session) {
        return Ok(Stdio::null());
    }
    let Stdin::Prompt(prompt) = stdin else {
        // A terminal stays ours: the agent is in a background group, and reading would stop it.
        let ours = io::stdin();
        return Ok(if io::IsTerminal::is_terminal(&ours) {
            Stdio::null()
        } else {
            Stdio::inherit()
        });
    };
    let mut file = File::from(memfd_create("prompt", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(prompt.as_bytes())?;
    file.rewind()?;
    Ok(file.into())
}

fn check_dir(path: &Path) -> Result<(), SpawnError> {
    let unusable = |source| SpawnError::WorkingDir {
        path: path.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(path).map_err(unusable)?;
    if !metadata.is_dir() {
        return Err(unusable(io::ErrorKind::NotADirectory.into()));
    }
    access(path, AccessFlags::X_OK).map_err(|error| unusable(error.into()))
}

/// Looks at what the kernel, or worse, a C library that falls back to `sh`, would stumble over.
fn check_format(program: &Path) -> Result<(), SpawnError> {
    // Opening a FIFO would wait for a writer, and the kernel executes nothing but files.
    if std::fs::metadata(program).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(diagnose(program, Errno::EACCES.into()));
    }
    let mut head = [0_u8; 20];
    let read = File::open(program).and_then(|mut file| file.read(&mut head));
    let program = program.to_owned();
    match read {
        // Executable but not readable is fine: only the kernel needs to read it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(diagnose(&program, error)),
        Ok(_) if head.starts_with(b"\x7fELF") => check_machine(program, head),
        Ok(count) if head.starts_with(b"#!") && count > 2 => Ok(()),
        Ok(_) if emulated() => Ok(()),
        Ok(_) => Err(SpawnError::UnknownFormat { program }),
    }
}

fn check_machine(program: PathBuf, head: [u8; 20]) -> Result<(), SpawnError> {
    // ELF-64: byte 5 is the byte order, bytes 18 and 19 are e_machine (elf(5)).
    let machine = if head[5] == 2 {
        u16::from_be_bytes([head[18], head[19]])
    } else {
        u16::from_le_bytes([head[18], head[19]])
    };
    let name = match machine {
        3 => "x86".to_owned(),
        40 => "arm".to_owned(),
        62 => "x86_64".to_owned(),
        183 => "aarch64".to_owned(),
        243 => "riscv64".to_owned(),
        other => format!("machine {other}"),
    };
    let here = std::env::consts::ARCH;
    let runs =
        name == here || (here == "x86_64" && name == "x86") || (here == "aarch64" && name == "arm");
    if runs || emulated() {
        return Ok(());
    }
    Err(SpawnError::WrongArchitecture {
        program,
        found: name,
        here,
    })
}

/// Whether the kernel has interpreters for foreign formats; then it decides.
fn emulated() -> bool {
    let entries = std::fs::read_dir("/proc/sys/fs/binfmt_misc")
        .into_iter()
        .flatten()
        .flatten();
    // `register` and `status` are always there.
    entries.count() > 2
}

/// Turns the error of an exec into words.
fn diagnose(program: &Path, source: io::Error) -> SpawnError {
    let program = program.to_owned();
    match source.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT | Errno::ENOTDIR) => match (program.exists(), interpreter(&program)) {
            (true, Some(interpreter)) => SpawnError::InterpreterMissing {
                program,
                interpreter,
            },
            (true, None) => SpawnError::Start { program, source },
            (false, _) => SpawnError::Missing {
                program,
                searched: None,
            },
        },
        Some(Errno::EACCES | Errno::EISDIR) => {
            let why = match std::fs::metadata(&program) {
                Ok(metadata) if metadata.is_dir() => "it is a directory",
                Ok(metadata) if !metadata.is_file() => "it is not a regular file",
                Ok(metadata)
                    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111
                        == 0 =>
                {
                    "no execute permission"
                }
                Ok(_) => "this user may not execute it, or its volume is mounted noexec",
                Err(_) => "this user may not reach it",
            };
            SpawnError::NotExecutable { program, why }
        }
        _ => SpawnError::Start { program, source },
    }
}

/// The interpreter of a script, or the loader of a program.
fn interpreter(program: &Path) -> Option<String> {
    // The kernel reads the `#!` line from the first 256 bytes; loaders' paths are near the start.
    let mut head = vec![0; 4096];
    let count = File::open(program).ok()?.read(&mut head).ok()?;
    head.truncate(count);
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next()?;
        return String::from_utf8_lossy(line)
            .split_whitespace()
            .next()
            .map(str::to_owned);
    }
    let at = head
        .windows(5)
        .position(|window| window == b"/lib/" || window == b"/lib6")?;
    let path = head[at..].split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(path).into_owned())
}
