//! How results are shown to a person: what was done, per flow, and what waits and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lockstep_hub::report::{Event, FlowCounts, PropertyChange, Report};
use lockstep_model::value::shown;
use lockstep_model::visible::visible;
use lockstep_model::why::{Linking, NotYet};
use lockstep_model::{Situation, Why};

use crate::times::local;
use crate::wording::{self, with_remedies};

/// How many single events of a kind are shown for a flow before the rest is only counted.
const SHOWN: usize = 6;

/// The report of a run or a plan as text.
pub fn report(report: &Report, all: bool) -> String {
    let mut out = warnings(report);
    let would = report.plan_only;
    for (system, asked) in
        report.systems.iter().filter_map(|system| Some((&system.system, system.requests?)))
    {
        // Of no interest where nothing had to wait.
        if asked.refused > 0 || asked.waited_ms >= 1000 || crate::screen::verbose() {
            let seconds = asked.waited_ms.div_ceil(1000);
            let _ = writeln!(
                out,
                "  {system}: {} sent, {} refused as too many; they waited {seconds} s for its rate",
                count(asked.sent, "request"),
                asked.refused
            );
        }
    }
    for flow in &report.flows {
        flow_text(&mut out, report, flow, if all { usize::MAX } else { SHOWN });
    }
    let writes = report.writes();
    let _ = match (would, writes) {
        (true, 0) => writeln!(out, "\nNothing would be written."),
        (true, n) => writeln!(
            out,
            "\n{} would be written. Nothing has been: this was a plan.",
            count(n, "record")
        ),
        (false, 0) => writeln!(out, "\nNothing was written."),
        (false, n) => writeln!(out, "\n{} written.", count(n, "record")),
    };
    if report.stopped {
        out.push_str("It was ended before it was done; the next run goes on.\n");
    }
    out.push_str(&part(report));
    out.push_str(&waiting(report));
    out
}

/// What a run was limited to, and what it left.
fn part(report: &Report) -> String {
    let mut out = String::new();
    let Some(part) = &report.part else { return out };
    let mut only: Vec<String> = part.flows.iter().map(|flow| format!("the flow {flow}")).collect();
    only.extend(part.systems.iter().map(|system| format!("writes to {system}")));
    only.extend(part.first.map(|first| format!("the first {}", count(first as u64, "record"))));
    let _ = write!(out, "Limited to {}. ", only.join(", "));
    let left = match (part.writes_left, part.records_left) {
        (0, 0) => "Nothing is left.".to_string(),
        (writes, 0) => format!("Left: {} decided and not made.", count(writes, "write")),
        (0, records) => format!("Left: {} not decided on.", count(records, "record")),
        (writes, records) => {
            format!(
                "Left: {} decided and not made, {} not decided on.",
                count(writes, "write"),
                count(records, "record")
            )
        }
    };
    let _ = write!(out, "{left}");
    if part.writes_left + part.records_left > 0 && !report.plan_only {
        let _ = write!(out, " `lockstep sync` makes them.");
    }
    out.push('\n');
    out
}

/// What needs a person, or keeps a system from being read or written.
pub fn attention(report: &Report) -> String {
    let mut out = warnings(report);
    for event in &report.events {
        match event {
            Event::Review { kind, record, why, rule, remedies, .. } => {
                let message = with_remedies(&wording::why(why), remedies);
                let _ = writeln!(out, "review {record}: {kind}: {} ({rule})", visible(&message));
            }
            Event::Refused { record, message, .. } => {
                let _ = writeln!(out, "review {record}: refused: {} (G4)", visible(message));
            }
            Event::Failing {
                source, target, kind, message, tries, not_before, unknown, ..
            } => {
                let (source, tries, not_before, unknown) =
                    (&*source.0, *tries, *not_before, *unknown);
                let fails = Failing { source, target, kind, message, tries, not_before, unknown };
                let _ = writeln!(out, "fails {}", visible(&fails.to_string()));
            }
            Event::StoredOtherwise { record, why, .. } => {
                let _ = writeln!(out, "stored {record}: {} (R6)", visible(&wording::why(why)));
            }
            _ => {}
        }
    }
    if report.needs_a_person() {
        out.push_str(&waiting(report));
    }
    out
}

/// What was left alone and why.
fn warnings(report: &Report) -> String {
    let mut out = String::new();
    for system in &report.systems {
        if let Some(why) = &system.paused {
            let why = with_remedies(why, &system.remedies);
            let _ = writeln!(out, "! {} was left alone: {}", system.system, visible(&why));
        }
    }
    for event in &report.events {
        if let Event::Fault { place, message } = event {
            let _ = writeln!(out, "! {}: {}", visible(place), visible(message));
        }
    }
    for guard in &report.guards {
        let message = with_remedies(&wording::why(&guard.why), &guard.remedies);
        let _ = writeln!(out, "! {} ({})", visible(&message), rule_of(&guard.guard));
    }
    for unnamed in &report.unnamed {
        let (name, records) = (&unnamed.name, count(unnamed.records, "record"));
        let _ = writeln!(
            out,
            "! {records} of {name} {} known, and no flow names it any more: if it has another name now, say so with `lockstep rename {name} NEW` (L12)",
            if unnamed.records == 1 { "is" } else { "are" }
        );
    }
    out
}

