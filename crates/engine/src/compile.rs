//! Compiling: the plan of flows, made once from all flows of a project and the schemas of its systems.

use std::collections::{BTreeSet, HashMap};

use lockstep_model::flow::{Create, Direction, Having, Policy, PropertyRef};
use lockstep_model::matching::{MatchKind, seed};
use lockstep_model::schema::OWN_ID;
use lockstep_model::value::is_empty;
use lockstep_model::{
    Conversion, Flow, FlowIx, Path, PlainType, PropIx, Reverse, Timestamp, TypeIx, TypeName, TypeSchema, Value,
};

use crate::bears::{Edge, Step, bears};
use crate::plan::{
    Bearing, BlockedRow, MatchProp, MatchRule, MatchSide, Part, Parts, Plan, PlanCreate, PlanError, PlanFlow, PlanProp, PlanType,
    Schemas, convertible,
};

impl Plan {
    /// Compiles flows.
    pub fn compile(flows: &[Flow], schemas: &Schemas) -> Result<Plan, Vec<PlanError>> {
        Plan::compile_watching(flows, schemas, &[])
    }

    /// Compiles flows, with properties to be watched besides that no flow names (any more). They are kept equal with nothing, and change
    /// no fingerprint. Those that no schema has are left out.
    pub fn compile_watching(
        flows: &[Flow],
        schemas: &Schemas,
        watched: &[(TypeName, Option<PropertyRef>)],
    ) -> Result<Plan, Vec<PlanError>> {
        let mut build = Build { schemas, types: vec![], index: HashMap::new(), errors: vec![] };
        let plan = build.plan(flows, watched);
        if build.errors.is_empty() { Ok(plan) } else { Err(build.errors) }
    }
}

struct Build<'a> {
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

/// A pair of the graph with all that its rows say.
struct Pair {
    forward: bool,
    backward: bool,
    conversion: Option<Conversion>,
    /// What a row of the flow the other way says of the way back.
    back: Option<Conversion>,
    clears: bool,
}

/// One direction of a pair.
enum Way {
    AsIs,
    Exact(Conversion),
    Lossy(Conversion),
    None(String),
}

impl Pair {
    /// How a value passes in one direction. What a row says of this direction holds; else the other direction is reversed. A type's name
    /// alone says what the property holds, and not that a value passes as it is.
    fn way(&self, forward: bool) -> Way {
        let (said, other) = if forward { (&self.conversion, &self.back) } else { (&self.back, &self.conversion) };
        if let Some(said @ Conversion::Computed(_)) = said {
            // Of a conversion that stands for itself nobody knows whether the other one leads back.
            let lossless = !matches!(other, Some(Conversion::Computed(_)));
            return if lossless { Way::Exact(said.clone()) } else { Way::Lossy(said.clone()) };
        }
        match (said, other) {
            (_, Some(other @ Conversion::Computed(_))) => match other.reverse() {
                Reverse::Exact(back) => Way::Exact(back),
                Reverse::Lossy { conversion, .. } => Way::Lossy(conversion),
                Reverse::None { .. } if said.is_some() => Way::AsIs,
                Reverse::None { why } => Way::None(why),
            },
            (Some(plain), _) => Way::Exact(plain.clone()),
            (None, _) => Way::AsIs,
        }
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
        self.types.push(TypeUnderWay { name: name.clone(), schema, props: vec![], known: HashMap::new(), indexed: 0 });
        self.index.insert(name.clone(), ix);
        ix
    }

