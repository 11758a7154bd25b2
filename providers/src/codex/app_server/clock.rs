//! What time it is, as far as the server tells it: a session has no clock of its own.
//!
//! A server that has told no time yet cannot be told it, and the answer is as old as the last
//! message that did: after a long silence it lags behind by just that silence.

use serde_json::Value;

/// Places of a time, and how many milliseconds its unit has. The time at which the message was sent
/// comes first; servers that do not tell it still date items and turns.
const PLACES: [(&str, u64); 6] = [
    ("/emittedAtMs", 1),
    ("/params/completedAtMs", 1),
    ("/params/startedAtMs", 1),
    ("/params/turn/completedAt", 1000),
    ("/params/turn/startedAt", 1000),
    ("/result/turn/startedAt", 1000),
];

/// Returns the time that a message tells, in milliseconds since 1970.
pub(super) fn time_of(message: &Value) -> Option<u64> {
    PLACES.iter().find_map(|(place, unit)| {
        let time = message.pointer(place)?.as_u64()?;
        Some(time.saturating_mul(*unit))
    })
}
