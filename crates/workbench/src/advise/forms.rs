//! Rows of other forms than `a <-> b`, seen from the values of linked records: value lists, parts of
//! a whole, factors, lists by element and groups.
//!
//! Unlike the candidates these can't be told from hashes. So the values of some of the linked
//! records are read once more, and each form is tried on the properties that no plain row has. A
//! form is proposed where it holds in most of the records that it says something of; how many
//! those are stands beside it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_config::{row_path, yaml_in_line};
use lockstep_connector::{Checkpoint, Connector, ReadRequest, Trouble};
use lockstep_model::flow::PropertyRef;
use lockstep_model::value::is_empty;
use lockstep_model::{TypeName, Value};
use serde_json::json;

use super::{Links, PAGE, RowAdvice, SEVERAL, Side};

/// Linked records whose values are looked at.
const LOOKED_AT: usize = 2_000;
/// A form says something of at least so many records, or it is not proposed.
const LEAST: usize = 3;
/// And holds in so large a share of them.
const HOLDS: f64 = 0.9;
/// More values are no value list.
const MOST_OF_A_LIST: usize = 40;

/// A row of another form than `a <-> b`.
#[derive(Clone, Debug)]
pub struct FormAdvice {
    /// `map`, `split`, `unit`, `list` or `group`; `row` where few values become themselves.
    pub form: &'static str,
    /// An item of `properties`, as it is pasted.
    pub yaml: String,
    /// Linked records of which it says something, among those that were looked at.
    pub both: usize,
    /// In so many of those, it holds.
    pub same: usize,
}

/// The values of linked records, side by side.
pub(super) struct Linked {
    from: Vec<Property>,
    to: Vec<Property>,
    /// For each pair the values of both, in the order of the properties.
    records: Vec<(Vec<Value>, Vec<Value>)>,
}

struct Property {
    path: String,
    writable: bool,
}

impl Linked {
    /// Reads the values of the first so many linked records.
    pub(super) fn read(
        (from, a, of_a): (&TypeName, &Side, &dyn Connector),
        (to, b, of_b): (&TypeName, &Side, &dyn Connector),
        links: &Links,
    ) -> Result<Linked, Trouble> {
        let linked = links.of.iter().enumerate().filter(|(_, to)| **to < SEVERAL);
        let pairs: Vec<(u32, u32)> =
            linked.map(|(one, to)| (one as u32, *to)).take(LOOKED_AT).collect();
        let wanted = |side: fn(&(u32, u32)) -> u32| pairs.iter().map(side).collect();
        let (mine, left) = values((from, a, of_a), &wanted(|pair| pair.0))?;
        let (theirs, mut right) = values((to, b, of_b), &wanted(|pair| pair.1))?;
        let mut left = left;
        let both =
            pairs.iter().filter_map(|(one, other)| Some((left.remove(one)?, right.remove(other)?)));
        Ok(Linked { records: both.collect(), from: mine, to: theirs })
    }

    /// The forms that hold, where no plain row is about the properties; and the groups of the rows
    /// that there are then.
    pub(super) fn forms(&self, rows: &[RowAdvice]) -> Vec<FormAdvice> {
        let mut left = Left {
            from: (0..self.from.len())
                .filter(|at| !rows.iter().any(|row| row.from == self.from[*at].path))
                .collect(),
            to: (0..self.to.len())
                .filter(|at| !rows.iter().any(|row| row.to == self.to[*at].path))
                .collect(),
        };
        let mut found = Vec::new();
        found.extend(self.splits(&mut left));
        for form in [Linked::list, Linked::unit, Linked::map] {
            found.extend(self.best(&mut left, form));
        }
        found
    }

    /// Of two properties each, those of which a form holds, the surest first.
    fn best(
        &self,
        left: &mut Left,
        form: fn(&Linked, usize, usize) -> Option<FormAdvice>,
    ) -> Vec<FormAdvice> {
        let pairs = left.from.iter().flat_map(|p| left.to.iter().map(move |q| (*p, *q)));
        let mut found: Vec<(usize, usize, FormAdvice)> =
            pairs.filter_map(|(p, q)| Some((p, q, form(self, p, q)?))).collect();
        found.sort_by_key(|(_, _, advice)| {
            (advice.both - advice.same, std::cmp::Reverse(advice.same))
        });
        let mut taken = Vec::new();
        for (p, q, advice) in found {
            if left.from.contains(&p) && left.to.contains(&q) {
                left.from.remove(&p);
                left.to.remove(&q);
                taken.push(advice);
            }
        }
        taken
    }

