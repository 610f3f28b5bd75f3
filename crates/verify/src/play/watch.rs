//! Which properties have to be read so that all trials can be judged.

use std::collections::{BTreeMap, HashMap};

use lockstep_model::TypeName;
use lockstep_model::flow::PropertyRef;

use crate::trial::{Expect, Slot, Step};

/// The paths that a script looks at or writes.
pub fn watched(script: &[Step], watch: &mut BTreeMap<TypeName, Vec<PropertyRef>>) {
    let mut types: HashMap<Slot, TypeName> = HashMap::new();
    let mut add = |ty: &TypeName, paths: &mut dyn Iterator<Item = &PropertyRef>| {
        let known = watch.entry(ty.clone()).or_default();
        for path in paths {
            if !known.contains(path) {
                known.push(path.clone());
            }
        }
    };
    for step in script {
        match step {
            Step::Add { slot, ty, values }
            | Step::AddAlike { slot, ty, values }
            | Step::Partner { slot, ty, values, .. } => {
                types.insert(*slot, ty.clone());
                add(ty, &mut values.iter().map(|(path, _)| path));
            }
            Step::Expect(expect) => match &**expect {
                Expect::Appears { to, ty, once, .. } => {
                    types.insert(*to, ty.clone());
                    add(ty, &mut once.iter().map(|(path, _)| path));
                }
                Expect::Alone { ty, signs, .. } => add(ty, &mut signs.iter().map(|(path, _)| path)),
                Expect::Count { ty, path, .. } => add(ty, &mut std::iter::once(path)),
                _ => {}
            },
            _ => {}
        }
    }
    for step in script {
        let mut looks: Vec<(&Slot, Vec<&PropertyRef>)> = vec![];
        match step {
            Step::Edit { slot, values } => {
                looks.push((slot, values.iter().map(|(path, _)| path).collect()))
            }
            Step::Expect(expect) => match &**expect {
                Expect::Shows { slot, path, .. } => looks.push((slot, vec![path])),
                Expect::Elements { slot, path, .. } | Expect::InJournal { slot, path, .. } => {
                    looks.push((slot, vec![path]))
                }
                Expect::OneWins { a, a_path, b, b_path, .. } => {
                    looks.extend([(a, vec![a_path]), (b, vec![b_path])])
                }
                _ => {}
            },
            _ => {}
        }
        for (slot, paths) in looks {
            if let Some(ty) = types.get(slot) {
                add(ty, &mut paths.into_iter());
            }
        }
    }
}
