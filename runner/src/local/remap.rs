//! The pod's paths, below a directory of this machine.
//!
//! A pod has `/workspace` and what is mounted for itself. Whatever names a path there, alone or in
//! the middle of a text, is made to name the same path below the directory. Where one begins is for
//! `beginning` to say; what is in a URL is no path of the pod, except for a store's.

mod beginning;

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

/// Where a pod has its work.
pub(super) const WORKSPACE: &str = "/workspace";

/// How a URL of this machine begins.
const FILE: &str = "file://";

/// A text whose SHA-256 is known elsewhere: it stays as it is.
const HASHED: &str = "systemPrompt";

/// The pod's paths, below a directory of this machine.
#[derive(Debug, Clone)]
pub(super) struct Remap {
    root: String,
    /// Absolute paths without a `/` at their ends; none is `/`.
    prefixes: Vec<String>,
}

impl Remap {
    /// Moves [`WORKSPACE`] below `root`.
    pub(super) fn new(root: &str) -> Self {
        Self {
            root: root.trim_end_matches('/').to_owned(),
            prefixes: vec![WORKSPACE.to_owned()],
        }
    }

    /// Moves `prefix`, too; says whether it can be moved: an absolute path, not `/`, without `..`.
    pub(super) fn also(&mut self, prefix: &str) -> bool {
        let path = Path::new(prefix);
        let mut parts = path.components();
        let is_absolute = parts.next() == Some(Component::RootDir);
        let is_plain = parts
            .clone()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_absolute || !is_plain || parts.next().is_none() {
            return false;
        }
        let normal = format!(
            "/{}",
            path.components().skip(1).collect::<PathBuf>().display()
        );
        for prefix in [normal.as_str(), prefix.trim_end_matches('/')] {
            if !self.prefixes.iter().any(|known| known == prefix) {
                self.prefixes.push(prefix.to_owned());
            }
        }
        true
    }

