//! Creating: too much, nothing, or never (G6, C1, C3, C5).

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Create, Direction, Flow, Kind, Path, TypeName};

use super::view::View;
use crate::codes;
use crate::near::any_of;
use crate::problem::Problem;
use crate::section::FlowPlaces;

pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) {
    // What seems to be missing from a flow that could not be read whole may be there.
    for (flow, places) in
        view.flows().filter(|(flow, places)| !places.incomplete && view.knows(flow))
    {
        if itself(flow, places, problems) {
            continue;
        }
        required(view, flow, places, problems);
        everything(view, flow, places, problems);
        unmatched(view, flow, places, problems);
        empty(view, flow, places, problems);
        conditions(view, flow, places, problems);
        outside(view, flow, places, problems);
        abilities(view, flow, places, problems);
    }
}

/// A section between a record type and itself: of no effect, or about duplicates inside the system
/// (L6).
fn itself(flow: &Flow, places: &FlowPlaces, problems: &mut Vec<Problem>) -> bool {
    if flow.from != flow.to {
        return false;
    }
    let (code, message) = match (flow.is_vacuous(), flow.merge_duplicates) {
        (true, _) => (
            codes::VACUOUS,
            format!(
                "the section is between {} and itself, and every record satisfies it with itself: it links, creates and writes nothing",
                flow.from
            ),
        ),
        (false, merges) => (
            codes::DUPLICATES_INSIDE,
            format!(
                "the section is between {} and itself, so it is about duplicates inside the system: what matches {}; nothing is created (L6)",
                flow.from,
                if merges { "is linked and kept equal" } else { "goes to review" }
            ),
        ),
    };
    let help = "if two accounts of one product are meant, make them two systems, and say in lockstep.yaml which side of the headings is which: `flows: [{ file: …, names: { NAME: [first, second] } }]`";
    problems.push(Problem::warning(code, places.flow.clone(), message).help(help));
    true
}

/// C4: what the target requires and no row gives.
fn required(view: &View<'_>, flow: &Flow, places: &FlowPlaces, problems: &mut Vec<Problem>) {
    let Some(schema) = view.schema(&flow.to).filter(|schema| schema.can.create) else { return };
    if flow.create == Create::Never || is_empty(view, flow) {
        return;
    }
    // What rows of another facet give is given (F1).
    let collection = |name: &TypeName| name.system == flow.to.system && name.kind == flow.to.kind;
    let given = |path: &lockstep_model::Path| {
        view.flows().filter(|(flow, _)| collection(&flow.from) || collection(&flow.to)).any(
            |(flow, _)| {
                flow.properties.iter().any(|pair| {
                    let mine = collection(&flow.from).then_some(&pair.from).into_iter();
                    let all = mine.chain(collection(&flow.to).then_some(&pair.to));
                    all.into_iter().any(|end| {
                        let is_it = |part: lockstep_model::flow::PropertyRef| {
                            schema.resolve(&part.path).as_ref() == Some(path)
                        };
                        !end.is_followed() && end.parts().any(is_it)
                    })
                })
            },
        )
    };
    let lacking: Vec<String> = schema
        .properties
        .iter()
        .filter(|property| property.required && !property.read_only)
        .filter(|property| schema.resolve(&property.path).is_some_and(|path| !given(&path)))
        .map(|property| format!("`{}`", property.path))
        .collect();
    if lacking.is_empty() {
        return;
    }
    let place = places.table.as_ref().unwrap_or(&places.flow);
    let message = format!(
        "{} requires {}, which no row gives, so nothing can be created there (C4)",
        flow.to,
        lacking.join(" and ")
    );
    problems.push(
        Problem::warning(codes::REQUIRED_UNMAPPED, place.clone(), message).help("add a row for it"),
    );
}

/// Creating for every record, with nothing by which those that are in both systems already are
/// recognised.
fn everything(view: &View<'_>, flow: &Flow, places: &FlowPlaces, problems: &mut Vec<Problem>) {
    let creates = matches!(flow.create, Create::Always | Create::When { filter: Some(_), .. })
        && !is_empty(view, flow);
    // A match row of a flow in the other direction recognises them as well.
    if !creates || view.between(&flow.from, &flow.to).any(|(flow, _)| !flow.matches.is_empty()) {
        return;
    }
    let place = places.create.as_ref().unwrap_or(&places.flow);
    let message = format!(
        "every {} gets a {} of its own: nothing says by what those that are in both systems already are recognised, so they will be there twice",
        flow.from, flow.to
    );
    problems.push(Problem::warning(codes::CREATES_EVERYTHING, place.clone(), message).help(match proposal(flow) {
        Some(row) => format!("add a match row, for instance `match: [{row}]`"),
        None => "add `match:` with a row of properties that are the same in both, an e-mail address or a number".into(),
    }));
}

