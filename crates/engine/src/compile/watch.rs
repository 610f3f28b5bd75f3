//! What is watched besides what rows name: conditions, markers, references, times.

use lockstep_model::flow::{Create, PropertyRef};
use lockstep_model::{Flow, PropertySchema, TypeIx, TypeName};

use super::build::Build;

/// Watches what the conditions of a flow read (L9, L11).
pub fn watch_conditions(build: &mut Build<'_>, flow: &Flow, (from, to): (TypeIx, TypeIx)) {
    let of_creating = match &flow.create {
        Create::When { filter, .. } => filter.as_ref(),
        _ => None,
    };
    let filters = [(from, of_creating), (from, flow.only.as_ref()), (to, flow.only_to.as_ref())];
    for (of, filter) in filters {
        for path in filter.into_iter().flat_map(|filter| &filter.reads) {
            build.prop(flow, of, &PropertyRef::new(path.as_str()));
        }
    }
}

/// Watches what the rules need of each record type.
pub fn watch_for_rules(build: &mut Build<'_>, flows: &[Flow], ends: &[(TypeIx, TypeIx)]) {
    watch_markers(build, flows, ends);
    watch_references(build, flows, ends);
    watch_creation_times(build, flows, ends);
    watch_property_times(build, flows, ends);
}

/// Watches what makes a path a property on a condition on the record, where the schema tells of
/// it.
fn watch_markers(build: &mut Build<'_>, flows: &[Flow], ends: &[(TypeIx, TypeIx)]) {
    let Some((flow, _)) = flows.iter().zip(ends).next() else { return };
    for ty in (0..build.types.len() as u16).map(TypeIx) {
        for ix in 0..build.types[ty.at()].props.len() {
            let under_way = &build.types[ty.at()];
            let prop = &under_way.props[ix];
            let Some((having, schema)) = prop.reference.when.clone().zip(under_way.schema) else {
                continue;
            };
            if !schema.is_on_the_record(&having.path) {
                continue;
            }
            let marker = build.prop(flow, ty, &PropertyRef::new(having.path.as_str()));
            build.types[ty.at()].props[ix].depends =
                marker.map(|marker| (marker, having.value.trim().to_string()));
        }
    }
}

/// Watches the references by which records are connected (C5), and settles what every reference
/// refers to.
fn watch_references(build: &mut Build<'_>, flows: &[Flow], ends: &[(TypeIx, TypeIx)]) {
    for (flow, &(from, _)) in flows.iter().zip(ends) {
        let Create::ConnectedTo(connected) = &flow.create else { continue };
        for name in connected {
            for other in build.named(name) {
                for (of, to) in [(other, from), (from, other)] {
                    let Some(schema) = build.types[of.at()].schema else { continue };
                    let system = build.types[of.at()].name.system.clone();
                    let target = &build.types[to.at()].name;
                    let target = TypeName::new(&target.system, &target.kind);
                    let refers =
                        |p: &&PropertySchema| p.refers_to(&system).as_ref() == Some(&target);
                    for property in schema.properties.iter().filter(refers) {
                        build.prop(flow, of, &PropertyRef::new(property.path.as_str()));
                    }
                }
            }
        }
    }
    let names: Vec<TypeName> = build.types.iter().map(|ty| ty.name.clone()).collect();
    for ty in &mut build.types {
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
fn watch_creation_times(build: &mut Build<'_>, flows: &[Flow], ends: &[(TypeIx, TypeIx)]) {
    for (flow, &(from, to)) in flows.iter().zip(ends) {
        for ty in [from, to] {
            if let Some(path) =
                build.types[ty.at()].schema.and_then(|schema| schema.created.clone())
            {
                build.prop(flow, ty, &PropertyRef::new(path));
            }
        }
    }
}

/// Watches what says when single properties were put in (P1).
fn watch_property_times(build: &mut Build<'_>, flows: &[Flow], ends: &[(TypeIx, TypeIx)]) {
    for (flow, &(from, to)) in flows.iter().zip(ends) {
        for ty in [from, to] {
            let Some(schema) = build.types[ty.at()].schema else { continue };
            for at in 0..build.types[ty.at()].props.len() {
                let prop = &build.types[ty.at()].props[at];
                let told_by = schema
                    .describe(&prop.reference.path)
                    .and_then(|described| described.modified.clone());
                let Some(path) = told_by.filter(|_| prop.paired && prop.told_by.is_none()) else {
                    continue;
                };
                let Some(time) = build.prop(flow, ty, &PropertyRef::new(path)) else { continue };
                let props = &mut build.types[ty.at()].props;
                props[at].told_by = Some(time);
                props[time.at()].tells_time = !props[time.at()].paired;
            }
        }
    }
}

/// Watches what no flow names, where a schema has it.
pub fn watch_besides(build: &mut Build<'_>, watched: &[(TypeName, Option<PropertyRef>)]) {
    for (name, property) in watched {
        let schema = build
            .schemas
            .get(&name.system)
            .and_then(|types| types.iter().find(|ty| ty.kind == name.kind));
        let Some(schema) = schema else { continue };
        let nobody = Flow::between(name.clone(), name.clone());
        let ty = build.type_of(&nobody, name);
        if let Some(property) =
            property.as_ref().filter(|property| schema.resolve(&property.path).is_some())
        {
            build.prop(&nobody, ty, property);
        }
    }
}
