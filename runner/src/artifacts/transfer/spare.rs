//! Buffers of parts, which are used again: allocators keep many more of them than are in use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

/// Buffers that nobody uses at the moment. Clones share them.
#[derive(Debug, Clone, Default)]
pub(in crate::artifacts) struct Spare(Arc<Mutex<Vec<BytesMut>>>);

impl Spare {
    /// Returns an empty buffer with room for `length` bytes. Those of other lengths are given up.
    pub(super) fn take(&self, length: usize) -> BytesMut {
        let mut spare = self.buffers();
        spare.retain(|spare| spare.capacity() == length);
        let spare = spare.pop();
        spare.unwrap_or_else(|| BytesMut::with_capacity(length))
    }

    /// Gives all of them up: the memory is wanted for something else.
    pub(super) fn clear(&self) {
        self.buffers().clear();
    }

    /// Takes a buffer back, unless somebody has it still.
    pub(super) fn give(&self, bytes: Bytes) {
        if let Ok(mut buffer) = bytes.try_into_mut() {
            buffer.clear();
            self.buffers().push(buffer);
        }
    }

    fn buffers(&self) -> MutexGuard<'_, Vec<BytesMut>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_is_taken_again() {
        let spare = Spare::default();
        let mut buffer = spare.take(100);
        buffer.extend_from_slice(&[7; 100]);
        let place = buffer.as_ptr();
        spare.give(buffer.freeze());
        let again = spare.take(100);
        assert!(again.is_empty());
        assert_eq!(again.as_ptr(), place);
    }

    #[test]
    fn what_is_in_use_is_not_taken() {
        let spare = Spare::default();
        let bytes = BytesMut::zeroed(100).freeze();
        let also = bytes.clone();
        spare.give(bytes);
        assert_ne!(spare.take(100).as_ptr(), also.as_ptr());
    }

    #[test]
    fn of_other_lengths_none_is_kept() {
        let spare = Spare::default();
        for length in [100, 100, 300] {
            spare.give(BytesMut::zeroed(length).freeze());
        }
        assert_eq!(spare.take(200).capacity(), 200);
        assert!(spare.buffers().is_empty());
        spare.give(BytesMut::zeroed(100).freeze());
        spare.clear();
        assert!(spare.buffers().is_empty());
    }
}
