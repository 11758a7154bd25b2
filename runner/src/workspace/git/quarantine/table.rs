//! Which files configure agents, editors or git without anybody asking.
//!
//! What runs only when somebody says so (a Makefile, a package's scripts) is not here, and neither
//! is what cannot run anything by itself: `.gitattributes` names filters and merge drivers, but only
//! a configuration outside the tree says what they run, and without it every line ending would
//! look changed; `.gitignore`, `.mailmap` and `.editorconfig` start nothing.

use At::{Anywhere, Root};

/// Where a file of the table counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// At the root of the work tree: its reader looks nowhere else.
    Root,
    /// In any directory: its reader starts from where it works, or looks into every directory.
    Anywhere,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// A file, or a directory with all that is in it; a `*` at the end stands for any letters.
    pub(super) path: &'static str,
    /// Where it counts.
    pub(super) at: At,
    /// What it may do, for a person.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the table is what explains itself")
    )]
    pub(super) why: &'static str,
}

macro_rules! rows {
    ($($path:literal $at:expr, $why:literal;)*) => {
        /// Every file that is taken aside; names are compared without regard to ASCII case.
        pub(super) const TABLE: &[Row] = &[$(Row { path: $path, at: $at, why: $why }),*];
    };
}

rows! {
    ".claude" Anywhere, "Claude Code: settings with hooks and permissions, commands, skills, agents.";
    ".claude.json" Anywhere, "Claude Code: MCP servers and what is trusted.";
    ".claude-plugin" Anywhere, "Claude Code: plugins with hooks and MCP servers.";
    ".mcp.json" Anywhere, "MCP servers, which are programs that an agent starts.";
    ".lsp.json" Anywhere, "Language servers, which are programs that an agent starts.";
    "CLAUDE.md" Anywhere, "Claude Code: instructions, read in every directory that it works in.";
    "CLAUDE.local.md" Anywhere, "Claude Code: instructions, read beside CLAUDE.md.";
    "AGENTS.md" Anywhere, "Codex and others: instructions, read from the root down to where it works.";
    "AGENTS.override.md" Anywhere, "Codex: instructions that replace AGENTS.md.";
    "AGENT.md" Anywhere, "Amp and others: instructions.";
    ".codex" Anywhere, "Codex: settings with MCP servers, hooks, rules and skills.";
    ".agents" Anywhere, "Codex and others: skills and plugins.";
    "GEMINI.md" Anywhere, "Gemini CLI: instructions.";
    ".gemini" Anywhere, "Gemini CLI: settings with MCP servers and hooks, commands, environment.";
    "QWEN.md" Anywhere, "Qwen Code: instructions.";
    ".qwen" Anywhere, "Qwen Code: settings with MCP servers.";
    ".cursor" Anywhere, "Cursor: rules, MCP servers and hooks.";
    ".cursorrules" Anywhere, "Cursor: rules.";
    ".github/copilot-instructions.md" Anywhere, "Copilot: instructions.";
    ".github/instructions" Anywhere, "Copilot: instructions for some files.";
    ".github/agents" Anywhere, "Copilot: agents with MCP servers.";
    ".github/skills" Anywhere, "Copilot: skills.";
    ".github/hooks" Anywhere, "Copilot: hooks.";
    ".copilot" Anywhere, "Copilot CLI: settings with MCP servers.";
    ".windsurf*" Anywhere, "Windsurf: rules and workflows.";
    ".clinerules*" Anywhere, "Cline: rules, workflows and hooks.";
    ".roo*" Anywhere, "Roo Code: rules and MCP servers.";
    ".aider*" Anywhere, "Aider: settings with commands that it runs.";
    ".continue*" Anywhere, "Continue: rules and MCP servers.";
    ".amazonq" Anywhere, "Amazon Q: rules and MCP servers.";
    ".kiro" Anywhere, "Kiro: steering, hooks and MCP servers.";
    ".junie" Anywhere, "Junie: guidelines and MCP servers.";
    ".opencode" Anywhere, "OpenCode: agents, commands and plugins, which it runs.";
    "opencode.json" Anywhere, "OpenCode: settings with MCP servers.";
    "opencode.jsonc" Anywhere, "OpenCode: settings with MCP servers.";
    ".goosehints" Anywhere, "Goose: instructions.";
    ".factory" Anywhere, "Droid: settings with hooks and MCP servers.";
    ".openhands" Anywhere, "OpenHands: instructions and a script that it runs first.";
    ".crush*" Anywhere, "Crush: settings with MCP and language servers.";
    "crush.json" Anywhere, "Crush: settings with MCP and language servers.";
    ".augment*" Anywhere, "Augment: rules and commands.";
    ".ripgreprc" Anywhere, "ripgrep, which agents search with: options, one of which names a program.";
    ".gitmodules" Root, "git: from where submodules are cloned.";
    ".gitconfig" Anywhere, "git: aliases, hooks and filters, where it is a home or included.";
    ".lfsconfig" Root, "git-lfs: the server that it talks to.";
    ".githooks" Anywhere, "git: hooks, where `core.hooksPath` names them.";
    ".husky" Anywhere, "git: hooks, which an install of packages activates.";
    ".pre-commit-config.yaml" Root, "pre-commit: hooks, where a template has installed it.";
    "lefthook.*" Root, "Lefthook: hooks, where it is installed.";
    "lefthook-local.*" Root, "Lefthook: hooks, where it is installed.";
    ".lefthook*" Root, "Lefthook: hooks, where it is installed.";
    ".envrc" Anywhere, "direnv: a script, run by a shell that enters the directory.";
    ".env" Anywhere, "Bun, Gemini CLI and Aider: variables, such as where an API is.";
    ".env.local" Anywhere, "Bun: variables, read after `.env`.";
    ".env.development" Anywhere, "Bun: variables, read unless told otherwise.";
    ".env.development.local" Anywhere, "Bun: variables, read unless told otherwise.";
    ".env.production" Anywhere, "Bun: variables, read in production.";
    ".env.production.local" Anywhere, "Bun: variables, read in production.";
    "bunfig.toml" Anywhere, "Bun, and programs built with it: code that is loaded first.";
    ".npmrc" Anywhere, "npm and npx, which start MCP servers: the registry that programs come from.";
    ".vscode" Anywhere, "VS Code: tasks that run when the folder opens, paths of programs, MCP servers.";
    ".idea" Anywhere, "JetBrains: tasks that run when the project opens, paths of programs.";
    ".zed" Anywhere, "Zed: settings with language and MCP servers.";
    ".devcontainer" Anywhere, "Development containers: commands, run on the host and inside.";
    ".devcontainer.json" Anywhere, "Development containers: commands, run on the host and inside.";
    ".exrc" Anywhere, "Vim: commands, where `exrc` is set.";
    ".vimrc" Anywhere, "Vim: commands, where `exrc` is set.";
    ".nvimrc" Anywhere, "Neovim: commands, where `exrc` is set.";
    ".nvim.lua" Anywhere, "Neovim: a program, where `exrc` is set.";
    ".dir-locals*" Anywhere, "Emacs: variables, some of which are code.";
}

