//! Tests of flows to begin with: what a tester would try first of flows that have just been made of
//! a document.
//!
//! Two records that a match row says are the same are linked, and a record that nobody knows
//! appears, or does not where the flow only links or is not about it. The records are made up here; what else a run
//! does with them, other flows too, is seen by playing it and written down. So every test that is
//! given passes, and tells somebody who reads it what the flows do; one in which what it is about
//! does not happen is left out.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;

use lockstep_config::{Names, SystemNames, convertible, read_flows};
use lockstep_connector::memory::Flat;
use lockstep_engine::plan::Schemas;
use lockstep_model::flow::{Filter, PropertyRef};
use lockstep_model::value::{coerce, is_empty};
use lockstep_model::{
    Conversion, Create, Flow, Path, PlainType, PropertySchema, Timestamp, TypeName, TypeSchema,
    Value,
};
use serde_json::json;

use crate::conditions::{self, Wanted};
use crate::play::{Happened, happens, play};

/// A property by its one path, as a row names it, and what it holds.
type Resolved = (Path, String, Value);

/// Some properties of a record, as rows name them.
type Given = Vec<(String, Value)>;

/// What a test is to show.
enum Shows {
    Linked,
    Appears,
    /// And an edit of what has appeared comes back.
    Edited,
    Alone,
}

/// The items of a `tests:` list for these flows, at most so many; `all` are the flows that run,
/// among them these. Record types of systems that `schemas` does not know are taken to allow
/// everything.
pub fn samples(flows: &[Flow], all: &[Flow], schemas: &Schemas, most: usize) -> String {
    let (all, flows) = (playable(&together_with(flows, all), schemas), playable(flows, schemas));
    let (all, flows) = (&all[..], &flows[..]);
    // Each test is played with all of them some times over.
    if all.len() > MOST_FLOWS {
        return String::new();
    }
    let schemas = completed(all, schemas);
    let kinds: [fn(&Flow, &Schemas) -> Option<Candidate>; 5] =
        [linked, appears, outside, alone, edited];
    let mut queues: Vec<_> = kinds
        .iter()
        .map(|kind| flows.iter().filter_map(|flow| Some((flow, kind(flow, &schemas)?))))
        .collect();
    let mut tests: Vec<String> = Vec::new();
    // In turn, so that each kind is there that the flows give occasion for.
    while !queues.is_empty() {
        queues.retain_mut(|queue| {
            if tests.len() >= most {
                return false;
            }
            let found = queue.find_map(|(flow, (name, shows, given))| {
                let test = told(&name, &shows, flow, &given, all, &schemas)?;
                (!tests.contains(&test)).then_some(test)
            });
            let there = found.is_some();
            tests.extend(found);
            there
        });
    }
    tests.concat()
}

/// Flows without what can't be played while nothing is known of a system: what references lead to,
/// and elements of lists. Records that have neither are kept as if it were not there.
fn playable(flows: &[Flow], schemas: &Schemas) -> Vec<Flow> {
    let known = |ty: &TypeName| schemas.contains_key(&ty.system);
    let is_element = |ty: &TypeName| ty.kind.ends_with(']');
    let there = flows
        .iter()
        .filter(|flow| [&flow.from, &flow.to].into_iter().all(|ty| known(ty) || !is_element(ty)));
    let without = |flow: &Flow| {
        let rows = flow.properties.iter().filter(|pair| {
            let leads = |ty, named: &PropertyRef| named.is_followed() && !known(ty);
            !leads(&flow.from, &pair.from) && !leads(&flow.to, &pair.to)
        });
        Flow { properties: rows.cloned().collect(), ..flow.clone() }
    };
    there.map(without).collect()
}

/// Flows at work together beyond which no tests are made.
pub const MOST_FLOWS: usize = 200;

/// Of all flows those that can have to do with some: they lead, by whatever number of steps, to the
/// same record types.
pub fn together_with(some: &[Flow], all: &[Flow]) -> Vec<Flow> {
    let mut near: BTreeSet<&TypeName> = some.iter().flat_map(types_of).collect();
    let mut left: Vec<&Flow> = all.iter().collect();
    loop {
        let before = left.len();
        left.retain(|flow| {
            let touches = types_of(flow).iter().any(|ty| near.contains(ty));
            if touches {
                near.extend(types_of(flow));
            }
            !touches
        });
        if left.len() == before {
            break;
        }
    }
    all.iter().filter(|flow| near.contains(&flow.from)).cloned().collect()
}

