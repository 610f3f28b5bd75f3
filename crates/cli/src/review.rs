//! `review`: what waits for a person, side by side, and the answers, one by one or many at once.

use std::path::Path;

use lockstep_hub::Hub;
use lockstep_hub::answers::Answer;
use lockstep_hub::look::{ReviewLine, ReviewShown};
use lockstep_model::value::shown;
use lockstep_model::visible::visible;

use crate::acts::agreed;
use crate::args::{ReviewAct, ReviewsMeant, Rows};
use crate::exit::{Exit, Failure, Result};
use crate::look::json;
use crate::rows::csv;
use crate::times::localised;
use crate::wording::{self, but_answers, commands, with_remedies};
use crate::{print, project, wire};

/// No column of a side-by-side is wider than this.
const WIDEST: usize = 40;

/// Lists what waits, shows one, or answers.
pub fn review(dir: &Path, format: Rows, act: Option<ReviewAct>) -> Result<Exit> {
    if act.is_some() && format == Rows::Csv {
        return Err(Failure::usage(
            "only the list of reviews has rows: `lockstep review --format csv`; use `--format json` here",
        ));
    }
    match act {
        None => list(dir, format),
        Some(ReviewAct::Show { number }) => show(dir, format, number),
        Some(ReviewAct::Accept { which }) => answer(dir, format, &which, &Answer::Accept),
        Some(ReviewAct::Reject { which }) => answer(dir, format, &which, &Answer::Reject),
        Some(ReviewAct::Separate { which }) => answer(dir, format, &which, &Answer::Separate),
        Some(ReviewAct::Link { number, record }) => {
            let which = ReviewsMeant { numbers: vec![number], ..ReviewsMeant::default() };
            answer(dir, format, &which, &Answer::Link(record))
        }
    }
}

fn all(hub: &mut Hub) -> Result<Vec<ReviewLine>> {
    hub.ledger.reviews(usize::MAX >> 1).map_err(project::store_failure)
}

fn list(dir: &Path, format: Rows) -> Result<Exit> {
    let reviews = all(&mut project::open_for_looking(dir)?.hub_for_looking()?)?;
    if format == Rows::Json {
        json(&wire::Reviews::from(reviews.clone()))?;
    } else if format == Rows::Csv {
        let row = |review: &ReviewLine| {
            let more = format!("(and {} more)", review.more_candidates);
            vec![
                review.number.to_string(),
                review.kind.clone(),
                review.flow.clone(),
                review.record.0.clone(),
                review.label.clone(),
                review.in_type.clone(),
                review.path.clone().unwrap_or_default(),
                review.rule.clone(),
                with_remedies(&wording::why(&review.why), &review.remedies),
                review
                    .candidates
                    .iter()
                    .map(|(name, _)| name.0.as_str())
                    .chain((review.more_candidates > 0).then_some(more.as_str()))
                    .collect::<Vec<_>>()
                    .join(" "),
                review.opened.clone(),
            ]
        };
        let header = [
            "number",
            "kind",
            "flow",
            "record",
            "label",
            "in",
            "property",
            "rule",
            "message",
            "candidates",
            "opened",
        ];
        emit!("{}", csv(&header, reviews.iter().map(row)));
    } else {
        for review in &reviews {
            print!("{}", text(review));
        }
        match reviews.first() {
            None => println!("Nothing waits for a person."),
            Some(first) => println!(
                "\n`lockstep review show {0}` shows the records side by side; `review accept|reject|separate {0}` and `review link {0} \
                 RECORD` answer.",
                first.number
            ),
        }
    }
    Ok(if reviews.is_empty() { Exit::Done } else { Exit::NeedsAPerson })
}

fn text(review: &ReviewLine) -> String {
    let path = review.path.as_ref().map_or(String::new(), |path| format!(" {path}"));
    let mut out = format!(
        "{}  {}: {}  {}\n",
        review.number,
        review.kind,
        review.record,
        visible(&review.label)
    );
    out.push_str(&format!(
        "    {}{path}: {}\n",
        review.in_type,
        visible(&with_remedies(&wording::why(&review.why), &review.remedies))
    ));
    for (name, label) in &review.candidates {
        out.push_str(&format!("    ? {name}  {}\n", visible(label)));
    }
    if review.more_candidates > 0 {
        out.push_str(&format!("    … and {} more\n", review.more_candidates));
    }
    out.push_str(&format!("    {}: {}\n", review.rule, review.sentence));
    out
}

fn show(dir: &Path, format: Rows, number: i64) -> Result<Exit> {
    let found = project::open_for_looking(dir)?
        .hub_for_looking()?
        .ledger
        .review(number)
        .map_err(project::store_failure)?;
    let Some(found) = found else {
        return Err(Failure::usage(format!(
            "there is no open review {number}; `lockstep review` lists them"
        )));
    };
    if format == Rows::Json {
        json(&wire::ReviewShown::from(found))?;
        return Ok(Exit::NeedsAPerson);
    }
    let review = &found.review;
    let path = review.path.as_ref().map_or(String::new(), |path| format!(" {path}"));
    println!(
        "{}  {}, since {}, in {}",
        review.number,
        review.kind,
        localised(&review.opened),
        review.flow
    );
    let message = with_remedies(&wording::why(&review.why), &but_answers(&review.remedies));
    println!("{}{path}: {}", review.in_type, visible(&message));
    if !found.value.is_null() {
        println!("the value: {}", shown(&found.value));
    }
    println!("by rule {}: {}\n", review.rule, review.sentence);
    print!("{}", table(&found));
    if review.more_candidates > 0 {
        println!("… and {} more", review.more_candidates);
    }
    println!("\n{}", ways_on(review));
    Ok(Exit::NeedsAPerson)
}

