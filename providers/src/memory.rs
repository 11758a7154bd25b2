//! What is remembered of a stream that may never end.

use std::collections::VecDeque;

/// The most that is remembered. Real streams have a handful of calls or threads at a time; one that
/// never ends any must not eat the memory.
const ENTRIES: usize = 1024;

/// Values by id, the oldest first; beyond a bound the oldest is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Memory<T> {
    entries: VecDeque<(String, T)>,
}

impl<T> Memory<T> {
    /// Remembers a value; of two with one id, the last. Returns what is forgotten for it.
    pub(crate) fn insert(&mut self, id: &str, value: T) -> Option<(String, T)> {
        if let Some(known) = self.get_mut(id) {
            *known = value;
            return None;
        }
        let full = self.entries.len() >= ENTRIES;
        let forgotten = full.then(|| self.entries.pop_front()).flatten();
        self.entries.push_back((id.to_owned(), value));
        forgotten
    }

    /// Returns the value of an id.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let entry = self.entries.iter_mut().find(|(known, _)| known == id);
        entry.map(|(_, value)| value)
    }

    /// Forgets the value of an id, and returns it.
    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        let index = self.entries.iter().position(|(known, _)| known == id)?;
        self.entries.remove(index).map(|(_, value)| value)
    }

    /// Forgets all such values, and returns them.
    pub(crate) fn take(&mut self, such: impl Fn(&T) -> bool) -> Vec<(String, T)> {
        let entries = std::mem::take(&mut self.entries);
        let (taken, kept): (Vec<_>, _) = entries.into_iter().partition(|(_, value)| such(value));
        self.entries = kept.into();
        taken
    }

    /// Returns the values, the oldest first.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }
}