/// Creating without what the created records are matched by: once the links are lost, or the record
/// is copied elsewhere, nothing tells that the two are one (L1).
fn unmatched(view: &View<'_>, flow: &Flow, places: &FlowPlaces, problems: &mut Vec<Problem>) {
    let Some(schema) = view.schema(&flow.to) else { return };
    if flow.create == Create::Never || is_empty(view, flow) {
        return;
    }
    let given: Vec<Path> =
        brought(view, flow).filter_map(|end| schema.resolve(&end.path)).collect();
    // The system fills it in, it is made of another one, or a row gives it, or a part of it.
    let is_given = |matched: &PropertyRef| {
        let Some(path) = schema.resolve(&matched.path) else { return true };
        let described = schema.describe(&path);
        let by_system = described.is_some_and(|property| {
            property.read_only || property.derived_from.is_some() || property.reference.is_some()
        });
        let within = |one: &Path| *one == path || one.is_parent_of(&path) || path.is_parent_of(one);
        path.as_str().starts_with('$') || by_system || given.iter().any(within)
    };
    let mut rows = Vec::new();
    for (other, places) in view.between(&flow.from, &flow.to) {
        for (row, places) in other.matches.iter().zip(&places.matches) {
            let side = |(from, to): &(PropertyRef, PropertyRef)| {
                if other.to == flow.to { to.clone() } else { from.clone() }
            };
            rows.push((row.pairs.iter().map(side).collect::<Vec<_>>(), places));
        }
    }
    if rows.is_empty() || rows.iter().any(|(row, _)| row.iter().all(is_given)) {
        return;
    }
    let (row, of_row) = &rows[0];
    let lacking: Vec<String> =
        row.iter().filter(|end| !is_given(end)).map(|end| format!("`{end}`")).collect();
    let place = places.create.as_ref().unwrap_or(&places.flow);
    let message = format!(
        "a new {} gets no {}, by which its counterpart would be recognised: no row brings it there (L1)",
        flow.to,
        lacking.join(" and ")
    );
    let mut problem = Problem::warning(codes::CREATES_UNMATCHED, place.clone(), message)
        .help("add a row for it under `properties`");
    if let Some(pair) = of_row.first() {
        problem = problem.related(&pair.row, "the match row");
    }
    problems.push(problem);
}

/// What rows bring to the flow's target, of flows in both directions.
fn brought<'v>(view: &'v View<'_>, flow: &'v Flow) -> impl Iterator<Item = PropertyRef> + 'v {
    view.between(&flow.from, &flow.to).flat_map(move |(other, _)| {
        let forward = other.to == flow.to;
        let away = if forward { Direction::Backward } else { Direction::Forward };
        let pairs = other.properties.iter().filter(move |pair| pair.direction != away);
        let ends = pairs.map(move |pair| if forward { &pair.to } else { &pair.from });
        ends.filter(|end| !end.is_followed()).flat_map(PropertyRef::parts)
    })
}

/// Whether nothing is carried towards the flow's target, so that it does not create (C3). Rows of a
/// flow in the other direction count as well.
fn is_empty(view: &View<'_>, flow: &Flow) -> bool {
    !flow.create_empty && brought(view, flow).next().is_none()
}

/// A match row that the flow's own property rows offer: an e-mail address, else a telephone number,
/// else something numbered.
fn proposal(flow: &Flow) -> Option<String> {
    // Names such as `EmailAddress` are plain enough to a person, if not to the rule by which values
    // are normalised.
    let is_email = |path: &str| {
        path.to_lowercase().contains("email") || Kind::hinted_by(path) == Kind::LikelyEmail
    };
    let is_phone = |path: &str| Kind::hinted_by(path) == Kind::LikelyPhone;
    let of = |fits: &dyn Fn(&str) -> bool| {
        flow.properties
            .iter()
            .filter(|pair| !pair.from.is_followed() && !pair.to.is_followed())
            .filter(|pair| !pair.from.is_combined() && !pair.to.is_combined())
            .find(|pair| fits(pair.from.path.as_str()) && fits(pair.to.path.as_str()))
    };
    let is_number = |path: &str| {
        let name = path.to_lowercase();
        ["number", "sku", "code", "vat", "orgnr"].iter().any(|word| name.ends_with(word))
    };
    let pair = of(&is_email).or_else(|| of(&is_phone)).or_else(|| of(&is_number))?;
    Some(format!("{} = {}", pair.from, pair.to))
}

