//! Documents without a project: which systems they are about, and a `lockstep.yaml` for a start.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use lockstep_document::StatementKind;
use lockstep_model::Flow;

use crate::names::{Names, SystemNames, squeezed, without_domain};
use crate::problem::{Problem, in_order};
use crate::project::Policies;
use crate::section::{FlowFile, called_otherwise};
use crate::source::Source;

/// A system that documents are about, with a name for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    pub names: SystemNames,
    /// The built-in connector whose name the system's is.
    pub connector: Option<String>,
    /// The documents leave it unnamed.
    pub unnamed: bool,
}

/// Reads a dataflow document, or a flow file where the name ends in `.yaml` or `.yml`, under these
/// names.
pub fn read_flows(name: &str, text: &str, names: &Names) -> (FlowFile, Vec<Problem>) {
    let source = Arc::new(Source::new(name, text));
    let lower = name.to_lowercase();
    let (file, problems) = match lower.ends_with(".yaml") || lower.ends_with(".yml") {
        true => crate::flow_file::read(&source, names, &Policies::default(), None),
        false => crate::document_flows::read(&source, names, &Policies::default()),
    };
    (file, in_order(problems))
}

/// The systems that these documents (their texts) are about. `connectors` are the names of those
/// that are built in: `Powerofficego` becomes `poweroffice-go` where there is one of that name.
/// What is left unnamed becomes `unnamed`.
///
/// ```
/// let text = "Wix.com to  Dataflow\n====================\n\nWix.com Contacts to  Users\n--------------------------\n\
///     Every Wix.com Contacts will be synchronized with a  Users.\n";
/// let systems = lockstep_config::propose_systems(&[text], &["wix"]);
/// let names: Vec<&str> = systems.iter().map(|system| system.names.name.as_str()).collect();
/// assert_eq!(names, ["wix", "unnamed"]);
/// assert_eq!(systems[0].names.title.as_deref(), Some("Wix.com"));
/// ```
pub fn propose_systems(documents: &[&str], connectors: &[&str]) -> Vec<Proposal> {
    let mut proposals: Vec<Proposal> = Vec::new();
    for text in documents {
        let (document, _) = lockstep_document::read(text);
        for section in &document.sections {
            let connected =
                section.statements.iter().filter_map(|statement| match &statement.kind {
                    StatementKind::CreateIfConnected { connected, .. } => Some(connected),
                    _ => None,
                });
            let ends = [&section.heading.from, &section.heading.to].into_iter();
            for name in ends.chain(connected.flatten()) {
                add(&mut proposals, &name.system, connectors);
            }
            for statement in &section.statements {
                let StatementKind::Setting(setting) = &statement.kind else { continue };
                let proposals = std::cell::RefCell::new(&mut proposals);
                called_otherwise(&setting.key, &setting.value, &|name| {
                    add(&mut proposals.borrow_mut(), name, connectors);
                    String::new()
                });
            }
        }
    }
    proposals
}

fn add(proposals: &mut Vec<Proposal>, written: &str, connectors: &[&str]) {
    let key = squeezed(without_domain(written));
    if key.is_empty() {
        if !proposals.iter().any(|proposal| proposal.unnamed) {
            let names = SystemNames { name: "unnamed".into(), ..SystemNames::default() };
            proposals.push(Proposal { names, connector: None, unnamed: true });
        }
        return;
    }
    let known = proposals.iter_mut().find(|proposal| {
        proposal
            .names
            .title
            .iter()
            .chain(&proposal.names.aliases)
            .any(|name| squeezed(without_domain(name)) == key)
    });
    if let Some(known) = known {
        let names = &mut known.names;
        if names.title.as_deref() != Some(written)
            && !names.aliases.iter().any(|alias| alias == written)
        {
            names.aliases.push(written.to_string());
        }
        return;
    }
    let connector = connectors
        .iter()
        .find(|connector| squeezed(connector) == key)
        .map(|connector| connector.to_string());
    let name = connector.clone().unwrap_or_else(|| slug(without_domain(written)));
    let taken = |name: &str| proposals.iter().any(|proposal| proposal.names.name == name);
    let mut free = name.clone();
    let mut number = 2;
    while taken(&free) {
        free = format!("{name}-{number}");
        number += 1;
    }
    let names = SystemNames { name: free, title: Some(written.to_string()), aliases: Vec::new() };
    proposals.push(Proposal { names, connector, unnamed: false });
}

