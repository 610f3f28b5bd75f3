//! What can go wrong with a store.

use lockstep_model::Remedy;

/// What can go wrong with a store. Nothing of a failed commit is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process works on it.
    #[error(
        "{place} is in use by another process ({holder}): run the command again when that is done, or stop it"
    )]
    Locked { place: String, holder: String },
    /// Another process has taken it over.
    #[error(
        "{place} has been taken over by another process: nothing of this step was kept, and this run ends"
    )]
    LostLease { place: String },
    /// Written by a newer Lockstep.
    #[error(
        "{place} has the form {found}, this program knows forms up to {known}: use the newer program that wrote it"
    )]
    Newer { place: String, found: u32, known: u32 },
    /// The disk is full or can't be written.
    #[error(
        "{place} can't be written: {message}; nothing of this step was kept, make room and run again"
    )]
    Unwritable { place: String, message: String },
    /// Who runs the command may not write the file, or its folder.
    #[error(
        "{place} can't be written: {message}; nothing of this step was kept: let this user write the file and its folder, and run again"
    )]
    Forbidden { place: String, message: String },
    /// There is nothing in it yet.
    #[error("{place}: nothing has been stored here yet")]
    Empty { place: String },
    /// It was opened to look at it, and has an older form than this program works with.
    #[error("{place} has the older form {found}; the next run brings it up to {known}")]
    Older { place: String, found: u32, known: u32 },
    /// The file is damaged, or not one of ours.
    #[error("{place}: {message}")]
    Damaged { place: String, message: String },
}

impl StoreError {
    /// What a person can do about it, apart from what its text says.
    pub fn remedies(&self) -> &'static [Remedy] {
        match self {
            StoreError::Empty { .. } | StoreError::Older { .. } => &[Remedy::Run],
            StoreError::Locked { .. }
            | StoreError::LostLease { .. }
            | StoreError::Newer { .. }
            | StoreError::Unwritable { .. }
            | StoreError::Forbidden { .. }
            | StoreError::Damaged { .. } => &[],
        }
    }
}

/// The result of a store's call.
pub type Result<T> = std::result::Result<T, StoreError>;