/// The record types that a flow has to do with.
fn types_of(flow: &Flow) -> Vec<&TypeName> {
    let connected = match &flow.create {
        Create::ConnectedTo(types) => types.as_slice(),
        _ => &[],
    };
    [&flow.from, &flow.to].into_iter().chain(connected).collect()
}

/// The schemas, with open ones for what they lack.
fn completed(flows: &[Flow], schemas: &Schemas) -> Schemas {
    let mut all = schemas.clone();
    let connected = flows.iter().flat_map(|flow| match &flow.create {
        Create::ConnectedTo(types) => types.clone(),
        _ => vec![],
    });
    let ends = flows.iter().flat_map(|flow| [flow.from.clone(), flow.to.clone()]);
    for ty in ends.chain(connected).filter(|ty| !schemas.contains_key(&ty.system)) {
        let types = all.entry(ty.system.clone()).or_default();
        if !types.iter().any(|known| known.kind == ty.kind) {
            types.push(TypeSchema::open(ty.kind));
        }
    }
    all
}

/// The one path of a property, and what is known of it.
fn property(
    schemas: &Schemas,
    ty: &TypeName,
    named: &PropertyRef,
) -> Option<(Path, PropertySchema)> {
    if named.is_followed() || named.is_combined() {
        return None;
    }
    let schema = schemas.get(&ty.system)?.iter().find(|schema| schema.kind == ty.kind)?;
    let path = schema.resolve(&named.path)?;
    let described = schema
        .describe(&path)
        .cloned()
        .unwrap_or_else(|| PropertySchema::new(path.clone(), PlainType::Any));
    Some((path, described))
}

/// A value such as people have, for a property by this name.
fn sample(name: &str, ty: PlainType) -> Value {
    let lower = name.to_lowercase();
    let has = |word: &str| lower.contains(word);
    match ty {
        PlainType::Integer | PlainType::Minutes => json!(42),
        PlainType::Float => json!(4.5),
        PlainType::Decimal => json!("4.50"),
        PlainType::Boolean => json!(true),
        PlainType::Datetime => json!("2026-03-01T09:00:00Z"),
        PlainType::Date => json!("2026-03-01"),
        PlainType::List => json!(["one"]),
        PlainType::String | PlainType::Any if has("mail") => json!("solveig@example.com"),
        PlainType::String | PlainType::Any if has("phone") || has("mobile") || has("fax") => {
            json!("+4722000001")
        }
        PlainType::String | PlainType::Any if has("url") || has("website") => {
            json!("https://example.com/")
        }
        PlainType::String | PlainType::Any if has("first") || has("given") => json!("Solveig"),
        PlainType::String | PlainType::Any if has("last") || has("family") => json!("Aas"),
        PlainType::String | PlainType::Any if has("name") => json!("Fjord Aas"),
        PlainType::String | PlainType::Any if has("title") || has("subject") => json!("A question"),
        PlainType::String | PlainType::Any => {
            json!(format!("some {}", name.rsplit('.').next().unwrap_or("value")))
        }
    }
}

/// Values to try a row with: those that its value lists know, one such as people have, and one of
/// each kind that conversions ask for.
fn candidates(name: &str, ty: PlainType, by: Option<&Conversion>) -> Vec<Value> {
    let mut all: Vec<Value> = pairs_of(by).into_iter().map(|(from, _)| from).collect();
    let whole_list = by.is_some_and(|by| {
        let by = by.to_json();
        by.get(0).and_then(Value::as_str).is_some_and(|name| OF_LISTS.contains(&name))
    });
    if whole_list {
        all.extend([json!([2, 3]), json!(["one", "two"])]);
    }
    all.push(sample(name, ty));
    if by.is_some() {
        all.extend([json!(42), json!(["one", "two"]), json!("2026-03-01")]);
    }
    all
}

/// Conversions that say something of a list as a whole.
const OF_LISTS: [&str; 6] = ["count", "sum", "min", "max", "any", "order"];

/// The pairs of the value lists in a conversion.
fn pairs_of(by: Option<&Conversion>) -> Vec<(Value, Value)> {
    fn add(part: &Value, found: &mut Vec<(Value, Value)>) {
        let Some(list) = part.as_array() else { return };
        if let [name, Value::Array(pairs), ..] = &list[..]
            && name == "map"
        {
            let two = |pair: &Value| Some((pair.get(0)?.clone(), pair.get(1)?.clone()));
            found.extend(pairs.iter().filter_map(two));
        }
        list.iter().for_each(|part| add(part, found));
    }
    let mut found = Vec::new();
    by.iter().for_each(|by| add(&by.to_json(), &mut found));
    found
}

