//! The record types of a description: paths that list records, and what can be done to one of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::describe::{Description, Parameter};
use super::path::Path;
use super::{shape, words};

/// A list through each record of another.
pub struct Parents {
    /// The path of the list of parents.
    pub path: String,
    pub parameter: String,
}

/// A record type as far as the description tells.
pub struct Type<'a> {
    pub name: String,
    pub written: &'a str,
    pub path: Path,
    /// The path's item, and its operation that lists.
    pub item: &'a Value,
    pub list: &'a Value,
    pub items: Option<String>,
    pub row: &'a Value,
    /// The path of one record, with the parameter that names it.
    pub one: Option<(Path, String, &'a Value)>,
    pub id: String,
    pub id_is_guess: bool,
    /// Where records are created, if not at the path of the list.
    pub at: Option<(Path, &'a Value)>,
    /// What was deleted is listed there.
    pub gone: Option<(&'a str, &'a Value)>,
    pub parents: Option<Parents>,
}

impl Type<'_> {
    pub fn noun(&self) -> String {
        words::plain(self.path.steps().last().copied().unwrap_or_default())
    }
}

/// What was found, and what was not taken, with the reason.
pub struct Found<'a> {
    pub types: Vec<Type<'a>>,
    pub left: BTreeMap<&'static str, Vec<&'a str>>,
    /// Parameters of paths that are the account's: settings.
    pub settings: BTreeSet<String>,
}

const OPERATION: &str = "it names what is done, not what there is";
const NO_ID: &str = "no id is seen in what it lists";
const VIEW: &str = "it shows records that another list has";
const ALONE: &str = "it is listed below a record, and nothing reads or creates one of it";
const DEEP: &str = "its address names records that no list here shows";

/// The record types of a description.
pub fn found<'a>(api: &Description<'a>) -> Found<'a> {
    let mut found = Found { types: Vec::new(), left: BTreeMap::new(), settings: BTreeSet::new() };
    let Some(paths) = api.paths() else { return found };
    let all: Vec<(&str, Path, &Value)> =
        paths.iter().map(|(written, item)| (written.as_str(), Path::of(written), item)).collect();
    let common = common_parameters(&all);
    let mut listed: Vec<Type<'a>> = Vec::new();
    for (written, path, item) in &all {
        let Some(list) = item.get("get") else { continue };
        let last = path.steps().last().copied().unwrap_or_default().to_string();
        let Some(listing) = shape::list_in(api, api.answer(list), &last) else { continue };
        let of_account = path.parameters().all(|name| common.contains(name));
        if path.ends_in_parameter() && !of_account {
            continue;
        }
        if path.ends_in_parameter() && all.iter().any(|(_, other, _)| path.one_of(other).is_some())
        {
            continue;
        }
        if path
            .steps()
            .iter()
            .any(|step| words::is_operation(step) && (*step == last || step.contains(['>', ':'])))
        {
            found.left.entry(OPERATION).or_default().push(written);
            continue;
        }
        let flat = flat(path, &last, &all);
        let one =
            one_of(path, &all).or_else(|| flat.as_ref().and_then(|flat| one_of(&flat.0, &all)));
        let parameter = one.as_ref().map(|(_, name, _)| name.as_str());
        let shown = one.as_ref().map(|(_, _, one)| api.answer(&one["get"]));
        let known: Vec<&str> = api.fields(listing.row).all.iter().map(|field| field.name).collect();
        let id = shape::id_of(api, listing.row, &last, parameter).or_else(|| {
            // A list that does not say what is in it, and a request that does.
            let record = shown.filter(|_| known.is_empty())?;
            let (id, _) = shape::id_of(api, record, &last, parameter)?;
            Some((id, true))
        });
        let Some((id, id_is_guess)) = id else {
            found.left.entry(NO_ID).or_default().push(written);
            continue;
        };
        listed.push(Type {
            name: String::new(),
            written,
            path: path.clone(),
            item,
            list,
            items: listing.at,
            row: listing.row,
            one,
            id,
            id_is_guess,
            at: flat.filter(|(_, item)| item.get("post").is_some()),
            gone: None,
            parents: None,
        });
    }
    sort_out(api, listed, &common, &mut found);
    name(&mut found.types, api);
    found
}

