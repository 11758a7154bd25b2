//! Texts that come in pieces: what a piece adds to which text, and which line tells one whole.

use agent_plan::plan::Conversation;
use serde_json::Value;

/// What a line has to do with a text that comes in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// It is the next piece of a text.
    Piece {
        /// Which text: pieces of several may come in turns.
        of: String,
        /// The piece, empty if it is no text.
        text: String,
    },
    /// It tells a text whole, and what its pieces said with it.
    Whole {
        /// Which text.
        of: String,
    },
}

/// Says what a line has to do with a text that comes in pieces, if anything.
///
/// A secret may be cut in two by pieces, where no redactor of lines finds it.
pub fn part(line: &str, conversation: &Conversation) -> Option<Part> {
    let of_cli = match conversation {
        Conversation::Claude(_) => claude,
        Conversation::CodexAppServer(_) => app_server,
        _ => return None,
    };
    of_cli(&serde_json::from_str(line).ok()?)
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// A block is told whole before the next one begins, so that the agent (a main one, or the one of a
/// tool) names the text.
fn claude(line: &Value) -> Option<Part> {
    let of = text(line, "/parent_tool_use_id")
        .unwrap_or_default()
        .to_owned();
    match text(line, "/type")? {
        "assistant" => Some(Part::Whole { of }),
        "stream_event" if text(line, "/event/type") == Some("content_block_delta") => {
            let piece = ["text", "thinking", "partial_json"]
                .iter()
                .find_map(|name| text(line, &format!("/event/delta/{name}")));
            let text = piece.unwrap_or_default().to_owned();
            Some(Part::Piece { of, text })
        }
        _ => None,
    }
}

fn app_server(message: &Value) -> Option<Part> {
    let method = text(message, "/method")?;
    let name = |pointer| text(message, pointer).unwrap_or_default().to_owned();
    if method == "item/completed" {
        let of = name("/params/item/id");
        return Some(Part::Whole { of });
    }
    // `item/agentMessage/delta`, `item/reasoning/textDelta`, `process/outputDelta` and their like.
    (method.ends_with("/delta") || method.ends_with("Delta")).then(|| Part::Piece {
        of: name("/params/itemId"),
        text: name("/params/delta"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_plan::plan::ClaudePlan;
    use serde_json::json;

    fn piece(of: &str, text: &str) -> Part {
        let (of, text) = (of.to_owned(), text.to_owned());
        Part::Piece { of, text }
    }

    fn whole(of: &str) -> Part {
        Part::Whole { of: of.to_owned() }
    }

    #[test]
    fn a_block_of_claude_comes_in_pieces_and_then_whole() {
        let claude = Conversation::Claude(Box::<ClaudePlan>::default());
        let delta = |delta: &str| {
            let line = format!(
                r#"{{"type":"stream_event","event":{{"type":"content_block_delta","delta":{delta}}},"parent_tool_use_id":"t1"}}"#
            );
            part(&line, &claude)
        };
        assert_eq!(delta(r#"{"text":"a"}"#), Some(piece("t1", "a")));
        assert_eq!(delta(r#"{"thinking":"b"}"#), Some(piece("t1", "b")));
        assert_eq!(
            delta(r#"{"partial_json":"{\"c"}"#),
            Some(piece("t1", "{\"c"))
        );
        assert_eq!(delta(r#"{"signature":"d"}"#), Some(piece("t1", "")));
        let line = r#"{"type":"assistant","parent_tool_use_id":"t1","message":{}}"#;
        assert_eq!(part(line, &claude), Some(whole("t1")));
        let line = r#"{"type":"assistant","parent_tool_use_id":null,"message":{}}"#;
        assert_eq!(part(line, &claude), Some(whole("")));
        for line in ["{\"type\":\"result\"}", "plain", "[]", ""] {
            assert_eq!(part(line, &claude), None, "{line}");
        }
    }

    #[test]
    fn an_item_of_the_app_server_comes_in_pieces_and_then_whole() {
        for method in [
            "item/agentMessage/delta",
            "item/commandExecution/outputDelta",
            "item/reasoning/textDelta",
        ] {
            let line = json!({"method": method, "params": {"itemId": "i", "delta": "text"}});
            assert_eq!(app_server(&line), Some(piece("i", "text")));
        }
        let line = json!({"method": "item/completed", "params": {"item": {"id": "i"}}});
        assert_eq!(app_server(&line), Some(whole("i")));
        assert_eq!(app_server(&json!({"method": "turn/completed"})), None);
    }
}