/// What a row gives the target for a value of the source, or nothing where it gives none.
fn forward(value: &Value, by: Option<&Conversion>, to: &PropertySchema) -> Option<Value> {
    let made = match by {
        Some(conversion) => conversion.apply(value, Timestamp(0)).ok()?,
        None => value.clone(),
    };
    coerce(&made, to.ty).ok().filter(|value| !is_empty(value))
}

/// Records that hold the same, by the rows of the flow: the source's values, and the target's. The
/// source holds what is given of it.
fn pair(flow: &Flow, schemas: &Schemas, given: &[Resolved]) -> (Given, Given) {
    // By the one path of each property, whatever the rows call it.
    let (mut from, mut to): (Vec<Resolved>, Vec<Resolved>) = (given.to_vec(), vec![]);
    let known = given.iter().map(|(path, _, value)| (path.clone(), value.clone()));
    let (mut known_from, mut known_to) = (HashMap::<_, _>::from_iter(known), HashSet::new());
    let matches = flow.matches.iter().flat_map(|row| &row.pairs).map(|(a, b)| (a, b, None));
    let rows = flow.properties.iter().map(|pair| (&pair.from, &pair.to, pair.conversion.as_ref()));
    for (a, b, by) in matches.chain(rows) {
        let (Some((at, here)), Some((to_at, there))) =
            (property(schemas, &flow.from, a), property(schemas, &flow.to, b))
        else {
            continue;
        };
        let own = |named: &PropertyRef| named.path.as_str().starts_with('$');
        let reference = here.reference.is_some() || there.reference.is_some();
        if reference
            || own(a)
            || own(b)
            || a.when.is_some()
            || b.when.is_some()
            || convertible(Some(&here), Some(&there), by).is_err()
        {
            continue;
        }
        // A text that is to become a number is one.
        let ty = match (here.ty, by) {
            (PlainType::String | PlainType::Any, Some(Conversion::Plain(plain)))
                if *plain != PlainType::String =>
            {
                *plain
            }
            (PlainType::String | PlainType::Any, None) => there.ty,
            (ty, _) => ty,
        };
        let known: Option<Value> = known_from.get(&at).cloned();
        let tried = match &known {
            Some(known) => vec![known.clone()],
            None => candidates(a.path.as_str(), ty, by),
        };
        let fitting = tried.iter().filter_map(|value| coerce(value, here.ty).ok());
        let mut made = fitting.filter_map(|value| Some((forward(&value, by, &there)?, value)));
        let Some((made, value)) = made.next() else { continue };
        if known.is_none() {
            known_from.insert(at.clone(), value.clone());
            from.push((at, a.path.as_str().into(), value));
        }
        if known_to.insert(to_at.clone()) {
            to.push((to_at, b.path.as_str().into(), made));
        }
    }
    let given =
        |all: Vec<Resolved>| all.into_iter().map(|(_, name, value)| (name, value)).collect();
    (given(from), given(to))
}

/// [`pair`] with what conditions ask of the source, by names of properties.
fn pair_that(flow: &Flow, schemas: &Schemas, wanted: &Wanted<'_>) -> Option<(Given, Given)> {
    let (from, to) = pair(flow, schemas, &[]);
    if wanted.is_empty() {
        return Some((from, to));
    }
    let changed = changed(&flow.from, schemas, &from, wanted)?;
    let resolved = changed.into_iter().filter_map(|(name, value)| {
        let (path, _) = property(schemas, &flow.from, &PropertyRef::new(name.as_str()))?;
        Some((path, name, value))
    });
    let resolved: Vec<Resolved> = resolved.collect();
    let (mut from, to) = pair(flow, schemas, &resolved);
    // One that is to be empty is left out.
    from.retain(|(_, value)| !is_empty(value));
    Some((from, to))
}

/// What to change about a record of this type for conditions to be as they are wanted.
fn changed(ty: &TypeName, schemas: &Schemas, held: &Given, wanted: &Wanted<'_>) -> Option<Given> {
    let described = |path: &Path| Some(property(schemas, ty, &PropertyRef::new(path.as_str()))?.1);
    let usual = |schema: &PropertySchema| sample(schema.path.as_str(), schema.ty);
    conditions::changes(wanted, held, &described, &usual)
}

