//! What `--format json` prints: its form is defined here and nowhere else, apart from the types
//! that the libraries work with.
//!
//! It has a version, [`VERSION`], and a JSON Schema for each command in `schemas/output/`, which a
//! test holds against these types. Within a version keys may be added; a key that is renamed,
//! removed or means something else makes another version.

mod acts;
mod looks;
mod remedies;
mod report;

pub use acts::{
    Answered, Approved, Connected, Linked, Made, Released, TakenBack, Taking, Unlinked,
};
pub use looks::{Audit, Entities, Explanation, History, ReviewShown, Reviews, Status};
pub use report::Report;

use lockstep_hub::report::RecordName;

/// The version of the forms; a part of their names in `schemas/output/`.
pub const VERSION: u32 = 1;

/// A record with a few words by which a person knows it.
type Labelled = (String, String);

fn labelled((name, label): (RecordName, String)) -> Labelled {
    (name.0, label)
}

fn names(names: Vec<RecordName>) -> Vec<String> {
    names.into_iter().map(|name| name.0).collect()
}

fn each<A, B: From<A>>(all: Vec<A>) -> Vec<B> {
    all.into_iter().map(B::from).collect()
}

fn is_none(n: &u64) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The schema of what a command prints, as it is committed.
    fn check<T: schemars::JsonSchema>(name: &str, commands: &str) {
        let mut settings = schemars::generate::SchemaSettings::draft2020_12();
        settings.contract = schemars::generate::Contract::Serialize;
        let mut schema = settings.into_generator().into_root_schema_for::<T>();
        schema.insert("title".into(), format!("{commands}, version {VERSION}").into());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/output");
        let path = folder.join(format!("{name}.{VERSION}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "{} is stale: run the tests once with LOCKSTEP_UPDATE=1",
            path.display()
        );
    }

    /// What is printed of a report has its own form; what a service and a command tell each other is
    /// the report itself, and nothing is lost on that way.
    fn report_is_told(report: &lockstep_hub::Report) {
        let printed = serde_json::to_value(Report::from(report.clone())).unwrap();
        assert!(
            printed["events"].as_array().unwrap().iter().all(|event| event["event"].is_string())
        );
        let started = lockstep_model::Timestamp::parse(printed["started"].as_str().unwrap());
        assert_eq!(started, Some(report.started));
        let sent = serde_json::to_vec(report).unwrap();
        let came: lockstep_hub::Report = serde_json::from_slice(&sent).unwrap();
        assert_eq!(serde_json::to_value(Report::from(came)).unwrap(), printed);
    }

    /// Until the libraries' types serve nothing but the libraries: what is printed is what they
    /// said.
    #[test]
    fn the_forms_are_those_that_there_have_always_been() {
        let dir = tempfile::tempdir().unwrap();
        crate::init::init(None, Some(dir.path().to_path_buf()), vec![], crate::args::Format::Text)
            .unwrap();
        let mut hub = crate::project::open(dir.path()).unwrap().hub().unwrap();
        let value = |one: &dyn erased::Json| one.json();
        let plan = hub.plan(lockstep_hub::RunOptions::default()).unwrap();
        report_is_told(&plan);
        let report = hub.run(lockstep_hub::RunOptions::default()).unwrap();
        assert!(report.writes() > 0);
        report_is_told(&report);
        let status = hub.ledger.status().unwrap();
        // Counts by reason are printed by their words.
        let without = |status: &dyn erased::Json| {
            let mut status = value(status);
            let runs = status["runs"].as_array_mut().into_iter().flatten();
            for run in runs {
                for flow in run["summary"]["flows"].as_array_mut().into_iter().flatten() {
                    let flow = flow.as_object_mut().unwrap();
                    flow.remove("why");
                    flow.remove("reasons");
                }
            }
            status
        };
        let printed = Status::from(status.clone());
        assert_eq!(without(&status), without(&printed));
        let flow = &value(&printed)["runs"][0]["summary"]["flows"][0];
        assert!(flow["reasons"].is_object() && flow["why"].is_null(), "{flow}");
        let entities = hub.ledger.entity_members(None, 10).unwrap();
        assert_eq!(value(&entities), value(&Entities::from(entities.clone())));
        let history = hub.ledger.history_of(&lockstep_hub::look::HistoryOf::Latest, 100).unwrap();
        assert!(!history.is_empty());
        assert_eq!(value(&history), value(&History::from(history.clone())));
        let explained = hub.ledger.explain("crm.People/1", None).unwrap();
        assert_eq!(value(&explained), value(&Explanation::from(explained.clone())));
        let audit = hub.audit(None, false).unwrap();
        assert_eq!(value(&audit), value(&Audit::from(audit.clone())));
        let which = lockstep_hub::undo::Which::Run(report.run);
        let taking = hub.plan_undo(&which, false, lockstep_hub::undo::PutBackAs::AsFits).unwrap();
        assert_eq!(value(&taking), value(&Taking::from(&taking)));
    }

    mod erased {
        /// Whatever can be printed as JSON.
        pub trait Json {
            fn json(&self) -> serde_json::Value;
        }

        impl<T: serde::Serialize> Json for T {
            fn json(&self) -> serde_json::Value {
                serde_json::to_value(self).unwrap()
            }
        }
    }

    #[test]
    fn the_committed_schemas_are_those_of_what_is_printed() {
        check::<Report>("report", "lockstep plan, sync, retry, run");
        check::<Status>("status", "lockstep status");
        check::<Entities>("entities", "lockstep entities");
        check::<History>("history", "lockstep history");
        check::<Reviews>("reviews", "lockstep review");
        check::<ReviewShown>("review", "lockstep review show");
        check::<Vec<Answered>>("answers", "lockstep review accept, reject, separate, link");
        check::<Explanation>("explain", "lockstep explain");
        check::<Audit>("audit", "lockstep audit");
        check::<TakenBack>("undo", "lockstep undo, redo");
        check::<Linked>("link", "lockstep link");
        check::<Unlinked>("unlink", "lockstep unlink");
        check::<Approved>("approve", "lockstep approve");
        check::<Released>("release", "lockstep release");
        check::<Connected>("connect", "lockstep connect");
        check::<Made>("init", "lockstep init");
    }
}