/// Says whether `path` is a file or directory of the table, or in one.
pub(in super::super) fn configures(path: &[u8]) -> bool {
    let mut end = 0;
    for part in path.split(|byte| *byte == b'/') {
        end += part.len();
        if is_row(&path[..end]) {
            return true;
        }
        end += 1;
    }
    false
}

/// Says whether `path` itself is in the table, whatever it is below.
pub(super) fn is_row(path: &[u8]) -> bool {
    let name = match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => &path[slash + 1..],
        None => path,
    };
    // Asked for every name of a tree, most of which are like none in the table.
    name.first().is_some_and(|first| {
        LENGTHS[usize::from(*first)] & (1 << name.len().min(63)) != 0
            && TABLE.iter().any(|row| matches(row, path))
    })
}

/// By the first byte of a name: the lengths, as bits, that a name of the table may then have.
static LENGTHS: [u64; 256] = lengths();

const fn lengths() -> [u64; 256] {
    let mut lengths = [0; 256];
    let mut row = 0;
    while row < TABLE.len() {
        let path = TABLE[row].path.as_bytes();
        let end = path.len();
        let mut begin = end;
        while begin > 0 && path[begin - 1] != b'/' {
            begin -= 1;
        }
        let bits = match path[end - 1] {
            b'*' => u64::MAX << (end - begin - 1),
            _ => 1 << (end - begin),
        };
        lengths[path[begin].to_ascii_lowercase() as usize] |= bits;
        lengths[path[begin].to_ascii_uppercase() as usize] |= bits;
        row += 1;
    }
    lengths
}

fn matches(row: &Row, path: &[u8]) -> bool {
    let mut rest = Some(path);
    for pattern in row.path.rsplit('/') {
        let Some(here) = rest else { return false };
        let slash = here.iter().rposition(|byte| *byte == b'/');
        let name = slash.map_or(here, |slash| &here[slash + 1..]);
        rest = slash.map(|slash| &here[..slash]);
        let same = match pattern.strip_suffix('*') {
            Some(start) => name
                .get(..start.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes())),
            None => name.eq_ignore_ascii_case(pattern.as_bytes()),
        };
        if !same {
            return false;
        }
    }
    row.at == Anywhere || rest.is_none()
}
