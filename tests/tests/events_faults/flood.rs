//! Much at once.

use crate::scene::{Home, assert_all, kinds};
use crate::server;

/// Lines of output and calls of tools, as fast as they can be written.
const LINES: usize = 20_000;
const TOOLS: usize = 400;

#[test]
fn a_flood_arrives_whole_and_what_is_dropped_is_counted() {
    let nats = server();
    let home = Home::new();
    let script = format!(
        r#"awk 'BEGIN {{ for (i = 1; i <= {LINES}; i++) {{
            print "line " i " of output"
            if (i % {every} == 0) {{
                print "{{\"kind\":\"tool_call\",\"tool\":\"Bash\",\"content\":\"step " i "\"}}"
                print "{{\"kind\":\"tool_result\",\"tool\":\"Bash\",\"content\":\"done " i "\"}}"
            }} }}
            print "{{\"kind\":\"run-outcome\",\"status\":\"succeeded\"}}"; exit }}'"#,
        every = LINES / TOOLS
    );
    let ended = home.run(&nats.url(), &script).grace(120.0).end();
    let said = assert_all(&nats, &home, &ended);
    let kinds = kinds(&said);
    assert_eq!(kinds["tool_call"], TOOLS);
    assert_eq!(kinds["tool_result"], TOOLS);
    let gaps: u64 = said
        .iter()
        .filter_map(|said| said.record["attrs"]["dropped"].as_u64())
        .sum();
    let dropped = ended.full["events"]["dropped"].as_u64().unwrap_or(0);
    assert_eq!(dropped, gaps, "{}", ended.full["events"]);
    let lines = kinds.get("log").copied().unwrap_or(0) as u64;
    assert_eq!(lines + dropped, LINES as u64, "{}", ended.full["events"]);
    // What can be kept is: they are a megabyte and a half.
    assert!(lines > LINES as u64 / 2, "{}", ended.full["events"]);
}
