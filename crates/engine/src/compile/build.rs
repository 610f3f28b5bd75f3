//! The record types under way: which written paths are one property of a record type, and what the
//! schema says of it.

use std::collections::HashMap;

use lockstep_model::flow::{Having, Policy, PropertyRef};
use lockstep_model::matching::{Normal, Placeholders};
use lockstep_model::schema::OWN_ID;
use lockstep_model::{Flow, Kind, Path, PlainType, PropIx, TypeIx, TypeName, TypeSchema};

use crate::plan::{PlanError, PlanProp, Schemas};

/// The record types of a plan that is being compiled.
pub struct Build<'a> {
    pub schemas: &'a Schemas,
    pub types: Vec<TypeUnderWay<'a>>,
    index: HashMap<TypeName, TypeIx>,
    pub errors: Vec<PlanError>,
}

/// A record type under way.
pub struct TypeUnderWay<'a> {
    pub name: TypeName,
    pub schema: Option<&'a TypeSchema>,
    pub props: Vec<PlanProp>,
    /// Where each property stands among them; those at the end may not be in it yet.
    known: HashMap<PropertyRef, PropIx>,
    /// How many of the properties are in `known`.
    indexed: usize,
}

impl TypeUnderWay<'_> {
    /// Where a property stands, if it is watched already. A document may have thousands of rows.
    fn position(&mut self, reference: &PropertyRef) -> Option<PropIx> {
        for (ix, prop) in self.props.iter().enumerate().skip(self.indexed) {
            self.known.entry(prop.reference.clone()).or_insert(PropIx(ix as u16));
        }
        self.indexed = self.props.len();
        self.known.get(reference).copied()
    }
}

impl<'a> Build<'a> {
    pub fn new(schemas: &'a Schemas) -> Self {
        Build { schemas, types: vec![], index: HashMap::new(), errors: vec![] }
    }