/// Parameters with the same text before them that more than a third of all paths have: they are the
/// account's.
fn common_parameters(all: &[(&str, Path, &Value)]) -> BTreeSet<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (written, ..) in all {
        for (at, _) in written.match_indices('}') {
            *counts.entry(&written[..at]).or_default() += 1;
        }
    }
    let common = counts.into_iter().filter(|(_, count)| *count > 4 && 3 * count > all.len());
    common.filter_map(|(before, _)| Some(before.rsplit_once('{')?.1.to_string())).collect()
}

/// The path of one record. Where several fit, the one whose parameter is an id.
fn one_of<'a>(
    list: &Path,
    all: &[(&'a str, Path, &'a Value)],
) -> Option<(Path, String, &'a Value)> {
    let fits = all.iter().filter_map(|(_, path, item)| Some((path, path.one_of(list)?, *item)));
    let worth = |(_, name, item): &(&Path, &str, &Value)| {
        let is_id = words::tokens(name).last().is_some_and(|last| last.ends_with("id"));
        let operations = ["get", "patch", "put", "post", "delete"];
        (is_id, operations.iter().filter(|word| item.get(**word).is_some()).count())
    };
    let best = fits.max_by_key(worth)?;
    Some((best.0.clone(), best.1.to_string(), best.2))
}

/// The path at which the records of a list are created and read, where the list itself is below
/// something else: `/workspaces/{id}/teams`, and `/teams/{id}`.
fn flat<'a>(
    list: &Path,
    last: &str,
    all: &[(&'a str, Path, &'a Value)],
) -> Option<(Path, &'a Value)> {
    let wanted = Path::of(&format!("/{last}"));
    let below = list.parameters().next().is_some() && !list.ends_in_parameter();
    let one = all.iter().any(|(_, path, _)| path.one_of(&wanted).is_some());
    let itself = all.iter().find(|(_, path, _)| *path == wanted);
    if !below || !one || itself.is_some_and(|(.., item)| item.get("get").is_some()) {
        return None;
    }
    Some((wanted, itself.map_or(&Value::Null, |(.., item)| *item)))
}

/// Which lists are record types: those of the account first, then those below one of them.
fn sort_out<'a>(
    api: &Description<'a>,
    listed: Vec<Type<'a>>,
    common: &BTreeSet<String>,
    found: &mut Found<'a>,
) {
    let lists: Vec<(String, Path)> =
        listed.iter().map(|ty| (ty.written.to_string(), ty.path.clone())).collect();
    let own = |ty: &Type<'a>| {
        ty.path
            .parameters()
            .filter(|name| !common.contains(*name))
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let (top, nested): (Vec<_>, Vec<_>) = listed.into_iter().partition(|ty| own(ty).is_empty());
    let is_view = |ty: &Type<'a>, other: &Type<'a>| {
        ty.one.is_none() && ty.path.begins_with(&other.path) && same_thing(api, ty, other)
    };
    let views: Vec<bool> =
        top.iter().map(|ty| top.iter().any(|other| is_view(ty, other))).collect();
    for (ty, is_view) in top.into_iter().zip(views) {
        let deleted = ty.path.steps().last().is_some_and(|last| words::plain(last) == "deleted");
        let of = found.types.iter_mut().find(|other| deleted && ty.path.begins_with(&other.path));
        if let Some(of) = of {
            of.gone = Some((ty.written, ty.list));
        } else if is_view {
            found.left.entry(VIEW).or_default().push(ty.written);
        } else {
            found.settings.extend(ty.path.parameters().map(str::to_string));
            found.types.push(ty);
        }
    }
    for mut ty in nested {
        let parameters = own(&ty);
        let parent = lists.iter().find_map(|(written, list)| {
            Some((written.clone(), ty.path.below_one_of(list)?.to_string()))
        });
        let shown = found.types.iter().any(|other| same_thing(api, &ty, other));
        let alone = ty.one.is_none() && ty.item.get("post").is_none();
        // Its records are named by their ids alone: the step before is the account's.
        let flat = ty.one.as_ref().is_some_and(|(one, ..)| {
            one.parameters().count() <= ty.path.parameters().count()
                && parent.as_ref().is_none_or(|(list, _)| is_tenant(api, list))
        });
        let why = match (parameters.len(), parent) {
            _ if shown => Err(VIEW),
            _ if alone => Err(ALONE),
            (1, _) if flat => Ok(None),
            (1, Some((path, parameter))) => Ok(Some(Parents { path, parameter })),
            (1, None) if !ty.path.ends_in_parameter() => Ok(None),
            _ => Err(DEEP),
        };
        match why {
            Ok(parents) => {
                if parents.is_none() {
                    found.settings.extend(parameters);
                }
                ty.parents = parents;
                found.types.push(ty);
            }
            Err(why) => found.left.entry(why).or_default().push(ty.written),
        }
    }
}

