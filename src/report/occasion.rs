//! The purpose of a page.

/// The purpose of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Occasion {
    /// The upload was processed in order to publish it.
    #[default]
    Publish,
    /// The upload was only checked, and nothing was to be published.
    Check,
    /// The upload was deleted.
    Delete,
    /// The upload is a preview: it was processed like another one, and nothing was to be published.
    Preview,
}
