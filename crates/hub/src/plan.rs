//! A plan (G1): a run on a copy of the store, with systems that are only read.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockstep_connector::{
    Action, Answers, Connector, Outcome, Page, ReadRequest, Traffic, Trouble, Write,
};
use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, TypeSchema, Value};

use crate::error::Result;
use crate::hub::Hub;
use crate::report::Report;
use crate::systems::{System, Systems};
use crate::under_way::RunOptions;

/// A connector that reads for real and only pretends to write.
struct Pretend {
    real: Arc<dyn Connector>,
    made: std::sync::atomic::AtomicU64,
}

impl Pretend {
    fn new(real: Arc<dyn Connector>) -> Self {
        Pretend { real, made: std::sync::atomic::AtomicU64::new(1) }
    }
}

impl Connector for Pretend {
    fn types(&self) -> &[TypeSchema] {
        self.real.types()
    }

    fn answers(&self, _: &str, _: bool) -> Answers {
        Answers::Stored
    }

    fn test(&self) -> std::result::Result<String, Trouble> {
        self.real.test()
    }

    fn account(&self) -> std::result::Result<Option<String>, Trouble> {
        self.real.account()
    }

    fn read(&self, request: ReadRequest<'_>) -> std::result::Result<Page, Trouble> {
        self.real.read(request)
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> std::result::Result<Option<ReadRecord>, Trouble> {
        self.real.get(kind, watch, id)
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> std::result::Result<Option<Vec<ReadRecord>>, Trouble> {
        self.real.find(kind, watch, prop, value)
    }

    fn write(&self, _: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        let done = |write: &Write| {
            let mut values = vec![None; watch.len()];
            for value in &write.values {
                values[value.prop] = Some(value.value.clone());
            }
            let id = match &write.action {
                // No system has such an id: a negative number, which a reference of type
                // integer can hold.
                Action::Create => {
                    format!("-{}", self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                }
                Action::Update { id, .. } | Action::Delete { id, .. } => id.clone(),
                // D2: what it would be like is not known: it is planned as if it were made anew.
                Action::Restore { .. } => {
                    return Outcome::Gone { message: "a plan restores nothing".into() };
                }
            };
            Outcome::Done(ReadRecord { id, version: None, modified: None, deleted: false, values })
        };
        writes.iter().map(done).collect()
    }

    fn types_fail_alone(&self) -> bool {
        self.real.types_fail_alone()
    }

    fn gone_is_certain(&self) -> bool {
        self.real.gone_is_certain()
    }

    fn tells_faults_each_time(&self) -> bool {
        self.real.tells_faults_each_time()
    }

    fn traffic(&self) -> Traffic {
        self.real.traffic()
    }

    fn batch(&self, kind: &str) -> usize {
        self.real.batch(kind)
    }

    fn at_once(&self) -> usize {
        self.real.at_once()
    }
}

impl Hub {
    /// G1: what a run would do, record by record and property by property. Reads the systems,
    /// writes nothing anywhere: all is decided in a copy of the store, with systems that only
    /// pretend to take what they are given.
    pub fn plan(&mut self, options: RunOptions<'_>) -> Result<Report> {
        let scratch = self.ledger.store.scratch()?;
        let pretend = |system: &System| System {
            name: system.name.clone(),
            connector: Arc::new(Pretend::new(system.connector.clone())),
        };
        let all = self.systems.iter().map(pretend).collect();
        let mut pretending = Hub {
            ledger: self.ledger.pretending(scratch),
            systems: Systems { all, one_thread: self.systems.one_thread },
            unasked: BTreeSet::new(),
            chance: None,
        };
        let result = pretending.run(options);
        self.ledger.plan = pretending.ledger.plan;
        result
    }
}
