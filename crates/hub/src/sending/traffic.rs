//! The writes under way in all systems together.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use lockstep_connector::{Connector, Trouble};

use crate::sending::carry::{Job, carry_out};
use crate::sending::lanes::{self, Answered, Desk, Line};
use crate::systems::Chance;

/// The writes under way in all systems, and the threads that carry them out.
pub(crate) struct Traffic<'scope, 'env> {
    pub(crate) connectors: &'env [Arc<dyn Connector>],
    pub(crate) desks: &'env [Desk],
    pub(crate) lines: Vec<Line>,
    pub(crate) here: Here,
    pub(crate) answers: Receiver<Answered>,
    /// Anything was sent.
    pub(crate) sent_any: bool,
    answer: Sender<Answered>,
    has_threads: Vec<bool>,
    scope: &'scope Scope<'scope, 'env>,
}

impl<'scope, 'env> Traffic<'scope, 'env> {
    pub(crate) fn new(
        scope: &'scope Scope<'scope, 'env>,
        connectors: &'env [Arc<dyn Connector>],
        desks: &'env [Desk],
    ) -> Self {
        let (answer, answers) = channel::<Answered>();
        let line = |connector: &Arc<dyn Connector>| Line::new(lanes::at_once(connector.as_ref()));
        Traffic {
            connectors,
            desks,
            lines: connectors.iter().map(line).collect(),
            here: Here::default(),
            answers,
            sent_any: false,
            answer,
            has_threads: vec![false; connectors.len()],
            scope,
        }
    }

    /// A job in the parts that are carried out one by one.
    pub(crate) fn parts(&self, system: usize, job: Job) -> Vec<Job> {
        if self.lines[system].at_once == 1 {
            return vec![job];
        }
        let size = self.connectors[system].batch(&job.kind).max(1);
        job.split(size)
    }

    /// Begins the threads of a system, if it has none yet.
    pub(crate) fn begin_threads(&mut self, system: usize) {
        if std::mem::replace(&mut self.has_threads[system], true) {
            return;
        }
        let at_once = self.lines[system].at_once;
        for _ in 0..Desk::threads(at_once) {
            let (desk, connector) = (&self.desks[system], self.connectors[system].clone());
            let answer = self.answer.clone();
            self.scope.spawn(move || desk.work(system, connector.as_ref(), at_once, &answer));
        }
    }

    /// Stops what is still to be sent to a system.
    pub(crate) fn stop(&mut self, system: usize, trouble: Trouble) {
        self.desks[system].stop(trouble.clone());
        self.here.stopped.entry(system).or_insert(trouble);
    }

    pub(crate) fn go_on(&mut self, system: usize) {
        self.desks[system].go_on();
        self.here.stopped.remove(&system);
    }
}

/// The jobs of all systems where they are carried out in the hub's own thread.
#[derive(Default)]
pub(crate) struct Here {
    pub(crate) jobs: VecDeque<(usize, Job)>,
    stopped: BTreeMap<usize, Trouble>,
}

impl Here {
    /// Carries out the next job; by chance several ones, and others than the first.
    pub(crate) fn carry_some(
        &mut self,
        connectors: &[Arc<dyn Connector>],
        chance: Option<&mut Chance>,
    ) -> Vec<Answered> {
        let (mut answered, mut chance) = (Vec::new(), chance);
        let mut draw = |end: usize| chance.as_mut().map_or(0, |chance| chance(end));
        for _ in 0..=draw(self.jobs.len()) {
            let Some((system, job)) = self.jobs.remove(draw(self.jobs.len())) else { break };
            let (carried, stopped) =
                carry_out(connectors[system].as_ref(), job, self.stopped.get(&system).cloned());
            if let Some(trouble) = stopped {
                self.stopped.entry(system).or_insert(trouble);
            }
            answered.push(Answered { system, carried: Ok(Ok(carried)) });
        }
        answered
    }
}
