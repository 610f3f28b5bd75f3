//! A project with the schemas that hold for it, as the checks look at it.

use std::collections::{BTreeMap, HashMap, HashSet};

use lockstep_model::flow::{Having, PropertyRef};
use lockstep_model::{Create, Flow, Path, PropertyPair, PropertySchema, TypeName, TypeSchema};

use crate::project::Project;
use crate::section::{FlowPlaces, PairPlaces};

/// The schemas of the systems, by the systems' names in the project.
pub type Schemas = BTreeMap<String, Vec<TypeSchema>>;

/// A project with the schemas that hold for it.
pub(super) struct View<'a> {
    pub(super) project: &'a Project,
    pub(super) schemas: &'a Schemas,
    /// By record type: the flows that link its records, and what is at their other end.
    pub(super) links: HashMap<&'a TypeName, Vec<(&'a Flow, &'a TypeName)>>,
    /// By the two record types, the lesser name first: the flows between them, by their places.
    pub(super) between: HashMap<(&'a TypeName, &'a TypeName), Vec<usize>>,
}

/// A property pair with the record types it is between, the same way round for all rows between the
/// same two.
pub(super) struct Row<'a> {
    pub(super) pair: &'a PropertyPair,
    pub(super) places: &'a PairPlaces,
    /// The side that the flow goes from.
    pub(super) from: End<'a>,
    pub(super) to: End<'a>,
    /// Whether the flow goes the other way than the first flow between the two.
    pub(super) turned: bool,
}

/// One side of a property pair.
pub(super) struct End<'a> {
    pub(super) name: &'a TypeName,
    pub(super) schema: Option<&'a TypeSchema>,
    pub(super) property: &'a PropertyRef,
    /// What the written path stands for; the written path where nothing is known.
    pub(super) resolved: Path,
    /// The record type that has the property, and its path there, where references lead to it.
    pub(super) followed: Option<(TypeName, Path)>,
}

impl End<'_> {
    /// Whether the record type has the property, as far as that is known.
    pub(super) fn exists(&self) -> bool {
        match self.property.is_followed() {
            true => self.followed.is_some(),
            false => self.schema.is_none_or(|schema| schema.resolve(&self.property.path).is_some()),
        }
    }

    pub(super) fn described(&self) -> Option<&PropertySchema> {
        self.schema?.describe(self.followed.as_ref().map_or(&self.resolved, |(_, path)| path))
    }

    /// The record type that it refers to (P8).
    pub(super) fn refers_to(&self) -> Option<TypeName> {
        let system = self.followed.as_ref().map_or(&self.name.system, |(of, _)| &of.system);
        self.described()?.refers_to(system)
    }

    pub(super) fn identity(&self) -> Property<'_> {
        (&self.resolved, self.property.when.as_ref())
    }

    /// Whether it is one and the same property as that of another row.
    pub(super) fn is(&self, other: &End<'_>) -> bool {
        self.name == other.name
            && self.resolved == other.resolved
            && self.property.when == other.property.when
    }

    /// What of it stands between it and a write, in words; `None` where it can be written.
    pub(super) fn unwritable(&self) -> Option<String> {
        let schema = self.schema?;
        if self.followed.is_some() {
            return Some(format!("`{}` belongs to another record", self.property));
        }
        if self.described().is_some_and(|property| property.read_only) {
            return Some(format!("`{}` of {} can only be read", self.property.path, self.name));
        }
        (!schema.can.update && !schema.can.create)
            .then(|| format!("{} can only be read", self.name))
    }
}

/// Where references lead nowhere that is known.
pub(super) struct Astray {
    /// The record type that the last of them should be of.
    pub(super) at: TypeName,
    /// Its place among them.
    pub(super) step: usize,
    pub(super) why: Why,
}

pub(super) enum Why {
    /// Nothing is known of the record type.
    UnknownType,
    UnknownProperty,
    /// It is not known to refer to records.
    NoReference,
    /// It may refer to several records.
    Several,
}

