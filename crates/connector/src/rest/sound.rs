//! What a manifest must hold beyond its grammar: names that lead somewhere, templates that can be
//! read, lists that a request can page through. A manifest that passes here has no mistake that
//! would show only in the middle of a run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::place::Fault;
use super::written::{
    Auth, FindYaml, Manifest, Paging, PropertyYaml, RequestYaml, TypeWord, TypeYaml, WriteYaml,
};
use super::{effect, meaning, template};

/// Variables that requests bring along; a setting of the same name would hide behind them.
pub(super) const VARIABLES: [&str; 33] = [
    "id",
    "record",
    "value",
    "version",
    "modified",
    "modified_http",
    "intent",
    "last",
    "since",
    "since_plain",
    "since_unix",
    "offset",
    "limit",
    "page",
    "cursor",
    "picked",
    "ticket",
    "url",
    "hook",
    "topic",
    "hook_number",
    "ends",
    "event",
    "word",
    "registration",
    "parent",
    "parents",
    "fields",
    "minute",
    "signed",
    "timeout_s",
    "rate_per_second",
    "at_once",
];

/// Checks a manifest, and gives each request the interface that its record type names.
///
/// # Errors
/// All that is wrong, each at its place in the text.
pub fn settle(mut manifest: Manifest, text: &str) -> Result<Manifest, Vec<Fault>> {
    let mut check = Check::of(&manifest, text);
    check.names_of_settings(&manifest);
    check.rate(&manifest);
    for auth in [&manifest.auth].into_iter().chain(manifest.apis.values().map(|api| &api.auth)) {
        check.auth(auth);
    }
    check.account(&manifest);
    check.webhook(&manifest);
    check.texts.extend(manifest.settings.values().filter_map(|setting| setting.default.clone()));
    check.questions(&manifest);
    check.alternatives(&manifest);
    by_name(&manifest, text, &mut check.wrong);
    let settings: BTreeSet<String> = manifest.settings.keys().cloned().collect();
    let settings: BTreeSet<&str> = settings.iter().map(String::as_str).collect();
    for (kind, ty) in &mut manifest.types {
        check.record_type(kind, ty, &settings);
    }
    check.headers(&manifest, &settings);
    check.blamed(&manifest);
    check.templates();
    effect::without(&manifest, text, &mut check.wrong);
    check.wrong.extend(meaning::meanings(&manifest, text));
    for ty in manifest.types.values_mut() {
        let rules = ty.errors.clone();
        requests(ty).into_iter().for_each(|request| request.errors.extend(rules.iter().cloned()));
    }
    if check.wrong.is_empty() { Ok(manifest) } else { Err(check.wrong) }
}

/// What a manifest names.
struct Names {
    apis: Vec<String>,
    kinds: Vec<String>,
    budgets: Vec<String>,
}

/// A check under way.
struct Check<'a> {
    text: &'a str,
    names: Names,
    /// All templates.
    texts: Vec<String>,
    wrong: Vec<Fault>,
}

