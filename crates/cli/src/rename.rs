//! `rename`: a system, record type or property has another name now (L12); links and history stay.

use std::path::Path;

use lockstep_store::SqliteStore;

use crate::acts::act_failure;
use crate::args::Format;
use crate::exit::{Exit, Failure, Result};
use crate::look::json;
use crate::{print, project, wire};

/// Puts what is stored under another name. The flows may name the old one still, or the new one
/// already.
pub fn rename(dir: &Path, format: Format, old: &str, new: &str) -> Result<Exit> {
    let opened = project::open(dir)?;
    let path = opened.store_path()?;
    if !path.exists() {
        return Err(Failure::usage(format!(
            "there is no store at {} yet: nothing need be renamed",
            path.display()
        )));
    }
    let mut store = SqliteStore::open(&path).map_err(project::store_failure)?;
    let renamed = lockstep_hub::rename::rename(&mut store, &opened.project.flows, old, new)
        .map_err(act_failure)?;
    // A system's token goes with its name: nobody should have to sign in anew.
    if !old.contains('.')
        && let Ok((from, to)) = opened.keep(old).and_then(|from| Ok((from, opened.keep(new)?)))
        && let Ok(Some(kept)) = from.vault.read(old)
        && matches!(to.vault.read(new), Ok(None))
    {
        to.vault.write(new, &kept).map_err(|trouble| Failure::person(trouble.to_string()))?;
    }
    if format == Format::Json {
        json(&wire::Renamed::from(&renamed))?;
        return Ok(Exit::Done);
    }
    for (old, new) in &renamed.names {
        println!("{old} is {new} from now on.");
    }
    println!(
        "{} kept with links and history. The flows must name the new one: while they do not, `lockstep plan` says so and nothing is created.",
        print::count(renamed.records, "record")
    );
    Ok(Exit::Done)
}
