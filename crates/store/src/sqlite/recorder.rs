//! Recording beside a great load, in a thread of its own: while a batch is recorded, the hub makes the next one.
//!
//! There is one connection and one order of things as ever. The thread is given the database together with a commit and gives it back
//! when that is done; whoever asks the store for anything meanwhile waits for it. What fails is told to whoever asks next.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::fault::Fallible;
use super::{Counters, Database};
use crate::Commit;

type Job = (Box<Database>, Commit, Counters);

pub(super) struct Recorder {
    jobs: Option<Sender<Job>>,
    done: Receiver<(Box<Database>, Fallible<()>)>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    pub(super) fn start() -> Recorder {
        let (jobs, given) = channel::<Job>();
        let (give, done) = channel();
        let thread = std::thread::spawn(move || {
            for (mut database, commit, counters) in given {
                let recorded = database.record(commit, counters);
                if give.send((database, recorded)).is_err() {
                    return;
                }
            }
        });
        Recorder { jobs: Some(jobs), done, thread: Some(thread) }
    }

    /// Records a commit; the database is back with [`Recorder::wait`].
    pub(super) fn record(&self, database: Box<Database>, commit: Commit, counters: Counters) {
        if let Some(jobs) = &self.jobs {
            // Where the thread has gone, waiting for it tells.
            let _ = jobs.send((database, commit, counters));
        }
    }

    /// The database, and whether what it was given with is recorded. Nothing if the thread has gone down with it.
    pub(super) fn wait(&self) -> Option<(Box<Database>, Fallible<()>)> {
        self.done.recv().ok()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
