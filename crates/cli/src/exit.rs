//! Exit status: 0 done; 1 something needs a person; 2 wrong usage or configuration; 3 a system
//! could not be reached.

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done,
    NeedsAPerson,
    Unreachable,
}

impl Exit {
    /// The exit status.
    pub fn status(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NeedsAPerson => 1,
            Exit::Unreachable => 3,
        }
    }
}

/// Why a command could not be carried out, and its exit status.
#[derive(Clone, Debug)]
pub struct Failure {
    pub message: String,
    pub status: u8,
}

/// The result of a command.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Wrong usage or configuration.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure { message: message.into(), status: 2 }
    }

    /// Somebody must do something first.
    pub fn person(message: impl Into<String>) -> Self {
        Failure { message: message.into(), status: 1 }
    }

    /// A system could not be reached.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Failure { message: message.into(), status: 3 }
    }

    /// A file that can't be read or written.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Failure::usage(format!("{}: {error}", path.display()))
    }
}
