//! The checklist on a terminal: a line per statement and row, a summary, the first failure in
//! detail.

use std::fmt::Write as _;

use crate::checklist::{Checklist, Line, Tally};
use crate::passive::NOT_SEEN;
use crate::trial::{Trial, Verdict};

/// What is said of a line that holds between records that a person links.
pub const ONCE_LINKED: &str = "nothing else linked the records that it was tried with";

/// Every line with its verdict, then the first failure, then the summary.
pub fn checklist(list: &Checklist) -> String {
    let mut out = String::new();
    for document in &list.documents {
        let _ = writeln!(out, "{}: {}", document.name, document.draft.title_text().trim());
        for section in &document.sections {
            let _ = writeln!(out, "\n  {}", section.heading);
            if let Some(why) = &section.vacuous {
                let _ = writeln!(
                    out,
                    "    {} impossible as written: {why}",
                    Verdict::Impossible(String::new()).mark()
                );
                continue;
            }
            for statement in &section.statements {
                line(&mut out, list, "    ", &statement.line, statement.rows.is_empty());
                for row in &statement.rows {
                    line(&mut out, list, "      ", row, true);
                }
            }
            for more in section.deletion.iter().chain(std::iter::once(&section.idle)) {
                line(&mut out, list, "    ", more, true);
            }
        }
        out.push('\n');
    }
    if let Some((document, section, line)) = list
        .lines()
        .find(|(_, _, line)| line.verdict == Verdict::Violated && !line.trials.is_empty())
    {
        let _ = writeln!(
            out,
            "The first that does not hold: {}, {}",
            place(&document.name, line),
            section.heading
        );
        let _ = writeln!(out, "  {}", line.text);
        for trial in line
            .trials
            .iter()
            .map(|at| &list.trials[*at])
            .filter(|trial| trial.verdict == Some(Verdict::Violated))
            .take(1)
        {
            out.push_str(&failure(trial));
        }
        out.push('\n');
    }
    out.push_str(&summary(list));
    out
}

/// All of it in one line.
pub fn summary(list: &Checklist) -> String {
    format!("{}\n", tallied(list, &list.tally()))
}

/// `12 proved, 1 violated, 3 not tried; 40 trials.`
pub fn tallied(list: &Checklist, tally: &Tally) -> String {
    if list.in_operation {
        return format!(
            "{} proved, {} violated, {} {NOT_SEEN}.",
            tally.proved, tally.violated, tally.not_tried
        );
    }
    let once_linked = match tally.once_linked {
        0 => String::new(),
        n => format!(" {n} proved once linked by hand,"),
    };
    let impossible = match tally.impossible {
        0 => String::new(),
        n => format!(" {n} impossible as written,"),
    };
    let Tally { proved, violated, not_tried, trials, .. } = tally;
    format!(
        "{proved} proved,{once_linked} {violated} violated,{impossible} {not_tried} not tried; {trials} trials."
    )
}

fn place(name: &str, line: &Line) -> String {
    match line.at {
        Some(at) => format!("{name}:{at}"),
        None => name.to_string(),
    }
}

fn line(out: &mut String, list: &Checklist, indent: &str, line: &Line, with_reason: bool) {
    let _ = writeln!(out, "{indent}{} {}", line.verdict.mark(), line.text);
    if !with_reason {
        return;
    }
    match &line.verdict {
        Verdict::Impossible(why) => drop(writeln!(out, "{indent}    impossible as written: {why}")),
        Verdict::NotTried(why) => {
            let trials: Vec<&Trial> = line.trials.iter().map(|at| &list.trials[*at]).collect();
            if trials.len() < 2 {
                let _ = writeln!(out, "{indent}    {}", untried(why));
            }
            for trial in trials.iter().filter(|_| trials.len() > 1) {
                if let Some(Verdict::NotTried(why)) = &trial.verdict {
                    let _ = writeln!(out, "{indent}    {}: {}", trial.name, untried(why));
                }
            }
        }
        Verdict::Violated => {
            for trial in line
                .trials
                .iter()
                .map(|at| &list.trials[*at])
                .filter(|trial| trial.verdict == Some(Verdict::Violated))
            {
                let _ = writeln!(out, "{indent}    violated: {}", trial.name);
                if let Some(failure) = &trial.failure {
                    let _ = writeln!(out, "{indent}      expected: {}", failure.expected);
                    let _ = writeln!(out, "{indent}      found:    {}", failure.found);
                }
            }
        }
        Verdict::Proved | Verdict::OnceLinked => {
            if line.verdict == Verdict::OnceLinked {
                let _ = writeln!(out, "{indent}    proved once linked by hand: {ONCE_LINKED}");
            }
            for trial in line.trials.iter().map(|at| &list.trials[*at]) {
                if let Some(Verdict::NotTried(why)) = &trial.verdict {
                    let _ = writeln!(out, "{indent}    {}: {}", trial.name, untried(why));
                }
                if let Some(Verdict::Impossible(why)) = &trial.verdict {
                    let _ =
                        writeln!(out, "{indent}    {}: impossible as written: {why}", trial.name);
                }
                for told in trial.told.iter().filter(|_| list.in_operation) {
                    let _ = writeln!(out, "{indent}    {}: {told}", trial.name);
                }
            }
        }
    }
}

fn untried(why: &str) -> String {
    if why == NOT_SEEN { why.to_string() } else { format!("not tried: {why}") }
}

/// What was done, what was expected and what was found, with the requests that have to do with it.
pub fn failure(trial: &Trial) -> String {
    let mut out = format!("  The trial: {}\n", trial.name);
    for (n, told) in trial.told.iter().enumerate() {
        let _ = writeln!(out, "    {}. {told}", n + 1);
    }
    if let Some(failure) = &trial.failure {
        let _ = writeln!(out, "  expected: {}\n  found:    {}", failure.expected, failure.found);
        for exchange in &failure.exchanges {
            let _ = writeln!(out, "    {}", exchange.replace('\n', "\n    "));
        }
    }
    out
}
