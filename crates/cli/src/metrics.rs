//! `metrics`: the figures of a project as Prometheus reads them, for a file that its node exporter
//! collects.

use std::path::Path;

use lockstep_service::Metrics;

use crate::exit::{Exit, Failure, Result};
use crate::project;

/// Prints the figures, or writes them into a file: whole, or not at all.
pub fn metrics(dir: &Path, out: Option<&Path>) -> Result<Exit> {
    let opened = project::open_for_looking(dir)?;
    let mut hub = opened.hub_for_looking()?;
    let found = Metrics::of(&mut hub.ledger, &opened.store_path()?, None);
    let text = found.map_err(project::hub_failure)?.render();
    match out {
        None => emit!("{text}"),
        Some(path) => {
            let mut part = path.as_os_str().to_os_string();
            part.push(".part");
            let part = Path::new(&part);
            std::fs::write(part, text).map_err(|error| Failure::file(part, &error))?;
            std::fs::rename(part, path).map_err(|error| Failure::file(path, &error))?;
        }
    }
    Ok(Exit::Done)
}