    /// The watched property that a written path stands for.
    /// The properties that a flow's filter names by another path than their own.
    fn filter_reads(&self, flow: &Flow, from: TypeIx) -> Vec<(String, PropIx, bool)> {
        let Create::When { filter: Some(filter), .. } = &flow.create else { return vec![] };
        let under_way = &self.types[from.at()];
        let Some(schema) = under_way.schema else { return vec![] };
        let reads = filter.reads.iter().filter_map(|written| {
            let reference = PropertyRef::new(schema.resolve(written)?);
            let ix = under_way.props.iter().position(|prop| prop.reference == reference)?;
            (reference.path != *written)
                .then(|| (written.as_str().to_string(), PropIx(ix as u16), self.is_derived(from, written)))
        });
        reads.collect()
    }

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
            let message = format!("{} has more properties in the flows than can be kept apart ({})", under_way.name, u16::MAX);
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
            whole: described.is_some_and(|d| d.ty == PlainType::List),
            read_only: own_id || described.is_some_and(|d| d.read_only),
            create_only: described.is_some_and(|d| d.create_only),
            required: described.is_some_and(|d| d.required),
            stored_as: described.map(|d| d.stored_as).unwrap_or_default(),
            refers_to: vec![],
            reference_target: described.and_then(|d| d.reference.clone()).map(|kind| TypeName::new(system, kind)),
            paired: false,
            fans: false,
            policy: Policy::Latest,
            clears: true,
            parts: vec![],
            reference,
        };
        let under_way = &mut self.types[ty.at()];
        under_way.props.push(prop);
        Some(PropIx(under_way.props.len() as u16 - 1))
    }

    fn plan(&mut self, flows: &[Flow], watched: &[(TypeName, Option<PropertyRef>)]) -> Plan {
        let ends: Vec<(TypeIx, TypeIx)> =
            flows.iter().map(|flow| (self.type_of(flow, &flow.from), self.type_of(flow, &flow.to))).collect();
        let mut edges: Vec<Edge> = vec![];
        let mut pairs: Vec<Pair> = vec![];
        let mut pair_of: HashMap<_, usize> = HashMap::new();
        let mut rules: Vec<MatchRule> = vec![];
        let mut sides: Vec<(TypeIx, MatchSide)> = vec![];
        let mut blocked = vec![];

        for (ix, (flow, &(from, to))) in flows.iter().zip(&ends).enumerate() {
            for (row, pair) in flow.properties.iter().enumerate() {
                let (Some(p), Some(q)) = (self.prop(flow, from, &pair.from), self.prop(flow, to, &pair.to)) else { continue };
                let (mine, theirs) = (&self.types[from.at()].props[p.at()], &self.types[to.at()].props[q.at()]);
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
                // Two rows (of this flow, or of the one the other way round) can mean the same two properties: they are one pair.
                let (one, other) = ((from, p), (to, q));
                if let Some(known) = pair_of.get(&(one, other)).map(|at| &mut pairs[*at]) {
                    known.forward |= forward;
                    known.backward |= backward;
                    known.clears &= pair.clears;
                    known.conversion = known.conversion.take().or_else(|| pair.conversion.clone());
                } else if let Some(known) = pair_of.get(&(other, one)).map(|at| &mut pairs[*at]) {
                    known.forward |= backward;
                    known.backward |= forward;
                    known.clears &= pair.clears;
                    known.back = known.back.take().or_else(|| pair.conversion.clone());
                } else {
                    pair_of.insert((one, other), pairs.len());
                    edges.push(Edge { from: (from, p), to: (to, q), row, pair: pairs.len() });
                    let (conversion, clears) = (pair.conversion.clone(), pair.clears);
                    pairs.push(Pair { forward, backward, conversion, back: None, clears });
                }
            }
            for row in &flow.matches {
                self.rule(flow, from, to, row, &mut rules, &mut sides);
            }
            if let Create::When { filter: Some(filter), .. } = &flow.create {
                for path in &filter.reads {
                    self.prop(flow, from, &PropertyRef::new(path.as_str()));
                }
            }
        }
        self.watch_references(flows, &ends);
        self.watch_creation_times(flows, &ends);
        let named: Vec<usize> = self.types.iter().map(|ty| ty.props.len()).collect();
        self.watch_besides(watched);

        let relations = {
            let types = &self.types;
            bears(types.len(), &edges, |(ty, prop)| &types[ty.at()].props[prop.at()].name)
        };
        for ((ty, _), related) in &relations {
            let mut seen = BTreeSet::new();
            for relation in related {
                self.types[ty.at()].props[relation.mine.at()].fans |= !seen.insert(relation.mine);
            }
        }
        for ((ty, prop), parts) in parts(&relations, &pairs) {
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
                    Create::When { condition, .. } => PlanCreate::Filtered { condition: condition.clone() },
                    Create::ConnectedTo(types) => {
                        PlanCreate::ConnectedTo(types.iter().filter_map(|name| self.index.get(name).copied()).collect())
                    }
                },
                filter: match &flow.create {
                    Create::When { filter, .. } => filter.clone(),
                    _ => None,
                },
                filter_reads: self.filter_reads(flow, from),
                deletes: flow.deletes,
                synchronizes: synchronizes(from, to),
                create_empty: flow.create_empty,
                matches: !flow.matches.is_empty(),
                place: flow.place.clone(),
                fingerprint: flow.fingerprint(),
            })
            .collect();

        let decide_rank = self.decide_ranks(&plan_flows);
        let send_rank = self.send_ranks();
        let merging: BTreeSet<TypeIx> =
            flows.iter().zip(&ends).filter(|(flow, _)| flow.merge_duplicates).flat_map(|(_, &(from, to))| [from, to]).collect();
        let mut bearings: Vec<Vec<Vec<Bearing>>> = self.bearings(&relations, &pairs, &merging);
        let mut types = Vec::new();
        for (ix, under_way) in std::mem::take(&mut self.types).into_iter().enumerate() {
            let ty = TypeIx(ix as u16);
            let schema = under_way.schema;
            let required_unmapped = schema.map_or(vec![], |schema| {
                schema
                    .properties
                    .iter()
                    .filter(|p| p.required && !p.read_only)
                    .filter(|p| {
                        let resolved = schema.resolve(&p.path);
                        !under_way.props.iter().any(|prop| prop.paired && Some(&prop.reference.path) == resolved.as_ref())
                    })
                    .map(|p| p.path.clone())
                    .collect()
            });
            let match_sides: Vec<MatchSide> = {
                let (mine, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut sides).into_iter().partition(|(of, _)| *of == ty);
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
                    text.push_str(&format!("{:x}\n", rules[side.rule].seed));
                }
                seed(&text)
            };
            types.push(PlanType {
                can: schema.map_or(TypeSchema::open("").can, |schema| schema.can),
                settles_ms: schema.map_or(0, |schema| schema.settles_ms),
                decide_rank: decide_rank[ix],
                send_rank: send_rank[ix],
                fingerprint,
                required_unmapped,
                merges_duplicates: merging.contains(&ty),
                bearings: std::mem::take(&mut bearings[ix]),
                match_sides,
                flows_out: (0..plan_flows.len() as u16).map(FlowIx).filter(|f| plan_flows[f.at()].from == ty).collect(),
                partners: ends
                    .iter()
                    .flat_map(|&(from, to)| [(from, to), (to, from)])
                    .filter(|(mine, _)| *mine == ty)
                    .map(|(_, other)| other)
                    .collect(),
                contested: {
                    let creates = |flow: &&PlanFlow| flow.to == ty && flow.create != PlanCreate::Never;
                    plan_flows.iter().filter(creates).map(|flow| flow.from).collect::<BTreeSet<_>>().len() > 1
                },
                own_id: place_of(&under_way.props, OWN_ID.into()),
                created: schema
                    .and_then(|schema| schema.resolve(schema.created.as_ref()?))
                    .and_then(|path| place_of(&under_way.props, path)),
                name: under_way.name,
                props: under_way.props,
            });
        }
        Plan { types, flows: plan_flows, rules, blocked }
    }

    fn rule(
        &mut self,
        flow: &Flow,
        from: TypeIx,
        to: TypeIx,
        row: &lockstep_model::MatchRow,
        rules: &mut Vec<MatchRule>,
        sides: &mut Vec<(TypeIx, MatchSide)>,
    ) {
        let mut resolved = Vec::new();
        for (a, b) in &row.pairs {
            let (Some(p), Some(q)) = (self.prop(flow, from, a), self.prop(flow, to, b)) else { return };
            let names = (self.types[from.at()].props[p.at()].name.clone(), self.types[to.at()].props[q.at()].name.clone());
            // Telephone numbers only where both sides hold one; e-mail addresses where either does.
            let kind = match (MatchKind::of_path(&names.0), MatchKind::of_path(&names.1)) {
                (MatchKind::Email, _) | (_, MatchKind::Email) => MatchKind::Email,
                (MatchKind::Phone, MatchKind::Phone) => MatchKind::Phone,
                _ => MatchKind::Text,
            };
            let mine = MatchProp { prop: p, kind, primary: self.is_derived(from, &a.path) };
            let theirs = MatchProp { prop: q, kind, primary: self.is_derived(to, &b.path) };
            let marked = |name: String, primary: bool| if primary { format!("{name} (primary)") } else { name };
            resolved.push((mine, theirs, kind, (marked(names.0, mine.primary), marked(names.1, theirs.primary))));
        }
        resolved.sort_by(|a, b| a.3.cmp(&b.3));
        let (from_name, to_name) = (self.types[from.at()].name.to_string(), self.types[to.at()].name.to_string());
        let mut halves = [
            (from_name, resolved.iter().map(|r| r.3.0.clone()).collect::<Vec<_>>()),
            (to_name, resolved.iter().map(|r| r.3.1.clone()).collect::<Vec<_>>()),
        ];
        let text = resolved.iter().map(|r| format!("{} = {}", r.3.0, r.3.1)).collect::<Vec<_>>().join(" and ");
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
        if rules.iter().any(|rule| rule.seed == seed) {
            return;
        }
        let rule = rules.len();
        rules.push(MatchRule { a: from, b: to, seed, text });
        sides.push((from, MatchSide { rule, other: to, props: resolved.iter().map(|r| r.0).collect() }));
        sides.push((to, MatchSide { rule, other: from, props: resolved.iter().map(|r| r.1).collect() }));
    }

    fn is_derived(&self, ty: TypeIx, path: &Path) -> bool {
        self.types[ty.at()]
            .schema
            .and_then(|schema| schema.property(path))
            .is_some_and(|property| property.derived_from.is_some())
    }

    /// Watches the references by which records are connected (C5), and settles what every reference refers to.
    fn watch_references(&mut self, flows: &[Flow], ends: &[(TypeIx, TypeIx)]) {
        for (flow, &(from, _)) in flows.iter().zip(ends) {
            let Create::ConnectedTo(connected) = &flow.create else { continue };
            for name in connected {
                let Some(&other) = self.index.get(name) else { continue };
                for (of, to) in [(other, from), (from, other)] {
                    let Some(schema) = self.types[of.at()].schema else { continue };
                    let kind = self.types[to.at()].name.kind.clone();
                    for property in schema.properties.iter().filter(|p| p.reference.as_ref() == Some(&kind)) {
                        self.prop(flow, of, &PropertyRef::new(property.path.as_str()));
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
                if let Some(path) = self.types[ty.at()].schema.and_then(|schema| schema.created.clone()) {
                    self.prop(flow, ty, &PropertyRef::new(path));
                }
            }
        }
    }

    /// Watches what no flow names, where a schema has it.
    fn watch_besides(&mut self, watched: &[(TypeName, Option<PropertyRef>)]) {
        for (name, property) in watched {
            let schema = self.schemas.get(&name.system).and_then(|types| types.iter().find(|ty| ty.kind == name.kind));
            let Some(schema) = schema else { continue };
            let nobody = Flow::between(name.clone(), name.clone());
            let ty = self.type_of(&nobody, name);
            if let Some(property) = property.as_ref().filter(|property| schema.resolve(&property.path).is_some()) {
                self.prop(&nobody, ty, property);
            }
        }
    }

    fn bearings(
        &self,
        relations: &crate::bears::Relations,
        pairs: &[Pair],
        merging: &BTreeSet<TypeIx>,
    ) -> Vec<Vec<Vec<Bearing>>> {
        let mut all: Vec<Vec<Vec<Bearing>>> = self.types.iter().map(|ty| ty.props.iter().map(|_| Vec::new()).collect()).collect();
        for (ix, bearings) in all.iter_mut().enumerate() {
            let mine = TypeIx(ix as u16);
            for other in (0..self.types.len() as u16).map(TypeIx) {
                if mine == other && merging.contains(&mine) {
                    for (prop, own) in bearings.iter_mut().enumerate().filter(|(prop, _)| self.types[ix].props[*prop].paired) {
                        own.push(Bearing {
                            other,
                            theirs: PropIx(prop as u16),
                            conversion: Ok(vec![]),
                            judged_by: None,
                            open: true,
                            clears: self.types[ix].props[prop].clears,
                            reference: false,
                            defaults: false,
                        });
                    }
                }
                for related in relations.get(&(mine, other)).into_iter().flatten() {
                    let (p, q) = (&self.types[ix].props[related.mine.at()], &self.types[other.at()].props[related.theirs.at()]);
                    let reference = p.reference_target.is_some() && q.reference_target.is_some();
                    let (conversion, lossy) = along(&related.way, pairs, true);
                    let judged_by = if lossy { along(&related.way, pairs, false).0.ok() } else { None };
                    let defaults = !reference && conversion.as_ref().is_ok_and(|way| gives_default(way));
                    bearings[related.mine.at()].push(Bearing {
                        other,
                        theirs: related.theirs,
                        conversion: if reference { Ok(vec![]) } else { conversion },
                        judged_by,
                        // The way is told from mine to theirs; values come the other way.
                        open: related
                            .way
                            .iter()
                            .all(|step| if step.forward { pairs[step.pair].backward } else { pairs[step.pair].forward }),
                        clears: related.way.iter().all(|step| pairs[step.pair].clears),
                        reference,
                        defaults,
                    });
                }
            }
        }
        all
    }

    /// What decides whether others are created comes first (C5).
    fn decide_ranks(&self, flows: &[PlanFlow]) -> Vec<u16> {
        let before: Vec<(usize, usize)> = flows
            .iter()
            .filter_map(|flow| match &flow.create {
                PlanCreate::ConnectedTo(types) => Some(types.iter().map(|c| (c.at(), flow.from.at())).collect::<Vec<_>>()),
                _ => None,
            })
            .flatten()
            .collect();
        ranks(self.types.len(), &before)
    }

    /// What others refer to is created first.
    fn send_ranks(&self) -> Vec<u16> {
        let mut before = Vec::new();
        for (ix, ty) in self.types.iter().enumerate() {
            for target in ty.props.iter().filter(|prop| prop.paired).flat_map(|prop| &prop.refers_to) {
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

/// The conversions on a way: from theirs to mine, or back. Also whether something is lost on it.
fn along(way: &[Step], pairs: &[Pair], to_mine: bool) -> (Result<Vec<Conversion>, String>, bool) {
    let mut conversions = Vec::new();
    let mut lossy = false;
    let steps: Vec<Step> = if to_mine { way.iter().rev().copied().collect() } else { way.to_vec() };
    for step in steps {
        // The way is told from mine to theirs: a step that it walks forward is walked backward by values that come.
        match pairs[step.pair].way(step.forward != to_mine) {
            Way::AsIs => {}
            Way::Exact(conversion) => conversions.push(conversion),
            Way::Lossy(conversion) => {
                lossy = true;
                conversions.push(conversion);
            }
            Way::None(why) => return (Err(why), lossy),
        }
    }
    (Ok(conversions), lossy)
}

/// Whether these conversions give a value for an empty one. No clock is needed to see that.
fn gives_default(conversions: &[Conversion]) -> bool {
    let mut value = Value::Null;
    for conversion in conversions {
        match conversion.apply(&value, Timestamp(0)) {
            Ok(converted) => value = converted,
            Err(_) => return false,
        }
    }
    !is_empty(&value)
}

/// P1d: the properties that conversions split over several of another record type, each part by a conversion of its own.
fn parts(relations: &crate::bears::Relations, pairs: &[Pair]) -> Vec<((TypeIx, PropIx), Parts)> {
    let mut found = Vec::new();
    for ((mine, other), related) in relations {
        let mut wholes: Vec<PropIx> = related.iter().map(|relation| relation.mine).collect();
        wholes.sort_unstable();
        wholes.dedup();
        for whole in wholes {
            let mut parts: Vec<Part> = Vec::new();
            for relation in related.iter().filter(|relation| relation.mine == whole) {
                let (taken_by, _) = along(&relation.way, pairs, false);
                let taken_by = taken_by.unwrap_or_default();
                let computed = taken_by.iter().any(|conversion| matches!(conversion, Conversion::Computed(_)));
                if !computed || parts.iter().any(|part| part.taken_by == taken_by) {
                    parts.clear();
                    break;
                }
                parts.push(Part { prop: relation.theirs, taken_by });
            }
            if parts.len() > 1 {
                found.push(((*mine, whole), Parts { other: *other, parts }));
            }
        }
    }
    found
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