    pub fn error(&mut self, flow: &Flow, message: String) {
        let error = PlanError { flow: flow.place.clone(), message };
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// The record type of this name, under way from here on.
    pub fn type_of(&mut self, flow: &Flow, name: &TypeName) -> TypeIx {
        if let Some(ix) = self.index.get(name) {
            return *ix;
        }
        let schema = match self.schemas.get(&name.system) {
            None => {
                self.error(flow, format!("there is no system `{}`", name.system));
                None
            }
            Some(types) => {
                let found = types.iter().find(|ty| ty.kind == name.kind);
                if found.is_none() {
                    self.error(flow, format!("{} has no record type `{}`", name.system, name.kind));
                }
                found
            }
        };
        let ix = TypeIx(self.types.len() as u16);
        self.types.push(TypeUnderWay {
            name: name.clone(),
            schema,
            props: vec![],
            known: HashMap::new(),
            indexed: 0,
        });
        self.index.insert(name.clone(), ix);
        ix
    }

    /// The other facets of the collection that a record type holds (F1).
    pub fn facets_of(&self, ty: TypeIx) -> Vec<TypeIx> {
        let name = &self.types[ty.at()].name;
        let others = self.types.iter().enumerate().filter(|(ix, other)| {
            *ix != ty.at() && other.name.system == name.system && other.name.kind == name.kind
        });
        others.map(|(ix, _)| TypeIx(ix as u16)).collect()
    }

    /// The watched property that a written path stands for.
    pub fn prop(&mut self, flow: &Flow, ty: TypeIx, written: &PropertyRef) -> Option<PropIx> {
        let under_way = &self.types[ty.at()];
        let schema = under_way.schema?;
        let resolve = |path: &Path| schema.resolve(path);
        let Some(path) = resolve(&written.path) else {
            let message = format!("{} has no property `{}`", under_way.name, written.path);
            self.error(flow, message);
            return None;
        };
        let when = written.when.as_ref().map(|having| Having {
            path: resolve(&having.path).unwrap_or_else(|| having.path.clone()),
            value: having.value.clone(),
        });
        let reference = PropertyRef { when, ..PropertyRef::new(path) };
        if let Some(ix) = self.types[ty.at()].position(&reference) {
            return Some(ix);
        }
        let prop = described(schema, reference, &self.types[ty.at()].name.system);
        self.add(flow, ty, prop)
    }

    /// Adds a property that is not there yet.
    pub fn add(&mut self, flow: &Flow, ty: TypeIx, prop: PlanProp) -> Option<PropIx> {
        let under_way = &self.types[ty.at()];
        if under_way.props.len() > usize::from(u16::MAX) {
            let message = format!(
                "{} has more properties in the flows than can be kept apart ({})",
                under_way.name,
                u16::MAX
            );
            self.error(flow, message);
            return None;
        }
        // F1: all facets of a collection have the same properties.
        for other in self.facets_of(ty) {
            self.types[other.at()].props.push(prop.clone());
        }
        let under_way = &mut self.types[ty.at()];
        under_way.props.push(prop);
        Some(PropIx(under_way.props.len() as u16 - 1))
    }

    /// The record types of this name: itself, else all facets of the collection that it names
    /// without one.
    pub fn named(&self, name: &TypeName) -> Vec<TypeIx> {
        if let Some(exact) = self.index.get(name) {
            return vec![*exact];
        }
        let of = |(ix, ty): (usize, &TypeUnderWay<'_>)| {
            (ty.name.system == name.system && ty.name.kind == name.kind)
                .then_some(TypeIx(ix as u16))
        };
        if name.facet.is_some() {
            vec![]
        } else {
            self.types.iter().enumerate().filter_map(of).collect()
        }
    }

    /// Whether the system derives a property from the primary element of a list (L3).
    pub fn is_derived(&self, ty: TypeIx, path: &Path) -> bool {
        self.types[ty.at()]
            .schema
            .and_then(|schema| schema.property(path))
            .is_some_and(|property| property.derived_from.is_some())
    }

    /// What stands for nothing, as all systems say it.
    pub fn placeholders(&self) -> Placeholders {
        let schemas = self.types.iter().filter_map(|ty| ty.schema);
        Placeholders::with(schemas.flat_map(|schema| schema.placeholders.added()))
    }
}

/// A watched property as its schema describes it; what rows say of it comes later.
fn described(schema: &TypeSchema, reference: PropertyRef, system: &str) -> PlanProp {
    let described = schema.describe(&reference.path);
    let own_id = reference.path.as_str() == OWN_ID;
    PlanProp {
        name: reference.to_string(),
        ty: described.map_or(if own_id { PlainType::String } else { PlainType::Any }, |d| d.ty),
        list: described.is_some_and(|d| d.list),
        // A path that leads through a list gives its elements; a property that is none of a
        // list's holds what it holds. Where nothing is known, what it is paired with tells.
        whole: described.is_some_and(|d| {
            d.ty == PlainType::List
                || !d.list && (d.assumed || d.ty == PlainType::Any)
                || d.list && d.reference.is_some()
        }),
        unsure: !own_id
            && described.is_none_or(|d| !d.list && (d.assumed || d.ty == PlainType::Any)),
        ordered: described.is_some_and(|d| d.ordered),
        each: false,
        in_condition: false,
        by: Normal { kind: kind_of(described, &reference.path), region: schema.region },
        whole_for_some: false,
        feeds_list: false,
        gives_default: false,
        read_only: own_id || described.is_some_and(|d| d.read_only),
        create_only: described.is_some_and(|d| d.create_only),
        required: described.is_some_and(|d| d.required),
        stored_as: described.map(|d| d.stored_as).unwrap_or_default(),
        refers_to: vec![],
        reference_target: described.and_then(|d| d.refers_to(system)),
        paired: false,
        told_by: None,
        tells_time: false,
        fans: false,
        fills: false,
        depends: None,
        policy: Policy::Latest,
        clears: true,
        parts: vec![],
        follows: None,
        combines: vec![],
        followed: false,
        reference,
    }
}

/// What a property's values are: as its schema says, or as its type has it; a name is only a hint.
fn kind_of(described: Option<&lockstep_model::PropertySchema>, path: &Path) -> Kind {
    let told = described.map_or(Kind::Seen, |d| d.kind);
    let may_be_text = described.is_none_or(|d| {
        matches!(d.ty, PlainType::String | PlainType::Any | PlainType::List | PlainType::Integer)
    });
    if may_be_text { told.with(Kind::hinted_by(path.as_str())) } else { told }
}
