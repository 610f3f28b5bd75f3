//! Bringing the write-ahead log into the file beside a great load, on a connection of its own: a
//! first run writes a log of several times the file's size, and would stop for each part of it.

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};

/// Number of commits between two checkpoints: many of them touch the same pages.
const COMMITS: usize = 8;

/// A thread that brings the log in until it is dropped. Whatever it fails at is done by the store
/// itself, in its own time.
pub(super) struct Checkpointer {
    commits: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Checkpointer {
        let (commits, told) = channel::<()>();
        let path = path.to_path_buf();
        let thread = std::thread::spawn(move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let Ok(conn) = Connection::open_with_flags(&path, flags) else { return };
            let mut waiting = 0;
            while told.recv().is_ok() {
                waiting += 1 + told.try_iter().count();
                if waiting >= COMMITS {
                    waiting = 0;
                    if conn.execute_batch("PRAGMA wal_checkpoint(PASSIVE)").is_err() {
                        return;
                    }
                }
            }
        });
        Checkpointer { commits: Some(commits), thread: Some(thread) }
    }

    /// Something was committed.
    pub(super) fn committed(&self) {
        if let Some(commits) = &self.commits {
            // Nobody listens where the thread has given up; then the store does it all.
            let _ = commits.send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.commits.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