impl<'a> Check<'a> {
    fn of(manifest: &Manifest, text: &'a str) -> Check<'a> {
        let names = Names {
            apis: manifest.apis.keys().cloned().collect(),
            kinds: manifest.types.keys().cloned().collect(),
            budgets: manifest.rate.budgets.keys().cloned().collect(),
        };
        let mut texts: Vec<String> = vec![manifest.base.clone(), manifest.test.clone()];
        texts.extend(manifest.apis.values().map(|api| api.base.clone()));
        texts.extend(
            manifest
                .headers
                .values()
                .chain(manifest.apis.values().flat_map(|api| api.headers.values()))
                .cloned(),
        );
        Check { text, names, texts, wrong: Vec::new() }
    }

    /// No setting hides behind a variable.
    fn names_of_settings(&mut self, manifest: &Manifest) {
        for name in manifest.settings.keys().filter(|name| VARIABLES.contains(&name.as_str())) {
            self.wrong.push(Fault::at(
                self.text,
                &["settings:", &format!("{name}:")],
                format!("the setting `{name}` has the name of a variable that templates have already: call it otherwise"),
            ));
        }
    }

    fn rate(&mut self, manifest: &Manifest) {
        if manifest.rate.per_second.is_some_and(|rate| !(0.001..=100_000.0).contains(&rate)) {
            let message = "rate: `per-second` is a number from 0.001 to 100000".to_string();
            self.wrong.push(Fault::at(self.text, &["rate:", "per-second:"], message));
        }
    }

    /// The templates of what lets requests in.
    fn auth(&mut self, auth: &Auth) {
        self.texts.extend(
            auth.basic
                .iter()
                .chain(&auth.bearer)
                .chain(auth.headers.values())
                .chain(auth.query.values())
                .cloned(),
        );
        for sends in auth
            .token
            .iter()
            .filter_map(|t| t.sends.as_ref())
            .chain(auth.jwt.iter().filter_map(|j| j.sends.as_ref()))
        {
            self.texts.extend(
                sends
                    .basic
                    .iter()
                    .chain(sends.headers.values())
                    .chain(sends.query.values())
                    .cloned(),
            );
        }
        for jwt in
            auth.jwt.iter().chain(auth.token.iter().filter_map(|token| token.assertion.as_ref()))
        {
            self.texts.push(jwt.key.clone());
            jwt.header
                .values()
                .chain(jwt.claims.values())
                .for_each(|value| collect(value, &mut self.texts));
        }
        if let Some(token) = &auth.token {
            self.texts.extend(token.query.values().cloned());
            token.json.iter().for_each(|json| collect(json, &mut self.texts));
            self.texts.extend(
                [&token.url]
                    .into_iter()
                    .chain(&token.basic)
                    .chain(token.headers.values())
                    .chain(token.form.values())
                    .cloned(),
            );
            self.texts.extend(
                token
                    .sign_in
                    .iter()
                    .flat_map(|page| {
                        [&page.authorize, &page.client]
                            .into_iter()
                            .chain(&page.scope)
                            .chain(page.query.values())
                    })
                    .cloned(),
            );
        }
        if let Some(signed) = &auth.signed {
            self.texts.extend(
                [&signed.key, &signed.text, &signed.url, &signed.authorization]
                    .into_iter()
                    .chain(signed.headers.values())
                    .cloned(),
            );
            collect(&signed.body, &mut self.texts);
        }
    }

    fn account(&mut self, manifest: &Manifest) {
        if let Some(account) = &manifest.account {
            self.texts.push(account.request.path.clone());
            self.texts.extend(
                account.request.query.values().chain(account.request.headers.values()).cloned(),
            );
            account.request.body.iter().for_each(|body| collect(body, &mut self.texts));
            if let Some(api) =
                account.request.api.as_ref().filter(|api| !self.names.apis.contains(api))
            {
                let message = format!(
                    "account: there is no api `{api}`; {}",
                    known("apis has", &self.names.apis)
                );
                self.wrong.push(Fault::at(self.text, &["account:", "api:", api], message));
            }
        }
    }

    fn webhook(&mut self, manifest: &Manifest) {
        if let Some(hook) = &manifest.webhook {
            self.texts.extend(hook.signature.iter().map(|signature| signature.secret.clone()));
            self.texts.extend(hook.signature.iter().filter_map(|s| s.address.clone()));
            let topic = hook.registered.as_ref().and_then(|there| there.topic.as_ref());
            let made = [hook.word.as_ref(), hook.id.as_ref(), topic];
            self.texts.extend(made.into_iter().flatten().cloned());
            self.texts.extend(hook.repeats.iter().map(|repeated| repeated.secret.clone()));
            self.texts.extend(hook.jwt.iter().map(|jwt| jwt.key.clone()));
            let there = hook.registered.as_ref().map(|there| &there.request);
            for request in [&hook.register, &hook.renew]
                .into_iter()
                .flatten()
                .chain(there)
                .chain(hook.secret.iter().map(|s| &s.request))
            {
                self.texts.push(request.path.clone());
                self.texts.extend(request.query.values().chain(request.headers.values()).cloned());
                request.body.iter().for_each(|body| collect(body, &mut self.texts));
            }
            let by_id = hook.renew.is_some() || hook.secret.is_some();
            if by_id && hook.register_id.is_none() && hook.registered.is_none() {
                let message = "webhook: `renew` and `secret` need the registration's id: say `register-id`, or `registered`";
                self.wrong.push(Fault::at(self.text, &["webhook:"], message.into()));
            }
            if (hook.registered.is_some() || hook.renew_s.is_some()) && hook.register.is_none() {
                self.wrong.push(Fault::at(
                    self.text,
                    &["webhook:"],
                    "webhook: `registered` and `renew-s` need `register`".into(),
                ));
            }
            let named = hook.types.keys().map(|kind| ("types:", kind));
            let named = named.chain(hook.topics.keys().map(|kind| ("topics:", kind)));
            for (word, kind) in named.filter(|(_, kind)| !self.names.kinds.contains(kind)) {
                let message = format!(
                    "webhook: `{kind}` is no record type here; {}",
                    known("there are", &self.names.kinds)
                );
                self.wrong.push(Fault::at(self.text, &["webhook:", word, kind], message));
            }
        }
    }

    /// Notices, and what is to be settled: requests that only read.
    fn questions(&mut self, manifest: &Manifest) {
        let asked = manifest.notices.iter().map(|notice| ("notices:", &notice.request));
        for (word, request) in
            asked.chain(manifest.to_settle.iter().map(|question| ("to-settle:", &question.request)))
        {
            self.texts.push(request.path.clone());
            self.texts.extend(request.query.values().chain(request.headers.values()).cloned());
            request.body.iter().for_each(|body| collect(body, &mut self.texts));
            if let Some(api) = request.api.as_ref().filter(|api| !self.names.apis.contains(api)) {
                let message = format!(
                    "{word} there is no api `{api}`; {}",
                    known("apis has", &self.names.apis)
                );
                self.wrong.push(Fault::at(self.text, &[word, "api:", api], message));
            }
            // Queries may be a POST; nothing else that could write is sent.
            if request
                .method
                .as_ref()
                .is_some_and(|method| !matches!(method.as_str(), "GET" | "POST"))
            {
                self.wrong.push(Fault::at(
                    self.text,
                    &[word],
                    format!("{word} a request that reads is a GET, or a POST that queries"),
                ));
            }
        }
        for kind in manifest
            .to_settle
            .iter()
            .filter_map(|question| question.of.as_ref())
            .filter(|kind| !self.names.kinds.contains(kind))
        {
            let message = format!(
                "to-settle: `{kind}` is no record type here; {}",
                known("there are", &self.names.kinds)
            );
            self.wrong.push(Fault::at(self.text, &["to-settle:", "of:", kind], message));
        }
    }

    /// What a setting may be left out for is a setting.
    fn alternatives(&mut self, manifest: &Manifest) {
        for (name, other) in manifest
            .settings
            .iter()
            .filter_map(|(name, setting)| Some((name, setting.unless.as_ref()?)))
        {
            if !manifest.settings.contains_key(other) {
                let message = format!(
                    "the setting `{name}` says `unless: {other}`, which is no setting here"
                );
                self.wrong.push(Fault::at(
                    self.text,
                    &["settings:", &format!("{name}:"), "unless:"],
                    message,
                ));
            }
        }
    }

    fn record_type(&mut self, kind: &str, ty: &mut TypeYaml, settings: &BTreeSet<&str>) {
        refers(self.text, kind, ty, &self.names.kinds, &mut self.wrong);
        reads(self.text, kind, ty, settings, &mut self.wrong);
        let own = ty.api.clone();
        for request in requests(ty) {
            request.api = request.api.take().or_else(|| own.clone());
            if let Some(api) = request.api.as_ref().filter(|api| !self.names.apis.contains(api)) {
                let message = format!(
                    "{kind}: there is no api `{api}`; {}",
                    known("apis has", &self.names.apis)
                );
                self.wrong.push(Fault::at(
                    self.text,
                    &["types:", &format!("{kind}:"), "api:", api],
                    message,
                ));
            }
            self.texts.push(request.path.clone());
            self.texts.extend(request.query.values().chain(request.headers.values()).cloned());
            request.body.iter().for_each(|body| collect(body, &mut self.texts));
        }
        for how in [&ty.create, &ty.update].into_iter().flatten() {
            how.beside
                .values()
                .chain(how.defaults.values())
                .for_each(|value| collect(value, &mut self.texts));
        }
        let lists = || [Some(&ty.list), ty.changes.as_ref()].into_iter().flatten();
        let writes = [&ty.create, &ty.update].into_iter().flatten();
        let named = lists()
            .map(|list| &list.budget)
            .chain(writes.map(|how| &how.budget))
            .chain(ty.find.values().map(|find| &find.budget));
        for name in named.flatten() {
            if !self.names.budgets.contains(name) {
                let message = format!(
                    "{kind}: there is no budget `{name}`; {}",
                    known("rate has", &self.names.budgets)
                );
                self.wrong.push(Fault::at(
                    self.text,
                    &["types:", &format!("{kind}:"), "budget:", name],
                    message,
                ));
            }
        }
        for list in lists() {
            pages(self.text, kind, &list.request, &list.paging, &mut self.wrong);
            list.parents.iter().flat_map(|parents| parents.all()).for_each(|parents| {
                pages(self.text, kind, &parents.request, &parents.paging, &mut self.wrong)
            });
        }
        for find in ty.find.values() {
            if let Some(paging) = &find.paging {
                pages(self.text, kind, &find.request, paging, &mut self.wrong);
            }
        }
        ty.gone
            .iter()
            .for_each(|gone| pages(self.text, kind, &gone.request, &gone.paging, &mut self.wrong));
        times(self.text, kind, ty, &mut self.wrong);
    }

    /// Headers are made of settings alone.
    fn headers(&mut self, manifest: &Manifest, settings: &BTreeSet<&str>) {
        for (place, template) in
            manifest.headers.iter().chain(manifest.apis.values().flat_map(|api| &api.headers))
        {
            for name in template::variables(template)
                .iter()
                .filter(|name| !settings.contains(name.as_str()))
            {
                let message = format!(
                    "headers: `{place}` names `{name}`, which is no setting, so it would never be sent"
                );
                self.wrong.push(Fault::at(self.text, &["headers:", place], message));
            }
        }
    }

    /// What an error blames is a property.
    fn blamed(&mut self, manifest: &Manifest) {
        let of_types = manifest.types.values().flat_map(|ty| &ty.errors);
        for path in manifest.errors.iter().chain(of_types).filter_map(|rule| rule.blames.as_ref()) {
            if !manifest.types.values().any(|ty| ty.properties.contains_key(path)) {
                let message = format!(
                    "errors: `blames` names `{path}`, which is no property of any record type"
                );
                self.wrong.push(Fault::at(self.text, &["errors:", path], message));
            }
        }
    }

    fn templates(&mut self) {
        let mut told = BTreeSet::new();
        for template in self.texts.iter().filter(|template| told.insert(template.as_str())) {
            if let Err((message, inner)) = template::readable(template) {
                self.wrong.push(Fault::in_template(self.text, template, inner, message));
            }
        }
    }
}

fn refers(text: &str, kind: &str, ty: &TypeYaml, kinds: &[String], wrong: &mut Vec<Fault>) {
    let key = format!("{kind}:");
    let mut told = |words: &[&str], message: String| {
        wrong.push(Fault::at(text, &[&["types:", key.as_str()], words].concat(), message))
    };
    for (path, property) in &ty.properties {
        if let Some(to) = property.reference.as_ref().filter(|to| !kinds.contains(to)) {
            let message = format!(
                "{kind}.{path} refers to `{to}`, which is no record type here; {}",
                known("there are", kinds)
            );
            told(&["properties:", &format!("{path}:"), to], message);
        }
        if let Some(from) =
            property.derived_from.as_ref().filter(|from| !ty.properties.contains_key(*from))
        {
            let message =
                format!("{kind}.{path} is derived from `{from}`, which is no property of {kind}");
            told(&["properties:", &format!("{path}:"), from], message);
        }
    }
    for (path, property) in &ty.properties {
        let Some(time) = &property.modified else { continue };
        if time == path || !ty.properties.contains_key(time) {
            let why = if time == path { "itself" } else { "no property of it" };
            let message = format!(
                "{kind}.{path} has the time of its last change in `{time}`, which is {why}"
            );
            told(&["properties:", &format!("{path}:"), "modified:"], message);
        }
    }
    for path in ty.find.keys().filter(|path| !ty.properties.contains_key(*path)) {
        told(
            &["find:", path],
            format!("{kind}: `find` looks for `{path}`, which is no property of {kind}"),
        );
    }
    if let Some(path) = ty.created.as_ref().filter(|path| !ty.properties.contains_key(*path)) {
        told(
            &["created:", path],
            format!("{kind}: `created` names `{path}`, which is no property of {kind}"),
        );
    }
    let lists_ids = [Some(&ty.list), ty.changes.as_ref()]
        .into_iter()
        .flatten()
        .any(|list| list.each_id.is_some());
    if lists_ids && ty.get.is_none() {
        told(
            &["each-id"],
            format!("{kind}: a list with `each-id` needs `get`, which reads each record"),
        );
    }
}

/// What a reference by another property than the id needs.
fn by_name(manifest: &Manifest, text: &str, wrong: &mut Vec<Fault>) {
    for (kind, ty) in &manifest.types {
        for (path, property) in &ty.properties {
            let Some(by) = &property.reference_by else { continue };
            let mut told = |message: String| {
                let place = [
                    "types:",
                    &format!("{kind}:"),
                    "properties:",
                    &format!("{path}:"),
                    "reference-by:",
                ];
                wrong.push(Fault::at(text, &place, message));
            };
            let Some(to) = &property.reference else {
                told(format!(
                    "{kind}.{path}: `reference-by` needs `reference`, which says the record type"
                ));
                continue;
            };
            let Some(other) = manifest.types.get(to) else { continue };
            if !other.properties.contains_key(by) {
                told(format!("{kind}.{path} refers by `{by}`, which is no property of {to}"));
            } else if !other.find.contains_key(by) || other.get.is_none() {
                told(format!(
                    "{kind}.{path} refers by `{by}`: {to} needs `find` by it, to read the reference, and `get`, to write it"
                ));
            }
        }
    }
}

/// G10: what a record type's requests read, and what they must say to be about one record.
fn reads(text: &str, kind: &str, ty: &TypeYaml, settings: &BTreeSet<&str>, wrong: &mut Vec<Fault>) {
    let key = format!("{kind}:");
    let mut told = |words: &[&str], message: String| {
        wrong.push(Fault::at(text, &[&["types:", key.as_str()], words].concat(), message))
    };
    let mut all: Vec<(&str, &RequestYaml, Vec<String>)> = vec![("list:", &ty.list.request, vec![])];
    all.extend(ty.changes.iter().map(|changes| ("changes:", &changes.request, vec![])));
    all.extend(ty.gone.iter().map(|gone| ("gone:", &gone.request, vec![])));
    all.extend(ty.get.iter().map(|get| ("get:", &get.request, vec![])));
    all.extend(ty.find.values().map(|find| ("find:", &find.request, vec![])));
    for (word, how) in [("create:", &ty.create), ("update:", &ty.update)] {
        let Some(how) = how else { continue };
        let mut texts = vec![];
        how.beside
            .values()
            .chain(how.defaults.values())
            .for_each(|value| collect(value, &mut texts));
        all.push((word, &how.request, texts));
    }
    all.extend(ty.delete.iter().map(|request| ("delete:", request, vec![])));
    all.extend(ty.restore.iter().map(|request| ("restore:", request, vec![])));
    for (word, request, more) in all {
        let mut texts: Vec<String> = vec![request.path.clone()];
        texts.extend(request.query.values().chain(request.headers.values()).cloned());
        request.body.iter().for_each(|body| collect(body, &mut texts));
        texts.extend(more);
        let read: BTreeSet<String> =
            texts.iter().flat_map(|text| template::variables(text)).collect();
        for name in read
            .iter()
            .filter(|name| !settings.contains(name.as_str()) && !VARIABLES.contains(&name.as_str()))
        {
            let what = format!(
                "{kind}: `{{{{ {name} }}}}` is neither a setting nor a variable: what it stands in would never be sent"
            );
            told(&[word, name], what);
        }
        for (name, place, set) in [
            ("version", "version", ty.version.is_some()),
            ("modified", "modified", ty.modified.is_some()),
            ("modified_http", "modified", ty.modified.is_some()),
        ] {
            if !set && read.contains(name) && matches!(word, "update:" | "delete:") {
                let what = format!(
                    "{kind}: `{{{{ {name} }}}}` has no value as long as the record type does not say `{place}`: nothing is locked"
                );
                told(&[word, name], what);
            }
        }
        let about_one = matches!(word, "get:" | "update:" | "delete:" | "restore:");
        let named =
            ["id", "record", "url", "parent", "parents"].iter().any(|name| read.contains(*name));
        if about_one && !named && !(word == "update:" && updates_elsewhere(ty)) {
            let word = word.trim_end_matches(':');
            told(
                &[&format!("{word}:")],
                format!(
                    "{kind}: the request of `{word}` does not say which record it is about: it has no {{{{ id }}}}"
                ),
            );
        }
        let since = ["since", "since_plain", "since_unix"].iter().any(|name| read.contains(*name));
        if word == "changes:"
            && !since
            && ty.changes.as_ref().is_some_and(|changes| !changes.stops_at_since)
        {
            told(
                &[word],
                format!(
                    "{kind}: `changes` does not ask for what changed since: its request has no {{{{ since }}}}"
                ),
            );
        }
        if request.method.as_ref().is_some_and(|method| !METHODS.contains(&method.as_str())) {
            let method = request.method.as_deref().unwrap_or_default();
            told(
                &[word, method],
                format!("{kind}: `{method}` is no method of HTTP; they are {}", METHODS.join(", ")),
            );
        }
    }
    for (path, property) in &ty.properties {
        if property.max_chars == Some(0) {
            told(
                &["properties:", &format!("{path}:"), "max-chars:"],
                format!("{kind}.{path}: `max-chars: 0` leaves nothing of any text"),
            );
        }
    }
}

/// Methods of requests.
const METHODS: [&str; 10] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "MERGE", "QUERY", "REPORT", "SEARCH"];

