//! What the real CLIs have said, stream by stream.

use std::path::Path;

/// Every recording, as its lines.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) streams: Vec<Vec<String>>,
}

impl Corpus {
    #[expect(
        clippy::disallowed_methods,
        reason = "the crate is pure, its recordings are files"
    )]
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/captures");
        let mut streams = Vec::new();
        for folder in ["claude", "codex", "codex-app-server"] {
            let files = std::fs::read_dir(root.join(folder)).expect("the recordings are there");
            let mut paths: Vec<_> = files
                .map(|file| file.expect("it can be listed").path())
                .collect();
            // The order of a directory differs from machine to machine, and a seed must not.
            paths.sort();
            for path in paths {
                let text = std::fs::read_to_string(path).expect("it can be read");
                let lines: Vec<String> = text.lines().map(str::to_owned).collect();
                if !lines.is_empty() {
                    streams.push(lines);
                }
            }
        }
        assert!(streams.len() > 200, "{} recordings", streams.len());
        Self { streams }
    }
}
