use bytes::Bytes;
use russh::ChannelMsg;

use super::state::{STDERR, STDERR_LIMIT};
use super::*;

fn data(text: &'static str) -> ChannelMsg {
    ChannelMsg::Data {
        data: Bytes::from_static(text.as_bytes()),
    }
}

fn stderr(text: &[u8]) -> ChannelMsg {
    ChannelMsg::ExtendedData {
        data: Bytes::copy_from_slice(text),
        ext: STDERR,
    }
}

fn after(messages: impl IntoIterator<Item = ChannelMsg>) -> Result<(), String> {
    let mut state = State::default();
    messages.into_iter().for_each(|message| state.note(message));
    state.ended("host").map_err(|error| error.to_string())
}

#[test]
fn a_command_that_answered_and_exited_zero_ended_well() {
    let exit = ChannelMsg::ExitStatus { exit_status: 0 };
    assert_eq!(after([data("0000"), exit]), Ok(()));
    // Some hosts close without a code.
    assert_eq!(after([data("0000")]), Ok(()));
}

#[test]
fn a_command_that_failed_is_told_in_its_own_words() {
    let exit = ChannelMsg::ExitStatus { exit_status: 128 };
    assert_eq!(
        after([stderr(b"ERROR: Repository not found.\n"), exit]),
        Err(
            "`git-upload-pack` on `host` exited with code 128: ERROR: Repository not found."
                .to_owned()
        )
    );
}

#[test]
fn a_failure_after_an_answer_is_no_end_of_data() {
    let exit = ChannelMsg::ExitStatus { exit_status: 1 };
    assert!(after([data("0008NAK\n"), exit]).is_err());
    let killed = ChannelMsg::ExitSignal {
        signal_name: russh::Sig::KILL,
        core_dumped: false,
        error_message: String::new(),
        lang_tag: String::new(),
    };
    assert!(after([data("0008NAK\n"), killed]).is_err());
}

#[test]
fn silence_is_an_error() {
    let exit = ChannelMsg::ExitStatus { exit_status: 0 };
    assert_eq!(
        after([stderr(b"This account is not available.\n"), exit]),
        Err(
            "`git-upload-pack` on `host` ended without an answer: This account is not available."
                .to_owned()
        )
    );
}

#[test]
fn of_much_standard_error_the_end_is_kept() {
    let mut state = State::default();
    for _ in 0..1000 {
        state.note(stderr(&[b'x'; 1000]));
    }
    state.note(stderr(b"the reason"));
    assert_eq!(state.stderr.len(), STDERR_LIMIT);
    assert!(state.stderr.ends_with(b"the reason"));
}