/// Whether the body of an update names the record by what it holds.
fn updates_elsewhere(ty: &TypeYaml) -> bool {
    ty.update.as_ref().is_some_and(|how| how.style == super::written::Style::Whole)
}

/// Times and delays that can hold (R8).
fn times(text: &str, kind: &str, ty: &TypeYaml, wrong: &mut Vec<Fault>) {
    let key = format!("{kind}:");
    let mut told =
        |word: &str, message: String| wrong.push(Fault::at(text, &["types:", &key, word], message));
    if ty.settles_ms.is_some_and(|ms| ms < 0) {
        told("settles-ms:", format!("{kind}: `settles-ms` is a delay and not less than 0"));
    }
    if ty.changes.as_ref().is_some_and(|changes| changes.overlap_s < 0) || ty.list.overlap_s < 0 {
        told(
            "overlap-s:",
            format!(
                "{kind}: `overlap-s` is not less than 0: what lies before the last reading is read again"
            ),
        );
    }
    if let Some(form) = &ty.modified_form {
        let example = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
        let holds = jiff::fmt::strtime::format(form, &example)
            .and_then(|written| jiff::fmt::strtime::parse(form, written))
            .and_then(|read| read.to_date())
            .is_ok();
        if !holds {
            told(
                "modified-form:",
                format!(
                    "{kind}: `{form}` is no form of a time: it needs a day, as `%Y-%m-%d %H:%M:%S` has one"
                ),
            );
        }
        if ty.modified.is_none() {
            told(
                "modified-form:",
                format!(
                    "{kind}: `modified-form` says how `modified` is written, and there is no `modified`"
                ),
            );
        }
    }
    let Some(modified) = &ty.modified else { return };
    let property = ty
        .properties
        .iter()
        .find(|(path, property)| property.at.as_ref().unwrap_or(path) == modified);
    if let Some((_, property)) = property
        && (property.list
            || matches!(property.ty, Some(TypeWord::Boolean | TypeWord::List | TypeWord::Minutes)))
    {
        told(
            "modified:",
            format!("{kind}: `modified` is at `{modified}`, which is no time by its type"),
        );
    }
}

