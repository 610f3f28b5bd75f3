//! The checklist: every statement and row of the documents with its verdict, and the trials that
//! led to it.

use std::collections::HashMap;

use lockstep_config::FlowFile;
use lockstep_document::{Draft, Setting, StatementKind};
use lockstep_model::{Flow, MatchRow, PropertyPair};

use crate::trial::{LineRef, Trial, Verdict};

/// `create: both`
fn creates_on_both_sides(setting: &Setting) -> bool {
    setting.row.is_none() && setting.key == "create" && setting.value == "both"
}

/// Who has something to say of lines: trials to be played, or what was seen already.
pub trait Tester {
    /// Why the flow as a whole can't be judged.
    fn obstacle(&self, flow: &Flow) -> Option<String>;
    /// Why nothing of the flow can come about as the document stands.
    fn vacuous(&self, _: &Flow) -> Option<String> {
        None
    }
    /// A row of a property table.
    fn row(&mut self, line: LineRef, flow: &Flow, pair: &PropertyPair) -> Vec<Trial>;
    /// A row of a match table.
    fn matched(&mut self, line: LineRef, flow: &Flow, row: &MatchRow) -> Vec<Trial>;
    /// `Every A will be synchronized with a B.`
    fn every(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial>;
    /// `CONDITION, it will be synchronized with a B.`
    fn condition(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial>;
    /// `Before any synchronization can take place, a link must be established.`
    fn link_only(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial>;
    /// `A new B will be created from a A if it is connected to a C …`
    fn connected(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial>;
    /// `If a matching B already exists … / If no matching B is found …`
    fn merge_or_create(
        &mut self,
        line: LineRef,
        flow: &Flow,
        merges: bool,
        creates: bool,
    ) -> Vec<Trial>;
    /// `create: both`: what is created on the first side.
    fn creates_back(&mut self, _: LineRef, _: &Flow) -> Vec<Trial> {
        vec![]
    }
    /// `Once a link … is established, it will keep in sync …`: beyond what its rows say.
    fn in_sync(&mut self, _: LineRef, _: &Flow) -> Vec<Trial> {
        vec![]
    }
    /// `The following properties are synchronized`, and none follows.
    fn no_rows(&mut self, _: LineRef, _: &Flow) -> Vec<Trial> {
        vec![]
    }
    /// What becomes of deletions, in words (D1).
    fn deletion(&mut self, _: LineRef, _: &Flow) -> Option<(String, Vec<Trial>)> {
        None
    }
}

/// All documents with their verdicts.
#[derive(Debug, Default)]
pub struct Checklist {
    /// Its verdicts are of what was seen in operation, not of trials.
    pub in_operation: bool,
    pub documents: Vec<DocumentLines>,
    pub trials: Vec<Trial>,
}

/// One document.
#[derive(Debug)]
pub struct DocumentLines {
    /// Its file.
    pub name: String,
    /// Its text, if it is a dataflow document and not a flow file.
    pub source: Option<String>,
    pub draft: Draft,
    pub sections: Vec<SectionLines>,
}

/// One section.
#[derive(Debug)]
pub struct SectionLines {
    pub heading: String,
    pub statements: Vec<StatementLine>,
    /// What becomes of deletions (D1); none where nobody has tried.
    pub deletion: Option<Line>,
    /// A run with nothing to do wrote nothing for it (P4).
    pub idle: Line,
    /// No property is to be kept equal: its table is empty.
    bare: bool,
    /// The names of the two record types, as reports call them; none where the section could not be
    /// read.
    pub flow: Option<String>,
    /// Why nothing of it can come about as the document stands: all its lines say the same then.
    pub vacuous: Option<String>,
}

/// A statement. One with a table has a verdict that follows from those of its rows.
#[derive(Debug)]
pub struct StatementLine {
    pub line: Line,
    pub rows: Vec<Line>,
    /// It says how the others are meant, and is not tried by itself.
    is_setting: bool,
}

/// A statement or a row.
#[derive(Debug)]
pub struct Line {
    /// As it reads: a sentence, or the cells of a row.
    pub text: String,
    /// The line of the file, where it is known.
    pub at: Option<usize>,
    pub verdict: Verdict,
    /// Its trials, by their place in [`Checklist::trials`].
    pub trials: Vec<usize>,
}

/// How many lines came to what. Statements with a table count by their rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub proved: usize,
    pub once_linked: usize,
    pub violated: usize,
    pub not_tried: usize,
    pub impossible: usize,
    pub trials: usize,
}

impl Tally {
    /// Counts a line.
    pub fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Proved => self.proved += 1,
            Verdict::OnceLinked => self.once_linked += 1,
            Verdict::Violated => self.violated += 1,
            Verdict::NotTried(_) => self.not_tried += 1,
            Verdict::Impossible(_) => self.impossible += 1,
        }
    }
}

impl Line {
    fn new(text: String, at: Option<usize>) -> Self {
        Line { text, at, verdict: Verdict::NotTried(String::new()), trials: vec![] }
    }
}

impl Checklist {
    /// The lines of these files, and the trials for them.
    pub fn new(files: &[FlowFile], tester: &mut dyn Tester) -> Checklist {
        let mut list = Checklist::default();
        for (document, file) in files.iter().enumerate() {
            let lines = list.document(document, file, tester);
            list.documents.push(lines);
        }
        list
    }

