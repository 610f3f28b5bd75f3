//! A file of a project as text.

use std::path::Path as FilePath;
use std::sync::Arc;

use crate::codes;
use crate::problem::Problem;
use crate::source::{Place, Source};

pub(crate) fn read_file(dir: &FilePath, name: &str) -> Result<Arc<Source>, Box<Problem>> {
    let fails = |message: String, help: &str| {
        let place = Place::new(&Arc::new(Source::new(name, "")), 0..0);
        Err(Box::new(Problem::error(codes::UNREADABLE_FILE, place, message).help(help)))
    };
    match std::fs::read(dir.join(name)) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Arc::new(Source::new(name, text))),
            Err(error) => {
                let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
                    .iter()
                    .filter(|b| **b == b'\n')
                    .count()
                    + 1;
                fails(format!("{name} is no UTF-8 text: line {line}"), "save it as UTF-8")
            }
        },
        Err(error) => fails(
            format!("{name} can't be read: {error}"),
            "see that the file is there and may be read",
        ),
    }
}