/// A list that does not ask for the next page would show the first one for ever.
fn pages(text: &str, kind: &str, request: &RequestYaml, paging: &Paging, wrong: &mut Vec<Fault>) {
    let mut texts: Vec<String> = vec![request.path.clone()];
    texts.extend(request.query.values().cloned());
    request.body.iter().for_each(|body| collect(body, &mut texts));
    if *paging != Paging::None && paging.limit(0) == 0 {
        let message =
            format!("{kind}: a page of `{}` has no records: `limit` is 1 or more", request.path);
        wrong.push(Fault::at(text, &["types:", &format!("{kind}:"), "limit:"], message));
    }
    let needs: &[&str] = match paging {
        Paging::None | Paging::Next { .. } | Paging::Link { .. } => &[],
        Paging::Offset { .. } => &["offset", "limit"],
        Paging::Page { .. } => &["page"],
        Paging::Cursor { .. } => &["cursor"],
    };
    for variable in needs.iter().filter(|variable| {
        !texts.iter().any(|text| text.contains("{{") && text.contains(*variable))
    }) {
        let message = format!(
            "{kind}: `{}` pages, but its request has no {{{{ {variable} }}}}",
            request.path
        );
        wrong.push(Fault::at(text, &["types:", &format!("{kind}:"), &request.path], message));
    }
}