    /// The records in which both hold something.
    fn both(&self, p: usize, q: usize) -> impl Iterator<Item = (&Value, &Value)> {
        let values = self.records.iter().map(move |(mine, theirs)| (&mine[p], &theirs[q]));
        values.filter(|(a, b)| !is_empty(a) && !is_empty(b))
    }

    fn arrow(&self, p: usize, q: usize) -> Option<&'static str> {
        super::arrow(self.from[p].writable, self.to[q].writable)
    }

    /// `{ row: a <-> b, … }`
    fn row(&self, p: usize, q: usize, more: &str) -> Option<String> {
        let (from, to) = (row_path(&self.from[p].path), row_path(&self.to[q].path));
        let row = format!("{from} {} {to}", self.arrow(p, q)?);
        Some(format!("{{ row: {}, {more} }}", yaml_in_line(&row)))
    }

    /// Few values on both sides, each of which becomes one of the other.
    fn map(&self, p: usize, q: usize) -> Option<FormAdvice> {
        let mut seen: BTreeMap<String, BTreeMap<String, (usize, &Value)>> = BTreeMap::new();
        let mut both = 0;
        for (a, b) in self.both(p, q) {
            seen.entry(single(a)?).or_default().entry(single(b)?).or_insert((0, b)).0 += 1;
            both += 1;
            if seen.len() > MOST_OF_A_LIST {
                return None;
            }
        }
        let mut pairs: Vec<(String, &Value, usize)> = seen
            .iter()
            .filter_map(|(from, to)| {
                let (count, value) = to.values().max_by_key(|(count, _)| *count)?;
                Some((from.clone(), *value, *count))
            })
            .collect();
        let same: usize = pairs.iter().map(|(.., count)| count).sum();
        let images: BTreeSet<String> = pairs.iter().filter_map(|(_, to, _)| single(to)).collect();
        // What is there once only says nothing of others; and what becomes of all the same, neither.
        let repeated =
            both >= 2 * pairs.len() && images.len() >= 2 && 2 * images.len() > pairs.len();
        if both < LEAST || !repeated || (same as f64) < HOLDS * both as f64 {
            return None;
        }
        // Of several that become one the first is the way back: the one that most records have.
        pairs.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
        // Each value becomes itself: that is what a plain row does.
        if pairs.iter().all(|(from, to, _)| single(to).as_ref() == Some(from)) {
            let (from, to) = (row_path(&self.from[p].path), row_path(&self.to[q].path));
            let yaml = yaml_in_line(&format!("{from} {} {to}", self.arrow(p, q)?));
            return Some(FormAdvice { form: "row", yaml, both, same });
        }
        let list: Vec<String> = pairs
            .iter()
            .map(|(from, to, _)| format!("{}: {}", yaml_in_line(from), in_yaml(to)))
            .collect();
        let yaml = self.row(p, q, &format!("map: {{ {} }}", list.join(", ")))?;
        Some(FormAdvice { form: "map", yaml, both, same })
    }

    /// The other side's number is this one's, times a constant.
    fn unit(&self, p: usize, q: usize) -> Option<FormAdvice> {
        let numbers: Vec<(f64, f64)> = self
            .both(p, q)
            .filter_map(|(a, b)| Some((as_number(a)?, as_number(b)?)))
            .filter(|(a, b)| *a != 0.0 || *b != 0.0)
            .collect();
        let different: BTreeSet<String> = numbers.iter().map(|(a, _)| a.to_string()).collect();
        if numbers.len() < LEAST || different.len() < 2 {
            return None;
        }
        let mut factors: HashMap<(&str, u64), usize> = HashMap::new();
        for (a, b) in &numbers {
            factors
                .extend(factor(*a, *b).map(|by| (by, factors.get(&by).copied().unwrap_or(0) + 1)));
        }
        let ((operation, by), same) =
            factors.into_iter().max_by_key(|((name, by), count)| (*count, *name, u64::MAX - by))?;
        if (same as f64) < HOLDS * numbers.len() as f64 {
            return None;
        }
        let yaml = self.row(p, q, &format!("type: {}", json!([operation, by, "_."])))?;
        Some(FormAdvice { form: "unit", yaml, both: numbers.len(), same })
    }

    /// Lists of plain values that have most of their elements in common.
    fn list(&self, p: usize, q: usize) -> Option<FormAdvice> {
        let (mut both, mut same) = (0, 0);
        for (a, b) in self.both(p, q) {
            let (Value::Array(a), Value::Array(b)) = (a, b) else { return None };
            let texts = |list: &[Value]| list.iter().map(single).collect::<Option<BTreeSet<_>>>();
            let (a, b) = (texts(a)?, texts(b)?);
            let lower = |list: BTreeSet<String>| -> BTreeSet<String> {
                list.into_iter().map(|text| text.to_lowercase()).collect()
            };
            let (a, b) = (lower(a), lower(b));
            both += 1;
            same += usize::from(2 * a.intersection(&b).count() >= a.union(&b).count());
        }
        if both < LEAST || (same as f64) < super::AGREES_ENOUGH * both as f64 {
            return None;
        }
        Some(FormAdvice { form: "list", yaml: self.row(p, q, "list: each")?, both, same })
    }

    /// A text whose first and last word stand in two properties of the other side.
    fn splits(&self, left: &mut Left) -> Vec<FormAdvice> {
        let mut found = Vec::new();
        for p in left.from.clone() {
            let holds = |q: usize, word: fn(&[&str]) -> Option<String>| {
                let (mut both, mut same) = (0, 0);
                for (a, b) in self.both(p, q) {
                    let (Some(whole), Some(part)) = (a.as_str(), b.as_str()) else { continue };
                    let words: Vec<&str> = whole.split_whitespace().collect();
                    if words.len() > 1 {
                        both += 1;
                        same += usize::from(word(&words).as_deref() == Some(part.trim()));
                    }
                }
                (both >= LEAST && same as f64 >= HOLDS * both as f64).then_some((q, both, same))
            };
            let first = |words: &[&str]| words.first().map(|word| (*word).to_string());
            let last = |words: &[&str]| words.last().map(|word| (*word).to_string());
            let to: Vec<usize> = left.to.iter().copied().collect();
            let (Some(a), Some(b)) =
                (to.iter().find_map(|q| holds(*q, first)), to.iter().find_map(|q| holds(*q, last)))
            else {
                continue;
            };
            for (name, (q, both, same)) in [("first", a), ("last", b)] {
                let by = json!([name, ["split", " ", "_."]]);
                let yaml = self.row(p, q, &format!("type: {by}"));
                found.extend(yaml.map(|yaml| FormAdvice { form: "split", yaml, both, same }));
                left.to.remove(&q);
            }
            left.from.remove(&p);
        }
        found
    }

    /// In how many records all these rows agree, of those in which both sides hold any of it.
    fn together(&self, rows: &[&RowAdvice]) -> (usize, usize) {
        let at = |of: &[Property], path: &str| of.iter().position(|known| known.path == path);
        let places: Vec<(usize, usize)> = rows
            .iter()
            .filter_map(|row| Some((at(&self.from, &row.from)?, at(&self.to, &row.to)?)))
            .collect();
        let (mut both, mut same) = (0, 0);
        for (mine, theirs) in &self.records {
            let text = |value: &Value| single(value).map(|text| text.trim().to_lowercase());
            let any = |values: &[Value], side: fn(&(usize, usize)) -> usize| {
                places.iter().any(|place| !is_empty(&values[side(place)]))
            };
            if any(mine, |place| place.0) && any(theirs, |place| place.1) {
                both += 1;
                same +=
                    usize::from(places.iter().all(|(p, q)| text(&mine[*p]) == text(&theirs[*q])));
            }
        }
        (both, same)
    }

    /// Rows that are an address on both sides, by what the properties are called: a street, a
    /// postal code and a town, at least two of them beside each other.
    pub(super) fn groups(&self, rows: &[RowAdvice]) -> Vec<Group> {
        let mut found: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            if let (Some(from), Some(to)) = (part_of_address(&row.from), part_of_address(&row.to)) {
                found.entry((from, to)).or_default().push(at);
            }
        }
        let mut groups: Vec<Group> = Vec::new();
        for members in found.into_values().filter(|members| members.len() > 1) {
            let of: Vec<&RowAdvice> = members.iter().map(|at| &rows[*at]).collect();
            if of.iter().any(|row| row.arrow != of[0].arrow) {
                continue;
            }
            let (both, same) = self.together(&of);
            let name = match groups.len() {
                0 => "address".to_string(),
                before => format!("address {}", before + 1),
            };
            groups.push(Group { name, members, both, same });
        }
        groups
    }
}

