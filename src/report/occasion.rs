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
    /// The upload is a preview. It was processed like any other upload, but nothing was to be published.
    Preview,
}