/// Every request of a record type.
fn requests(ty: &mut TypeYaml) -> Vec<&mut RequestYaml> {
    let mut all: Vec<&mut RequestYaml> = vec![];
    for list in [Some(&mut ty.list), ty.changes.as_mut()].into_iter().flatten() {
        all.push(&mut list.request);
        let mut parents = list.parents.as_mut();
        while let Some(of) = parents {
            all.push(&mut of.request);
            parents = of.parents.as_deref_mut();
        }
    }
    all.extend(ty.gone.as_mut().map(|gone| &mut gone.request));
    all.extend(ty.get.as_mut().map(|get| &mut get.request));
    all.extend(found(&mut ty.find));
    all.extend([ty.create.as_mut(), ty.update.as_mut()].into_iter().flatten().flat_map(
        |how: &mut WriteYaml| {
            let then = how.then.iter_mut().map(|step| &mut step.request);
            std::iter::once(&mut how.request)
                .chain(how.bulk.as_mut().map(|bulk| &mut bulk.request))
                .chain(then)
        },
    ));
    all.extend([ty.delete.as_mut(), ty.restore.as_mut()].into_iter().flatten());
    all.extend(ty.properties.values_mut().flat_map(steps));
    all
}

fn steps(property: &mut PropertyYaml) -> impl Iterator<Item = &mut RequestYaml> {
    property.update_via.iter_mut().chain(&mut property.emptied_via).map(|step| &mut step.request)
}