/// Rows that move together, by their places among the rows.
pub(super) struct Group {
    pub name: String,
    pub members: Vec<usize>,
    pub both: usize,
    pub same: usize,
}

/// The properties that nothing is said of so far.
struct Left {
    from: BTreeSet<usize>,
    to: BTreeSet<usize>,
}

/// The values of these records, by the numbers that they have.
type Values = HashMap<u32, Vec<Value>>;

fn values(
    (name, side, connector): (&TypeName, &Side, &dyn Connector),
    wanted: &BTreeSet<u32>,
) -> Result<(Vec<Property>, Values), Trouble> {
    let schema = connector.types().iter().find(|schema| schema.kind == name.kind);
    let mut properties: Vec<Property> = Vec::new();
    for property in schema.map(|schema| &schema.properties[..]).unwrap_or_default() {
        let Some(path) = schema.and_then(|schema| schema.resolve(&property.path)) else { continue };
        // An id is the record's own.
        let own =
            side.columns.iter().any(|column| column.path == path.as_str() && column.is_own_id());
        let known = properties.iter().any(|known| known.path == path.as_str());
        if own || known || property.reference.is_some() || properties.len() == super::PROPERTIES {
            continue;
        }
        let can = schema.is_some_and(|schema| schema.can.update || schema.can.create);
        properties.push(Property { path: path.to_string(), writable: !property.read_only && can });
    }
    let watch: Vec<PropertyRef> =
        properties.iter().map(|property| PropertyRef::new(property.path.as_str())).collect();
    let (mut found, mut checkpoint): (Values, Option<Checkpoint>) = (HashMap::new(), None);
    while found.len() < wanted.len() {
        let request = ReadRequest {
            kind: &name.kind,
            watch: &watch,
            checkpoint: checkpoint.as_ref(),
            page_size: PAGE,
        };
        let page = connector.read(request)?;
        for record in page.records.into_iter().filter(|record| !record.deleted) {
            if let Some(number) = side.numbers.get(&record.id).filter(|at| wanted.contains(at)) {
                let values = record.values.into_iter().map(|value| value.unwrap_or(Value::Null));
                found.insert(*number, values.collect());
            }
        }
        if !page.more {
            break;
        }
        checkpoint = Some(page.checkpoint);
    }
    Ok((properties, found))
}