    /// Returns where a path of the pod is, be it one that texts are searched for or not.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        Path::new(&self.root).join(path.trim_start_matches('/'))
    }

    /// Returns where a directory is that a variable names; nothing for one that is there already or
    /// that is no absolute path.
    pub(super) fn home(&self, path: &str) -> Option<String> {
        let is_ours = Path::new(path).starts_with(&self.root);
        let is_path = path.starts_with('/') && !path.contains("{{");
        (is_path && !is_ours).then(|| format!("{}{path}", self.root))
    }

    /// Returns a URL of a store, which may be a directory of the pod.
    pub(super) fn store(&self, url: &str) -> String {
        match url.strip_prefix(FILE) {
            Some(path) => format!("{FILE}{}", self.text(path)),
            None => url.to_owned(),
        }
    }

    /// Returns a text in which every path of the pod is moved.
    ///
    /// A path begins where no other goes on, and ends where its name does: `/workspace` is in
    /// `-C/workspace/a` and not in `/srv/workspace`, nor in `/workspaces` or any URL.
    pub(super) fn text(&self, text: &str) -> String {
        let mut moved = String::with_capacity(text.len());
        let mut done = 0;
        while let Some(slash) = text[done..].find('/').map(|found| done + found) {
            moved.push_str(&text[done..slash]);
            let (before, path) = text.split_at(slash);
            let taken = if before.ends_with(':') && path.starts_with("//") {
                beginning::url(path)
            } else if beginning::is_one(before, path)
                && let Some(prefix) = self.prefix_of(path)
            {
                moved.push_str(&self.root);
                prefix
            } else {
                "/"
            };
            moved.push_str(taken);
            done = slash + taken.len();
        }
        moved + &text[done..]
    }

    fn prefix_of(&self, path: &str) -> Option<&str> {
        let ends = |prefix: &&String| {
            let rest = path.strip_prefix(prefix.as_str());
            // A full stop may be that of a sentence.
            rest.is_some_and(|rest| !rest.trim_start_matches('.').starts_with(is_name))
        };
        self.prefixes.iter().find(ends).map(String::as_str)
    }

    /// Moves the paths in every text of a value; keys stay.
    pub(super) fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    if key != HASHED {
                        self.value(value);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Letters of a name.
fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || "-_.".contains(letter)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_moved_where_they_begin_and_end() {
        let mut remap = Remap::new("/tmp/x");
        assert!(remap.also("/root/.codex"));
        for (text, expected) in [
            ("/workspace", "/tmp/x/workspace"),
            ("/workspace/", "/tmp/x/workspace/"),
            (
                "a=/workspace/b:/workspace",
                "a=/tmp/x/workspace/b:/tmp/x/workspace",
            ),
            ("file:///workspace/r.git", "file:///workspace/r.git"),
            (
                "see 'https://h//workspace/x', /workspace/y",
                "see 'https://h//workspace/x', /tmp/x/workspace/y",
            ),
            ("git@h:/workspace/r", "git@h:/workspace/r"),
            (
                "-I/workspace -rf/workspace x-I/workspace --a/workspace",
                "-I/tmp/x/workspace -rf/tmp/x/workspace x-I/workspace --a/workspace",
            ),
            (
                "{{#if a}}/workspace{{else}}/workspace{{/if}} b{{#if a}}/workspace{{/if}}/workspace",
                "{{#if a}}/tmp/x/workspace{{else}}/tmp/x/workspace{{/if}} b{{#if a}}/workspace{{/if}}/workspace",
            ),
            ("{{{a}}}/workspace", "{{{a}}}/workspace"),
            (
                "c++/workspace **/workspace/*.md **/workspace/a**.",
                "c++/workspace **/workspace/*.md **/tmp/x/workspace/a**.",
            ),
            ("//workspace a//workspace", "//tmp/x/workspace a//workspace"),
            ("/root/.codex/auth.json", "/tmp/x/root/.codex/auth.json"),
            ("/root/.codexes", "/root/.codexes"),
            ("/workspaces /workspace-2", "/workspaces /workspace-2"),
            ("/srv/workspace", "/srv/workspace"),
            (
                "https://example.com/workspace",
                "https://example.com/workspace",
            ),
            (
                "{{a}}/workspace ~/workspace ${A}/workspace $(A)/workspace",
                "{{a}}/workspace ~/workspace ${A}/workspace $(A)/workspace",
            ),
            ("read /workspace/a.md.", "read /tmp/x/workspace/a.md."),
            ("é/workspace", "é/workspace"),
            ("(/workspace)", "(/tmp/x/workspace)"),
            ("It is in /workspace.", "It is in /tmp/x/workspace."),
            (
                "/workspace.git /workspace..a",
                "/workspace.git /workspace..a",
            ),
            ("", ""),
        ] {
            assert_eq!(remap.text(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_path_below_the_root_cannot_be_moved() {
        let mut remap = Remap::new("/tmp/x");
        for prefix in ["", "/", "//", "a", "/a/../..", "../a", "/.."] {
            assert!(!remap.also(prefix), "{prefix}");
        }
        assert_eq!(remap.text("/a/b"), "/a/b");
    }

    #[test]
    fn a_store_may_be_a_directory_of_the_pod() {
        let remap = Remap::new("/tmp/x");
        for (url, expected) in [
            ("file:///workspace/s", "file:///tmp/x/workspace/s"),
            ("file:///srv/s", "file:///srv/s"),
            ("https://h/workspace/s", "https://h/workspace/s"),
        ] {
            assert_eq!(remap.store(url), expected);
        }
    }

    #[test]
    fn a_path_with_needless_slashes_is_known_both_ways() {
        let mut remap = Remap::new("/t");
        assert!(remap.also("/a//b/"));
        assert_eq!(remap.text("/a/b/c /a//b/c"), "/t/a/b/c /t/a//b/c");
    }

    #[test]
    fn a_text_whose_hash_is_known_stays() {
        let mut value = json!({
            "systemPrompt": "/workspace", "systemPromptPath": "/workspace/p", "l": ["/workspace"],
        });
        Remap::new("/t").value(&mut value);
        let expected = json!({
            "systemPrompt": "/workspace", "systemPromptPath": "/t/workspace/p", "l": ["/t/workspace"],
        });
        assert_eq!(value, expected);
    }
}
