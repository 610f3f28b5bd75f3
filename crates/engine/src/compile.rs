//! Compiling: the plan of flows, made once from all flows of a project and the schemas of its
//! systems.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_model::flow::{Create, Direction, Filter, Having, Policy, PropertyRef};
use lockstep_model::matching::{FORM, Normal, Placeholders, seed};
use lockstep_model::schema::OWN_ID;
use lockstep_model::{
    Conversion, Flow, FlowIx, Kind, Path, PlainType, PropIx, TypeIx, TypeName, TypeSchema,
};

use crate::bears::Edge;
use crate::conditions;
use crate::graph::{Graph, Pair, Partial};
use crate::groups::Grouped;
use crate::plan::{
    BlockedRow, Condition, MatchProp, MatchRule, MatchSide, Plan, PlanCreate, PlanError, PlanFlow,
    PlanProp, PlanType, Schemas, convertible,
};

impl Plan {
    /// Compiles flows.
    pub fn compile(flows: &[Flow], schemas: &Schemas) -> Result<Plan, Vec<PlanError>> {
        Plan::compile_watching(flows, schemas, &[])
    }

    /// Compiles flows, with properties to be watched besides that no flow names (any more). They
    /// are kept equal with nothing, and change no fingerprint. Those that no schema has are left
    /// out.
    pub fn compile_watching(
        flows: &[Flow],
        schemas: &Schemas,
        watched: &[(TypeName, Option<PropertyRef>)],
    ) -> Result<Plan, Vec<PlanError>> {
        let mut build = Build {
            match_conversions: vec![],
            schemas,
            types: vec![],
            index: HashMap::new(),
            errors: vec![],
        };
        let plan = build.plan(flows, watched);
        if build.errors.is_empty() { Ok(plan) } else { Err(build.errors) }
    }
}

struct Build<'a> {
    match_conversions: Vec<Conversion>,
    schemas: &'a Schemas,
    types: Vec<TypeUnderWay<'a>>,
    index: HashMap<TypeName, TypeIx>,
    errors: Vec<PlanError>,
}