    fn document(
        &mut self,
        document: usize,
        file: &FlowFile,
        tester: &mut dyn Tester,
    ) -> DocumentLines {
        let read = file.is_document.then(|| lockstep_document::read(&file.source.text).0);
        let mut sections = Vec::new();
        for (at, draft) in file.draft.sections.iter().enumerate() {
            let stated = file.sections.iter().find(|section| section.draft == at);
            let places = read.as_ref().and_then(|read| read.sections.get(at));
            let flow = stated.map(|section| &section.flow);
            let obstacle = match flow {
                None => Some("the section could not be read".to_string()),
                Some(flow) => tester.obstacle(flow),
            };
            let vacuous = flow.and_then(|flow| tester.vacuous(flow));
            // The rows of the flow, in the order of the document's tables.
            let (mut matches, mut properties) = (0, 0);
            let mut statements = Vec::new();
            for (number, kind) in draft.statements.iter().enumerate() {
                let place = places.and_then(|section| section.statements.get(number));
                let sentence = kind.sentences(&draft.from, &draft.to).join(" ");
                let line = LineRef { document, section: at, statement: number, row: None };
                let mut statement = StatementLine {
                    line: Line::new(sentence, place.map(|p| p.span.line)),
                    rows: vec![],
                    is_setting: matches!(kind, StatementKind::Setting(_)),
                };
                let mut rows: Vec<(String, Option<usize>)> = Vec::new();
                let start = |(k, text): (usize, String)| {
                    (text, place.and_then(|p| Some(p.rows.get(k)?.span.start)))
                };
                match kind {
                    StatementKind::Match { rows: cells } => {
                        rows.extend(cells.iter().map(|row| row.text()).enumerate().map(start))
                    }
                    StatementKind::Properties { rows: cells } => {
                        rows.extend(cells.iter().map(|row| row.text()).enumerate().map(start))
                    }
                    _ => {}
                }
                for (k, (text, start)) in rows.into_iter().enumerate() {
                    let number_of_line = place.and_then(|p| Some(p.rows.get(k)?.span.line));
                    let mut row = Line::new(text, number_of_line);
                    let line = LineRef { row: Some(k), ..line };
                    let is_match = matches!(kind, StatementKind::Match { .. });
                    let trials = match (&obstacle, stated) {
                        _ if vacuous.is_some() => vec![Trial::impossible(
                            line,
                            "the row",
                            vacuous.clone().unwrap_or_default(),
                        )],
                        (None, Some(section)) => {
                            // A row that could not be read is not among those of the flow.
                            let places = if is_match {
                                section.places.matches.get(matches).and_then(|pairs| pairs.first())
                            } else {
                                section.places.properties.get(properties)
                            };
                            let there = places.is_some_and(|p| {
                                start.is_none_or(|start| p.row.span.start == start)
                            });
                            if !there {
                                vec![Trial::not_tried(line, "the row", "the row could not be read")]
                            } else if is_match {
                                matches += 1;
                                tester.matched(
                                    line,
                                    &section.flow,
                                    &section.flow.matches[matches - 1],
                                )
                            } else {
                                properties += 1;
                                tester.row(
                                    line,
                                    &section.flow,
                                    &section.flow.properties[properties - 1],
                                )
                            }
                        }
                        _ => vec![Trial::not_tried(
                            line,
                            "the row",
                            obstacle.clone().unwrap_or_default(),
                        )],
                    };
                    self.take(&mut row, trials);
                    statement.rows.push(row);
                }
                let trials = match (&obstacle, flow) {
                    _ if vacuous.is_some() => vec![Trial::impossible(
                        line,
                        "the statement",
                        vacuous.clone().unwrap_or_default(),
                    )],
                    (None, Some(flow)) => match kind {
                        StatementKind::EveryCreates => tester.every(line, flow),
                        StatementKind::ConditionCreates { .. } => tester.condition(line, flow),
                        StatementKind::LinkOnly => tester.link_only(line, flow),
                        StatementKind::CreateIfConnected { .. } => tester.connected(line, flow),
                        StatementKind::MergeOrCreate { merges, creates } => {
                            tester.merge_or_create(line, flow, *merges, *creates)
                        }
                        StatementKind::KeepInSync => tester.in_sync(line, flow),
                        StatementKind::Setting(setting) if creates_on_both_sides(setting) => {
                            tester.creates_back(line, flow)
                        }
                        StatementKind::Properties { rows } if rows.is_empty() => {
                            tester.no_rows(line, flow)
                        }
                        StatementKind::Unrecognised { .. } => {
                            vec![Trial::not_tried(
                                line,
                                "the text",
                                "it is none of the statements that documents are made of",
                            )]
                        }
                        _ => vec![],
                    },
                    _ => vec![Trial::not_tried(
                        line,
                        "the statement",
                        obstacle.clone().unwrap_or_default(),
                    )],
                };
                self.take(&mut statement.line, trials);
                statements.push(statement);
            }
            let of_section =
                LineRef { document, section: at, statement: draft.statements.len(), row: None };
            let deletion = flow
                .filter(|_| obstacle.is_none() && vacuous.is_none())
                .and_then(|flow| tester.deletion(of_section, flow));
            let deletion = deletion.map(|(text, trials)| {
                let mut line = Line::new(text, None);
                self.take(&mut line, trials);
                line
            });
            sections.push(SectionLines {
                heading: draft.heading_text(),
                statements,
                deletion,
                bare: !draft.statements.iter().any(
                    |kind| matches!(kind, StatementKind::Properties { rows } if !rows.is_empty()),
                ),
                idle: Line::new("A run with nothing to do writes nothing.".into(), None),
                flow: flow.filter(|_| obstacle.is_none()).map(Flow::name),
                vacuous,
            });
        }
        DocumentLines {
            name: file.source.name.clone(),
            source: file.is_document.then(|| file.source.text.clone()),
            draft: file.draft.clone(),
            sections,
        }
    }

