//! Shows how it was called: its arguments and its environment, as one line of JSON on stdout.
//!
//! It takes the place of an agent whose command line cannot be a script for `fake-agent`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;

fn main() -> io::Result<()> {
    let text = |raw: std::ffi::OsString| raw.to_string_lossy().into_owned();
    let args: Vec<String> = std::env::args_os().skip(1).map(text).collect();
    let env: BTreeMap<String, String> = std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    writeln!(io::stdout(), "{}", json!({ "args": args, "env": env }))
}
