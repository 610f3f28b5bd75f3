//! `test`: the tests of the project's flows, played in memory.

use std::path::Path;

use lockstep_config::{FlowTest, Project};
use lockstep_engine::plan::Schemas;
use lockstep_workbench::play::{FailedStep, Played, play};

use crate::args::Rows;
use crate::exit::{Exit, Failure, Result};
use crate::{print, project};

/// Plays the tests whose names hold one of these texts; all of them where none is given.
pub fn test(dir: &Path, names: &[String], format: Rows) -> Result<Exit> {
    let opened = project::open_without_secrets(dir)?;
    let tests: Vec<&FlowTest> = opened.project.files.iter().flat_map(|file| &file.tests).collect();
    let chosen = chosen(&tests, names)?;
    let results = play_all(&opened.project, &opened.schemas, &chosen)?;
    let failed = results.iter().filter(|played| !played.passed).count();
    match format {
        Rows::Csv => emit!("{}", crate::rows::tests(&results)),
        Rows::Json => crate::look::json(&crate::wire::Tested::from(results.clone()))?,
        Rows::Text => {
            results.iter().for_each(|played| print!("{}", text(played)));
            for played in results.iter().filter(|played| crate::screen::quiet() && !played.passed) {
                eprintln!("{}", text(played).trim_end());
            }
            let passed = results.len() - failed;
            println!(
                "{}: {passed} passed, {failed} failed.",
                print::count(results.len() as u64, "test")
            );
        }
    }
    if results.is_empty() && format == Rows::Text {
        println!("Write some under `tests:` in a flow file (docs/projects.md).");
    }
    Ok(if failed > 0 { Exit::NeedsAPerson } else { Exit::Done })
}

fn chosen<'a>(tests: &[&'a FlowTest], names: &[String]) -> Result<Vec<&'a FlowTest>> {
    for name in names {
        if !tests.iter().any(|test| test.name.contains(name.as_str())) {
            let known: Vec<String> = tests.iter().map(|test| format!("  {}", test.name)).collect();
            let known = if known.is_empty() { "  none".into() } else { known.join("\n") };
            return Err(Failure::usage(format!(
                "no test has a name with `{name}` in it; there are\n{known}"
            )));
        }
    }
    let is_chosen = |test: &&&FlowTest| {
        names.is_empty() || names.iter().any(|name| test.name.contains(name.as_str()))
    };
    Ok(tests.iter().filter(is_chosen).copied().collect())
}

fn play_all(project: &Project, schemas: &Schemas, tests: &[&FlowTest]) -> Result<Vec<Played>> {
    tests.iter().map(|test| play(test, &project.flows, schemas).map_err(Failure::usage)).collect()
}

fn text(played: &Played) -> String {
    if played.passed {
        return format!("ok      {}\n", played.name);
    }
    let mut out = format!("FAILED  {}  ({}:{})\n", played.name, played.file, played.line);
    for FailedStep { step, line, missing, unexpected, notes } in &played.failed {
        out += &format!("  step {step}, {}:{line}: - expected, + found\n", played.file);
        // A property that differs is shown as it should be and, below that, as it is.
        let mut lines: Vec<(&str, char)> =
            missing.iter().map(|line| (line.as_str(), '-')).collect();
        lines.extend(unexpected.iter().map(|line| (line.as_str(), '+')));
        lines.sort_by_key(|(line, sign)| {
            (line.split(": ").next().unwrap_or_default(), *sign == '+')
        });
        lines.iter().for_each(|(line, sign)| out += &format!("  {sign} {line}\n"));
        notes.iter().for_each(|note| out += &format!("    {note}\n"));
    }
    out
}