/// What waits, and for whom.
fn waiting(report: &Report) -> String {
    let mut out = String::new();
    let would = report.plan_only;
    let reviews: Vec<String> = report
        .reviews
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(kind, n)| format!("{n} × {kind}"))
        .collect();
    if !reviews.is_empty() {
        let _ = writeln!(out, "Waiting for a person: {} (lockstep review).", reviews.join(", "));
    }
    if report.waiting_references > 0 {
        let what = count(report.waiting_references, "reference");
        let _ = writeln!(out, "Waiting for other records: {what} (lockstep status).");
    }
    if report.incomplete > 0 {
        let what = count(report.incomplete, "record");
        let _ =
            writeln!(out, "Not created for want of a required property: {what} (lockstep status).");
    }
    if report.failing > 0 && !would {
        let _ = writeln!(
            out,
            "{} failed or not known to be done yet; nothing of that counts as written.",
            count(report.failing, "write")
        );
    }
    let left = report.part.as_ref().map_or(0, |part| part.writes_left);
    let waiting = report.outbox.saturating_sub(report.failing).saturating_sub(left);
    if waiting > 0 && !would && report.guards.iter().any(|guard| guard.record_type.is_none()) {
        let _ = writeln!(
            out,
            "{} decided; they wait until a person has answered the guard.",
            count(waiting, "write")
        );
    } else if waiting > 0 && !would {
        let _ = writeln!(
            out,
            "{} decided and not delivered yet; the next run goes on with them.",
            count(waiting, "write")
        );
    }
    out
}

fn flow_text(out: &mut String, report: &Report, flow: &FlowCounts, most: usize) {
    let _ = writeln!(out, "\n{}", flow.flow);
    let verb =
        |past: &'static str, would: &'static str| if report.plan_only { would } else { past };
    let done = [
        (flow.linked, verb("linked", "to link")),
        (flow.created, verb("created", "to create")),
        (flow.updated, verb("updated", "to update")),
        (flow.deleted, verb("deleted", "to delete")),
        (flow.review, "held for review"),
    ];
    let done: Vec<String> =
        done.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let _ = writeln!(
        out,
        "  {}",
        if done.is_empty() { "nothing to do".into() } else { done.join(", ") }
    );
    let situations: Vec<String> = Situation::ALL
        .iter()
        .filter_map(|s| {
            flow.situations.get(s.name()).filter(|n| **n > 0).map(|n| format!("{n} {}", s.name()))
        })
        .collect();
    if !situations.is_empty() {
        let _ = writeln!(out, "  looked at: {}", situations.join(", "));
    }
    for row in &flow.rows_not_kept {
        let _ = writeln!(out, "  ! row not kept: {row}");
    }
    let mine = |name: &str| name == flow.flow;
    let mut lines: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for event in &report.events {
        match event {
            Event::Linked { flow, a, b, by } if mine(flow) => {
                let by = wording::linked_by(by);
                lines.entry("1 link").or_default().push(format!("{a} = {b}  ({by})"))
            }
            Event::Created { flow, source, record, properties } if mine(flow) => {
                let arrow = if report.plan_only {
                    format!("a new {}", type_of(&record.0))
                } else {
                    record.to_string()
                };
                lines
                    .entry("2 create")
                    .or_default()
                    .push(format!("{arrow} from {source}: {}", changes(properties, false)));
            }
            Event::Updated { flow, source, record, properties } if mine(flow) => {
                lines
                    .entry("3 update")
                    .or_default()
                    .push(format!("{record} from {source}: {}", changes(properties, true)));
            }
            Event::Removed { flow, record, why, rule, .. } if mine(flow) => {
                let why = wording::why(why);
                lines.entry("4 delete").or_default().push(format!("{record}, as {why} ({rule})"));
            }
            Event::Restored { flow, source, record } if mine(flow) => {
                lines
                    .entry("2 restore")
                    .or_default()
                    .push(format!("{record}, as {source} is back (D2)"));
            }
            Event::Kept { flow, record, why, rule } if mine(flow) => {
                let text = format!("{} ({rule})", wording::why(why));
                lines.entry("6 keep").or_default().push(format!("{record}: {text}"));
            }
            Event::StoredOtherwise { flow, record, why } if mine(flow) => {
                let text = format!("{record}: {} (R6)", wording::why(why));
                lines.entry("8 stored").or_default().push(text);
            }
            Event::Failing { flow, source, target, kind, message, tries, not_before, unknown }
                if mine(flow) =>
            {
                let fails = Failing {
                    source: &source.0,
                    target,
                    kind,
                    message,
                    tries: *tries,
                    not_before: *not_before,
                    unknown: *unknown,
                };
                lines.entry("7 fails").or_default().push(fails.to_string());
            }
            Event::Waits { flow, record, why, rule } if mine(flow) => {
                let why = wording::why(why);
                lines.entry("5 wait").or_default().push(format!("{record}: {why} ({rule})"));
            }
            _ => {}
        }
    }
    for (kind, lines) in &lines {
        for line in lines.iter().take(most) {
            let _ = writeln!(out, "  {:<6} {}", &kind[2..], visible(line));
        }
        if lines.len() > most {
            let _ = writeln!(out, "  {:<6} … and {} more", &kind[2..], lines.len() - most);
        }
    }
    let mut reviews: Vec<String> = Vec::new();
    for event in &report.events {
        match event {
            Event::Review { flow, kind, record, why, rule, remedies } if mine(flow) => {
                let message = with_remedies(&wording::why(why), remedies);
                reviews.push(format!("{record}: {kind}: {message} ({rule})"))
            }
            Event::Refused { flow, record, message } if mine(flow) => {
                reviews.push(format!("{record}: refused: {message} (G4)"))
            }
            _ => {}
        }
    }
    for line in reviews.iter().take(most) {
        let _ = writeln!(out, "  review {}", visible(line));
    }
    if reviews.len() > most {
        let _ = writeln!(out, "  review … and {} more", reviews.len() - most);
    }
    for (why, records) in reasons(flow) {
        let _ = writeln!(out, "  {records} without a counterpart: {}", visible(&why));
    }
}

