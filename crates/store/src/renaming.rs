//! L12: what another name for a system, a record type or a property changes of what is stored, in
//! whatever form it is.

use std::collections::BTreeMap;

use crate::{Renaming, StoredType};

/// The old names and the new ones.
#[derive(Default)]
pub(crate) struct Names {
    pub types: BTreeMap<String, String>,
    /// Of one record type, by its name.
    pub property: Option<(String, String, String)>,
    pub system: Option<(String, String)>,
}

impl Names {
    /// What a renaming changes of what is stored; `Err` where nothing is known by the old name.
    pub(crate) fn of(
        renaming: &Renaming,
        stored: &[StoredType],
    ) -> std::result::Result<Names, String> {
        let mut names = Names::default();
        let is_stored = |name: &str| stored.iter().any(|ty| ty.name == name);
        match renaming {
            Renaming::System { old, new } => {
                for ty in stored {
                    if let Some(kind) = ty.name.strip_prefix(&format!("{old}.")) {
                        names.types.insert(ty.name.clone(), format!("{new}.{kind}"));
                    }
                }
                if names.types.is_empty() {
                    return Err(format!("nothing is known of a system `{old}`; {}", known(stored)));
                }
                names.system = Some((old.clone(), new.clone()));
            }
            Renaming::Type { old: ty, .. } | Renaming::Property { ty, .. } if !is_stored(ty) => {
                return Err(format!("nothing is known of a record type `{ty}`; {}", known(stored)));
            }
            Renaming::Type { old, new } => {
                names.types.insert(old.clone(), new.clone());
            }
            Renaming::Property { ty, old, new } => {
                names.property = Some((ty.clone(), old.clone(), new.clone()));
            }
        }
        Ok(names)
    }

    pub(crate) fn ty(&self, name: &str) -> Option<&str> {
        self.types.get(name).map(String::as_str)
    }

    pub(crate) fn path(&self, ty: &str, path: &str) -> Option<&str> {
        self.property
            .as_ref()
            .filter(|(of, old, _)| of == ty && old == path)
            .map(|(_, _, new)| new.as_str())
    }

    /// A mark's name: the names in it stand after colons, those of flows with `to` between them.
    pub(crate) fn mark(&self, name: &str) -> Option<String> {
        let part = |part: &str| match part.split_once(" to ") {
            Some((from, to)) => {
                format!("{} to {}", self.ty(from).unwrap_or(from), self.ty(to).unwrap_or(to))
            }
            None => match &self.system {
                Some((old, new)) if part == old => new.clone(),
                _ => self.ty(part).unwrap_or(part).to_string(),
            },
        };
        let renamed = name.split(':').map(part).collect::<Vec<_>>().join(":");
        (renamed != name).then_some(renamed)
    }

    /// Whether something of this name may be in the way: it has a new name, or is of a system that
    /// has one.
    pub(crate) fn is_of_new(&self, name: &str) -> bool {
        match &self.system {
            Some((_, new)) => name.strip_prefix(new).is_some_and(|rest| rest.starts_with('.')),
            None => self.types.values().any(|new| new == name),
        }
    }

    /// Why a property can't have its new name.
    pub(crate) fn property_taken(&self) -> String {
        let (ty, old, new) = self.property.clone().unwrap_or_default();
        format!(
            "`{new}` of {ty} is a property that is known already, with values and a history of its own: those of `{old}` would be mixed with them. \
             To swap two names, give one of them a third name first"
        )
    }

    /// Why a record type can't make room.
    pub(crate) fn taken(&self, name: &str) -> String {
        format!(
            "{name} has records of its own that are linked or were written to: it can't take the place of another one"
        )
    }
}

fn known(stored: &[StoredType]) -> String {
    let names: Vec<&str> = stored.iter().map(|ty| ty.name.as_str()).collect();
    if names.is_empty() {
        "nothing is stored yet".into()
    } else {
        format!("known are {}", names.join(", "))
    }
}
