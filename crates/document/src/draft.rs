//! A dataflow document to be written, as a plain value.
//!
//! A draft is composed from flows, or taken from a document that was read. It has no places and no
//! bytes of a source in it; the writers (`rst`, `markdown`, `html`) make text of it. Writing the
//! draft of a document in the usual form as reStructuredText gives that document byte for byte.

use crate::document::{Document, Introduction};
use crate::names::TypeName;
use crate::setting::{Setting, names_setting};
use crate::statement::StatementKind;
use crate::wording;

/// What a document is to say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// A title other than `X to Y Dataflow`, for documents that have one.
    pub title: Option<String>,
    /// X.
    pub from_system: String,
    /// Y.
    pub to_system: String,
    /// What stands behind `Generated:`; without it there is no such line.
    pub generated: Option<String>,
    /// The introduction; see [`default_introduction`].
    pub introduction: Introduction,
    /// The sections in order.
    pub sections: Vec<DraftSection>,
}

/// One section of a [`Draft`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DraftSection {
    /// A.
    pub from: TypeName,
    /// B.
    pub to: TypeName,
    /// The statements in order.
    pub statements: Vec<StatementKind>,
}

impl Draft {
    /// The title line.
    #[must_use]
    pub fn title_text(&self) -> String {
        match &self.title {
            Some(title) => title.clone(),
            None => format!("{} to {} Dataflow", self.from_system, self.to_system),
        }
    }
}

impl Draft {
    /// The same, with a sentence more in each section that would be read otherwise than it is
    /// meant: where a system's name of several words ends is seen in the title only, which names
    /// two systems; and a condition may be any text.
    #[must_use]
    pub fn with_all_said(mut self) -> Draft {
        let (read, _) = crate::read(&crate::write_rst(&self));
        if read.sections.len() != self.sections.len() {
            return self;
        }
        for (section, read) in self.sections.iter_mut().zip(&read.sections) {
            let said = section.settings().any(|setting| setting.key == "names");
            if !said && (section.from != read.heading.from || section.to != read.heading.to) {
                section
                    .statements
                    .push(StatementKind::Setting(names_setting(&section.from, &section.to)));
            }
            let condition = |statement: &StatementKind| match statement {
                StatementKind::ConditionCreates { condition } => Some(condition.clone()),
                _ => None,
            };
            let meant = section.statements.iter().find_map(condition);
            let understood =
                read.statements.iter().find_map(|statement| condition(&statement.kind));
            let said = section.settings().any(|setting| setting.key == "condition");
            if let Some(meant) = meant
                .filter(|meant| !said && understood.is_some_and(|understood| understood != *meant))
            {
                section
                    .statements
                    .push(StatementKind::Setting(Setting::of_flow("condition", meant.into())));
            }
        }
        self
    }
}

impl DraftSection {
    /// The heading line.
    #[must_use]
    pub fn heading_text(&self) -> String {
        format!("{} to {}", self.from, self.to)
    }

    /// The header cells of a statement's table; empty for a statement without one.
    pub(crate) fn table_header(&self, kind: &StatementKind) -> Vec<String> {
        let mut cells = vec![format!("{} Property", self.from), format!("{} Property", self.to)];
        match kind {
            StatementKind::Match { .. } => cells,
            StatementKind::Properties { .. } => {
                cells.push(format!("{} Data Type", self.to.system));
                cells
            }
            _ => Vec::new(),
        }
    }

    /// A statement's sentences; see [`StatementKind::sentences`].
    pub(crate) fn sentences(&self, kind: &StatementKind) -> Vec<String> {
        wording::sentences(kind, &self.from.to_string(), &self.to.to_string())
    }
}

impl From<&Document> for Draft {
    fn from(document: &Document) -> Draft {
        let sections: Vec<DraftSection> = document
            .sections
            .iter()
            .map(|section| DraftSection {
                from: section.heading.from.clone(),
                to: section.heading.to.clone(),
                statements: section.statements.iter().map(|s| s.kind.clone()).collect(),
            })
            .collect();
        let title = document.title.as_ref();
        let (from_system, to_system) = match title.filter(|title| title.understood) {
            Some(title) => (title.from_system.clone(), title.to_system.clone()),
            None => sections.first().map_or_else(Default::default, |section| {
                (section.from.system.clone(), section.to.system.clone())
            }),
        };
        Draft {
            title: title
                .filter(|title| !title.understood)
                .map(|title| title.text.trim().to_string()),
            from_system,
            to_system,
            generated: document.generated.as_ref().map(|g| g.text.clone()),
            introduction: document.introduction.clone(),
            sections,
        }
    }
}

impl Introduction {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heading.is_empty() && self.paragraphs.is_empty()
    }
}

/// Lockstep's own introduction to a document on two systems.
///
/// ```
/// let introduction = lockstep_document::default_introduction("Wix", "Zendesk");
/// assert_eq!(introduction.heading, "Introduction");
/// assert!(introduction.paragraphs[0].contains("between Wix and Zendesk"));
/// ```
#[must_use]
pub fn default_introduction(from_system: &str, to_system: &str) -> Introduction {
    let named = |system: &str, otherwise: &str| {
        let system = one_line(system).trim().to_string();
        if system.is_empty() { otherwise.to_string() } else { system }
    };
    let (from, to) =
        (named(from_system, "the first system"), named(to_system, "the second system"));
    Introduction {
        heading: "Introduction".to_string(),
        paragraphs: vec![
            format!(
                "This page states what is kept in step between {from} and {to}: which records are \
                 linked, which are created, and which properties are kept equal. Lockstep runs it \
                 as it stands."
            ),
            "It is a checklist as well: go through it from top to bottom, try each statement and \
             each row of a table on a record of your own, and tick off what holds."
                .to_string(),
        ],
    }
}

/// A text that must not break the line it stands in.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_line_break(c) { ' ' } else { c }).collect()
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