/// Why records have no counterpart, in words, in the order of the words. What waits for a person is
/// told record by record, and what is being created is told as created.
fn reasons(flow: &FlowCounts) -> BTreeMap<String, u64> {
    let is_told = |why: &Why| {
        matches!(
            why,
            Why::NotYet(NotYet::BeingCreated)
                | Why::Linking(Linking::SeveralMatch { .. } | Linking::SeveralClaim { .. })
        )
    };
    let mut found = BTreeMap::new();
    for count in flow.why.iter().filter(|count| !is_told(&count.why)) {
        *found.entry(wording::why(&count.why)).or_default() += count.records;
    }
    found
}

/// The rule that a guard keeps, by the guard's name.
pub fn rule_of(guard: &str) -> &'static str {
    if guard == "lost" { "R5" } else { "G3" }
}

/// A write that fails, in words (G4).
pub struct Failing<'a> {
    pub source: &'a str,
    pub target: &'a str,
    pub kind: &'a str,
    pub message: &'a str,
    pub tries: u32,
    pub not_before: Option<lockstep_model::Timestamp>,
    pub unknown: bool,
}

impl std::fmt::Display for Failing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Failing { source, target, kind, message, tries, not_before, unknown } = self;
        let times = if *tries == 1 { "once".into() } else { format!("{tries} times") };
        write!(f, "{kind} {target} from {source}, tried {times}: {message}; ")?;
        match (unknown, not_before) {
            (true, Some(at)) => write!(
                f,
                "whether it was done is not known, and looked for again after {} (C2)",
                local(*at)
            ),
            (true, None) => {
                write!(f, "whether it was done is not known, and looked for in the next run (C2)")
            }
            (false, Some(at)) => write!(f, "tried again after {} (G4)", local(*at)),
            (false, None) => write!(f, "tried again in the next run (G4)"),
        }
    }
}

fn type_of(record: &str) -> &str {
    record.rsplit_once('/').map_or(record, |(ty, _)| ty)
}

fn changes(properties: &[PropertyChange], with_before: bool) -> String {
    let one = |p: &PropertyChange| {
        let after = match &p.counterpart_of {
            Some(of) => format!("the id of {of}’s counterpart"),
            None => shown(&p.after),
        };
        let why = wording::decided(p.why.as_ref());
        match (with_before, why) {
            (true, why) => {
                let why = why.map_or(String::new(), |why| format!(": {why}"));
                format!("{} {} → {after} ({}{why})", p.path, shown(&p.before), p.rule)
            }
            (false, Some(why)) => format!("{} {after} ({why})", p.path),
            (false, None) => format!("{} {after}", p.path),
        }
    };
    properties.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// `1 record`, `2 records`
pub fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Where the time went, with shares in per cent.
pub fn shares(report: &Report) -> String {
    let s = report.shares;
    let total = u64::try_from((report.ended.0 - report.started.0).max(1)).unwrap_or(1);
    let rows = [
        ("waiting for reading and parsing", s.waiting_for_systems_ms),
        ("observing", s.observing_ms),
        ("loading", s.loading_ms),
        ("deciding", s.deciding_ms),
        ("storing", s.storing_ms),
        ("waiting for writing", s.delivering_ms),
    ];
    let mut out = format!("time: {total} ms in all\n");
    for (what, ms) in rows {
        let _ = writeln!(out, "  {what:<32} {ms:>8} ms {:>3} %", ms * 100 / total);
    }
    out
}
