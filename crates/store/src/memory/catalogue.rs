//! The names of record types and properties, each with the number by which the store knows it for
//! good; and how they are numbered by the plan that is bound.

use std::collections::HashMap;

use lockstep_model::{FlowIx, PropIx, TypeIx};

use crate::{BoundType, TypeStatus};

/// A record type that something is stored of.
#[derive(Clone, Debug)]
pub(super) struct NamedType {
    pub name: String,
    /// Only added to.
    pub properties: Vec<String>,
    pub status: TypeStatus,
}

/// All record types, by the store's own numbers. One that was forgotten leaves its place empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalogue(pub Vec<Option<NamedType>>);

impl Catalogue {
    pub(super) fn named(&self, name: &str) -> Option<TypeIx> {
        let is_it = |ty: &Option<NamedType>| ty.as_ref().is_some_and(|ty| ty.name == name);
        self.0.iter().position(is_it).map(|at| TypeIx(at as u16))
    }

    pub(super) fn ty(&self, row: TypeIx) -> Option<&NamedType> {
        self.0.get(row.at())?.as_ref()
    }

    pub(super) fn ty_mut(&mut self, row: TypeIx) -> Option<&mut NamedType> {
        self.0.get_mut(row.at())?.as_mut()
    }

    /// Takes in what a plan names, and tells how it numbers it.
    pub(super) fn bind(&mut self, types: &[BoundType]) -> (Bound, Vec<TypeStatus>) {
        let mut bound = Bound::default();
        let mut status = Vec::new();
        for (at, ty) in types.iter().enumerate() {
            let name = ty.name.to_string();
            let row = self.named(&name).unwrap_or_else(|| {
                let status = TypeStatus { fingerprint: ty.fingerprint, ..TypeStatus::default() };
                self.0.push(Some(NamedType { name, properties: vec![], status }));
                TypeIx(self.0.len() as u16 - 1)
            });
            let Some(stored) = self.ty_mut(row) else { continue };
            let mut props = Vec::new();
            for path in &ty.properties {
                let known = stored.properties.iter().position(|known| known == path);
                let number = known.unwrap_or_else(|| {
                    stored.properties.push(path.clone());
                    stored.properties.len() - 1
                });
                props.push(PropIx(number as u16));
            }
            status.push(stored.status.clone());
            bound.of_row.insert(row, TypeIx(at as u16));
            bound.types.push(BoundRow { row, props, flows: ty.flows.clone() });
        }
        (bound, status)
    }
}

/// A record type of the plan.
#[derive(Clone, Debug)]
pub(super) struct BoundRow {
    pub row: TypeIx,
    /// The store's numbers of its properties, in the plan's order.
    pub props: Vec<PropIx>,
    pub flows: Vec<FlowIx>,
}

/// The plan that is bound.
#[derive(Clone, Debug, Default)]
pub(super) struct Bound {
    pub types: Vec<BoundRow>,
    pub of_row: HashMap<TypeIx, TypeIx>,
}