/// What a flow asks of the records that it is about.
fn of_flow(flow: &Flow) -> Vec<(&Filter, bool)> {
    flow.only.iter().map(|only| (only, true)).collect()
}

/// And of those that it creates a counterpart for. `None` where it creates none, or by words alone.
fn of_creating(flow: &Flow) -> Option<Vec<(&Filter, bool)>> {
    let mut wanted = of_flow(flow);
    match &flow.create {
        Create::Always => {}
        Create::When { filter: Some(filter), .. } => wanted.push((filter, true)),
        _ => return None,
    }
    (!flow.properties.is_empty() || flow.create_empty).then_some(wanted)
}

type Candidate = (String, Shows, Vec<(TypeName, &'static str, Given)>);

/// A record that a match row knows.
fn linked(flow: &Flow, schemas: &Schemas) -> Option<Candidate> {
    let row = flow.matches.first()?;
    let (from, mut to) = pair_that(flow, schemas, &of_flow(flow))?;
    if let Some(only) = &flow.only_to {
        let changed = changed(&flow.to, schemas, &to, &[(only, true)])?;
        to.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        to.extend(changed.into_iter().filter(|(_, value)| !is_empty(value)));
    }
    let by: Vec<&str> = row.pairs.iter().map(|(a, _)| a.path.as_str()).collect();
    let name = format!(
        "{} and {} that agree in {} are linked and not created again",
        flow.from,
        flow.to,
        by.join(" and ")
    );
    Some((name, Shows::Linked, vec![(flow.from.clone(), "1", from), (flow.to.clone(), "2", to)]))
}

fn appears(flow: &Flow, schemas: &Schemas) -> Option<Candidate> {
    let (from, _) = pair_that(flow, schemas, &of_creating(flow)?)?;
    let name = match &flow.create {
        Create::When { filter: Some(filter), .. } => {
            format!("{} for which {} holds appears in {}", flow.from, filter.expression, flow.to)
        }
        _ => format!("{} that nobody knows appears in {}", flow.from, flow.to),
    };
    Some((name, Shows::Appears, vec![(flow.from.clone(), "1", from)]))
}

/// A record for which a condition does not hold.
fn outside(flow: &Flow, schemas: &Schemas) -> Option<Candidate> {
    let mut wanted = of_creating(flow)?;
    let first = wanted.first_mut()?;
    first.1 = false;
    let condition = first.0;
    let (from, _) = pair_that(flow, schemas, &wanted)?;
    let name = format!(
        "{} for which {} does not hold does not appear in {}",
        flow.from, condition.expression, flow.to
    );
    Some((name, Shows::Alone, vec![(flow.from.clone(), "1", from)]))
}

fn alone(flow: &Flow, schemas: &Schemas) -> Option<Candidate> {
    if of_creating(flow).is_some() {
        return None;
    }
    let name = format!("{} that matches nothing does not appear in {}", flow.from, flow.to);
    let (from, _) = pair_that(flow, schemas, &of_flow(flow))?;
    // What no row names makes no difference.
    if from.is_empty() {
        return None;
    }
    Some((name, Shows::Alone, vec![(flow.from.clone(), "1", from)]))
}

/// A record that appears, and is edited where it has appeared.
fn edited(flow: &Flow, schemas: &Schemas) -> Option<Candidate> {
    let (_, _, given) = appears(flow, schemas)?;
    Some((format!("an edit in {} comes back to {}", flow.to, flow.from), Shows::Edited, given))
}

/// Another value such as people have, for a property of the flow's target.
fn another(flow: &Flow, name: &str, value: &Value) -> Option<Value> {
    let rows = flow.properties.iter().filter(|pair| pair.to.to_string() == name);
    let known: Vec<Value> =
        rows.flat_map(|pair| pairs_of(pair.conversion.as_ref())).map(|(_, to)| to).collect();
    if !known.is_empty() {
        return known.into_iter().find(|other| other != value);
    }
    let text = value.as_str()?;
    Some(match text {
        _ if text.contains('@') => json!("torbjorn@example.com"),
        _ if text.starts_with('+') => json!("+4722000002"),
        _ => json!(format!("{text} Lie")),
    })
}

/// The test as it stands in a file, if it shows what it is to show, and passes.
fn told(
    name: &str,
    shows: &Shows,
    flow: &Flow,
    given: &[(TypeName, &'static str, Given)],
    all: &[Flow],
    schemas: &Schemas,
) -> Option<String> {
    let mut text = format!("  - name: {}\n    given:\n", scalar(name));
    for (ty, id, values) in given {
        let _ = writeln!(
            text,
            "      {}:\n        \"{id}\": {}",
            scalar(&ty.to_string()),
            flow_map(values.iter().map(|(k, v)| (k, v)))
        );
    }
    let happened = happens(
        &parsed(&format!("flows: []\ntests:\n{text}    expect: {{}}\n"), schemas)?,
        all,
        schemas,
    )
    .ok()?;
    let of = |ty: &TypeName, other: &TypeName| ty.system == other.system && ty.kind == other.kind;
    let made = happened.creates.iter().any(|(ty, _, _)| of(ty, &flow.to));
    let fits = match shows {
        Shows::Linked => !happened.links.is_empty() && !made,
        Shows::Appears | Shows::Edited => made,
        Shows::Alone => !made && happened.links.is_empty(),
    };
    if !fits || happened.reviews > 0 {
        return None;
    }
    expected(&mut text, &happened, "    ");
    if matches!(shows, Shows::Edited) {
        let (ty, id, flat) = happened.creates.iter().find(|(ty, _, _)| of(ty, &flow.to))?;
        // The first property whose edit comes back.
        let edit = |(name, value): (&String, &Value)| {
            let value = another(flow, name, value)?;
            let text = format!(
                "{text}    then:\n      - edit:\n          {}:\n            {}: {}\n",
                scalar(&ty.to_string()),
                json!(id),
                flow_map(std::iter::once((name, &value)))
            );
            let whole = format!("flows: []\ntests:\n{text}        expect: {{}}\n");
            let back = happens(&parsed(&whole, schemas)?, all, schemas).ok()?;
            let comes = back.updates.iter().any(|(ty, _, _)| of(ty, &flow.from));
            (comes && back.reviews == 0).then_some((text, back))
        };
        let (edited, back) = flat.iter().find_map(edit)?;
        text = edited;
        expected(&mut text, &back, "        ");
    }
    let whole = format!("flows: []\ntests:\n{text}");
    let played = play(&parsed(&whole, schemas)?, all, schemas).ok()?;
    played.passed.then_some(text)
}

/// What a run is expected to do, so far in.
fn expected(text: &mut String, happened: &Happened, indent: &str) {
    let Happened { creates, updates, links, .. } = happened;
    if creates.is_empty() && updates.is_empty() && links.is_empty() {
        let _ = writeln!(text, "{indent}expect: {{}}                    # nothing at all");
        return;
    }
    let _ = writeln!(text, "{indent}expect:");
    if !links.is_empty() {
        let _ = writeln!(text, "{indent}  links:");
        for (a, b) in links {
            let _ = writeln!(text, "{indent}    - {}", scalar(&format!("{a} = {b}")));
        }
    }
    for (what, records) in [("creates", creates), ("updates", updates)] {
        let mut last: Option<&TypeName> = None;
        for (ty, id, flat) in records {
            if last.is_none() {
                let _ = writeln!(text, "{indent}  {what}:");
            }
            if last != Some(ty) {
                let _ = writeln!(text, "{indent}    {}:", scalar(&ty.to_string()));
            }
            let flat: &Flat = flat;
            let _ = writeln!(text, "{indent}      {}: {}", json!(id), flow_map(flat.iter()));
            last = Some(ty);
        }
    }
}

/// A test as the file would be read.
fn parsed(text: &str, schemas: &Schemas) -> Option<lockstep_config::FlowTest> {
    let names =
        schemas.keys().map(|name| SystemNames { name: name.clone(), ..SystemNames::default() });
    let (file, _) = read_flows("samples.yaml", text, &Names::new(names.collect()));
    file.tests.into_iter().next()
}

fn flow_map<'a>(values: impl Iterator<Item = (&'a String, &'a Value)>) -> String {
    let one = |(name, value): (&String, &Value)| format!("{}: {value}", scalar(name));
    let all: Vec<String> = values.map(one).collect();
    format!("{{ {} }}", all.join(", "))
}

/// As it stands where YAML takes it for a text, else in quotes.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ' ' | '=');
    let fine = text.chars().all(plain)
        && !text.contains(" #")
        && text.starts_with(char::is_alphabetic)
        && !text.ends_with(' ');
    let word = matches!(
        text.to_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if fine && !word { text.to_string() } else { json!(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOWS: &str = "\
flows:
  - from: crm.People
    to: shop.Customers
    create: always
    match:
      - email = mail
    properties:
      - email <-> mail : string
      - name  <-> name : string
      - age   <-> years : integer
  - from: crm.Staff
    to: shop.Customers
    match:
      - email = mail
    properties:
      - email <-> mail
";

    #[test]
    fn what_the_flows_do_is_shown_by_tests_that_pass() {
        let names =
            ["crm", "shop"].map(|name| SystemNames { name: name.into(), ..SystemNames::default() });
        let (file, problems) = read_flows("flows.yaml", FLOWS, &Names::new(names.into()));
        assert!(problems.is_empty());
        let (flows, _) = lockstep_config::united_flows(std::iter::once(&file));
        let tests = samples(&flows, &flows, &Schemas::new(), 3);
        let names =
            ["crm", "shop"].map(|name| SystemNames { name: name.into(), ..SystemNames::default() });
        let (file, problems) = read_flows(
            "tests.yaml",
            &format!("flows: []\ntests:\n{tests}"),
            &Names::new(names.into()),
        );
        assert!(problems.is_empty(), "{tests}\n{}", lockstep_config::render_all(&problems));
        assert_eq!(file.tests.len(), 3, "{tests}");
        let schemas = completed(&flows, &Schemas::new());
        for test in &file.tests {
            let played = play(test, &flows, &schemas).unwrap();
            assert!(played.passed, "{tests}\n{played:?}");
        }
        assert!(
            tests.contains("crm.People/1 = shop.Customers/2") && tests.contains("years: 42"),
            "{tests}"
        );
        // A test tells what is, so it can fail: without the match row the first one does.
        let mut broken = flows.clone();
        broken[0].matches.clear();
        assert!(!play(&file.tests[0], &broken, &schemas).unwrap().passed, "{tests}");
    }
    /// The tests that are made of flows, with what they are played with.
    fn made(flows: &str, most: usize) -> String {
        let names = || {
            let named = |name: &str| SystemNames { name: name.into(), ..SystemNames::default() };
            Names::new(["crm", "shop"].map(named).into())
        };
        let (file, problems) = read_flows("flows.yaml", flows, &names());
        assert!(problems.is_empty(), "{}", lockstep_config::render_all(&problems));
        let (flows, _) = lockstep_config::united_flows(std::iter::once(&file));
        let tests = samples(&flows, &flows, &Schemas::new(), most);
        let (file, problems) =
            read_flows("tests.yaml", &format!("flows: []\ntests:\n{tests}"), &names());
        assert!(problems.is_empty(), "{tests}\n{}", lockstep_config::render_all(&problems));
        let flows = playable(&flows, &Schemas::new());
        for test in &file.tests {
            let played = play(test, &flows, &completed(&flows, &Schemas::new())).unwrap();
            assert!(played.passed, "{tests}\n{played:?}");
        }
        tests
    }

    #[test]
    fn samples_meet_conditions_and_value_lists_and_leave_out_what_does_not() {
        let tests = made(
            "\
flows:
  - { from: \"crm.Orders[lines]\", to: \"shop.Orders[items]\", key: no = pos, create: both, properties: [no <-> pos] }
  - from: crm.People
    to: shop.Customers
    create: { when: they buy, filter: 'orders > 3' }
    only: kind == \"customer\"
    only_to: not closed and level in [\"gold\", \"silver\"]
    match: [mail = mail]
    properties:
      - mail <-> mail
      - { row: country <-> code, map: { Norway: \"NO\", Denmark: DK } }
      - { set: level, to: silver }
      - company > name -> firm
      - { row: items -> item_count, type: [\"count\", \"_.\"] }
",
            9,
        );
        for said in [
            "agree in mail are linked",
            "for which orders > 3 holds appears in shop.Customers",
            "for which kind == \\\"customer\\\" does not hold does not appear",
            "an edit in shop.Customers comes back",
            "country: \"Norway\"",
            "code: \"NO\"",
            "kind: \"customer\"",
            "orders: 4",
            "item_count: 2",
        ] {
            assert!(tests.contains(said), "{said}\n{tests}");
        }
    }

    #[test]
    fn an_edit_of_a_mapped_property_is_one_that_the_list_knows() {
        let tests = made(
            "\
flows:
  - from: crm.People
    to: shop.Customers
    create: always
    match: [mail = mail]
    properties:
      - mail -> mail
      - { row: country <-> code, map: { Norway: \"NO\", Denmark: DK } }
",
            9,
        );
        assert!(tests.contains("{ code: \"DK\" }"), "{tests}");
        assert!(tests.contains("country: \"Denmark\""), "{tests}");
    }
}