    fn take(&mut self, line: &mut Line, trials: Vec<Trial>) {
        for trial in trials {
            line.trials.push(self.trials.len());
            self.trials.push(trial);
        }
    }

    /// Gives every line its verdict from those of its trials. `idle` tells what a run with nothing
    /// to do came to for a flow.
    pub fn judge(&mut self, idle: &dyn Fn(&str) -> Verdict) {
        let trials = &self.trials;
        // Whether its rows were seen to go both ways, by section and by flow: two sections may
        // state one flow, the one with rows and the other without.
        let mut by_flow: HashMap<String, Verdict> = HashMap::new();
        let mut by_section: Vec<Option<Verdict>> = Vec::new();
        for section in self.documents.iter_mut().flat_map(|document| &mut document.sections) {
            let mut both_ways: Option<Verdict> = None;
            for row in section.statements.iter_mut().flat_map(|statement| &mut statement.rows) {
                row.verdict = of_trials(row.trials.iter().map(|at| &trials[*at]));
                let edits: Vec<&Trial> = row
                    .trials
                    .iter()
                    .map(|at| &trials[*at])
                    .filter(|trial| is_edit(trial))
                    .collect();
                let holds = edits.len() > 1
                    && edits.iter().all(|trial| trial.verdict.as_ref().is_some_and(Verdict::holds));
                match &row.verdict {
                    _ if edits.is_empty() => {}
                    Verdict::Violated => both_ways = Some(Verdict::Violated),
                    verdict if holds && both_ways != Some(Verdict::Violated) => {
                        both_ways = Some(verdict.clone())
                    }
                    _ => {}
                }
            }
            if let (Some(flow), Some(verdict)) = (&section.flow, &both_ways)
                && by_flow.get(flow) != Some(&Verdict::Violated)
            {
                by_flow.insert(flow.clone(), verdict.clone());
            }
            by_section.push(both_ways);
        }
        let sections = self.documents.iter_mut().flat_map(|document| &mut document.sections);
        for (section, own) in sections.zip(&by_section) {
            let both = match section.bare {
                true => section.flow.as_ref().and_then(|flow| by_flow.get(flow)),
                false => own.as_ref(),
            };
            let edits = section
                .statements
                .iter()
                .flat_map(|statement| &statement.rows)
                .flat_map(|row| &row.trials);
            let closed =
                edits.map(|at| &trials[*at]).filter(|trial| is_edit(trial)).find_map(|trial| {
                    match &trial.verdict {
                        Some(Verdict::NotTried(why)) => Some(format!(": {why}")),
                        _ => None,
                    }
                });
            let one_way =
                format!("no row of it could be tried both ways{}", closed.unwrap_or_default());
            for statement in &mut section.statements {
                let (line, rows) = (&mut statement.line, &statement.rows);
                let in_sync = rows.is_empty() && line.text.starts_with("Once a link");
                let own = of_trials(line.trials.iter().map(|at| &trials[*at]));
                line.verdict = match (in_sync, both, rows.is_empty(), line.trials.is_empty()) {
                    (true, ..) if matches!(own, Verdict::Violated | Verdict::Impossible(_)) => own,
                    (true, Some(both), ..) => both.clone(),
                    // Nothing is to be kept equal: that the link stays is all there is to it.
                    (true, None, _, false) if section.bare => own,
                    (true, None, ..) if section.bare => {
                        Verdict::NotTried("nothing is kept equal, and no rule links".into())
                    }
                    (true, None, ..) => Verdict::NotTried(one_way.clone()),
                    (false, _, true, true) if statement.is_setting => Verdict::NotTried(
                        "it says how the rest is kept, which is tried as it says".into(),
                    ),
                    (false, _, true, true) => Verdict::NotTried("the table is empty".into()),
                    (false, _, false, true) => of_rows(rows),
                    (false, _, _, false) => own,
                };
            }
            if let Some(line) = &mut section.deletion {
                line.verdict = of_trials(line.trials.iter().map(|at| &trials[*at]));
            }
            section.idle.verdict = match &section.flow {
                None => Verdict::NotTried("the section could not be tried".into()),
                Some(flow) => idle(flow),
            };
        }
    }