/// What tells a property of a record type from its others: the path that it stands for, and the
/// condition.
pub(super) type Property<'r> = (&'r Path, Option<&'r Having>);

/// Rows between two record types by their properties, so that what has to do with a row is found
/// without looking at all others.
#[derive(Default)]
pub(super) struct RowIndex<'r> {
    /// By both properties.
    pub(super) same: HashMap<(Property<'r>, Property<'r>), Vec<usize>>,
    /// By side and path.
    pub(super) at: HashMap<(bool, &'r str), Vec<usize>>,
    /// By side and by each path above that of the row.
    pub(super) below: HashMap<(bool, &'r str), Vec<usize>>,
}

impl<'r> RowIndex<'r> {
    pub(super) fn add(&mut self, at: usize, row: &'r Row<'_>) {
        let (one, other) = row.ordered();
        self.same.entry((one.identity(), other.identity())).or_default().push(at);
        for (second, end) in [(false, one), (true, other)] {
            self.at.entry((second, end.resolved.as_str())).or_default().push(at);
            for above in paths_above(end.resolved.as_str()) {
                self.below.entry((second, above)).or_default().push(at);
            }
        }
    }

    /// The rows of the same two properties.
    pub(super) fn same<'s>(&'s self, row: &'s Row<'_>) -> &'s [usize] {
        let (one, other) = row.ordered();
        self.same.get(&(one.identity(), other.identity())).map_or(&[], Vec::as_slice)
    }

    /// These, and those of a path above or below one of the row's, in order.
    pub(super) fn together(&self, row: &Row<'_>) -> Vec<usize> {
        let mut found = self.same(row).to_vec();
        let (one, other) = row.ordered();
        for (second, end) in [(false, one), (true, other)] {
            let path = end.resolved.as_str();
            found.extend(self.below.get(&(second, path)).into_iter().flatten());
            found.extend(
                paths_above(path).filter_map(|above| self.at.get(&(second, above))).flatten(),
            );
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// `a.b.c` lies below `a.b` and `a`.
fn paths_above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('.').map(|(dot, _)| &path[..dot])
}

impl<'a> Row<'a> {
    /// Whether the row carries values towards `to`, and whether towards `from`.
    pub(super) fn ways(&self) -> (bool, bool) {
        self.pair.direction.ways()
    }

    /// The ends in the order of the first flow between the two record types.
    pub(super) fn ordered(&self) -> (&End<'a>, &End<'a>) {
        if self.turned { (&self.to, &self.from) } else { (&self.from, &self.to) }
    }

    /// The same for the ways: towards the second, towards the first.
    pub(super) fn ordered_ways(&self) -> (bool, bool) {
        let (to, from) = self.ways();
        if self.turned { (from, to) } else { (to, from) }
    }
}

impl<'a> View<'a> {
    pub(super) fn new(project: &'a Project, schemas: &'a Schemas) -> Self {
        let mut view = View { project, schemas, links: HashMap::new(), between: HashMap::new() };
        for (at, flow) in project.flows.iter().enumerate() {
            let (a, b) = (&flow.from, &flow.to);
            view.between.entry((a.min(b), a.max(b))).or_default().push(at);
            if !flow.matches.is_empty() || flow.create != Create::Never {
                view.links.entry(a).or_default().push((flow, b));
                view.links.entry(b).or_default().push((flow, a));
            }
        }
        view
    }

    pub(super) fn flows(&self) -> impl Iterator<Item = (&'a Flow, &'a FlowPlaces)> {
        self.project.flows.iter().zip(&self.project.places)
    }

    pub(super) fn schema(&self, name: &TypeName) -> Option<&'a TypeSchema> {
        self.schemas.get(&name.system)?.iter().find(|schema| schema.kind == name.kind)
    }

    /// Whether both record types of a flow are there, as far as that is known.
    pub(super) fn knows(&self, flow: &Flow) -> bool {
        [&flow.from, &flow.to]
            .iter()
            .all(|name| !self.schemas.contains_key(&name.system) || self.schema(name).is_some())
    }

    /// Each two record types between which there is a flow, once.
    pub(super) fn ends(&self) -> Vec<(TypeName, TypeName)> {
        let mut known = HashSet::new();
        let ends = self.flows().map(|(flow, _)| (&flow.from, &flow.to));
        ends.filter(|(a, b)| known.insert((*a.min(b), *a.max(b))))
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect()
    }

    /// The flows between two record types, either way.
    pub(super) fn between<'v>(
        &'v self,
        a: &'v TypeName,
        b: &'v TypeName,
    ) -> impl Iterator<Item = (&'a Flow, &'a FlowPlaces)> + 'v {
        let places = self.between.get(&(a.min(b), a.max(b))).map_or(&[][..], Vec::as_slice);
        places.iter().map(move |at| (&self.project.flows[*at], &self.project.places[*at]))
    }

    pub(super) fn rows(&self, (a, b): &(TypeName, TypeName)) -> Vec<Row<'a>> {
        let mut rows = Vec::new();
        for (flow, places) in self.between(a, b) {
            for (pair, places) in flow.properties.iter().zip(&places.properties) {
                // What several properties make together is looked at by itself.
                if pair.from.is_combined() || pair.to.is_combined() {
                    continue;
                }
                let (from, to) = (self.end(&flow.from, &pair.from), self.end(&flow.to, &pair.to));
                rows.push(Row { pair, places, from, to, turned: flow.from != *a });
            }
        }
        rows
    }

    pub(super) fn end(&self, name: &'a TypeName, property: &'a PropertyRef) -> End<'a> {
        if property.is_followed() {
            let of = self.led_to(name, &property.via).ok();
            let schema = of.as_ref().and_then(|of| self.schema(of));
            let followed = of.and_then(|of| Some((of, schema?.resolve(&property.path)?)));
            let resolved = Path::new(property.to_string());
            return End { name, schema, property, resolved, followed };
        }
        let schema = self.schema(name);
        let resolved = schema
            .and_then(|schema| schema.resolve(&property.path))
            .unwrap_or_else(|| property.path.clone());
        End { name, schema, property, resolved, followed: None }
    }

    /// The record type that these references lead to, one after the other.
    pub(super) fn led_to(&self, from: &TypeName, via: &[Path]) -> Result<TypeName, Astray> {
        let mut at = from.clone();
        for (step, path) in via.iter().enumerate() {
            let astray = |why| Astray { at: at.clone(), step, why };
            let schema = self.schema(&at).ok_or_else(|| astray(Why::UnknownType))?;
            let resolved = schema.resolve(path).ok_or_else(|| astray(Why::UnknownProperty))?;
            let described = schema.describe(&resolved);
            let target = described.and_then(|property| property.refers_to(&at.system));
            match target {
                None => return Err(astray(Why::NoReference)),
                Some(_) if described.is_some_and(|property| property.list) => {
                    return Err(astray(Why::Several));
                }
                Some(target) => at = target,
            }
        }
        Ok(at)
    }

    /// Whether records of the two types can come to be linked (L5): some chain of flows that match
    /// or create leads from the one to the other. `but` leaves out one flow.
    pub(super) fn linked(
        &self,
        a: &TypeName,
        wanted: impl Fn(&TypeName) -> bool,
        but: Option<&Flow>,
    ) -> bool {
        let (mut known, mut reached, mut at) = (HashSet::from([a]), vec![a], 0);
        while at < reached.len() {
            let here = reached[at];
            at += 1;
            for (flow, next) in self.links.get(here).into_iter().flatten() {
                if !but.is_some_and(|but| std::ptr::eq(but, *flow)) && known.insert(*next) {
                    if wanted(next) {
                        return true;
                    }
                    reached.push(next);
                }
            }
        }
        false
    }
}
