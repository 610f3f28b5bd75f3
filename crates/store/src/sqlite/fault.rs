//! What goes wrong inside, before it is known which store it happened to.

use rusqlite::ErrorCode;

use crate::StoreError;

/// The result of the inner functions.
pub(super) type Fallible<T> = Result<T, Fault>;

/// A failure without its place.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// Another one has taken the store over.
    LostLease,
    /// What is stored can't be read, or what was handed in does not fit the plan that was bound.
    Damaged(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sqlite(error)
    }
}

impl Fault {
    /// Says where it happened, and sorts SQLite's own errors by what a person can do about them.
    pub(super) fn at(self, place: &str) -> StoreError {
        let place = place.to_string();
        let error = match self {
            Fault::LostLease => return StoreError::LostLease { place },
            Fault::Damaged(message) => return StoreError::Damaged { place, message },
            Fault::Sqlite(error) => error,
        };
        let message = error.to_string();
        match error.sqlite_error_code() {
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::AuthorizationForStatementDenied,
            ) => StoreError::Forbidden { place, message },
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory,
            ) => StoreError::Unwritable { place, message },
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed,
            ) => StoreError::Locked {
                place,
                holder: "a program that has the file open and writes to it".into(),
            },
            Some(ErrorCode::NotADatabase) => StoreError::Damaged {
                place,
                message: "this is no store of Lockstep; name another file, or move this one away"
                    .into(),
            },
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged {
                place,
                message: format!(
                    "the file is damaged ({message}); put back a copy, or move it away and let everything be read anew"
                ),
            },
            _ => StoreError::Damaged { place, message },
        }
    }
}
