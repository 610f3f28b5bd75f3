//! What `--format json` prints: its form is defined here and nowhere else, apart from the types
//! that the libraries work with.
//!
//! It has a version, [`VERSION`], and a JSON Schema for each [`Form`] in `schemas/output/`, which a
//! test holds against these types. Within a version keys may be added; a key that is renamed,
//! removed or means something else makes another version. Objects state the version; lists have no
//! place for it.

mod accounts;
mod acts;
mod copies;
mod looks;
mod remedies;
mod report;
mod tools;
mod verdicts;

pub use accounts::{Tokens, Users};
pub use acts::{
    Answered, Answers, Approved, Connected, Halves, Linked, Made, Released, TakenBack, Taking,
    Unlinked,
};
pub use copies::{BackedUp, RestoredStore};
pub use looks::{Audit, Entities, Explanation, History, ReviewShown, Reviews, Run, Status};
pub use report::Report;
pub use tools::{
    Advice, Checked, Demo, Drafted, Emulated, EmulatedSystem, Renamed, Section, SectionName,
    Sections, Tested, Tried,
};
pub use verdicts::Checklist;

use lockstep_hub::report::RecordName;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::{Failure, Result};

/// The version of the forms; a part of their names in `schemas/output/`.
pub const VERSION: u32 = 1;

/// What commands print as JSON. Nothing else is printed as JSON.
pub trait Form: Serialize + JsonSchema {
    /// It is a list, and doesn't state its version.
    const LIST: bool = false;
}

/// An object with its version.
#[derive(Serialize)]
struct Versioned<'a, F> {
    version: u32,
    #[serde(flatten)]
    form: &'a F,
}

/// A form as one line of JSON, as it may be printed (G9).
pub fn line<F: Form>(form: &F) -> Result<String> {
    let text = match F::LIST {
        true => serde_json::to_string(form),
        false => serde_json::to_string(&Versioned { version: VERSION, form }),
    };
    let text = text.map_err(|error| Failure::usage(error.to_string()))?;
    Ok(format!("{}\n", lockstep_model::visible::visible_json(&text)))
}

/// Implements [`Form`]: the type, the name of its schema, the commands that print it.
macro_rules! forms {
    ($($form:ty, $name:literal, $commands:expr $(, list $list:literal)?;)*) => {
        $(impl Form for $form {
            $(const LIST: bool = $list;)?
        })*

        #[cfg(test)]
        mod all {
            use super::*;

            /// A form's name, its commands, whether it is a list, and its schema.
            pub type Known = (&'static str, &'static [&'static str], bool, schemars::Schema);

            fn schema<F: Form>() -> schemars::Schema {
                let mut settings = schemars::generate::SchemaSettings::draft2020_12();
                settings.contract = schemars::generate::Contract::Serialize;
                settings.into_generator().into_root_schema_for::<F>()
            }

            /// All forms.
            pub fn forms() -> Vec<Known> {
                vec![$(($name, &$commands, <$form>::LIST, schema::<$form>())),*]
            }
        }
    };
}

forms! {
    Report, "report", ["plan", "sync", "retry", "run"];
    Status, "status", ["status"];
    Entities, "entities", ["entities"], list true;
    History, "history", ["history"], list true;
    Reviews, "reviews", ["review"], list true;
    ReviewShown, "review", ["review show"];
    Answers, "answers",
        ["review accept", "review reject", "review separate", "review link"], list true;
    Explanation, "explain", ["explain"];
    Sections, "sections", ["explain --rule", "explain --code"], list true;
    Section, "section", ["explain --rule RULE", "explain --code CODE"];
    Audit, "audit", ["audit"];
    TakenBack, "undo", ["undo", "redo"];
    Linked, "link", ["link"];
    Unlinked, "unlink", ["unlink"];
    Approved, "approve", ["approve"];
    Released, "release", ["release"];
    Connected, "connect", ["connect"];
    Made, "init", ["init"];
    Checked, "check", ["check"];
    Tested, "test", ["test"];
    Advice, "advise", ["advise"];
    Drafted, "connector-new", ["connector new"];
    Tried, "connector-test", ["connector test"], list true;
    Renamed, "rename", ["rename"];
    Users, "users", ["user list"], list true;
    Tokens, "tokens", ["token list"], list true;
    BackedUp, "backup", ["backup"];
    RestoredStore, "restore", ["restore"];
    Checklist, "verify", ["verify"];
    Demo, "demo", ["demo"];
    Emulated, "sandbox", ["sandbox"];
}

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
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_committed_schemas_are_those_of_what_is_printed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/output");
        let mut files = BTreeSet::new();
        for (name, commands, list, mut schema) in all::forms() {
            let title = format!("lockstep {}, version {VERSION}", commands.join(", "));
            schema.insert("title".into(), title.into());
            if !list {
                let described =
                    json!({"const": VERSION, "description": "The version of the form."});
                let object = schema.ensure_object();
                object["properties"]["version"] = described;
                object["required"].as_array_mut().unwrap().insert(0, "version".into());
            }
            let file = format!("{name}.{VERSION}.schema.json");
            let path = folder.join(&file);
            assert!(files.insert(file), "two forms are called {name}");
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
        let there = std::fs::read_dir(&folder).unwrap();
        let there: BTreeSet<String> =
            there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(there, files, "schemas/output has the forms and nothing else");
    }

    /// The commands that take `--format json`, with their subcommands.
    fn commands_with_json(of: &clap::Command, path: &str, found: &mut BTreeSet<String>) {
        for one in of.get_subcommands() {
            let path = format!("{path}{}", one.get_name());
            let format = one.get_arguments().find(|argument| argument.get_id() == "format");
            let values = format.map(clap::Arg::get_possible_values).unwrap_or_default();
            if values.iter().any(|value| value.get_name() == "json") {
                found.insert(path.clone());
            }
            commands_with_json(one, &format!("{path} "), found);
        }
    }

    #[test]
    fn every_command_that_prints_json_has_a_schema() {
        let mut whole = crate::args::command();
        whole.build();
        let mut takes = BTreeSet::new();
        commands_with_json(&whole, "", &mut takes);
        let forms = all::forms();
        let described = forms.iter().flat_map(|(_, commands, ..)| commands.iter());
        let described: BTreeSet<String> = described
            .map(|command| command.split(" --").next().unwrap_or_default().to_string())
            .collect();
        assert_eq!(described, takes);
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
        // What an entry says, and why a property is as it is, is printed in words.
        let mut told = value(&history);
        for (line, entry) in told.as_array_mut().unwrap().iter_mut().zip(&history) {
            line.as_object_mut().unwrap().remove("detail");
            line["text"] = crate::wording::detail(&entry.detail).into();
        }
        assert_eq!(told, value(&History::from(history.clone())));
        let explained = hub.ledger.explain("crm.People/1", None).unwrap();
        let mut told = value(&explained);
        for (property, of) in
            told["properties"].as_array_mut().unwrap().iter_mut().zip(&explained.properties)
        {
            property.as_object_mut().unwrap().remove("facts");
            property["sentences"] = crate::wording::sentences(of).into();
        }
        told["links"] = explained.links.iter().map(crate::wording::link).collect();
        assert_eq!(told, value(&Explanation::from(explained.clone())));
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
}
