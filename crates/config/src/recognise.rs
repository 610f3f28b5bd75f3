//! Systems that documents leave unnamed, recognised by what the documents say of them.

use lockstep_document::StatementKind;

use crate::check::Schemas;

/// Whether the document leaves a system unnamed.
pub fn leaves_unnamed(text: &str) -> bool {
    let (document, _) = lockstep_document::read(text);
    document
        .sections
        .iter()
        .any(|s| s.heading.from.system.is_empty() || s.heading.to.system.is_empty())
}

/// The system that a document leaves unnamed: the only one of these that has all the record types
/// and properties it names there.
pub fn unnamed_system(text: &str, systems: &Schemas) -> Option<String> {
    let (document, _) = lockstep_document::read(text);
    let mut wanted: Vec<(String, Vec<String>)> = Vec::new();
    for section in &document.sections {
        let from = section.heading.from.system.is_empty();
        let kind = match (from, section.heading.to.system.is_empty()) {
            (true, _) => &section.heading.from.kind,
            (_, true) => &section.heading.to.kind,
            _ => continue,
        };
        let mut paths = Vec::new();
        for statement in &section.statements {
            match &statement.kind {
                StatementKind::Match { rows } => {
                    let pairs = rows.iter().flat_map(|row| &row.pairs);
                    paths.extend(pairs.map(|pair| {
                        if from { pair.from.path.clone() } else { pair.to.path.clone() }
                    }));
                }
                StatementKind::Properties { rows } => {
                    // Of what belongs to another record, the reference that leads to it.
                    let own = |path: &str| {
                        path.split_once(" > ").map_or(path, |(own, _)| own).to_string()
                    };
                    paths.extend(
                        rows.iter()
                            .map(|row| own(if from { &row.from.path } else { &row.to.path })),
                    );
                }
                _ => {}
            }
        }
        wanted.push((kind.clone(), paths));
    }
    if wanted.is_empty() {
        return None;
    }
    let has_all = |name: &&String| {
        let types = &systems[*name];
        wanted.iter().all(|(kind, paths)| {
            let schema = types.iter().find(|schema| !schema.open && schema.kind == *kind);
            schema.is_some_and(|schema| {
                paths.iter().all(|path| schema.resolve(&path.as_str().into()).is_some())
            })
        })
    };
    let mut fitting = systems.keys().filter(has_all);
    fitting.next().filter(|_| fitting.next().is_none()).cloned()
}
