//! Where the CLIs keep their state, by the agent's own environment.
//!
//! Whether a conversation can be gone on with and whether the CLI will get another directory are
//! one question, asked at two times: what cannot be written is replaced, and what is replaced has
//! no conversations.

use std::path::{Path, PathBuf};

use agent_plan::env::{self, Environment};
use agent_plan::plan::Conversation;
use nix::unistd::{AccessFlags, access};

/// The CLI whose needs are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cli {
    Claude,
    Codex,
}

impl Cli {
    pub(crate) fn of(conversation: &Conversation) -> Option<Self> {
        match conversation {
            Conversation::Claude(_) => Some(Self::Claude),
            Conversation::CodexExec(_) | Conversation::CodexAppServer(_) => Some(Self::Codex),
            _ => None,
        }
    }

    /// The file name of its program; whatever else it is called is a wrapper, or another program.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }

    /// The variable that says where its state is.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Claude => env::CLAUDE_CONFIG_DIR,
            Self::Codex => env::CODEX_HOME,
        }
    }

    /// Where its state is without that variable, below `HOME`.
    pub(crate) fn below_home(self) -> &'static str {
        match self {
            Self::Claude => ".claude",
            Self::Codex => ".codex",
        }
    }

    /// Returns where its state is, or would be; nothing if the environment does not say.
    pub(crate) fn state(self, environment: &Environment) -> Option<PathBuf> {
        let told = environment.path(self.variable());
        told.or_else(|| Some(environment.path("HOME")?.join(self.below_home())))
    }
}

/// Says whether a directory is there and can be written.
pub(crate) fn is_writable(directory: &Path) -> bool {
    directory.is_dir() && access(directory, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}

/// Says whether a directory is there and what is in it can be reached.
pub(crate) fn is_reachable(directory: &Path) -> bool {
    directory.is_dir() && access(directory, AccessFlags::X_OK).is_ok()
}