fn found(find: &mut BTreeMap<String, FindYaml>) -> impl Iterator<Item = &mut RequestYaml> {
    find.values_mut().map(|find| &mut find.request)
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| collect(value, texts)),
        Value::Object(map) => map.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

fn known(opening: &str, names: &[String]) -> String {
    if names.is_empty() {
        format!("{opening} none")
    } else {
        format!("{opening} {}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r8_what_can_be_no_time_is_told() {
        let of = |words: &str, paging: &str| {
            told(&format!(
                "title: Fjord\nsettings: {{}}\nbase: https://example.com\nrate: {{ per-second: 0 }}\nheaders: {{ X: '{{{{ oh' }}\ntest: /\ntypes:\n  People:\n    id: id\n{words}\n    properties: {{ live: {{ type: boolean }} }}\n    list: {{ request: {{ path: /p }}, paging: {paging} }}\n"
            ))
        };
        let told = of(
            "    modified: live\n    modified-form: '%H:%M'\n    settles-ms: -1",
            "{ next: { limit: 0, at: next } }",
        );
        for part in [
            "no form of a time",
            "no time by its type",
            "`settles-ms` is a delay",
            "`per-second` is a number",
            "can't be read",
            "`limit` is 1 or more",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        let told = of("    modified-form: '%d.%m.%Y'\n    settles-ms: 9", "none");
        assert!(told.contains("there is no `modified`") && !told.contains("no form"), "{told}");
    }

    #[test]
    fn g10_a_request_reads_what_there_is_and_says_which_record_it_is_about() {
        let told = told(
            "
title: Fjord
settings: { key: { what: a key } }
base: https://example.com
rate: { per-second: 1 }
headers: { X-Key: '{{ kye }}', X-Right: '{{ key }}' }
test: /
errors: [{ status: 422, means: rejected, blames: nmae }]
types:
  People:
    id: id
    properties: { name: { max-chars: 0 } }
    list: { request: { path: /people, query: { o: '{{ offset }}', n: '{{ limit }}', k: '{{ lmit }}' } }, paging: { offset: { limit: 10 } } }
    changes: { request: { path: /people }, paging: none }
    get: { request: { path: /people } }
    create: { request: { method: POST, path: /people, headers: { Key: '{{ intnt }}' } } }
    update: { request: { method: PACH, path: /people, headers: { If-Match: '{{ version }}' } } }
    delete: { method: DELETE, path: '/people/{{ id }}' }
",
        );
        for part in [
            "`X-Key` names `kye`, which is no setting",
            "`blames` names `nmae`",
            "`max-chars: 0`",
            "`{{ lmit }}` is neither a setting nor a variable",
            "`changes` does not ask for what changed since",
            "the request of `get` does not say which record it is about",
            "`{{ intnt }}` is neither a setting nor a variable",
            "`PACH` is no method of HTTP",
            "the request of `update` does not say which record",
            "`{{ version }}` has no value as long as the record type does not say `version`",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!told.contains("delete") && !told.contains("X-Right"), "{told}");
    }

    fn told(yaml: &str) -> String {
        let faults = settle(serde_saphyr::from_str(yaml).unwrap(), yaml).unwrap_err();
        faults.iter().map(|fault| fault.told(yaml) + "\n").collect()
    }

    #[test]
    fn everything_that_leads_nowhere_is_told_at_once() {
        let told = told(
            "
title: Fjord
settings: { id: { what: a number } }
base: https://example.com/{{ broken
rate: { per-second: 1 }
test: /
types:
  People:
    id: id
    api: v0
    properties:
      company: { reference: Companies }
      mail: { derived-from: mails }
    list: { request: { path: /people }, paging: { page: { limit: 10 } }, each-id: id }
",
        );
        for part in [
            "line 3, column 13: the setting `id`",
            "line 4, column 30: the template `https://example.com/{{ broken`",
            "line 10, column 10: People: there is no api `v0`",
            "line 12, column 29: People.company refers to `Companies`",
            "line 13, column 29: People.mail is derived from `mails`",
            "line 14, column 30: People: `/people` pages, but its request has no {{ page }}",
            "line 14, column 74: People: a list with `each-id` needs `get`",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