/// Flows that keep nothing equal.
fn empty(view: &View<'_>, flow: &Flow, places: &FlowPlaces, problems: &mut Vec<Problem>) {
    let has_rows = view.between(&flow.from, &flow.to).any(|(flow, _)| !flow.properties.is_empty());
    let table = places.table.as_ref().unwrap_or(&places.flow);
    if flow.create != Create::Never && is_empty(view, flow) {
        let message = format!(
            "the flow synchronizes no property towards {}, so it creates nothing (C3): its records would all be empty",
            flow.to
        );
        problems.push(
            Problem::warning(codes::CREATES_EMPTY, table.clone(), message).help(
                "add property rows; or write `create_empty: true` if empty records are wanted",
            ),
        );
    } else if !has_rows && flow.create == Create::Never {
        let message = format!(
            "nothing is kept equal between {} and {}: they are linked, and nothing is ever written",
            flow.from, flow.to
        );
        problems.push(
            Problem::warning(codes::EMPTY_TABLE, table.clone(), message)
                .help("add property rows, or leave it if links are all you want"),
        );
    }
    let links = view
        .between(&flow.from, &flow.to)
        .any(|(flow, _)| !flow.matches.is_empty() || flow.create != Create::Never);
    if !links && !view.linked(&flow.from, |name| *name == flow.to, Some(flow)) {
        let message = format!(
            "no {} is ever linked with a {}: the flow has no match row and creates nothing",
            flow.from, flow.to
        );
        problems.push(
            Problem::warning(codes::NOTHING_TO_DO, places.flow.clone(), message)
                .help("add `match:` rows, or say `create: always`"),
        );
    }
}

/// L11: a condition on the records that the flow creates, of which no row gives what it reads. What
/// is created is then kept equal only if its system fills that in.
fn outside(view: &View<'_>, flow: &Flow, places: &FlowPlaces, problems: &mut Vec<Problem>) {
    let Some(schema) = view.schema(&flow.to).filter(|schema| schema.can.create) else { return };
    let Some(condition) = flow.only_to.as_ref().filter(|_| flow.create != Create::Never) else {
        return;
    };
    let is_target = |name: &TypeName| name.system == flow.to.system && name.kind == flow.to.kind;
    let given = |path: &Path| {
        let is_it = |end: &PropertyRef| {
            let marker = end.when.as_ref().map(|having| &having.path);
            [Some(&end.path), marker].into_iter().flatten().any(|end| {
                schema.resolve(end).is_some_and(|end| end == *path || end.is_parent_of(path))
            })
        };
        view.flows().any(|(flow, _)| {
            flow.properties.iter().any(|pair| {
                pair.direction != Direction::Backward && is_target(&flow.to) && is_it(&pair.to)
                    || pair.direction != Direction::Forward
                        && is_target(&flow.from)
                        && is_it(&pair.from)
            })
        })
    };
    let lacking = condition.reads.iter().filter(|read| {
        let Some(path) = schema.resolve(read) else { return false };
        !schema.describe(&path).is_some_and(|property| property.read_only) && !given(&path)
    });
    let lacking: Vec<&str> = lacking.map(Path::as_str).collect();
    if lacking.is_empty() {
        return;
    }
    let message = format!(
        "the flow is about a {} only where `{}` holds, and creates some without {}, which no row gives: they are not kept equal unless {} \
         fills it in",
        flow.to,
        condition.expression,
        any_of(lacking.iter().copied()),
        flow.to.system
    );
    let help = format!(
        "add a row that gives it; where it is always the same, a flow from {} can `set` it. Or let nothing be created there (`create: always` \
         creates on one side, `both` on each)",
        flow.from
    );
    let place = places.only[1].as_ref().or(places.create.as_ref()).unwrap_or(&places.flow);
    problems.push(Problem::warning(codes::CREATES_OUTSIDE, place.clone(), message).help(help));
}