/// Whether a list shows accounts, which no request makes: one of them is a project's.
fn is_tenant(api: &Description<'_>, list: &str) -> bool {
    let made = api.paths().and_then(|paths| paths.get(list)?.get("post")).is_some();
    let step = Path::of(list).steps().last().map(|step| words::plain(step)).unwrap_or_default();
    !made && words::TENANTS.iter().any(|noun| words::same_noun(noun, &step))
}

/// Whether two lists show the same kind of record.
fn same_thing<'a>(api: &Description<'a>, one: &Type<'a>, other: &Type<'a>) -> bool {
    match (api.name_of(one.row), api.name_of(other.row)) {
        (Some(one), Some(other)) => words::thing(one) == words::thing(other),
        _ => one.row == other.row,
    }
}

/// A name for each, its own: the last step, with as many before it as tell it from others.
fn name(types: &mut [Type<'_>], api: &Description<'_>) {
    let all: Vec<Vec<&str>> = types.iter().map(|ty| ty.path.steps()).collect();
    // `/rest/v2` before each of them tells nothing apart.
    let first = all.first().cloned().unwrap_or_default();
    let same = |n: &usize| all.iter().all(|steps| steps.len() > n + 1 && steps[*n] == first[*n]);
    let common = (0..first.len()).take_while(same).count();
    let steps: Vec<Vec<String>> = types
        .iter()
        .zip(&all)
        .map(|(ty, steps)| {
            if ty.path.ends_in_parameter() {
                let called = api.name_of(ty.row).or(ty.path.parameters().last());
                return vec![words::capitals(called.unwrap_or("Records"))];
            }
            steps[common..].iter().map(|step| words::capitals(step)).collect()
        })
        .collect();
    let of = |steps: &[String], many: usize| steps[steps.len().saturating_sub(many)..].concat();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (ty, own) in types.iter_mut().zip(&steps) {
        let alone = |many: usize| {
            let name = of(own, many);
            let alike = steps.iter().filter(|other| of(other, many).eq_ignore_ascii_case(&name));
            // The shortest path keeps the short name.
            let shortest = own.len() <= many;
            (!name.is_empty()
                && (shortest || alike.count() == 1)
                && !taken.contains(&name.to_lowercase()))
            .then_some(name)
        };
        let name = (1..=own.len().max(1)).find_map(alone).unwrap_or_else(|| {
            let whole = own.concat();
            let whole = if whole.is_empty() { "Records".to_string() } else { whole };
            (2..)
                .map(|n| format!("{whole}{n}"))
                .find(|name| !taken.contains(&name.to_lowercase()))
                .unwrap_or(whole)
        });
        taken.insert(name.to_lowercase());
        ty.name = name;
    }
}

/// The parameters of the query of a list.
pub fn query<'a>(api: &Description<'a>, ty: &Type<'a>) -> Vec<Parameter<'a>> {
    let mut all = api.parameters(ty.item, ty.list);
    all.retain(|parameter| parameter.place == "query");
    all
}
