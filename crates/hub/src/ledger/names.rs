//! Names that people use for records, properties and flows.

use lockstep_model::value::effective;
use lockstep_model::{PropIx, RecordState, TypeIx, TypeName};

use crate::error::LookError;
use crate::ledger::Ledger;
use crate::report::RecordName;

impl Ledger {
    pub(crate) fn property_name(&self, ty: TypeIx, prop: PropIx) -> String {
        format!("{} {}", self.plan.ty(ty).name, self.plan.prop(ty, prop).name)
    }

    /// The flow between two record types, or the first that touches the second (a value can come
    /// over several).
    pub(crate) fn flow_name_between(&self, from: TypeIx, to: TypeIx) -> String {
        let ends = |flow: &lockstep_engine::plan::PlanFlow| {
            [(flow.from, flow.to), (flow.to, flow.from)].contains(&(from, to))
        };
        let at = self.plan.flows.iter().position(ends);
        let at =
            at.or_else(|| self.plan.flows.iter().position(|flow| flow.from == to || flow.to == to));
        at.map_or_else(String::new, |at| self.plan.flow_name(lockstep_model::FlowIx(at as u16)))
    }

    /// Finds a record by its name, `system.RecordType/ID`.
    pub fn find(&mut self, name: &str) -> std::result::Result<RecordState, LookError> {
        let Some((ty, key)) = name.split_once('/') else {
            return Err(LookError::NoName(name.into()));
        };
        let Some(ty_name) = TypeName::parse(ty) else { return Err(LookError::NoName(name.into())) };
        let Some(ty) = self.plan.type_named(&ty_name) else {
            let known =
                self.plan.types.iter().map(|t| t.name.to_string()).collect::<Vec<_>>().join(", ");
            return Err(LookError::NoType { name: ty_name.to_string(), known });
        };
        self.store.by_key(ty, &[key])?.pop().ok_or_else(|| LookError::NoRecord(name.into()))
    }

    /// A few words by which a person knows the record: its first texts.
    pub fn label(&self, record: &RecordState) -> String {
        let texts = self
            .plan
            .ty(record.ty)
            .props
            .iter()
            .zip(&record.slots)
            .filter(|(p, _)| p.reference_target.is_none());
        let mut label: Vec<String> = texts
            .filter_map(|(_, slot)| {
                effective(slot.shadow.as_ref()?, false)
                    .as_str()
                    .map(str::trim)
                    .filter(|t| !t.is_empty())
                    .map(String::from)
            })
            .take(3)
            .collect();
        if !record.is_live() {
            label.push("(deleted)".into());
        }
        label.join(" · ")
    }

    pub(crate) fn type_name(&self, ty: TypeIx) -> String {
        self.plan.ty(ty).name.to_string()
    }

    /// How people name a record.
    pub fn name_of(&self, record: &RecordState) -> RecordName {
        RecordName::of(&self.plan, record.ty, &record.key)
    }

    /// All record types that a system has in the plan.
    pub fn types_of_system(&self, system: &str) -> Vec<TypeIx> {
        (0..self.plan.types.len() as u16)
            .map(TypeIx)
            .filter(|ty| self.plan.ty(*ty).name.system == system)
            .collect()
    }

    /// The property of a record that a path names.
    pub(crate) fn property(
        &self,
        record: &RecordState,
        path: &str,
    ) -> std::result::Result<PropIx, LookError> {
        let ty = self.plan.ty(record.ty);
        let under = format!("{path}.");
        let at = ty.props.iter().position(|p| {
            p.name == path || p.is_own() && p.reference.path.as_str().starts_with(&under)
        });
        at.map(|at| PropIx(at as u16)).ok_or_else(|| LookError::NoProperty {
            path: path.into(),
            ty: ty.name.to_string(),
            known: ty
                .props
                .iter()
                .filter(|p| p.paired)
                .map(|p| p.name.clone())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}
