//! The first bytes of an upload.

use std::ops::ControlFlow;

/// The first bytes of an upload, kept for a second reading where there can be no other.
#[derive(Debug, Default)]
pub struct UploadStart {
    bytes: Vec<u8>,
    max_bytes: usize,
    is_cut: bool,
}

impl UploadStart {
    /// Keeps nothing beyond `max_bytes`.
    #[must_use]
    pub fn of_at_most(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            ..Self::default()
        }
    }

    /// Keeps the next piece of the upload, as far as there is room for it.
    pub fn keep(&mut self, piece: &[u8]) {
        let room = self.max_bytes - self.bytes.len();
        let kept = piece.get(..room).unwrap_or(piece);
        self.bytes.extend_from_slice(kept);
        self.is_cut |= kept.len() < piece.len();
    }

    /// Whether nothing was kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Hands over what is kept. Whether that is the whole upload.
    pub fn hand_over(&self, take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> bool {
        let _ = take(&self.bytes);
        !self.is_cut
    }
}
