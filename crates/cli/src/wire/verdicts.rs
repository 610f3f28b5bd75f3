//! The checklist of `verify`.

use lockstep_verify as list;
use schemars::JsonSchema;
use serde::Serialize;

/// Documents with a verdict on each of their lines.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checklist {
    /// The verdicts are of what was seen in operation, not of trials.
    in_operation: bool,
    documents: Vec<Document>,
    /// Lines by verdict. Statements with a table count by their rows.
    proved: usize,
    proved_once_linked: usize,
    violated: usize,
    not_tried: usize,
    impossible: usize,
    /// Trials that were made.
    trials: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Document {
    /// Its file.
    name: String,
    title: String,
    sections: Vec<Section>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Section {
    heading: String,
    /// The record types, as reports name them; none where the section could not be read.
    flow: Option<String>,
    /// Why nothing of it can come about as the document stands.
    impossible: Option<String>,
    statements: Vec<Statement>,
    /// What becomes of deletions (D1); none where it was not tried.
    deletion: Option<Line>,
    /// Whether a run with nothing to do wrote nothing for it (P4).
    idle: Line,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Statement {
    #[serde(flatten)]
    line: Line,
    rows: Vec<Line>,
}

/// A statement or a row of a table.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    text: String,
    /// The line of the file, where it is known.
    line: Option<usize>,
    verdict: Verdict,
    /// Why it was not tried or is impossible.
    why: Option<String>,
    /// How many trials it had.
    trials: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Proved,
    /// It holds between records that a person links.
    ProvedOnceLinked,
    Violated,
    NotTried,
    Impossible,
}

impl From<&list::Checklist> for Checklist {
    fn from(from: &list::Checklist) -> Self {
        let tally = from.tally();
        Checklist {
            in_operation: from.in_operation,
            documents: from.documents.iter().map(Document::from).collect(),
            proved: tally.proved,
            proved_once_linked: tally.once_linked,
            violated: tally.violated,
            not_tried: tally.not_tried,
            impossible: tally.impossible,
            trials: tally.trials,
        }
    }
}

impl From<&list::DocumentLines> for Document {
    fn from(from: &list::DocumentLines) -> Self {
        Document {
            name: from.name.clone(),
            title: from.draft.title_text().trim().to_string(),
            sections: from.sections.iter().map(Section::from).collect(),
        }
    }
}

impl From<&list::SectionLines> for Section {
    fn from(from: &list::SectionLines) -> Self {
        let statement = |statement: &list::StatementLine| Statement {
            line: (&statement.line).into(),
            rows: statement.rows.iter().map(Line::from).collect(),
        };
        Section {
            heading: from.heading.clone(),
            flow: from.flow.clone(),
            impossible: from.vacuous.clone(),
            statements: from.statements.iter().map(statement).collect(),
            deletion: from.deletion.as_ref().map(Line::from),
            idle: (&from.idle).into(),
        }
    }
}

impl From<&list::Line> for Line {
    fn from(from: &list::Line) -> Self {
        let (verdict, why) = match &from.verdict {
            list::Verdict::Proved => (Verdict::Proved, None),
            list::Verdict::OnceLinked => (Verdict::ProvedOnceLinked, None),
            list::Verdict::Violated => (Verdict::Violated, None),
            list::Verdict::NotTried(why) => (Verdict::NotTried, Some(why.clone())),
            list::Verdict::Impossible(why) => (Verdict::Impossible, Some(why.clone())),
        };
        let (text, line) = (from.text.clone(), from.at);
        Line { text, line, verdict, why, trials: from.trials.len() }
    }
}