/// Conditions that can never hold.
fn conditions(view: &View<'_>, flow: &Flow, places: &FlowPlaces, problems: &mut Vec<Problem>) {
    let place = places.create.as_ref().unwrap_or(&places.flow);
    match &flow.create {
        Create::When { condition, filter: None } => {
            let message = format!(
                "“{condition}” is said in words only, so it never holds and the flow creates nothing"
            );
            problems.push(Problem::warning(codes::NEVER_CREATES, place.clone(), message).help(
                "say it as an expression in a flow file: `create: { when: …, filter: 'Category == \"Customer\"' }`; `lockstep import` makes one of a document",
            ));
        }
        Create::ConnectedTo(types) => {
            for (at, connected) in types.iter().enumerate() {
                let place = places.connected.get(at).unwrap_or(place);
                let Some((why, help)) = never_connected(view, flow, connected) else { continue };
                let follows = match types.len() {
                    1 => "so the flow creates nothing",
                    _ => "so this part of the condition never holds",
                };
                problems.push(
                    Problem::warning(
                        codes::NEVER_CREATES,
                        place.clone(),
                        format!("{why}, {follows}"),
                    )
                    .help(help),
                );
            }
        }
        Create::Never | Create::Always | Create::When { .. } => {}
    }
}

/// Why a record of the flow's source is never connected to one of this type that has a counterpart
/// in the target's system.
fn never_connected(view: &View<'_>, flow: &Flow, connected: &TypeName) -> Option<(String, String)> {
    let (source, target) = (&flow.from, &flow.to.system);
    let (from, other) = (view.schema(source)?, view.schema(connected)?);
    let plain = |name: &TypeName| TypeName::new(&name.system, &name.kind);
    let refers = |schema: &lockstep_model::TypeSchema, of: &TypeName, to: &TypeName| {
        let to = plain(to);
        schema.properties.iter().any(|p| p.refers_to(&of.system).as_ref() == Some(&to))
    };
    if !refers(from, source, connected) && !refers(other, connected, source) {
        let why = format!("no reference is known between {source} and {connected}");
        let referred = match connected.system == source.system {
            true => source.kind.clone(),
            false => plain(source).to_string(),
        };
        let help = format!(
            "say in lockstep.yaml which property refers to which: `references: {{ {}: {{ path: {referred} }} }}` under {}",
            connected.kind, connected.system
        );
        return Some((why, help));
    }
    if !view.linked(connected, |name| name.system == *target, None) {
        let why = format!("no flow brings {connected} into {target}");
        return Some((why, format!("add a flow from {connected} to a record type of {target}")));
    }
    None
}

/// What the systems can't do.
fn abilities(view: &View<'_>, flow: &Flow, places: &FlowPlaces, problems: &mut Vec<Problem>) {
    if let Some(schema) = view.schema(&flow.to)
        && !schema.can.create
        && flow.create != Create::Never
    {
        let place = places.create.as_ref().unwrap_or(&places.flow);
        let message = format!(
            "{} can't be created through {}, so the flow creates nothing",
            flow.to, flow.to.system
        );
        problems.push(
            Problem::warning(codes::CAN_NOT, place.clone(), message)
                .help("say `create: never`, and create them there by hand"),
        );
    }
    if flow.deletes == lockstep_model::flow::Deletes::Propagate {
        for name in [&flow.from, &flow.to] {
            if view.schema(name).is_some_and(|schema| !schema.can.delete) {
                let message = format!(
                    "{name} can't be deleted through {}, so deletions are not passed on to it",
                    name.system
                );
                problems.push(
                    Problem::warning(codes::CAN_NOT, places.flow.clone(), message)
                        .help("say `deletes: review` to be told of them"),
                );
            }
        }
    }
    // Said once for the record type, not for each row and each direction.
    if view
        .between(&flow.from, &flow.to)
        .next()
        .is_some_and(|(first, _)| !std::ptr::eq(first, flow))
    {
        return;
    }
    for (name, other, place) in
        [(&flow.from, &flow.to, &places.from), (&flow.to, &flow.from, &places.to)]
    {
        let Some(schema) = view.schema(name).filter(|schema| !schema.can.update) else { continue };
        let wanted = view.between(&flow.from, &flow.to).any(|(flow, _)| {
            flow.properties.iter().any(|pair| {
                let (to, from) = pair.direction.ways();
                (flow.to == *name && to) || (flow.from == *name && from)
            })
        });
        if wanted {
            let what = if schema.can.create { "changed once they are created" } else { "written" };
            let message = format!(
                "records of {name} can't be {what}, so edits of {other} are not carried to them"
            );
            problems.push(
                Problem::warning(codes::READ_ONLY, place.clone(), message)
                    .help("nothing to do if that is as wanted; write one-way rows to say so"),
            );
        }
    }
}
