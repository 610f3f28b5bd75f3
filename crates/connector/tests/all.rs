//! All tests of this crate in one program: linking a program for each file takes longer than
//! running it.

mod bad_answers;
mod calls;
mod checked;
mod conformance;
#[path = "described/main.rs"]
mod described;
mod drafts;
mod eighteen;
mod files;
mod keyring;
#[path = "sql/lab.rs"]
mod lab;
mod language;
mod manifest;
mod memory;
mod open_apis;
mod schema;
mod secrets;
mod servers;
mod serving;
#[path = "sql/main.rs"]
mod sql;
#[path = "systems/main.rs"]
mod systems;
mod vocabulary;
mod words;
