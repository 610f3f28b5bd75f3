//! What says what must hold: documents and flow files, read with a project's names.

use std::collections::BTreeMap;

use lockstep_config::{FlowFile, Names, Problem, Project};
use lockstep_connector::catalogue;

use crate::Written;

/// The documents, read with the names of a project's systems; without documents, the project's own
/// files.
pub fn files_of_project(project: &Project, documents: &[Written]) -> (Vec<FlowFile>, Vec<Problem>) {
    let built_in = catalogue::built_in();
    let unnamed = documents.iter().map(|document| {
        let connector = lockstep_config::unnamed_system(&document.text, &built_in)?;
        project
            .systems
            .iter()
            .find(|system| system.connector == connector)
            .map(|system| system.name.clone())
    });
    match documents {
        [] => (project.files.clone(), vec![]),
        some => read(some, &project.names, &unnamed.collect::<Vec<_>>()),
    }
}

/// Whether it is a flow file, and no dataflow document.
pub fn is_flow_file(document: &Written) -> bool {
    let name = document.name.to_lowercase();
    name.ends_with(".yaml") || name.ends_with(".yml")
}

/// Reads documents, each with the system that it leaves unnamed.
pub fn read(
    documents: &[Written],
    names: &Names,
    unnamed: &[Option<String>],
) -> (Vec<FlowFile>, Vec<Problem>) {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for (document, unnamed) in documents.iter().zip(unnamed) {
        let own = names.of_document(unnamed.as_deref(), &BTreeMap::new());
        let (file, told) = lockstep_config::read_flows(&document.name, &document.text, &own);
        files.push(file);
        problems.extend(told);
    }
    (files, problems)
}
