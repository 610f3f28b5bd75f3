//! What the commands print that work on a project's files, or that say something of the program.

use lockstep_config::{Label, Problem, Severity};
use lockstep_connector::conformance as trials;
use lockstep_workbench::{advise, play};
use schemars::JsonSchema;
use serde::Serialize;

use super::each;
use super::report::Report;

/// What is wrong in a project.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    errors: usize,
    warnings: usize,
    notes: usize,
    problems: Vec<Found>,
    /// The variables that `lockstep.yaml` names and that have a value.
    variables: Vec<Variable>,
}

/// A variable, never its value.
#[derive(Debug, Serialize, JsonSchema)]
struct Variable {
    name: String,
    /// Where its value came from, in words: `the environment`, `.env`, the file `…`.
    source: String,
}

/// A problem, with its place.
#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    /// `error`, `warning` or `note`
    severity: String,
    /// `lockstep explain --code` tells what it means.
    code: String,
    #[serde(flatten)]
    place: Place,
    /// What is wrong and what follows from it.
    message: String,
    /// What to do.
    help: Option<String>,
    /// Other places that have to do with it.
    related: Vec<Related>,
}

/// A place in a file.
#[derive(Debug, Serialize, JsonSchema)]
struct Place {
    file: String,
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    /// In bytes from the beginning of the file.
    start: usize,
    /// In bytes from the beginning of the file; the first that is not part of it.
    end: usize,
}

/// Another place that has to do with a problem.
#[derive(Debug, Serialize, JsonSchema)]
struct Related {
    #[serde(flatten)]
    place: Place,
    message: String,
}

/// What came of the tests of the flows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tested {
    tests: usize,
    failed: usize,
    results: Vec<Played>,
}

/// What came of a test.
#[derive(Debug, Serialize, JsonSchema)]
struct Played {
    name: String,
    file: String,
    line: usize,
    passed: bool,
    /// The steps that did not go as expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedStep>,
}

/// A step that did not go as expected.
#[derive(Debug, Serialize, JsonSchema)]
struct FailedStep {
    /// From 1: the records given, with the first run.
    step: usize,
    /// Where its `expect` is written.
    line: usize,
    /// What was expected and did not happen.
    missing: Vec<String>,
    /// What happened and was not expected.
    unexpected: Vec<String>,
    /// What the run said about it.
    notes: Vec<String>,
}

/// What two record types could be matched by.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Advice {
    from: Side,
    to: Side,
    /// Pairs of properties with values in common, the best to match by first.
    candidates: Vec<Candidate>,
    /// Rows that agree in the records which the first match row would link.
    rows: Vec<AdvisedRow>,
    /// Rows of other forms that hold in these records: value lists, parts of a whole, factors,
    /// lists by element, groups.
    forms: Vec<AdvisedForm>,
    /// A flow to paste.
    yaml: String,
}

/// One of the two record types.
#[derive(Debug, Serialize, JsonSchema)]
struct Side {
    record_type: String,
    records: usize,
    /// Records that could not be read.
    unreadable: usize,
}