/// The systems that a flow file names, where no project says which there are: what stands before
/// the first dot of every record type.
pub fn systems_named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let line = line.trim().trim_start_matches("- ");
        let names = match line.split_once(':') {
            Some(("from" | "to", name)) => name,
            Some(("create", rest)) if rest.contains("when_connected_to") => {
                rest.split_once('[').map_or("", |(_, names)| names)
            }
            _ => continue,
        };
        for name in names.split(',') {
            if let Some((system, _)) =
                name.trim().trim_matches(['"', '\'', ']', '}', ' ']).split_once('.')
            {
                found.insert(system.trim().to_string());
            }
        }
    }
    found
}

fn slug(name: &str) -> String {
    let dashed: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .flat_map(char::to_lowercase)
        .collect();
    let steps: Vec<&str> = dashed.split('-').filter(|step| !step.is_empty()).collect();
    if steps.is_empty() { "system".into() } else { steps.join("-") }
}

/// The names of proposed systems, the unnamed one included.
pub fn names_of(proposals: &[Proposal]) -> Names {
    let unnamed = proposals
        .iter()
        .find(|proposal| proposal.unnamed)
        .map(|proposal| proposal.names.name.clone());
    let names = Names::new(proposals.iter().map(|proposal| proposal.names.clone()).collect());
    names.of_document(unnamed.as_deref(), &Default::default())
}

/// A `lockstep.yaml` for these systems and files of flows. `settings` gives the settings that a
/// connector needs, each with what it is; those that are secrets are named as variables. `stated`
/// are the flows: what they need to be known of lists and references is said of each system.
pub fn write_project_yaml(
    proposals: &[Proposal],
    flows: &[&str],
    settings: &dyn Fn(&str) -> Vec<(String, String)>,
    stated: &[Flow],
) -> String {
    let mut text = String::from(
        "# The systems to keep in step. Secrets stand in .env and are named here: ${NAME}.\nstore: sqlite:lockstep.db\n\nsystems:\n",
    );
    for Proposal { names, connector, .. } in proposals {
        let _ = writeln!(text, "  {}:", names.name);
        match connector {
            Some(connector) => drop(writeln!(text, "    connector: {connector}")),
            None => {
                text.push_str("    connector: files   # the kind of system: a built-in connector, or a file in connectors/\n")
            }
        }
        if let Some(title) = &names.title {
            let _ = writeln!(text, "    title: {}", crate::write::scalar(title));
        }
        if !names.aliases.is_empty() {
            let aliases: Vec<String> =
                names.aliases.iter().map(|alias| crate::write::in_flow(alias)).collect();
            let _ = writeln!(text, "    aliases: [{}]", aliases.join(", "));
        }
        let wanted = connector.as_deref().map(settings).unwrap_or_default();
        if !wanted.is_empty() {
            text.push_str("    with:\n");
        }
        for (key, what) in wanted {
            let variable = format!("{}_{key}", names.name)
                .to_uppercase()
                .replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let _ = writeln!(text, "      {key}: ${{{variable}}}   # {what}");
        }
        crate::needed::write(&mut text, &names.name, stated);
    }
    text.push_str("\nflows:\n");
    for file in flows {
        let _ = writeln!(text, "  - {}", crate::write::scalar(file));
    }
    if flows.is_empty() {
        text.push_str("  - flows/*.yaml\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_system_by_several_names_is_proposed_once() {
        let mut proposals = Vec::new();
        for name in ["Wix.com", "PowerOffice GO", "Wix", "Powerofficego", "Über Shop", ""] {
            add(&mut proposals, name, &["wix", "poweroffice-go"]);
        }
        let shown: Vec<_> = proposals
            .iter()
            .map(|p| (p.names.name.as_str(), p.names.aliases.join("|"), p.connector.is_some()))
            .collect();
        assert_eq!(
            shown,
            [
                ("wix", "Wix".into(), true),
                ("poweroffice-go", "Powerofficego".into(), true),
                ("über-shop", String::new(), false),
                ("unnamed", String::new(), false)
            ]
        );
    }
}
