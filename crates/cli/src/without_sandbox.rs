//! In place of what needs the emulated systems, in a build without them: what such a build says.

use std::path::Path;

use lockstep_config::Project;
use lockstep_verify::{Outcome, Written};

use crate::args::Format;
use crate::exit::{Exit, Failure, Result};

fn missing<T>(what: &str) -> Result<T> {
    Err(Failure::usage(format!(
        "{what} works with emulated systems, which this build of lockstep leaves out (it was made with `--no-default-features`, for production). \
         Take a build that has them: `cargo build --release -p lockstep`, or `cargo install --path crates/cli`"
    )))
}

pub fn demo(_: u16, _: bool, _: Option<&Path>, _: Format) -> Result<Exit> {
    missing("`lockstep demo`")
}

pub fn sandbox(_: Vec<String>, _: u16, _: bool, _: Option<&str>, _: Format) -> Result<Exit> {
    missing("`lockstep sandbox`")
}

pub fn against(_: &Project, _: &[Written], _: bool) -> Result<Outcome> {
    missing("`lockstep verify --sandbox`")
}

pub fn in_sandbox(_: &[Written], _: bool) -> Result<Outcome> {
    missing("`lockstep verify --sandbox`")
}