struct TypeUnderWay<'a> {
    name: TypeName,
    schema: Option<&'a TypeSchema>,
    props: Vec<PlanProp>,
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
    fn error(&mut self, flow: &Flow, message: String) {
        let error = PlanError { flow: flow.place.clone(), message };
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    fn type_of(&mut self, flow: &Flow, name: &TypeName) -> TypeIx {
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

    /// The properties that a filter names by another path than their own.
    fn filter_reads(&self, filter: &Filter, of: TypeIx) -> Vec<(String, PropIx, bool)> {
        let under_way = &self.types[of.at()];
        let Some(schema) = under_way.schema else { return vec![] };
        let reads = filter.reads.iter().filter_map(|written| {
            let reference = PropertyRef::new(schema.resolve(written)?);
            let ix = under_way.props.iter().position(|prop| prop.reference == reference)?;
            (reference.path != *written).then(|| {
                (written.as_str().to_string(), PropIx(ix as u16), self.is_derived(of, written))
            })
        });
        reads.collect()
    }

    /// A condition of a flow on one of its sides.
    fn condition(&self, filter: &Option<Filter>, of: TypeIx) -> Option<Condition> {
        let filter = filter.clone()?;
        Some(Condition { reads: self.filter_reads(&filter, of), filter })
    }

    /// The other facets of the collection that a record type holds (F1).
    fn facets_of(&self, ty: TypeIx) -> Vec<TypeIx> {
        let name = &self.types[ty.at()].name;
        let others = self.types.iter().enumerate().filter(|(ix, other)| {
            *ix != ty.at() && other.name.system == name.system && other.name.kind == name.kind
        });
        others.map(|(ix, _)| TypeIx(ix as u16)).collect()
    }

    /// The watched property that a written path stands for.
    fn prop(&mut self, flow: &Flow, ty: TypeIx, written: &PropertyRef) -> Option<PropIx> {
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
        let reference = PropertyRef { path, when };
        if let Some(ix) = self.types[ty.at()].position(&reference) {
            return Some(ix);
        }
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
        let described = schema.describe(&reference.path);
        let own_id = reference.path.as_str() == OWN_ID;
        let system = under_way.name.system.clone();
        let prop = PlanProp {
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
            in_condition: false,
            by: Normal { kind: kind_of(described, &reference.path), region: schema.region },
            feeds_list: false,
            read_only: own_id || described.is_some_and(|d| d.read_only),
            create_only: described.is_some_and(|d| d.create_only),
            required: described.is_some_and(|d| d.required),
            stored_as: described.map(|d| d.stored_as).unwrap_or_default(),
            refers_to: vec![],
            reference_target: described
                .and_then(|d| d.reference.clone())
                .map(|kind| TypeName::new(system, kind)),
            paired: false,
            told_by: None,
            tells_time: false,
            fans: false,
            fills: false,
            depends: None,
            policy: Policy::Latest,
            clears: true,
            parts: vec![],
            reference,
        };
        // F1: all facets of a collection have the same properties.
        for other in self.facets_of(ty) {
            self.types[other.at()].props.push(prop.clone());
        }
        let under_way = &mut self.types[ty.at()];
        under_way.props.push(prop);
        Some(PropIx(under_way.props.len() as u16 - 1))
    }

    fn plan(&mut self, flows: &[Flow], watched: &[(TypeName, Option<PropertyRef>)]) -> Plan {
        let ends: Vec<(TypeIx, TypeIx)> = flows
            .iter()
            .map(|flow| (self.type_of(flow, &flow.from), self.type_of(flow, &flow.to)))
            .collect();
        let mut edges: Vec<Edge> = vec![];
        let mut pairs: Vec<Pair> = vec![];
        let mut pair_of: HashMap<_, usize> = HashMap::new();
        let mut rules: Vec<MatchRule> = vec![];
        let mut sides: Vec<(TypeIx, MatchSide)> = vec![];
        let mut blocked = vec![];
        let mut grouped = Grouped::default();

        for (ix, (flow, &(from, to))) in flows.iter().zip(&ends).enumerate() {
            for (row, pair) in flow.properties.iter().enumerate() {
                let (Some(p), Some(q)) =
                    (self.prop(flow, from, &pair.from), self.prop(flow, to, &pair.to))
                else {
                    continue;
                };
                let (mine, theirs) =
                    (&self.types[from.at()].props[p.at()], &self.types[to.at()].props[q.at()]);
                if pair.conversion.as_ref().is_none_or(|c| matches!(c, Conversion::Plain(_)))
                    && let Err(why) = convertible(mine.ty, theirs.ty)
                {
                    let row = format!("{} ↔ {}", pair.from, pair.to);
                    blocked.push(BlockedRow { flow: FlowIx(ix as u16), row, why });
                    continue;
                }
                for (ty, prop) in [(from, p), (to, q)] {
                    let prop = &mut self.types[ty.at()].props[prop.at()];
                    prop.paired = true;
                    prop.by.kind = prop.by.kind.with(pair.kind);
                    prop.by.region = flow.region.or(prop.by.region);
                    prop.clears &= pair.clears;
                    if prop.policy == Policy::Latest {
                        prop.policy = pair.policy.clone();
                    }
                    if pair.conversion == Some(Conversion::Plain(PlainType::List)) {
                        prop.whole = true;
                    }
                }
                let (forward, backward) = match pair.direction {
                    Direction::Both => (true, true),
                    Direction::Forward => (true, false),
                    Direction::Backward => (false, true),
                };
                // A section between a record type and itself keeps nothing equal but the records of
                // an entity of duplicates (L6).
                if from == to {
                    continue;
                }
                // Two rows (of this flow, or of the one the other way round) can mean the same two
                // properties: they are one pair.
                let (one, other) = ((from, p), (to, q));
                grouped.add(ix, flow, row, one, other);
                if let Some(known) = pair_of.get(&(one, other)).map(|at| &mut pairs[*at]) {
                    known.forward |= forward;
                    known.backward |= backward;
                    known.clears &= pair.clears;
                    known.on_create &= pair.on_create;
                    known.conversion = known.conversion.take().or_else(|| pair.conversion.clone());
                } else if let Some(known) = pair_of.get(&(other, one)).map(|at| &mut pairs[*at]) {
                    known.forward |= backward;
                    known.backward |= forward;
                    known.clears &= pair.clears;
                    known.on_create &= pair.on_create;
                    known.back = known.back.take().or_else(|| pair.conversion.clone());
                } else {
                    pair_of.insert((one, other), pairs.len());
                    edges.push(Edge { from: (from, p), to: (to, q), row, pair: pairs.len() });
                    pairs.push(Pair {
                        forward,
                        backward,
                        conversion: pair.conversion.clone(),
                        back: None,
                        clears: pair.clears,
                        kind: pair.kind.with(kind_told_by(pair.conversion.as_ref())),
                        region: flow.region,
                        on_create: pair.on_create,
                    });
                }
            }
            for row in &flow.matches {
                self.rule((FlowIx(ix as u16), flow), from, to, row, &mut rules, &mut sides);
            }
            let of_creating = match &flow.create {
                Create::When { filter, .. } => filter.as_ref(),
                _ => None,
            };
            for (of, filter) in
                [(from, of_creating), (from, flow.only.as_ref()), (to, flow.only_to.as_ref())]
            {
                for path in filter.into_iter().flat_map(|filter| &filter.reads) {
                    self.prop(flow, of, &PropertyRef::new(path.as_str()));
                }
            }
        }
        self.watch_markers(flows, &ends);
        self.watch_references(flows, &ends);
        self.watch_creation_times(flows, &ends);
        self.watch_property_times(flows, &ends);
        let named: Vec<usize> = self.types.iter().map(|ty| ty.props.len()).collect();
        self.watch_besides(watched);
        self.facet_rules(&ends, &mut rules);
        self.whole_lists(&edges, &pairs);

        let merging: BTreeSet<TypeIx> = flows
            .iter()
            .zip(&ends)
            .filter(|(flow, _)| flow.merge_duplicates)
            .flat_map(|(_, &(from, to))| [from, to])
            .collect();
        let graph = Graph::new(edges, pairs, merging.clone());
        let (relations, mut bearings) = {
            let props: Vec<&[PlanProp]> = self.types.iter().map(|ty| ty.props.as_slice()).collect();
            graph.whole(&props)
        };
        for (ty, own) in &bearings {
            for (prop, bearings) in
                own.iter().enumerate().filter(|(_, bearings)| !bearings.is_empty())
            {
                let described = &mut self.types[ty.at()].props[prop];
                described.fills = bearings.iter().any(|bearing| bearing.fills);
                let mut others: Vec<TypeIx> = bearings
                    .iter()
                    .filter(|bearing| !bearing.fills && bearing.other != *ty)
                    .map(|bearing| bearing.other)
                    .collect();
                others.sort_unstable();
                described.fans = others.windows(2).any(|two| two[0] == two[1]);
            }
        }
        let mut groups = grouped.by_type(&bearings);
        for ((ty, prop), parts) in graph.parts(&relations) {
            self.types[ty.at()].props[prop.at()].parts.push(parts);
        }
        let synchronizes = |a: TypeIx, b: TypeIx| relations.contains_key(&(a, b));

        let plan_flows: Vec<PlanFlow> = flows
            .iter()
            .zip(&ends)
            .map(|(flow, &(from, to))| PlanFlow {
                from,
                to,
                create: match &flow.create {
                    Create::Never => PlanCreate::Never,
                    Create::Always => PlanCreate::Always,
                    Create::When { condition, .. } => {
                        PlanCreate::Filtered { condition: condition.clone() }
                    }
                    Create::ConnectedTo(types) => PlanCreate::ConnectedTo(
                        types.iter().flat_map(|name| self.named(name)).collect(),
                    ),
                },
                filter: match &flow.create {
                    Create::When { filter, .. } => self.condition(filter, from),
                    _ => None,
                },
                only: self.condition(&flow.only, from),
                only_to: self.condition(&flow.only_to, to),
                ceases: flow.ceases,
                deletes: flow.deletes,
                synchronizes: synchronizes(from, to),
                create_empty: flow.create_empty,
                matches: !flow.matches.is_empty(),
                separates_duplicates: flow.separate_duplicates,
                place: flow.place.clone(),
                fingerprint: flow.fingerprint(),
            })
            .collect();

        let decide_rank = self.decide_ranks(&plan_flows, &sides);
        let send_rank = self.send_ranks();
        for (ty, own) in &bearings {
            for (prop, bearings) in own.iter().enumerate() {
                let mine = &self.types[ty.at()].props[prop];
                if mine.list || mine.whole {
                    let sources: Vec<(TypeIx, PropIx)> =
                        bearings.iter().map(|b| (b.other, b.theirs)).collect();
                    sources.into_iter().for_each(|(ty, prop)| {
                        self.types[ty.at()].props[prop.at()].feeds_list = true
                    });
                }
            }
        }
        let placeholders = self.placeholders();
        // F1: what a row of another facet gives is given.
        let mapped: Vec<BTreeSet<Path>> = self
            .types
            .iter()
            .map(|ty| {
                ty.props
                    .iter()
                    .filter(|prop| prop.paired)
                    .map(|prop| prop.reference.path.clone())
                    .collect()
            })
            .collect();
        let facets: Vec<Vec<TypeIx>> =
            (0..self.types.len() as u16).map(|ix| self.facets_of(TypeIx(ix))).collect();
        let mut types = Vec::new();
        for (ix, mut under_way) in std::mem::take(&mut self.types).into_iter().enumerate() {
            let ty = TypeIx(ix as u16);
            for (at, read) in
                conditions::read_of(&plan_flows, ty, &under_way.props).into_iter().enumerate()
            {
                under_way.props[at].in_condition = read;
            }
            let schema = under_way.schema;
            let required_unmapped = schema.map_or(vec![], |schema| {
                schema
                    .properties
                    .iter()
                    .filter(|p| p.required && !p.read_only)
                    .filter(|p| {
                        let resolved = schema.resolve(&p.path);
                        let given = |ty: &usize| {
                            resolved.as_ref().is_some_and(|path| mapped[*ty].contains(path))
                        };
                        !std::iter::once(ix)
                            .chain(facets[ix].iter().map(|facet| facet.at()))
                            .any(|ty| given(&ty))
                    })
                    .map(|p| p.path.clone())
                    .collect()
            });
            let match_sides: Vec<MatchSide> = {
                let (mine, rest): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut sides).into_iter().partition(|(of, _)| *of == ty);
                sides = rest;
                mine.into_iter().map(|(_, side)| side).collect()
            };
            let fingerprint = {
                let mut text = String::new();
                for prop in under_way.props.iter().take(named.get(ix).copied().unwrap_or(0)) {
                    text.push_str(&prop.name);
                    // What comes to be kept equal is read anew, as nothing is claimed of it yet.
                    text.push_str(if prop.paired { "\n" } else { " (watched)\n" });
                }
                for side in &match_sides {
                    text.push_str(&format!("{:x} form {FORM}", rules[side.rule].seed));
                    for prop in &side.props {
                        text.push_str(&format!(
                            " {:?} {:?} {}",
                            prop.by.kind, prop.by.region, prop.reference
                        ));
                    }
                    placeholders.added().for_each(|added| text.push_str(&format!(" {added:?}")));
                    text.push('\n');
                }
                seed(&text)
            };
            types.push(PlanType {
                can: schema.map_or(TypeSchema::open("").can, |schema| schema.can),
                settles_ms: schema.map_or(0, |schema| schema.settles_ms),
                unknown_ms: schema.map_or(0, |schema| schema.unknown_ms.max(schema.settles_ms)),
                decide_rank: decide_rank[ix],
                send_rank: send_rank[ix],
                fingerprint,
                required_unmapped,
                merges_duplicates: merging.contains(&ty),
                numeric_ids: schema.and_then(|schema| schema.numeric_ids),
                bearings: bearings.remove(&ty).unwrap_or_default(),
                groups: groups.remove(&ty).unwrap_or_default(),
                facets: facets[ix].clone(),
                match_sides,
                flows_out: (0..plan_flows.len() as u16)
                    .map(FlowIx)
                    .filter(|f| plan_flows[f.at()].from == ty)
                    .collect(),
                partners: ends
                    .iter()
                    .flat_map(|&(from, to)| [(from, to), (to, from)])
                    .filter(|(mine, _)| *mine == ty)
                    .map(|(_, other)| other)
                    .collect(),
                contested: {
                    let creates =
                        |flow: &&PlanFlow| flow.to == ty && flow.create != PlanCreate::Never;
                    plan_flows
                        .iter()
                        .filter(creates)
                        .map(|flow| flow.from)
                        .collect::<BTreeSet<_>>()
                        .len()
                        > 1
                },
                own_id: place_of(&under_way.props, OWN_ID.into()),
                untold_wins: schema.is_some_and(|schema| schema.untold_wins),
                created: schema
                    .and_then(|schema| schema.resolve(schema.created.as_ref()?))
                    .and_then(|path| place_of(&under_way.props, path)),
                name: under_way.name,
                props: under_way.props,
            });
        }
        Plan {
            conditional: plan_flows
                .iter()
                .any(|flow| flow.filter.is_some() || flow.only.is_some() || flow.only_to.is_some()),
            has_facets: types.iter().any(|ty| !ty.facets.is_empty()),
            by_value: types
                .iter()
                .any(|ty| ty.props.iter().any(|prop| matches!(prop.policy, Policy::Wins(_)))),
            has_groups: types.iter().any(|ty| !ty.groups.is_empty()),
            match_conversions: std::mem::take(&mut self.match_conversions),
            types,
            flows: plan_flows,
            rules,
            placeholders,
            blocked,
            graph,
            partial: Partial::default(),
        }
    }

    /// The record types of this name: itself, else all facets of the collection that it names
    /// without one.
    fn named(&self, name: &TypeName) -> Vec<TypeIx> {
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

    /// F2: rules without rows, by which facets are linked because other facets of the same two
    /// records are.
    fn facet_rules(&self, ends: &[(TypeIx, TypeIx)], rules: &mut Vec<MatchRule>) {
        let mut said: BTreeMap<(TypeIx, TypeIx), Vec<FlowIx>> = BTreeMap::new();
        for (ix, &(from, to)) in ends.iter().enumerate() {
            said.entry((from.min(to), from.max(to))).or_default().push(FlowIx(ix as u16));
        }
        for ((a, b), flows) in said {
            let (mine, theirs) = (self.facets_of(a), self.facets_of(b));
            if !mine.is_empty() && !theirs.is_empty() && !mine.contains(&b) && a != b {
                let text = "other facets of the same two records".to_string();
                rules.push(MatchRule { a, b, seed: 0, text, flows, by_facet: true });
            }
        }
    }

    fn rule(
        &mut self,
        (flow_ix, flow): (FlowIx, &Flow),
        from: TypeIx,
        to: TypeIx,
        row: &lockstep_model::MatchRow,
        rules: &mut Vec<MatchRule>,
        sides: &mut Vec<(TypeIx, MatchSide)>,
    ) {
        // A row that every record satisfies with itself says nothing.
        if from == to && flow.compares_with_itself(row) {
            return;
        }
        let mut resolved = Vec::new();
        for (a, b) in &row.pairs {
            let (Some(p), Some(q)) = (self.prop(flow, from, a), self.prop(flow, to, b)) else {
                return;
            };
            let names = (
                self.types[from.at()].props[p.at()].name.clone(),
                self.types[to.at()].props[q.at()].name.clone(),
            );
            let (of_a, of_b) =
                (&self.types[from.at()].props[p.at()], &self.types[to.at()].props[q.at()]);
            // The same on both sides, or equal values would come into different forms: what the row
            // says, else what a schema says of either side, else what the values show.
            let types_agree = matching_kind(of_a.ty)
                .filter(|kind| matching_kind(of_b.ty) == Some(*kind))
                .unwrap_or_default();
            let kind = row.kind.with(of_a.by.kind.with(of_b.by.kind)).with(types_agree);
            let region = |prop: &PlanProp, of: TypeIx| {
                let system = self.types[of.at()].schema.and_then(|schema| schema.region);
                flow.region.or(system).or(prop.by.region)
            };
            let reference = of_a.reference_target.is_some() && of_b.reference_target.is_some();
            let by_a = Normal { kind, region: region(of_a, from) };
            let by_b = Normal { kind, region: region(of_b, to) };
            let converted = row.conversion.clone().filter(|_| !reference).map(|conversion| {
                let known = self.match_conversions.iter().position(|known| *known == conversion);
                known.unwrap_or_else(|| {
                    self.match_conversions.push(conversion);
                    self.match_conversions.len() - 1
                }) as u16
            });
            let mine = MatchProp {
                prop: p,
                by: by_a,
                reference,
                primary: self.is_derived(from, &a.path),
                converted,
            };
            let theirs = MatchProp {
                prop: q,
                by: by_b,
                reference,
                primary: self.is_derived(to, &b.path),
                converted: None,
            };
            let marked = |name: String, primary: bool| {
                if primary { format!("{name} (primary)") } else { name }
            };
            let by = |name: String| {
                row.conversion
                    .as_ref()
                    .map_or(name.clone(), |by| format!("{name} by {}", by.to_json()))
            };
            resolved.push((
                mine,
                theirs,
                kind,
                (by(marked(names.0, mine.primary)), marked(names.1, theirs.primary)),
            ));
        }
        resolved.sort_by(|a, b| a.3.cmp(&b.3));
        let (from_name, to_name) =
            (self.types[from.at()].name.to_string(), self.types[to.at()].name.to_string());
        let mut halves = [
            (from_name, resolved.iter().map(|r| r.3.0.clone()).collect::<Vec<_>>()),
            (to_name, resolved.iter().map(|r| r.3.1.clone()).collect::<Vec<_>>()),
        ];
        let text = resolved
            .iter()
            .map(|r| format!("{} = {}", r.3.0, r.3.1))
            .collect::<Vec<_>>()
            .join(" and ");
        // The same row, said in either direction, is one rule.
        if halves[0] > halves[1] {
            halves.swap(0, 1);
            resolved.sort_by(|a, b| (&a.3.1, &a.3.0).cmp(&(&b.3.1, &b.3.0)));
            for half in &mut halves {
                half.1.clear();
            }
            halves[0].1 = resolved.iter().map(|r| r.3.1.clone()).collect();
            halves[1].1 = resolved.iter().map(|r| r.3.0.clone()).collect();
        }
        let seed = seed(&format!("{halves:?}"));
        if let Some(known) = rules.iter_mut().find(|rule| rule.seed == seed && !rule.by_facet) {
            if !known.flows.contains(&flow_ix) {
                known.flows.push(flow_ix);
            }
            return;
        }
        let rule = rules.len();
        rules.push(MatchRule { a: from, b: to, seed, text, flows: vec![flow_ix], by_facet: false });
        sides.push((
            from,
            MatchSide { rule, other: to, props: resolved.iter().map(|r| r.0).collect() },
        ));
        // Duplicates inside a system by one and the same property have one side.
        if from != to || halves[0].1 != halves[1].1 {
            sides.push((
                to,
                MatchSide { rule, other: from, props: resolved.iter().map(|r| r.1).collect() },
            ));
        }
    }

    fn is_derived(&self, ty: TypeIx, path: &Path) -> bool {
        self.types[ty.at()]
            .schema
            .and_then(|schema| schema.property(path))
            .is_some_and(|property| property.derived_from.is_some())
    }

    /// Watches what makes a path a property on a condition on the record, where the schema tells of
    /// it.
    fn watch_markers(&mut self, flows: &[Flow], ends: &[(TypeIx, TypeIx)]) {
        let Some((flow, _)) = flows.iter().zip(ends).next() else { return };
        for ty in (0..self.types.len() as u16).map(TypeIx) {
            for ix in 0..self.types[ty.at()].props.len() {
                let under_way = &self.types[ty.at()];
                let prop = &under_way.props[ix];
                let Some((having, schema)) = prop.reference.when.clone().zip(under_way.schema)
                else {
                    continue;
                };
                if !schema.is_on_the_record(&having.path) {
                    continue;
                }
                let marker = self.prop(flow, ty, &PropertyRef::new(having.path.as_str()));
                self.types[ty.at()].props[ix].depends =
                    marker.map(|marker| (marker, having.value.trim().to_string()));
            }
        }
    }

    /// Watches the references by which records are connected (C5), and settles what every reference
    /// refers to.
    fn watch_references(&mut self, flows: &[Flow], ends: &[(TypeIx, TypeIx)]) {
        for (flow, &(from, _)) in flows.iter().zip(ends) {
            let Create::ConnectedTo(connected) = &flow.create else { continue };
            for name in connected {
                for other in self.named(name) {
                    for (of, to) in [(other, from), (from, other)] {
                        let Some(schema) = self.types[of.at()].schema else { continue };
                        let kind = self.types[to.at()].name.kind.clone();
                        for property in
                            schema.properties.iter().filter(|p| p.reference.as_ref() == Some(&kind))
                        {
                            self.prop(flow, of, &PropertyRef::new(property.path.as_str()));
                        }
                    }
                }
            }
        }
        let names: Vec<TypeName> = self.types.iter().map(|ty| ty.name.clone()).collect();
        for ty in &mut self.types {
            for prop in &mut ty.props {
                let Some(target) = &prop.reference_target else { continue };
                prop.refers_to = names
                    .iter()
                    .enumerate()
                    .filter(|(_, name)| name.system == target.system && name.kind == target.kind)
                    .map(|(ix, _)| TypeIx(ix as u16))
                    .collect();
            }
        }
    }

    /// Watches what tells one record from another of the same key (R9).
    fn watch_creation_times(&mut self, flows: &[Flow], ends: &[(TypeIx, TypeIx)]) {
        for (flow, &(from, to)) in flows.iter().zip(ends) {
            for ty in [from, to] {
                if let Some(path) =
                    self.types[ty.at()].schema.and_then(|schema| schema.created.clone())
                {
                    self.prop(flow, ty, &PropertyRef::new(path));
                }
            }
        }
    }

    /// Watches what says when single properties were put in (P1).
    fn watch_property_times(&mut self, flows: &[Flow], ends: &[(TypeIx, TypeIx)]) {
        for (flow, &(from, to)) in flows.iter().zip(ends) {
            for ty in [from, to] {
                let Some(schema) = self.types[ty.at()].schema else { continue };
                for at in 0..self.types[ty.at()].props.len() {
                    let prop = &self.types[ty.at()].props[at];
                    let told_by = schema
                        .describe(&prop.reference.path)
                        .and_then(|described| described.modified.clone());
                    let Some(path) = told_by.filter(|_| prop.paired && prop.told_by.is_none())
                    else {
                        continue;
                    };
                    let Some(time) = self.prop(flow, ty, &PropertyRef::new(path)) else { continue };
                    let props = &mut self.types[ty.at()].props;
                    props[at].told_by = Some(time);
                    props[time.at()].tells_time = !props[time.at()].paired;
                }
            }
        }
    }

    /// Watches what no flow names, where a schema has it.
    fn watch_besides(&mut self, watched: &[(TypeName, Option<PropertyRef>)]) {
        for (name, property) in watched {
            let schema = self
                .schemas
                .get(&name.system)
                .and_then(|types| types.iter().find(|ty| ty.kind == name.kind));
            let Some(schema) = schema else { continue };
            let nobody = Flow::between(name.clone(), name.clone());
            let ty = self.type_of(&nobody, name);
            if let Some(property) =
                property.as_ref().filter(|property| schema.resolve(&property.path).is_some())
            {
                self.prop(&nobody, ty, property);
            }
        }
    }

    /// What decides whether others are created comes first (C5).
    fn decide_ranks(&self, flows: &[PlanFlow], sides: &[(TypeIx, MatchSide)]) -> Vec<u16> {
        let mut before: Vec<(usize, usize)> = flows
            .iter()
            .filter_map(|flow| match &flow.create {
                PlanCreate::ConnectedTo(types) => {
                    Some(types.iter().map(|c| (c.at(), flow.from.at())).collect::<Vec<_>>())
                }
                _ => None,
            })
            .flatten()
            .collect();
        // L10: what a match row refers to is linked first.
        for (ty, side) in sides {
            for prop in side.props.iter().filter(|prop| prop.reference) {
                let target = self.types[ty.at()].props[prop.prop.at()].refers_to.iter();
                before.extend(target.map(|target| (target.at(), ty.at())));
            }
        }
        ranks(self.types.len(), &before)
    }

    /// P11: what a whole list is paired with, and of what nothing is known, holds the whole list.
    fn whole_lists(&mut self, edges: &[Edge], pairs: &[Pair]) {
        for edge in edges
            .iter()
            .filter(|edge| !matches!(pairs[edge.pair].conversion, Some(Conversion::Computed(_))))
        {
            for (one, other) in [(edge.from, edge.to), (edge.to, edge.from)] {
                let whole = self.types[one.0.at()].props[one.1.at()].whole;
                let other = &mut self.types[other.0.at()].props[other.1.at()];
                other.whole |= whole && other.unsure;
            }
        }
    }

    /// What stands for nothing, as all systems say it.
    fn placeholders(&self) -> Placeholders {
        let schemas = self.types.iter().filter_map(|ty| ty.schema);
        Placeholders::with(schemas.flat_map(|schema| schema.placeholders.added()))
    }

    /// What others refer to is created first.
    fn send_ranks(&self) -> Vec<u16> {
        let mut before = Vec::new();
        for (ix, ty) in self.types.iter().enumerate() {
            for target in
                ty.props.iter().filter(|prop| prop.paired).flat_map(|prop| &prop.refers_to)
            {
                before.push((target.at(), ix));
            }
        }
        ranks(self.types.len(), &before)
    }
}

/// The place of the property of this path.
fn place_of(props: &[PlanProp], path: Path) -> Option<PropIx> {
    let reference = PropertyRef::new(path);
    props.iter().position(|prop| prop.reference == reference).map(|at| PropIx(at as u16))
}

/// What a property's values are: as its schema says, or as its type has it; a name is only a hint.
fn kind_of(described: Option<&lockstep_model::PropertySchema>, path: &Path) -> Kind {
    let told = described.map_or(Kind::Seen, |d| d.kind);
    let may_be_text = described.is_none_or(|d| {
        matches!(d.ty, PlainType::String | PlainType::Any | PlainType::List | PlainType::Integer)
    });
    if may_be_text { told.with(Kind::hinted_by(path.as_str())) } else { told }
}

/// What two properties of this type are matched by, if both are of it.
pub(crate) fn matching_kind(ty: PlainType) -> Option<Kind> {
    match ty {
        PlainType::Integer | PlainType::Float | PlainType::Decimal | PlainType::Minutes => {
            Some(Kind::Number)
        }
        PlainType::Boolean => Some(Kind::Boolean),
        PlainType::Date => Some(Kind::Date),
        PlainType::Datetime => Some(Kind::Instant),
        PlainType::String | PlainType::List | PlainType::Any => None,
    }
}

/// What a row's type says of the values.
fn kind_told_by(conversion: Option<&Conversion>) -> Kind {
    match conversion {
        Some(Conversion::Plain(ty)) => matching_kind(*ty).unwrap_or_default(),
        _ => Kind::Seen,
    }
}

/// Ranks by "comes before"; in a circle, the one that was named first goes first.
fn ranks(count: usize, before: &[(usize, usize)]) -> Vec<u16> {
    let mut rank = vec![0u16; count];
    // Longest way to each, bounded by the number of types so that circles end.
    for _ in 0..count {
        let mut moved = false;
        for &(first, then) in before {
            if first != then && rank[then] <= rank[first] && (rank[first] as usize) < count {
                rank[then] = rank[first] + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    rank
}
