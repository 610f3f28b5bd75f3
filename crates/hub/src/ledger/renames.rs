//! Record types that seem to have had another name before (L12).

use std::collections::HashSet;

use lockstep_model::guarding::Guarding;
use lockstep_model::{GuardKind, Remedy, TypeIx, TypeName};
use lockstep_store::{Commit, StoredType};
use serde_json::json;

use crate::error::Result;
use crate::guards::TrippedGuard;
use crate::ledger::Ledger;
use crate::report::Unnamed;
use crate::under_way::Underway;

impl Ledger {
    /// What is stored of record types that no flow names any more.
    pub fn unnamed(&mut self) -> Result<Vec<Unnamed>> {
        let line = |ty: StoredType| Unnamed { name: ty.name, records: ty.records };
        Ok(self.unnamed_types()?.into_iter().map(line).collect())
    }

    fn unnamed_types(&mut self) -> Result<Vec<StoredType>> {
        let named: HashSet<String> = self.plan.types.iter().map(|ty| ty.name.to_string()).collect();
        let mut stored = self.store.record_types()?;
        stored.retain(|ty| ty.records > 0 && !named.contains(&ty.name));
        Ok(stored)
    }

    /// Record types that have not been through a whole run and look like ones that no flow names
    /// any more, with those.
    fn lookalikes(&mut self) -> Result<Vec<(TypeIx, String)>> {
        let unnamed = self.unnamed_types()?;
        if unnamed.is_empty() {
            return Ok(vec![]);
        }
        let marks: HashSet<String> =
            self.store.marks()?.into_iter().map(|(name, _)| name).collect();
        let mut found = Vec::new();
        for ty in (0..self.plan.types.len() as u16).map(TypeIx) {
            let name = self.plan.ty(ty).name.clone();
            if marks.contains(&format!("armed:{name}"))
                || marks.contains(&format!("release:vanished:{name}"))
            {
                continue;
            }
            for old in &unnamed {
                let alike = TypeName::parse(&old.name)
                    .is_some_and(|old| old.kind == name.kind || old.system == name.system);
                let records = self.status[ty.at()].records.min(old.records);
                if !alike || records == 0 {
                    continue;
                }
                let shared = self.store.shared_keys(&old.name, &name.to_string())?;
                if shared * 2 >= records {
                    found.push((ty, old.name.clone()));
                    break;
                }
            }
        }
        Ok(found)
    }

    /// L12: whether a record type seems to have another name now: nothing is decided or written
    /// before a person has said so or otherwise.
    pub(crate) fn waits_for_a_name(&mut self, under_way: &mut Underway) -> Result<bool> {
        under_way.report.unnamed = self.unnamed()?;
        if under_way.report.unnamed.is_empty() {
            return Ok(false);
        }
        let lookalikes = self.lookalikes()?;
        under_way.renamed.extend(lookalikes.iter().map(|(ty, _)| *ty));
        let lines: Vec<TrippedGuard> =
            lookalikes.iter().map(|one| self.lookalike_line(one)).collect();
        under_way
            .report
            .guards
            .retain(|line| !lines.iter().any(|new| new.record_type == line.record_type));
        under_way.report.guards.extend(lines);
        Ok(!lookalikes.is_empty())
    }

    fn lookalike_line(&self, (ty, old): &(TypeIx, String)) -> TrippedGuard {
        let name = &self.plan.ty(*ty).name;
        TrippedGuard {
            system: name.system.clone(),
            guard: GuardKind::Vanished.name().into(),
            record_type: Some(name.to_string()),
            why: Guarding::LooksRenamed { of: name.to_string(), old: old.clone() }.into(),
            remedies: vec![
                Remedy::Rename { old: old.clone(), new: name.to_string() },
                Remedy::NotRenamed { system: name.system.clone() },
            ],
        }
    }

    /// What waits for a name, beside the guards.
    pub(crate) fn lookalike_lines(&mut self) -> Result<Vec<TrippedGuard>> {
        Ok(self.lookalikes()?.iter().map(|one| self.lookalike_line(one)).collect())
    }

    /// A person says that what looks like a new name in this system is none. Gives how many record
    /// types that are.
    pub(crate) fn are_not_renamed(&mut self, system: &str) -> Result<usize> {
        let mut lookalikes = self.lookalikes()?;
        lookalikes.retain(|(ty, _)| self.plan.ty(*ty).name.system == system);
        let mark = |(ty, _): &(TypeIx, String)| {
            (format!("release:vanished:{}", self.plan.ty(*ty).name), Some(json!(true)))
        };
        let marks = lookalikes.iter().map(mark).collect();
        self.store.commit(Commit { marks, durable: true, ..Commit::default() })?;
        Ok(lookalikes.len())
    }
}