/// Two properties by which records could be matched.
#[derive(Debug, Serialize, JsonSchema)]
struct Candidate {
    from: Filled,
    to: Filled,
    /// Different values that both sides have.
    overlap: usize,
    /// Records of the first side that match exactly one of the other, which matches no other
    /// record.
    would_link: usize,
    /// Records of the first side of which a person would be asked (L6).
    would_ask: usize,
    /// Records of the first side that match nothing: `create: always` would create a counterpart
    /// of each.
    would_create: usize,
    /// Of those, records that another row would have linked: they would be there twice.
    created_twice: usize,
    /// It is good enough to be proposed.
    proposed: bool,
    /// The kind that the row has to say (`as`), as the names do not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

/// How a property is filled.
#[derive(Debug, Serialize, JsonSchema)]
struct Filled {
    path: String,
    /// Records that hold anything.
    filled: usize,
    /// Different values, normalised.
    distinct: usize,
    /// Records whose value another record of the same side has too.
    collisions: usize,
    /// Addresses such as `info@` and `noreply@`.
    shared_addresses: usize,
}

/// Two properties that hold the same in linked records.
#[derive(Debug, Serialize, JsonSchema)]
struct AdvisedRow {
    from: String,
    to: String,
    /// Linked records in which both hold something.
    both: usize,
    /// Of those, records in which both hold the same.
    same: usize,
    /// The arrow of the row: one side can't be written.
    arrow: String,
    /// The kind that the row has to say (`as`), as the names do not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

/// A row of another form than `a <-> b`.
#[derive(Debug, Serialize, JsonSchema)]
struct AdvisedForm {
    /// `map`, `split`, `unit`, `list` or `group`.
    form: String,
    /// An item of `properties`, as it is pasted.
    yaml: String,
    /// Linked records of which it says something, among those that were looked at.
    both: usize,
    /// Of those, records in which it holds.
    same: usize,
}

/// A manifest to start from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Drafted {
    /// The file.
    pub wrote: String,
}

/// What came of trying a connector, a sheet for each record type.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Tried(Vec<Sheet>);

/// What holds of one record type.
#[derive(Debug, Serialize, JsonSchema)]
struct Sheet {
    record_type: String,
    trials: Vec<Trial>,
    /// Records that the run made and could not delete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
}

/// What came of one trial.
#[derive(Debug, Serialize, JsonSchema)]
struct Trial {
    what: String,
    /// The words that lead to what is wrong in the manifest: `types:`, `People:`, `changes:`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    place: Vec<String>,
    verdict: TrialVerdict,
    /// Why it fails, or was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum TrialVerdict {
    Holds,
    Fails,
    /// It is offered, and could not be tried.
    NotTried,
    NotOffered,
}

/// What has another name from now on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Renamed {
    /// Records that keep their links and history under the new name.
    records: u64,
    names: Vec<NewName>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct NewName {
    old: String,
    new: String,
}

/// Both runs of the demo.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Demo {
    /// The address of the emulated systems.
    pub sandbox: String,
    /// The project, where it is kept.
    pub folder: Option<String>,
    pub first: Report,
    pub second: Report,
}

/// Emulated systems that wait for requests.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Emulated {
    /// Their common address.
    pub root: String,
    pub systems: Vec<EmulatedSystem>,
    /// What goes wrong: a preset or the file that says it.
    pub faults: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct EmulatedSystem {
    pub system: String,
    pub url: Option<String>,
    /// Names of settings with their values.
    pub credentials: std::collections::BTreeMap<String, String>,
}

/// Rules or codes, in a line each.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Sections(pub Vec<Section>);

/// What a rule or a code means.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Section {
    #[serde(flatten)]
    pub name: SectionName,
    /// The heading under which it stands.
    pub area: String,
    pub summary: String,
    /// In Markdown; not in a list of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What is explained.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SectionName {
    Rule(String),
    Code(String),
}

impl Checked {
    pub fn new(problems: &[Problem], variables: &[lockstep_config::Variable]) -> Self {
        let variable = |one: &lockstep_config::Variable| Variable {
            name: one.name.clone(),
            source: one.source.to_string(),
        };
        let count = |severity| problems.iter().filter(|one| one.severity == severity).count();
        Checked {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
            problems: problems.iter().map(Found::from).collect(),
            variables: variables.iter().map(variable).collect(),
        }
    }
}

impl From<&Problem> for Found {
    fn from(from: &Problem) -> Self {
        let related = |label: &Label| Related {
            place: (&label.place).into(),
            message: label.message.clone(),
        };
        Found {
            severity: from.severity.name().into(),
            code: from.code.into(),
            place: (&from.place).into(),
            message: from.message.clone(),
            help: from.help.clone(),
            related: from.related.iter().map(related).collect(),
        }
    }
}

