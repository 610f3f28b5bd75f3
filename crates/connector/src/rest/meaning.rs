//! What a manifest says that its record types and properties mean, held against the vocabulary and
//! against what else it says of them.

use super::place::Fault;
use super::written::{Manifest, PropertyYaml, TypeWord};
use crate::vocabulary::{Vocabulary, vocabulary};

/// All that is wrong about it.
pub(super) fn meanings(manifest: &Manifest, text: &str) -> Vec<Fault> {
    let words = vocabulary();
    let mut wrong = Vec::new();
    for (kind, ty) in &manifest.types {
        let key = format!("{kind}:");
        if let Some(word) = &ty.means
            && let Err(why) = words.record_type(word)
        {
            wrong.push(Fault::at(text, &["types:", &key, "means:"], format!("{kind}: {why}")));
        }
        for (path, property) in &ty.properties {
            let Some(word) = &property.means else { continue };
            if let Err(why) = meaning(words, manifest, ty.means.as_deref(), property, word) {
                let place = ["types:", &key, "properties:", &format!("{path}:"), "means:"];
                wrong.push(Fault::at(text, &place, format!("{kind}.{path}: {why}")));
            }
        }
    }
    wrong
}

fn meaning(
    words: &Vocabulary,
    manifest: &Manifest,
    of: Option<&str>,
    property: &PropertyYaml,
    word: &str,
) -> Result<(), String> {
    let term = words.property(word)?;
    let Some(of) = of else {
        return Err("`means` of a property needs `means` of its record type".into());
    };
    if word.split('.').next() != Some(of) {
        return Err(format!("`{word}`: its record type means `{of}`, so this begins with `{of}.`"));
    }
    let fits = match property.ty {
        Some(TypeWord::Boolean) => term.ty == "boolean",
        Some(TypeWord::Date | TypeWord::Datetime) => matches!(term.ty.as_str(), "date" | "time"),
        Some(TypeWord::Minutes) => term.ty == "duration",
        _ => true,
    };
    if !fits {
        return Err(format!("`{word}` is of the type {}, and the property is not", term.ty));
    }
    let Some(to) = &property.reference else { return Ok(()) };
    if property.reference_by.is_none() && !words.refers(term) {
        return Err(format!("`{word}` leads to no record, and the property refers to {to}"));
    }
    let other = manifest.types.get(to).and_then(|to| to.means.as_deref());
    match other {
        Some(other) if words.refers(term) => {
            if words.is_a(other, &term.ty) || words.is_a(&term.ty, other) {
                return Ok(());
            }
            Err(format!(
                "`{word}` leads to a {}, and the property to {to}, which means `{other}`",
                term.ty
            ))
        }
        _ => Ok(()),
    }
}