    /// The lines, each with its document and section.
    pub fn lines(&self) -> impl Iterator<Item = (&DocumentLines, &SectionLines, &Line)> {
        self.documents.iter().flat_map(|document| {
            document.sections.iter().flat_map(move |section| {
                let of = |statement: &'_ StatementLine| statement.rows.is_empty();
                let statements = section.statements.iter().filter(move |s| of(s)).map(|s| &s.line);
                let rows = section.statements.iter().flat_map(|s| &s.rows);
                let more = section.deletion.iter().chain(std::iter::once(&section.idle));
                statements.chain(rows).chain(more).map(move |line| (document, section, line))
            })
        })
    }

    /// How many lines came to what.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            trials: self.trials.iter().filter(|trial| !trial.told.is_empty()).count(),
            ..Tally::default()
        };
        for (_, _, line) in self.lines() {
            tally.count(&line.verdict);
        }
        tally
    }
}

/// Whether a trial is about an edit that arrives.
fn is_edit(trial: &Trial) -> bool {
    trial.name.contains("arrives in")
}

fn of_trials<'a>(trials: impl Iterator<Item = &'a Trial>) -> Verdict {
    let verdicts: Vec<&Verdict> = trials.filter_map(|trial| trial.verdict.as_ref()).collect();
    together(&verdicts, "nothing of it could be tried")
}

fn of_rows(rows: &[Line]) -> Verdict {
    let verdicts: Vec<&Verdict> = rows.iter().map(|row| &row.verdict).collect();
    together(&verdicts, "no row of it could be tried")
}

fn together(verdicts: &[&Verdict], otherwise: &str) -> Verdict {
    if verdicts.contains(&&Verdict::Violated) {
        return Verdict::Violated;
    }
    // What was seen between records that nothing but a person linked is not seen in operation.
    if verdicts.contains(&&Verdict::OnceLinked) {
        return Verdict::OnceLinked;
    }
    if verdicts.contains(&&Verdict::Proved) {
        return Verdict::Proved;
    }
    if let Some(impossible) =
        verdicts.iter().find(|verdict| matches!(verdict, Verdict::Impossible(_)))
    {
        return (*impossible).clone();
    }
    match verdicts {
        [Verdict::NotTried(why), ..] if verdicts.iter().all(|other| *other == verdicts[0]) => {
            Verdict::NotTried(why.clone())
        }
        [Verdict::NotTried(why), ..] => Verdict::NotTried(why.clone()),
        _ => Verdict::NotTried(otherwise.into()),
    }
}
