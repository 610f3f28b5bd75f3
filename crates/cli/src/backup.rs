//! `backup` and `restore`: copies of the store, made while a service is at work, and put back.

use std::path::Path;

use lockstep_config::Commands;

use crate::args::Format;
use crate::exit::{Exit, Failure, Result};
use crate::look::json;
use crate::{print, project, wire};

/// The store of a project, whose other files may be as they are.
fn store_of(dir: &Path) -> Result<std::path::PathBuf> {
    let (project, problems) = project::load(dir, Commands::Leave);
    match project {
        Some(project) => project::path_of_store(&project),
        None => {
            problems.iter().for_each(|problem| eprintln!("{}", problem.render()));
            Err(Failure::usage("the project's files do not tell where its store is"))
        }
    }
}

/// Copies the store into a file.
pub fn backup(dir: &Path, file: &Path, force: bool, format: Format) -> Result<Exit> {
    let made = lockstep_service::back_up(&store_of(dir)?, file, force).map_err(|refusal| {
        let failure = project::refusal(refusal);
        match file.exists() && !force && failure.status == 2 {
            true => Failure::usage(format!("{}, or say `--force`", failure.message)),
            false => failure,
        }
    })?;
    if format == Format::Json {
        json(&wire::BackedUp::new(file, &made))?;
        return Ok(Exit::Done);
    }
    println!("{}: {} bytes, checked.", file.display(), made.bytes);
    println!("Its checksum is in {}.", made.checksum.display());
    Ok(Exit::Done)
}

/// Puts a copy in the place of the store, and tells what is found out about first.
pub fn restore(dir: &Path, file: &Path, force: bool, format: Format) -> Result<Exit> {
    if !file.exists() {
        return Err(Failure::usage(format!("there is no file {}", file.display())));
    }
    let store = store_of(dir)?;
    let restored = lockstep_service::restore(file, &store, force).map_err(|refusal| {
        let failure = project::refusal(refusal);
        match store.exists() && !force && failure.status == 2 {
            true => Failure::usage(format!(
                "{}; `--force` puts the copy in its place, and keeps it beside",
                failure.message
            )),
            false => failure,
        }
    })?;
    if format == Format::Json {
        json(&wire::RestoredStore::new(&store, &restored))?;
        return Ok(Exit::Done);
    }
    let checked = match restored.verified {
        true => "its checksum is right",
        false => "it has no checksum; SQLite finds it whole",
    };
    println!("{} is as {} has it: {checked}.", store.display(), file.display());
    if let Some(aside) = &restored.store.replaced {
        println!("What was there before is {}.", aside.display());
    }
    for one in &restored.store.open {
        println!(
            "unknown  {} in {}: may have been sent since the copy was made",
            print::count(one.count, one.kind.name()),
            one.ty
        );
    }
    if !restored.store.open.is_empty() {
        println!("The next run finds out about these before it writes anything (C2).");
    }
    println!("Look at `lockstep plan` before anything runs.");
    Ok(Exit::Done)
}
