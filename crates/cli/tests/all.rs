//! All tests of this crate in one program: linking a program for each file takes longer than
//! running it.

mod acts;
mod advising;
mod bad_answers;
mod bad_input;
mod called;
#[path = "commands.rs"]
mod commands;
mod connecting;
#[path = "console/mod.rs"]
mod console;
mod cookbook;
mod copies;
mod damaged;
mod deleting;
mod each;
mod flipping;
mod flow_tests;
mod following;
mod forms;
mod guides;
mod hooks;
#[path = "kills/main.rs"]
mod kills;
mod kit;
#[path = "../../connector/tests/sql/lab.rs"]
mod lab;
mod metrics;
mod pacing;
mod pages;
mod poweroffice_go_wix;
#[path = "real_servers/main.rs"]
mod real_servers;
mod referring;
mod restoring;
mod running;
mod secret_sources;
mod secrets;
#[path = "../../connector/tests/servers/mod.rs"]
mod servers;
mod service;
mod serving;
mod set_up;
mod superoffice_wix;
#[path = "superoffice_zendesk/main.rs"]
mod superoffice_zendesk;
#[path = "tidy/main.rs"]
mod tidy;
mod transcript;
mod tutorial;
mod undo;
mod values;
mod vendors_call;
mod verify;
mod wix_crmoffice;
mod wix_youtrack;
