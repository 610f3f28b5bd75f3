//! From a project folder to checked flows, and back to documents.
//!
//! [`load`] reads `lockstep.yaml`, `.env` and the files of flows (YAML, or dataflow documents as
//! they are); [`check`] looks the flows over against the schemas of the systems. Both tell *every*
//! problem of every file at once, each with its place, what is wrong, and what would be right.
//! [`write_flows_yaml`] turns a document into a flow file, and every file that was read
//! ([`FlowFile`]) carries the draft of its document, so that document, flow file and document again
//! say the same.
//!
//! The idea it rests on: broken input is data. The written form ([`written`], from which the JSON
//! Schemas for editors are made) and the checked form (`lockstep_model::Flow`, [`Project`]) are
//! different types, and what lies between them is a tree in which every value knows its place, so
//! that nothing stops at the first problem.
//!
//! What it does not know: connectors (their schemas are handed to [`check`]), the engine's plan of
//! flows, the network.
//!
//! ```
//! use std::collections::BTreeMap;
//! use lockstep_config::{check, load_with, render_all};
//! use lockstep_model::{Create, TypeSchema};
//!
//! let dir = tempfile::tempdir().unwrap();
//! let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
//! write("lockstep.yaml", "systems: { a: { connector: files }, b: { connector: files } }\nflows: [people.yaml]\n");
//! write("people.yaml", "\
//! flows:
//!   - from: a.Contacts
//!     to: b.Person
//!     create: always
//!     match:
//!       - email = Emails.Value
//!     properties:
//!       - name <-> Name : string
//! ");
//! let (project, problems) = load_with(dir.path(), &|_| None);
//! assert!(problems.is_empty());
//! let project = project.unwrap();
//! assert_eq!(project.flows[0].create, Create::Always);
//! assert_eq!(project.places[0].properties[0].to.text(), "Name");
//!
//! // Of folders of files nothing is known but which there are.
//! let schemas = BTreeMap::from([
//!     ("a".to_string(), vec![TypeSchema::open("Contacts")]),
//!     ("b".to_string(), vec![TypeSchema::open("Persons")]),
//! ]);
//! let problems = check(&project, &schemas);
//! assert_eq!(render_all(&problems), "\
//! error[config::unknown-record-type]: b has no record type `Person`
//!  --> people.yaml:3:9
//!   |
//! 3 |     to: b.Person
//!   |         ^^^^^^^^
//!   = help: did you mean `b.Persons`?
//!
//! 1 error
//! ");
//! ```

mod aggregates;
mod cells;
mod check;
pub mod codes;
mod combined;
mod document_flows;
mod env;
mod exec;
mod fields;
mod flow_file;
mod flow_reader;
mod flow_tests;
mod followed;
mod glob;
mod import;
mod literals;
mod load;
mod names;
mod needed;
mod problem;
mod project;
mod project_file;
mod property_rows;
mod read_file;
mod read_tests;
mod recognise;
mod row;
mod row_forms;
mod row_groups;
mod row_lists;
pub mod secrets;
mod section;
mod source;
mod statements;
mod unite;
mod write;
pub mod written;
mod yaml;

pub use check::{Schemas, check, check_references, convertible};
pub use flow_tests::{Expected, FlowTest, TestKey, TestRecord, TestStep, TestValue};
pub use import::{
    Proposal, names_of, propose_systems, read_flows, systems_named, write_project_yaml,
};
pub use literals::literals;
pub use load::{load, load_for, load_with};
use lockstep_model::near;
pub use lockstep_model::near::{any_of, near};
pub use names::{Names, SystemNames};
pub use problem::{Label, Problem, Severity, in_order, render_all};
pub use project::{Policies, Project, Reference, Schedule, System};
pub use recognise::{leaves_unnamed, unnamed_system};
pub use row::row_path;
pub use secrets::{Commands, ValueSource, Variable};
pub use section::{FlowFile, FlowPlaces, PairPlaces, Section};
pub use source::{Place, Source};
pub use unite::united_flows;
pub use write::{write_flows_yaml, yaml_in_line};
