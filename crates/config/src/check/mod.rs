//! Checking flows against the schemas of the systems, without a network: what is not there, and
//! what does harm as written (G6).
//!
//! Reading ([`crate::load`]) knows nothing of record types and properties; those come from
//! connectors. Here every record type and every path is looked up, and the flows are looked at
//! together for what a person would want to know before the first run. Nothing is decided for the
//! engine; where a row is not kept, the message says so, and the engine asks [`convertible`]
//! itself.

mod chains;
mod combined;
mod compared;
mod contradictions;
mod creating;
mod each;
mod effect;
mod elements;
mod extra;
mod first_link;
mod followed;
mod known;
mod pairs;
mod scan;
mod tests;
mod types;
mod values;
mod view;

use crate::problem::{Problem, in_order};
use crate::project::Project;

pub use known::check_references;
pub use types::convertible;
pub use view::Schemas;
use view::View;

/// Looks the flows over against these schemas. A system without schemas is said so once and not
/// checked further.
pub fn check(project: &Project, schemas: &Schemas) -> Vec<Problem> {
    let schemas: Schemas = schemas
        .iter()
        .map(|(name, types)| match project.system(name) {
            Some(system) => (name.clone(), system.with_references(types.clone())),
            None => (name.clone(), types.clone()),
        })
        .collect();
    let view = View::new(project, &schemas);
    let mut problems = Vec::new();
    known::check(&view, &mut problems);
    known::same_records(&view, &mut problems);
    creating::check(&view, &mut problems);
    followed::check(&view, &mut problems);
    effect::check(&view, &mut problems);
    elements::check(&view, &mut problems);
    extra::check(&view, &mut problems);
    tests::check(&view, &mut problems);
    for ends in view.ends().into_iter().filter(|(a, b)| a != b) {
        // A row with a path that is not there is told of as such, and of nothing else.
        let mut rows = view.rows(&ends);
        rows.retain(|row| row.from.exists() && row.to.exists());
        pairs::check(&view, &rows, &mut problems);
        each::check(&rows, &mut problems);
        values::check(&rows, &mut problems);
        first_link::check(&view, &ends, &rows, &mut problems);
        contradictions::check(&view, &rows, &mut problems);
    }
    combined::check(&view, &mut problems);
    chains::check(&view, &mut problems);
    in_order(problems)
}