/// A single value as a text.
fn single(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn as_number(value: &Value) -> Option<f64> {
    single(value)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// By what whole number, from 2, one becomes the other.
fn factor(a: f64, b: f64) -> Option<(&'static str, u64)> {
    let whole = |large: f64, small: f64| {
        let by = (large / small).round();
        let fits = (2.0..=1e9).contains(&by) && (small * by - large).abs() <= 1e-9 * large.abs();
        fits.then_some(by as u64)
    };
    match a.abs() < b.abs() {
        true => Some(("multiply", whole(b, a)?)),
        false => Some(("divide", whole(a, b)?)),
    }
}

/// A value within a line of YAML.
fn in_yaml(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), yaml_in_line)
}

/// What a property of an address is called without the word for the part that it is:
/// `billing.zip` is a part of `billing`.
fn part_of_address(path: &str) -> Option<String> {
    const PARTS: [&str; 24] = [
        "poststed",
        "postal_code",
        "postalcode",
        "postcode",
        "zipcode",
        "zip_code",
        "postnr",
        "postnummer",
        "zip",
        "streetaddress",
        "street_address",
        "streetname",
        "street",
        "addressline",
        "address_line",
        "address1",
        "gateadresse",
        "gate",
        "gata",
        "city",
        "town",
        "place",
        "sted",
        "by",
    ];
    let lower = path.to_lowercase();
    let last = lower.rsplit('.').next().unwrap_or(&lower);
    let is_word = |part: &str| {
        // `billing_zip`, `billing zip`; `billingZip`.
        let beside = last.strip_suffix(part).is_some_and(|rest| rest.ends_with(['_', '-', ' ']));
        let end = path.get(path.len().saturating_sub(part.len())..);
        let capital = end.is_some_and(|end| end.starts_with(char::is_uppercase));
        last == part || beside || last.ends_with(part) && capital
    };
    let part = PARTS.into_iter().find(|part| is_word(part))?;
    let rest = lower.strip_suffix(part)?;
    Some(rest.trim_end_matches(['_', '-', ' ', '.']).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records of both sides, by name, with the values of each.
    fn linked(from: &[&str], to: &[&str], records: &[(Value, Value)]) -> Linked {
        let properties = |names: &[&str]| {
            names.iter().map(|name| Property { path: (*name).into(), writable: true }).collect()
        };
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        Linked {
            from: properties(from),
            to: properties(to),
            records: records.iter().map(|(a, b)| (list(a), list(b))).collect(),
        }
    }

    fn said(linked: &Linked) -> Vec<(String, usize, usize)> {
        linked
            .forms(&[])
            .into_iter()
            .map(|advice| (advice.yaml, advice.same, advice.both))
            .collect()
    }

    #[test]
    fn a_value_list_is_seen_and_what_is_there_once_or_by_chance_is_none() {
        let pair = |a: &str, b: &str| (json!([a]), json!([b]));
        let mut records = vec![pair("Norway", "NO"); 12];
        records.extend(vec![pair("Denmark", "DK"); 5]);
        records.extend(vec![pair("Noreg", "NO"); 2]);
        let all = linked(&["country"], &["code"], &records);
        let map = "{ row: country <-> code, map: { Norway: \"NO\", Denmark: DK, Noreg: \"NO\" } }";
        assert_eq!(said(&all), [(map.to_string(), 19, 19)]);
        // What each value becomes is itself: no value list is needed.
        let mut same = vec![pair("open", "open"); 4];
        same.extend(vec![pair("closed", "closed"); 3]);
        let row = ("status <-> state".to_string(), 7, 7);
        assert_eq!(said(&linked(&["status"], &["state"], &same)), [row]);
        // One that is wrong does not keep it from being proposed; several do.
        records.push(pair("Norway", "DK"));
        assert_eq!(said(&linked(&["country"], &["code"], &records))[0].1, 19);
        records.extend(vec![pair("Norway", "DK"); 4]);
        assert_eq!(said(&linked(&["country"], &["code"], &records)), []);
        let once: Vec<_> = (0..9).map(|n| pair(&format!("a{n}"), &format!("b{n}"))).collect();
        assert_eq!(said(&linked(&["a"], &["b"], &once)), []);
        assert_eq!(
            said(&linked(
                &["a"],
                &["b"],
                &[pair("x", "y"), pair("z", "y"), pair("x", "y"), pair("z", "y")]
            )),
            []
        );
    }

    #[test]
    fn parts_of_a_name_factors_and_lists_are_seen() {
        let records = [
            (
                json!(["Kari Anne Nordmann", 12.5, ["a", "b"]]),
                json!(["Kari", "Nordmann", 1250, ["B", "a"]]),
            ),
            (json!(["Ola Lie", 7, ["c"]]), json!(["Ola", "Lie", "700", ["c"]])),
            (json!(["Åse Berg", 0.07, ["d", "e", "f"]]), json!(["Åse", "Berg", 7, ["d"]])),
            (json!(["Per", 1, ["g"]]), json!(["Per", "", 100, ["g"]])),
        ];
        let all =
            linked(&["name", "limit", "tags"], &["first", "last", "cents", "labels"], &records);
        let row = |text: &str, same: usize, both: usize| (text.to_string(), same, both);
        assert_eq!(
            said(&all),
            [
                row("{ row: name <-> first, type: [\"first\",[\"split\",\" \",\"_.\"]] }", 3, 3),
                row("{ row: name <-> last, type: [\"last\",[\"split\",\" \",\"_.\"]] }", 3, 3),
                row("{ row: tags <-> labels, list: each }", 3, 4),
                row("{ row: limit <-> cents, type: [\"multiply\",100,\"_.\"] }", 4, 4),
            ]
        );
    }

    #[test]
    fn parts_of_an_address_go_by_what_stands_before_them() {
        let part = |path: &str| part_of_address(path);
        assert_eq!(part("zip").as_deref(), Some(""));
        assert_eq!(part("billing.zip"), part("billing.street"));
        assert_eq!(part("billing_city"), part("billingZip"));
        assert_ne!(part("billing_city"), part("shipping_city"));
        assert_eq!(part("workplace"), None);
        assert_eq!(part("baby"), None);
    }
}
