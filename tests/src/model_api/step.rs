//! What a model does in answer to one request.

use std::time::Duration;

use serde_json::Value;

/// One answer of a script; for both APIs, shaped for the tools that the request offers.
#[derive(Debug, Clone)]
pub struct Step {
    pub(super) what: What,
    pub(super) held_by: Option<String>,
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub struct Call(pub(super) Tool);

#[derive(Debug, Clone)]
pub(super) enum Tool {
    Shell(String),
    Write { path: String, content: String },
    Named { name: String, input: Value },
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Answer(Answer),
    Refusal {
        status: u16,
        kind: String,
        message: String,
        headers: Vec<(String, String)>,
    },
    StreamError {
        kind: String,
        message: String,
    },
    Silence,
    Reset,
}

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) thinking: Option<String>,
    pub(super) text: Option<String>,
    pub(super) calls: Vec<Call>,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) piece_length: Option<usize>,
    pub(super) delay: Duration,
    pub(super) ending: Ending,
}

/// How the stream of an answer ends, and after how many pieces if early.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    Whole,
    Cut(usize),
    Silence(usize),
}

impl Call {
    /// Runs a command: `Bash` of claude, whichever of codex's shell tools is offered.
    pub fn shell(command: impl Into<String>) -> Self {
        Self(Tool::Shell(command.into()))
    }

    /// Writes a file: `Write` or `Edit` of claude, a patch for codex, which ends it by a newline.
    ///
    /// A relative path is relative to the working directory of the CLI.
    pub fn write(path: impl Into<String>, content: impl Into<String>) -> Self {
        Self(Tool::Write {
            path: path.into(),
            content: content.into(),
        })
    }

    /// Calls a tool by its name, offered or not; `mcp__<server>__<tool>` for one of MCP.
    ///
    /// For codex, an input that is a string is the input of a free-form tool.
    pub fn tool(name: impl Into<String>, input: Value) -> Self {
        Self(Tool::Named {
            name: name.into(),
            input,
        })
    }
}

impl Step {
    /// Answers with a text and ends the turn.
    pub fn text(text: impl Into<String>) -> Self {
        Self::answer(Some(text.into()), Vec::new())
    }

    /// Calls these tools at once.
    pub fn calls(calls: impl IntoIterator<Item = Call>) -> Self {
        Self::answer(None, calls.into_iter().collect())
    }

    /// Calls one tool, as [`Call::shell`].
    pub fn shell(command: impl Into<String>) -> Self {
        Self::calls([Call::shell(command)])
    }

    /// Calls one tool, as [`Call::write`].
    pub fn write(path: impl Into<String>, content: impl Into<String>) -> Self {
        Self::calls([Call::write(path, content)])
    }

    /// Calls one tool, as [`Call::tool`].
    pub fn tool(name: impl Into<String>, input: Value) -> Self {
        Self::calls([Call::tool(name, input)])
    }

    /// Refuses with a status and an error of this kind, such as `authentication_error`.
    pub fn http(status: u16, kind: &str, message: &str) -> Self {
        Self::new(What::Refusal {
            status,
            kind: kind.to_owned(),
            message: message.to_owned(),
            headers: Vec::new(),
        })
    }

    /// Takes the request and never answers.
    pub fn hang() -> Self {
        Self::new(What::Silence)
    }

    /// Begins to answer, and never goes on.
    pub fn hang_midstream() -> Self {
        Self::text("This answer never ends.").hang_after(1)
    }

    /// Begins to answer, and closes the connection in the middle of it.
    pub fn cut() -> Self {
        Self::text("This answer is cut off before it ends.").cut_after(2)
    }

    /// Resets the connection in place of an answer.
    pub fn reset() -> Self {
        Self::new(What::Reset)
    }

    /// Begins a stream with status 200 in which an error comes, such as `overloaded_error`.
    pub fn stream_error(kind: &str, message: &str) -> Self {
        Self::new(What::StreamError {
            kind: kind.to_owned(),
            message: message.to_owned(),
        })
    }

    /// Thinks aloud first.
    #[must_use]
    pub fn thinking(mut self, thoughts: impl Into<String>) -> Self {
        self.of_answer("thinking").thinking = Some(thoughts.into());
        self
    }

    /// Says something before the calls.
    #[must_use]
    pub fn say(mut self, text: impl Into<String>) -> Self {
        self.of_answer("say").text = Some(text.into());
        self
    }

    /// Reports so many tokens; the default is 1200 and 34.
    ///
    /// For Anthropic, [`CACHE_WRITTEN`](super::CACHE_WRITTEN) and
    /// [`CACHE_READ`](super::CACHE_READ) come on top of the input; for `OpenAI`, the latter and
    /// [`REASONING`](super::REASONING) are among them.
    #[must_use]
    pub fn usage(mut self, input: u64, output: u64) -> Self {
        let answer = self.of_answer("usage");
        (answer.input_tokens, answer.output_tokens) = (input, output);
        self
    }

    /// Sends pieces of so many characters; the default is 16, more in long answers.
    #[must_use]
    pub fn pieces_of(mut self, characters: usize) -> Self {
        assert!(characters > 0, "a piece has a character");
        self.of_answer("pieces_of").piece_length = Some(characters);
        self
    }

    /// Waits so long after each piece.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.of_answer("delay").delay = delay;
        self
    }

    /// Closes the connection after so many pieces.
    #[must_use]
    pub fn cut_after(mut self, pieces: usize) -> Self {
        self.of_answer("cut_after").ending = Ending::Cut(pieces);
        self
    }

    /// Falls silent after so many pieces.
    #[must_use]
    pub fn hang_after(mut self, pieces: usize) -> Self {
        self.of_answer("hang_after").ending = Ending::Silence(pieces);
        self
    }

    /// Adds a header to a refusal, such as `retry-after`.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let What::Refusal { headers, .. } = &mut self.what else {
            panic!("`header` is for `Step::http`");
        };
        headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Does nothing of this before [`ModelApi::release`](super::ModelApi::release) with the name.
    #[must_use]
    pub fn hold(mut self, name: &str) -> Self {
        self.held_by = Some(name.to_owned());
        self
    }

    fn new(what: What) -> Self {
        Self {
            what,
            held_by: None,
        }
    }

    fn answer(text: Option<String>, calls: Vec<Call>) -> Self {
        Self::new(What::Answer(Answer {
            thinking: None,
            text,
            calls,
            input_tokens: 1200,
            output_tokens: 34,
            piece_length: None,
            delay: Duration::ZERO,
            ending: Ending::Whole,
        }))
    }

    fn of_answer(&mut self, option: &str) -> &mut Answer {
        match &mut self.what {
            What::Answer(answer) => answer,
            _ => panic!("`{option}` is for a step that answers"),
        }
    }
}

impl Answer {
    /// Divides a text as the answer is sent; an empty text is one empty piece.
    pub(super) fn pieces(&self, text: &str) -> Vec<String> {
        // A megabyte in pieces of 16 would be 65,536 events; 256 are as good to see it grow.
        let length = self.piece_length.unwrap_or((text.len() / 256).max(16));
        let characters: Vec<char> = text.chars().collect();
        if characters.is_empty() {
            return vec![String::new()];
        }
        characters
            .chunks(length)
            .map(|piece| piece.iter().collect())
            .collect()
    }
}