/// Both records, or all, side by side; what differs is marked.
fn table(found: &ReviewShown) -> String {
    let head: Vec<String> = found.columns.iter().map(|(name, _)| name.to_string()).collect();
    let mut rows: Vec<(bool, Vec<String>)> = vec![];
    for row in &found.rows {
        let cell = |cell: &Option<(String, lockstep_model::Value)>| match cell {
            Some((path, value)) => format!("{path}: {}", shown(value)),
            None => "–".into(),
        };
        rows.push((row.differs, row.cells.iter().map(cell).collect()));
    }
    let widths: Vec<usize> = (0..head.len())
        .map(|at| {
            let longest = rows
                .iter()
                .map(|(_, row)| row[at].chars().count())
                .chain([head[at].chars().count()])
                .max();
            longest.unwrap_or(0).min(WIDEST)
        })
        .collect();
    let line = |mark: &str, cells: &[String]| {
        let mut out = format!("{mark} ");
        for (cell, width) in cells.iter().zip(&widths) {
            let cut: String = match cell.chars().count() > *width {
                true => cell.chars().take(width - 1).chain(['…']).collect(),
                false => cell.clone(),
            };
            out.push_str(&format!("{cut:<width$}   "));
        }
        format!("{}\n", out.trim_end())
    };
    let mut out = line(" ", &head);
    for (differs, row) in &rows {
        out.push_str(&line(if *differs { "≠" } else { " " }, row));
    }
    out
}

/// The commands that answer a review, with what each does.
fn ways_on(review: &ReviewLine) -> String {
    let ways = commands(review.number, &review.remedies);
    let lines: Vec<String> = ways
        .into_iter()
        .map(|(command, does)| visible(&format!("{command}    {does}")).into_owned())
        .collect();
    lines.join("\n")
}

fn answer(dir: &Path, format: Rows, which: &ReviewsMeant, answer: &Answer) -> Result<Exit> {
    let opened = project::open(dir)?;
    let reviews = all(&mut opened.hub_for_looking()?)?;
    let meant = meant(&reviews, which)?;
    if meant.len() > 1 {
        if format == Rows::Text {
            for review in &meant {
                print!("{}", text(review));
            }
            println!(
                "{} would be answered with {answer:?}.",
                print::count(meant.len() as u64, "review")
            );
        }
        let go_on = match format {
            Rows::Json => which.yes,
            Rows::Text | Rows::Csv => agreed(which.yes, "Answer all of them?")?,
        };
        if !go_on {
            if format == Rows::Json {
                let text = "nothing was done: more than one needs --yes";
                let told: Vec<_> = meant
                    .iter()
                    .map(|r| wire::Answered { number: r.number, done: false, text: text.into() })
                    .collect();
                json(&wire::Answers(told))?;
            }
            return Ok(Exit::NeedsAPerson);
        }
    }
    let numbers: Vec<i64> = meant.iter().map(|review| review.number).collect();
    let answered = opened.desk()?.answer(&numbers, answer).map_err(project::refusal)?;
    if format == Rows::Json {
        json(&wire::Answers(answered.iter().cloned().map(wire::Answered::from).collect()))?;
    } else {
        for one in &answered {
            let text = with_remedies(&one.text, &one.remedies);
            println!("{}{}: {}", if one.done { "" } else { "! " }, one.number, visible(&text));
        }
    }
    let all_done = answered.iter().all(|one| one.done);
    Ok(if all_done { Exit::Done } else { Exit::NeedsAPerson })
}

fn meant<'a>(reviews: &'a [ReviewLine], which: &ReviewsMeant) -> Result<Vec<&'a ReviewLine>> {
    let picks = which.all || which.kind.is_some() || which.flow.is_some();
    if which.numbers.is_empty() != picks {
        return Err(Failure::usage(
            "say which reviews: their numbers, or --all, --kind KIND, --flow FLOW",
        ));
    }
    if let Some(unknown) =
        which.numbers.iter().find(|n| !reviews.iter().any(|review| review.number == **n))
    {
        return Err(Failure::usage(format!(
            "there is no open review {unknown}; `lockstep review` lists them"
        )));
    }
    let fits = |review: &&ReviewLine| match picks {
        false => which.numbers.contains(&review.number),
        true => {
            which.kind.as_ref().is_none_or(|kind| review.kind.starts_with(kind.as_str()))
                && which.flow.as_ref().is_none_or(|flow| review.flow.contains(flow.as_str()))
        }
    };
    let meant: Vec<&ReviewLine> = reviews.iter().filter(fits).collect();
    if meant.is_empty() {
        let mut kinds: Vec<&str> = reviews.iter().map(|review| review.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        return Err(Failure::usage(match kinds.is_empty() {
            true => "nothing waits for a person".to_string(),
            false => format!(
                "no open review fits; there are reviews of these kinds: {}",
                kinds.join(", ")
            ),
        }));
    }
    Ok(meant)
}
