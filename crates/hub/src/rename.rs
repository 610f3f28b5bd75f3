//! L12: another name for a system, a record type or a property. Until that is said, what no flow
//! names any more is told, and nothing is created in a new name that looks like an old one.

use lockstep_model::{Flow, TypeName};
use lockstep_store::{Renamed, Renaming, StoredType};

use crate::error::{ActError, ActResult};

/// Gives what is stored another name. Done before the plan is bound: the flows may name the new one
/// already.
///
/// # Errors
/// [`ActError::Refused`] where the names do not fit.
pub fn rename(
    store: &mut dyn lockstep_store::Store,
    flows: &[Flow],
    old: &str,
    new: &str,
) -> ActResult<Renamed> {
    let stored = store.record_types().map_err(crate::error::HubError::Store)?;
    let renaming = renaming(&stored, old, new).map_err(ActError::Refused)?;
    in_use(&renaming, &stored, flows).map_or(Ok(()), |why| Err(ActError::Refused(why)))?;
    store.rename(&renaming).map_err(crate::error::HubError::Store)?.map_err(ActError::Refused)
}

fn renaming(stored: &[StoredType], old: &str, new: &str) -> std::result::Result<Renaming, String> {
    let (old, new) = (old.trim(), new.trim());
    if old == new {
        return Err("both names are the same".into());
    }
    if !old.contains('.') {
        return match new.contains('.') {
            true => Err(format!(
                "`{old}` names a system and `{new}` does not: say two systems, two record types or two properties"
            )),
            false => Ok(Renaming::System { old: old.into(), new: new.into() }),
        };
    }
    if stored.iter().any(|ty| ty.name == old) {
        return match TypeName::parse(new) {
            Some(name) => Ok(Renaming::Type { old: old.into(), new: name.to_string() }),
            None => {
                Err(format!("`{new}` is no name of a record type: write it as system.RecordType"))
            }
        };
    }
    // The longest record type that it begins with: names may have dots themselves.
    let of = stored
        .iter()
        .filter(|ty| old.strip_prefix(&ty.name).is_some_and(|rest| rest.starts_with('.')));
    let Some(ty) = of.max_by_key(|ty| ty.name.len()) else {
        let known: Vec<&str> = stored.iter().map(|ty| ty.name.as_str()).collect();
        return Err(match known.is_empty() {
            true => "nothing is stored yet, so nothing need be renamed".into(),
            false => format!("nothing is known of `{old}`; known are {}", known.join(", ")),
        });
    };
    let path = |name: &str| {
        name.strip_prefix(&ty.name)
            .and_then(|rest| rest.strip_prefix('.'))
            .unwrap_or(name)
            .to_string()
    };
    Ok(Renaming::Property { ty: ty.name.clone(), old: path(old), new: path(new) })
}

/// Why the new name is no other name of the same: the flows are about both, and something is known
/// of each.
fn in_use(renaming: &Renaming, stored: &[StoredType], flows: &[Flow]) -> Option<String> {
    let (old, new, is_of): (_, _, fn(&str, &str) -> bool) = match renaming {
        Renaming::System { old, new } => (old, new, |ty, system| {
            ty.strip_prefix(system).is_some_and(|rest| rest.starts_with('.'))
        }),
        Renaming::Type { old, new } => (old, new, |ty, name| ty == name),
        Renaming::Property { .. } => return None,
    };
    let named = |name: &str| {
        let mut ends = flows.iter().flat_map(|flow| [&flow.from, &flow.to]);
        ends.any(|end| is_of(&end.to_string(), name))
    };
    let is_known = stored.iter().any(|ty| ty.records > 0 && is_of(&ty.name, new));
    (is_known && named(old) && named(new)).then(|| {
        format!(
            "the flows name both `{old}` and `{new}`, and records of both are known: they are two, and would be mixed. Where `{new}` is \
             another name of `{old}`, let the flows name `{new}` alone first"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l12_the_names_tell_what_is_renamed() {
        let stored = |name: &str| StoredType { row: 1, name: name.into(), records: 1 };
        let stored = [stored("crm.People"), stored("crm.People.archive")];
        let of = |old: &str, new: &str| renaming(&stored, old, new);
        assert_eq!(
            of("crm", "kunder"),
            Ok(Renaming::System { old: "crm".into(), new: "kunder".into() })
        );
        let ty = Renaming::Type { old: "crm.People".into(), new: "crm.Persons".into() };
        assert_eq!(of("crm.People", "crm.Persons"), Ok(ty));
        let property = |ty: &str, old: &str, new: &str| Renaming::Property {
            ty: ty.into(),
            old: old.into(),
            new: new.into(),
        };
        assert_eq!(
            of("crm.People.name.first", "crm.People.given"),
            Ok(property("crm.People", "name.first", "given"))
        );
        assert_eq!(
            of("crm.People.name", "fullname"),
            Ok(property("crm.People", "name", "fullname"))
        );
        assert_eq!(
            of("crm.People.archive.name", "n"),
            Ok(property("crm.People.archive", "name", "n"))
        );
        for (old, new) in [
            ("crm", "crm.People"),
            ("crm.People", "kunder"),
            ("shop.Orders", "shop.Sales"),
            ("crm", "crm"),
        ] {
            assert!(of(old, new).is_err(), "{old} {new}");
        }
    }
}
