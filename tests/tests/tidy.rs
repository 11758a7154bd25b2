//! The house stays as ARCHITECTURE.md says it is.

use std::path::{Path, PathBuf};

/// Names of modules that say nothing about what is inside.
const SAY_NOTHING: [&str; 11] = [
    "core", "common", "util", "utils", "helpers", "types", "manager", "imp", "errors", "mod",
    "misc",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the checkout is there")
}

/// Every Rust file of the checkout, relative, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut directories: Vec<_> = ["runner", "providers", "tests"]
        .iter()
        .map(|name| root().join(name))
        .collect();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)
            .expect("the sources are there")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("sources are text");
                found.push((
                    path.strip_prefix(root())
                        .expect("it is below the root")
                        .to_owned(),
                    text,
                ));
            }
        }
    }
    found
}

fn is_product(path: &Path) -> bool {
    let text = path.to_string_lossy();
    !text.starts_with("tests/") && !text.contains("tests") && !text.contains("/examples/")
}

#[test]
fn files_stay_small() {
    let mut lengths: Vec<usize> = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(
            lines <= 500,
            "{} has {lines} lines, more than 500",
            path.display()
        );
        if is_product(&path) {
            lengths.push(lines);
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(
        median <= 150,
        "the median file has {median} lines, more than 150"
    );
}

#[test]
fn main_is_a_door_and_run_is_a_page() {
    for (path, limit) in [("runner/src/main.rs", 60), ("runner/src/run.rs", 250)] {
        let lines = std::fs::read_to_string(root().join(path))
            .expect("it is there")
            .lines()
            .count();
        assert!(
            lines <= limit,
            "{path} has {lines} lines, more than {limit}"
        );
    }
}

#[test]
fn modules_are_nouns_of_the_flow() {
    for (path, _) in sources() {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        assert!(
            !SAY_NOTHING.contains(&name.as_str()),
            "{}: a name that says nothing",
            path.display()
        );
    }
}

#[test]
fn dependencies_point_one_way() {
    let pure = ["agent-runner", "tokio", "nix", "tempfile", "tracing"];
    for (manifest, forbidden) in [
        (
            "runner/plan/Cargo.toml",
            [&pure[..], &["agent-providers"]].concat(),
        ),
        ("providers/Cargo.toml", pure.to_vec()),
    ] {
        let text = std::fs::read_to_string(root().join(manifest)).expect("it is there");
        for name in forbidden {
            assert!(
                !text.contains(&format!("\n{name}")),
                "{manifest} depends on `{name}`"
            );
        }
    }
}

#[test]
fn leaves_of_the_shell_do_not_import_each_other() {
    let leaves = ["workspace", "process", "artifacts"];
    for (path, text) in sources() {
        let place = path.to_string_lossy().into_owned();
        let Some(own) = leaves
            .iter()
            .find(|leaf| place.starts_with(&format!("runner/src/{leaf}")))
        else {
            continue;
        };
        for other in leaves.iter().filter(|leaf| *leaf != own) {
            assert!(
                !text.contains(&format!("crate::{other}")),
                "{place} imports its sibling `{other}`"
            );
        }
    }
}

#[test]
fn nothing_is_left_undone_without_a_word() {
    // Put together here, so that this file does not hold what it looks for.
    let forbidden = [
        ["to", "do!("].concat(),
        ["unimpl", "emented!("].concat(),
        ["#[ig", "nore"].concat(),
        ["FIX", "ME"].concat(),
    ];
    for (path, text) in sources() {
        for word in &forbidden {
            assert!(
                !text.contains(word.as_str()),
                "{} holds `{word}`",
                path.display()
            );
        }
    }
}

#[test]
fn unsafe_code_is_where_it_is_explained() {
    for (path, text) in sources() {
        let blocks = text.matches("unsafe {").count();
        assert!(
            text.matches("// SAFETY:").count() >= blocks,
            "{}: an unsafe block without its SAFETY",
            path.display()
        );
    }
}

#[test]
fn there_is_one_tls_stack_and_no_openssl() {
    // `Cargo.lock` also has what no feature of ours turns on, such as rustls's other provider.
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--workspace"])
        .args(["--edges", "normal,build,dev"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
    assert!(tree.contains("\naws-lc-rs v"), "no tree came: {tree}");
    for name in ["openssl-sys", "native-tls", "ring", "libssh2-sys"] {
        assert!(
            !tree
                .lines()
                .any(|line| line.starts_with(&format!("{name} v"))),
            "`{name}` is compiled in"
        );
    }
}

#[test]
fn every_document_that_a_page_links_to_is_there() {
    for page in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "STYLE.md",
        "CHANGELOG.md",
        "docs/agents.md",
        "docs/artifacts.md",
        "docs/events.md",
        "docs/protocols.md",
        "docs/providers.md",
        "docs/templates.md",
        "docs/workspace.md",
        "docs/performance.md",
        "images/README.md",
        "charts/agents/README.md",
        "charts/agents/docs/crds.md",
        "charts/agents/docs/requirements.md",
    ] {
        let text = std::fs::read_to_string(root().join(page))
            .unwrap_or_else(|_| panic!("{page} is there"));
        let beside = root()
            .join(page)
            .parent()
            .expect("a page is in a directory")
            .to_owned();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") {
                assert!(
                    beside.join(file).exists(),
                    "{page} links to `{file}`, which is not there"
                );
            }
        }
    }
}