impl From<&lockstep_config::Place> for Place {
    fn from(from: &lockstep_config::Place) -> Self {
        Place {
            file: from.source.name.clone(),
            line: from.line(),
            column: from.column(),
            start: from.span.start,
            end: from.span.end,
        }
    }
}

impl From<Vec<play::Played>> for Tested {
    fn from(results: Vec<play::Played>) -> Self {
        let failed = results.iter().filter(|played| !played.passed).count();
        Tested { tests: results.len(), failed, results: each(results) }
    }
}

impl From<play::Played> for Played {
    fn from(from: play::Played) -> Self {
        let play::Played { name, file, line, passed, failed } = from;
        Played { name, file, line, passed, failed: each(failed) }
    }
}

impl From<play::FailedStep> for FailedStep {
    fn from(from: play::FailedStep) -> Self {
        let play::FailedStep { step, line, missing, unexpected, notes } = from;
        FailedStep { step, line, missing, unexpected, notes }
    }
}

impl From<advise::Advice> for Advice {
    fn from(from: advise::Advice) -> Self {
        let advise::Advice { from, to, candidates, rows, forms, yaml } = from;
        Advice {
            from: from.into(),
            to: to.into(),
            candidates: each(candidates),
            rows: each(rows),
            forms: each(forms),
            yaml,
        }
    }
}

impl From<advise::SideAdvice> for Side {
    fn from(from: advise::SideAdvice) -> Self {
        let advise::SideAdvice { record_type, records, unreadable } = from;
        Side { record_type, records, unreadable }
    }
}

impl From<advise::Candidate> for Candidate {
    fn from(from: advise::Candidate) -> Self {
        Candidate {
            from: from.from.into(),
            to: from.to.into(),
            overlap: from.overlap,
            would_link: from.would_link,
            would_ask: from.would_ask,
            would_create: from.would_create,
            created_twice: from.created_twice,
            proposed: from.proposed,
            kind: from.kind.map(str::to_string),
        }
    }
}

impl From<advise::Filled> for Filled {
    fn from(from: advise::Filled) -> Self {
        let advise::Filled { path, filled, distinct, collisions, shared_addresses } = from;
        Filled { path, filled, distinct, collisions, shared_addresses }
    }
}

impl From<advise::RowAdvice> for AdvisedRow {
    fn from(from: advise::RowAdvice) -> Self {
        let advise::RowAdvice { from, to, both, same, arrow, kind } = from;
        AdvisedRow { from, to, both, same, arrow: arrow.into(), kind: kind.map(str::to_string) }
    }
}

impl From<advise::FormAdvice> for AdvisedForm {
    fn from(from: advise::FormAdvice) -> Self {
        let advise::FormAdvice { form, yaml, both, same } = from;
        AdvisedForm { form: form.into(), yaml, both, same }
    }
}

impl From<&[trials::Sheet]> for Tried {
    fn from(sheets: &[trials::Sheet]) -> Self {
        let sheet = |from: &trials::Sheet| Sheet {
            record_type: from.record_type.clone(),
            trials: from.trials.iter().map(Trial::from).collect(),
            left: from.left.clone(),
        };
        Tried(sheets.iter().map(sheet).collect())
    }
}

impl From<&trials::Trial> for Trial {
    fn from(from: &trials::Trial) -> Self {
        let (verdict, why) = match &from.verdict {
            trials::Verdict::Holds => (TrialVerdict::Holds, None),
            trials::Verdict::Fails(why) => (TrialVerdict::Fails, Some(why.clone())),
            trials::Verdict::NotTried(why) => (TrialVerdict::NotTried, Some(why.clone())),
            trials::Verdict::NotOffered => (TrialVerdict::NotOffered, None),
        };
        Trial { what: from.what.to_string(), place: from.place.clone(), verdict, why }
    }
}

impl From<&lockstep_store::Renamed> for Renamed {
    fn from(from: &lockstep_store::Renamed) -> Self {
        let name = |(old, new): &(String, String)| NewName { old: old.clone(), new: new.clone() };
        Renamed { records: from.records, names: from.names.iter().map(name).collect() }
    }
}
