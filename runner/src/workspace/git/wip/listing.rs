//! `untracked.txt`: one line for each file, its size, a tab, its path.

use super::super::summary::{Opened, SummaryError, Walking, untracked};
use super::output::Output;
use super::quote::quote;
use super::{Part, Saving, WipError};

/// Lines that are written; of files beyond them only the number is.
const MOST: u64 = 100_000;

/// Lists the untracked files that are not ignored; `None` if there are none.
pub(super) fn write(opened: &Opened, saving: &mut Saving<'_>) -> Result<Option<Output>, WipError> {
    let part = Part::Untracked;
    let mut output = saving.output(part)?;
    let mut failed = None;
    let mut count = 0;
    let (into, stop) = (saving.into, saving.stop);
    let walked = untracked(opened, Some(into), stop, &mut |found| {
        count += 1;
        if count > MOST {
            return Walking::GoesOn;
        }
        let bytes = found
            .bytes
            .map_or("-".to_owned(), |bytes| bytes.to_string());
        let line = format!("{bytes}\t{}\n", quote("", found.path));
        match output.push(&saving.clean(line.as_bytes())) {
            Ok(()) => Walking::GoesOn,
            Err(error) => {
                failed = Some(error);
                Walking::Ends
            }
        }
    });
    saving.wip.untracked = count;
    if let Some(error) = failed {
        return Err(error);
    }
    if count > MOST {
        output.push(format!("and {} more\n", count - MOST).as_bytes())?;
    }
    match walked {
        Ok(()) => {}
        Err(SummaryError::Stopped) if count > 0 => {
            output.push(b"and those that there was no time to find\n")?;
            saving.wip.incomplete.push(WipError::Stopped { part });
        }
        Err(error) => return Err(WipError::reading(part)(error)),
    }
    Ok((count > 0).then_some(output))
}
