//! Words of a manifest that would have no effect where they stand (G10): each is refused, with what
//! would have one.
//!
//! A word is here if the interpreter reads it only together with another, or only in another place.

use serde_json::Value;

use super::place::Fault;
use super::template::variables;
use super::written::{
    Algorithm, Auth, ErrorRule, Jwt, KeyEncoding, ListYaml, Manifest, Meaning, Part, PropertyYaml,
    RequestYaml, Sends, Signature, Style, TypeWord, TypeYaml, Webhook, WriteYaml,
};

/// Collects what is wrong below one place of the text.
struct Told<'a> {
    text: &'a str,
    place: Vec<String>,
    faults: &'a mut Vec<Fault>,
}

impl Told<'_> {
    /// Tells it where `wrong` is true. `words` lead on from the place to the word that is meant.
    fn when(&mut self, wrong: bool, words: &[&str], message: impl Into<String>) {
        if wrong {
            let path: Vec<&str> =
                self.place.iter().map(String::as_str).chain(words.iter().copied()).collect();
            self.faults.push(Fault::at(self.text, &path, message.into()));
        }
    }
}

/// Everything in the manifest that would have no effect.
pub(super) fn without(manifest: &Manifest, text: &str, faults: &mut Vec<Fault>) {
    let mut told = Told { text, place: vec!["rate:".into()], faults };
    let rate = &manifest.rate;
    told.when(
        rate.resets.is_some() && rate.remaining.is_none(),
        &["resets:"],
        "rate: `resets` needs `remaining`, which says when to wait",
    );
    told.place = vec!["auth:".into()];
    let others = manifest.apis.values().map(|api| &api.auth);
    for auth in std::iter::once(&manifest.auth).chain(others) {
        admission(auth, manifest, &mut told);
    }
    told.place = vec!["errors:".into()];
    for rule in &manifest.errors {
        error_rule(rule, &mut told);
    }
    if let Some(hook) = &manifest.webhook {
        told.place = vec!["webhook:".into()];
        webhook(hook, manifest, &mut told);
    }
    for (kind, ty) in &manifest.types {
        told.place = vec!["types:".into(), format!("{kind}:")];
        record_type(kind, ty, &mut told);
    }
}

fn admission(auth: &Auth, manifest: &Manifest, told: &mut Told<'_>) {
    let hides = |name: &str| manifest.settings.contains_key(name);
    let has_token = |sends: &Sends| {
        let texts = sends.basic.iter().chain(sends.headers.values()).chain(sends.query.values());
        texts.into_iter().any(|text| variables(text).contains("token"))
    };
    if let Some(token) = &auth.token {
        told.when(
            !token.form.is_empty() && token.json.is_some(),
            &["token:", "json:"],
            "auth: a token request has one body: say `form` or `json`",
        );
        let bodiless =
            token.method.as_ref().is_some_and(|method| matches!(method.as_str(), "GET" | "DELETE"));
        told.when(
            bodiless && (!token.form.is_empty() || token.json.is_some()),
            &["token:", "method:"],
            "auth: a GET or DELETE has no body: say `query` instead of `form` or `json`",
        );
        let method = token.method.as_deref().unwrap_or("POST");
        told.when(
            !matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE"),
            &["token:", "method:"],
            format!("auth: `{method}` is no method for a token request; they are GET, POST, PUT, PATCH, DELETE"),
        );
        told.when(
            token.cookies && token.at.is_some(),
            &["token:", "at:"],
            "auth: with `cookies` the cookies are the token: `at` is not read",
        );
        let ends = [token.lives_at.is_some(), token.ends_at.is_some(), token.lives_s.is_some()];
        told.when(
            ends.iter().filter(|said| **said).count() > 1,
            &["token:"],
            "auth: one of `lives-at`, `ends-at` and `lives-s` says how long a token is good",
        );
        let mut texts: Vec<String> = token
            .form
            .values()
            .chain(token.query.values())
            .chain(token.headers.values())
            .cloned()
            .collect();
        texts.extend(token.json.iter().map(Value::to_string));
        told.when(
            token.assertion.is_some() && !texts.iter().any(|text| text.contains("assertion")),
            &["token:", "assertion:"],
            "auth: `assertion` is made for `{{ assertion }}`, which no part of the token request names",
        );
        if let Some(assertion) = &token.assertion {
            told.when(
                assertion.sends.is_some(),
                &["token:", "assertion:", "sends:"],
                "auth: an assertion goes into the token request: `sends` belongs below `token`",
            );
            web_token(assertion, &["token:", "assertion:", "key-encoding:"], told);
        }
        told.when(
            auth.jwt.is_some(),
            &["jwt:"],
            "auth: `token` is used before `jwt`: a web token for the token request is its `assertion`",
        );
    }
    if let Some(jwt) = &auth.jwt {
        web_token(jwt, &["jwt:", "key-encoding:"], told);
        told.when(jwt.lives_s == Some(0), &["jwt:", "lives-s:"], "auth: `lives-s` is 1 or more");
    }
    let sends = auth
        .token
        .iter()
        .filter_map(|token| token.sends.as_ref())
        .chain(auth.jwt.iter().filter_map(|jwt| jwt.sends.as_ref()));
    for sends in sends {
        told.when(
            !has_token(sends),
            &["sends:"],
            "auth: nothing in `sends` names `{{ token }}`, so that requests would carry none",
        );
        told.when(
            hides("token"),
            &["sends:"],
            "auth: `{{ token }}` in `sends` is the token that was given: call the setting `token` otherwise",
        );
    }
}

fn web_token(jwt: &Jwt, words: &[&str], told: &mut Told<'_>) {
    told.when(
        jwt.algorithm == Algorithm::RS256 && jwt.key_encoding != KeyEncoding::Text,
        words,
        "auth: `key-encoding` is for shared secrets; a private key is PEM",
    );
}

fn error_rule(rule: &ErrorRule, told: &mut Told<'_>) {
    let blames = rule.blames.is_some() || !rule.property.is_empty();
    let fits_all = rule.status.is_none() && rule.at.is_none();
    told.when(fits_all, &[], "errors: a rule without `status` and `at` fits every answer, the good ones too: say when it holds");
    let tests = rule.at.is_none() && !(rule.is.is_empty() && rule.has.is_empty());
    told.when(
        tests,
        &["is:"],
        "errors: `is` and `has` need `at`, the place in the answer that is to be this",
    );
    told.when(
        rule.id.is_some() && rule.means != Meaning::Duplicate,
        &["id:"],
        "errors: `id` is read with `means: duplicate` only: it names the record that is there already",
    );
    told.when(
        blames && !matches!(rule.means, Meaning::Rejected | Meaning::Duplicate | Meaning::Unauthorized),
        &[],
        "errors: `property` and `blames` are read with `means: rejected` or `duplicate` only: they name the property that is refused",
    );
}

fn webhook(hook: &Webhook, manifest: &Manifest, told: &mut Told<'_>) {
    told.when(
        manifest.no_webhook.is_some(),
        &[],
        "webhook: `no-webhook` says that the system makes no calls",
    );
    registrations(hook, told);
    told.when(
        hook.word.is_some() == hook.types.is_empty(),
        &[],
        "webhook: `word` and `types` need each other",
    );
    told.when(
        hook.renew.is_some() && hook.renew_s.is_none(),
        &["renew:"],
        "webhook: `renew` needs `renew-s`, which says how often",
    );
    told.when(
        hook.register_id.is_some() && hook.register.is_none(),
        &["register-id:"],
        "webhook: `register-id` is read from the answer to `register`, which is not there",
    );
    told.when(
        hook.id.is_some() && manifest.types.values().all(|ty| ty.get.is_none()),
        &["id:"],
        "webhook: `id` names one record to read, and no record type has `get` to read it by",
    );
    if let Some(repeated) = &hook.repeats {
        told.when(
            repeated.header.is_some() == repeated.at.is_some(),
            &["repeats:"],
            "webhook: `repeats` says where a call has the secret: in a `header`, or `at` a place of its body",
        );
    }
    if let Some(signature) = &hook.signature {
        signed(signature, told);
    }
}

/// What the requests of a registration are made of.
fn registrations(hook: &Webhook, told: &mut Told<'_>) {
    let asked = [hook.register.as_ref(), hook.renew.as_ref()];
    let there = hook.registered.as_ref().map(|there| &there.request);
    let names = |variable: &str| {
        asked.into_iter().chain([there]).flatten().any(|request| {
            let texts = request.query.values().chain(request.headers.values());
            texts.chain([&request.path]).any(|text| text.contains(variable))
                || request.body.as_ref().is_some_and(|body| body.to_string().contains(variable))
        })
    };
    told.when(
        !hook.topics.is_empty() && (hook.register.is_none() || !names("topic")),
        &["topics:"],
        "webhook: `topics` are told by `register`, which names `{{ topic }}`",
    );
    told.when(
        hook.topics.is_empty()
            && hook.registered.as_ref().is_some_and(|there| there.topic.is_some()),
        &["registered:", "topic:"],
        "webhook: `topic` is compared with `topics`, which are not there",
    );
    told.when(
        hook.lives_s.is_some() != names("ends"),
        &["lives-s:"],
        "webhook: `lives-s` and `{{ ends }}` in the requests need each other",
    );
    told.when(
        hook.lives_s.is_some_and(|lives| hook.renew_s.is_none_or(|renew| renew >= lives)),
        &["lives-s:"],
        "webhook: a registration that ends after `lives-s` is renewed before, by `renew-s`",
    );
}

fn signed(signature: &Signature, told: &mut Told<'_>) {
    let without_time = signature.timestamp.is_none()
        && (signature.max_age_s.is_some()
            || !signature.between.is_empty() && signature.signs.is_empty());
    let signs = |part: Part| signature.signs.contains(&part);
    told.when(
        signature.header.is_some() == signature.at.is_some(),
        &["signature:"],
        "webhook: `signature` stands in a `header`, or `at` a name of the body",
    );
    told.when(
            signature.of.is_some() != signature.at.is_some(),
            &["signature:"],
            "webhook: `at` and `of` of a signature need each other: a text can't hold its own signature",
        );
    told.when(
        signs(Part::Nonce) != signature.nonce.is_some(),
        &["signature:", "nonce:"],
        "webhook: `nonce` names the header that `signs` has at its place",
    );
    told.when(
            !signature.signs.is_empty()
                && (!signs(Part::Body)
                    || signs(Part::Timestamp) != signature.timestamp.is_some()),
            &["signature:", "signs:"],
            "webhook: `signs` names the body, and the timestamp where `timestamp` says which header has it: what is not signed proves nothing",
        );
    told.when(
        signature.address.is_some() && !signs(Part::Address),
        &["signature:", "address:"],
        "webhook: `address` is read where `signs` names it",
    );
    told.when(
        without_time,
        &["signature:"],
        "webhook: `between` and `max-age-s` of a signature need `timestamp`",
    );
}

/// The requests of a record type that may have rules of their own, each with the word below which
/// it stands.
fn with_rules(ty: &TypeYaml) -> impl Iterator<Item = (&'static str, &RequestYaml)> {
    let lists = [("list:", Some(&ty.list)), ("changes:", ty.changes.as_ref())];
    let lists = lists.into_iter().filter_map(|(word, list)| Some((word, &list?.request)));
    let single = [
        ("get:", ty.get.as_ref().map(|get| &get.request)),
        ("gone:", ty.gone.as_ref().map(|gone| &gone.request)),
    ];
    let single = single.into_iter().chain([
        ("create:", ty.create.as_ref().map(|how| &how.request)),
        ("update:", ty.update.as_ref().map(|how| &how.request)),
        ("delete:", ty.delete.as_ref()),
        ("restore:", ty.restore.as_ref()),
    ]);
    let finds = ty.find.values().map(|find| ("find:", &find.request));
    lists.chain(single.filter_map(|(word, request)| Some((word, request?)))).chain(finds)
}

fn record_type(kind: &str, ty: &TypeYaml, told: &mut Told<'_>) {
    let place = told.place.clone();
    for (word, request) in with_rules(ty) {
        told.place =
            place.iter().cloned().chain([word.to_string(), "errors:".to_string()]).collect();
        request.errors.iter().for_each(|rule| error_rule(rule, told));
    }
    told.place = place.iter().cloned().chain(["errors:".to_string()]).collect();
    ty.errors.iter().for_each(|rule| error_rule(rule, told));
    told.place = place;
    if let Some(mark) = &ty.deleted {
        told.when(
            mark.is.is_empty() && mark.is_not.is_empty(),
            &["deleted:"],
            format!(
                "{kind}: `deleted` says neither `is` nor `is-not`, so no record would ever count as deleted; for a time that is there once \
                 it is deleted write `is-not: [null]`"
            ),
        );
        told.when(
            mark.told_by_changes && ty.changes.is_none(),
            &["deleted:", "told-by-changes:"],
            format!("{kind}: `told-by-changes` needs `changes`"),
        );
    }
    told.when(
        ty.gone.is_some() && ty.changes.is_none(),
        &["gone:"],
        format!("{kind}: `gone` is asked after `changes`, which is not there"),
    );
    told.when(
        ty.parent.is_some() && ty.list.parents.is_some(),
        &["parent:"],
        format!("{kind}: `parent` is for lists that show the records of all parents; `parents` lists them through each"),
    );
    let depth = |list: &ListYaml| list.parents.as_ref().map_or(0, |parents| parents.depth());
    told.when(
        ty.changes.as_ref().is_some_and(|changes| depth(changes) != depth(&ty.list)),
        &["changes:"],
        format!("{kind}: a record has as many `parents` where it is listed in `changes` as in `list`: its id begins with theirs"),
    );
    list(kind, &ty.list, told);
    if let Some(create) = &ty.create {
        creation(kind, create, told);
    }
    if let Some(update) = &ty.update {
        update_of(kind, ty, update, told);
    }
    for (name, how) in [("create:", &ty.create), ("update:", &ty.update)] {
        let Some(how) = how else { continue };
        told.when(
            how.request.body.is_some(),
            &[name, "body:"],
            format!("{kind}: the body of `{name}` is the record itself: put it below a key with `wrap`, other things beside it with `beside`"),
        );
        told.when(
            how.read_after == Some(true) && ty.get.is_none(),
            &[name, "read-after:"],
            format!("{kind}: `read-after` needs `get`, which reads the record"),
        );
    }
    for (path, property) in &ty.properties {
        property_of(kind, path, property, told);
    }
}

fn list(kind: &str, list: &ListYaml, told: &mut Told<'_>) {
    let of_changes = |word: &str| {
        format!("{kind}: `{word}` is read below `changes`; `list` shows everything there is")
    };
    told.when(list.stops_at_since, &["list:", "stops-at-since:"], of_changes("stops-at-since"));
}

fn creation(kind: &str, create: &WriteYaml, told: &mut Told<'_>) {
    let of_update = |word: &str| {
        format!("{kind}: `{word}` is read below `update`; what is created is sent whole")
    };
    told.when(create.style != Style::Part, &["create:", "style:"], of_update("style"));
    told.when(create.whole.is_some(), &["create:", "whole:"], of_update("whole"));
    told.when(
        create.bulk.is_some() && !create.then.is_empty(),
        &["create:", "then:"],
        format!(
            "{kind}: `then` completes one record, and `bulk` makes several: say one of the two"
        ),
    );
    told.when(create.read_before, &["create:", "read-before:"], of_update("read-before"));
}

fn update_of(kind: &str, ty: &TypeYaml, update: &WriteYaml, told: &mut Told<'_>) {
    let of_create =
        |word: &str| format!("{kind}: `{word}` is read below `create`, not below `update`");
    told.when(!update.defaults.is_empty(), &["update:", "defaults:"], of_create("defaults"));
    told.when(update.from.is_some(), &["update:", "from:"], of_create("from"));
    told.when(update.id_at.is_some(), &["update:", "id-at:"], of_create("id-at"));
    told.when(!update.then.is_empty(), &["update:", "then:"], of_create("then"));
    told.when(update.upsert, &["update:", "upsert:"], of_create("upsert"));
    told.when(update.pause_ms.is_some(), &["update:", "pause-ms:"], of_create("pause-ms"));
    told.when(
        update.read_before && ty.get.is_none(),
        &["update:", "read-before:"],
        format!("{kind}: `read-before` needs `get`, which reads the record"),
    );
    told.when(
        update.style != Style::Part && !update.read_before,
        &["update:", "style:"],
        format!("{kind}: this `style` needs `read-before: true`: without the record as it stands the rest of it would be lost"),
    );
    told.when(
        update.bulk.is_some() && update.read_before,
        &["update:", "bulk:"],
        format!("{kind}: `bulk` is not used where `update` has `read-before`"),
    );
}

fn property_of(kind: &str, path: &str, property: &PropertyYaml, told: &mut Told<'_>) {
    let below =
        |word: &'static str| ["properties:".to_string(), format!("{path}:"), word.to_string()];
    let mut of_list = |is_said: bool, word: &'static str, needs: &str| {
        let words = below(word);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        told.when(
            is_said,
            &words,
            format!("{kind}.{path}: `{}` needs {needs}", word.trim_end_matches(':')),
        );
    };
    let element = property.list && property.value.is_some();
    of_list(
        property.element.is_some() && property.value.is_none(),
        "element:",
        "`value`: it is what an element of a list (`list: true`), or an object, has besides its value",
    );
    let many = property.list || matches!(property.ty, Some(TypeWord::List));
    of_list(
        property.ordered && !many,
        "ordered:",
        "`list: true` or `type: list`: a single value has no order",
    );
    of_list(
        property.primary.is_some() && !element,
        "primary:",
        "`list: true` and `value`: it marks an element",
    );
    of_list(
        !property.made_of_value.is_empty() && !element,
        "made-of-value:",
        "`list: true` and `value`: the system makes it of an element's value",
    );
}

#[cfg(test)]
mod tests {
    use super::super::examine;

    fn manifest(ty: &str, rest: &str) -> String {
        format!(
            "title: Fjord\nsettings: {{}}\nbase: https://example.com\nrate: {{}}\ntest: /\n{rest}types:\n  People:\n    id: id\n    properties: {{ name: {{}} }}\n    list: {{ request: {{ path: /people }}, paging: none }}\n{ty}"
        )
    }

    fn told(ty: &str, rest: &str) -> String {
        let text = manifest(ty, rest);
        match examine(&text) {
            Ok(_) => String::new(),
            Err(faults) => faults.iter().map(|fault| fault.told(&text) + "\n").collect(),
        }
    }

    #[test]
    fn g10_a_manifest_of_which_every_word_has_an_effect_is_taken() {
        assert_eq!(
            told(
                "    deleted: { at: gone, is-not: [null] }\n",
                "errors: [{ status: 409, means: conflict }]\n"
            ),
            ""
        );
    }

    #[test]
    fn g10_a_word_without_effect_is_refused_where_it_stands() {
        for (ty, rest, message) in [
            (
                "    deleted: { at: gone, is-not: null }\n",
                "",
                "line 11, column 5: People: `deleted` says neither",
            ),
            (
                "    gone: { request: { path: /gone }, paging: none }\n",
                "",
                "line 11, column 5: People: `gone` is asked after `changes`",
            ),
            (
                "    create: { request: { method: POST, path: /people, body: { a: 1 } } }\n",
                "",
                "the body of `create:` is the record itself",
            ),
            (
                "    create: { request: { path: /people }, read-before: true }\n",
                "",
                "`read-before` is read below `update`",
            ),
            (
                "    create: { request: { path: /people }, style: whole }\n",
                "",
                "`style` is read below `update`",
            ),
            (
                "    create: { request: { path: /people }, read-after: true }\n",
                "",
                "`read-after` needs `get`",
            ),
            (
                "    update: { request: { path: /people }, upsert: true }\n",
                "",
                "`upsert` is read below `create`",
            ),
            (
                "    update: { request: { path: /people }, read-before: true }\n",
                "",
                "`read-before` needs `get`",
            ),
            (
                "    update: { request: { path: /people }, style: whole }\n",
                "",
                "this `style` needs `read-before: true`",
            ),
            ("", "errors: [{ means: rejected }]\n", "fits every answer"),
            (
                "",
                "errors: [{ status: 400, is: [x], means: rejected }]\n",
                "`is` and `has` need `at`",
            ),
            (
                "",
                "errors: [{ status: 400, id: a, means: rejected }]\n",
                "`id` is read with `means: duplicate` only",
            ),
            (
                "",
                "errors: [{ status: 400, blames: name, means: later }]\n",
                "`property` and `blames`",
            ),
            (
                "",
                "webhook: {}\nno-webhook: none\n",
                "`no-webhook` says that the system makes no calls",
            ),
            (
                "",
                "webhook: { topics: { People: [a] }, register: { method: POST, path: /hooks } }\n",
                "`topics` are told by `register`, which names `{{ topic }}`",
            ),
            (
                "",
                "webhook: { register: { method: POST, path: '/hooks?{{ ends }}' } }\n",
                "`lives-s` and `{{ ends }}` in the requests need each other",
            ),
            (
                "",
                "webhook: { register: { method: POST, path: '/hooks?{{ ends }}' }, lives-s: 60, renew-s: 60 }\n",
                "is renewed before, by `renew-s`",
            ),
            (
                "",
                "webhook: { signature: { secret: s } }\n",
                "`signature` stands in a `header`, or `at` a name of the body",
            ),
            (
                "",
                "webhook: { signature: { secret: s, at: Hash } }\n",
                "a text can't hold its own signature",
            ),
            (
                "",
                "webhook: { signature: { secret: s, header: H, nonce: N } }\n",
                "`nonce` names the header that `signs` has at its place",
            ),
            ("", "webhook: { word: type }\n", "`word` and `types` need each other"),
        ] {
            let told = told(ty, rest);
            assert!(told.contains(message), "{ty}{rest}: {told}");
        }
        let text = manifest("", "").replace("{ name: {} }", "{ name: { element: { kind: a } } }");
        let faults = examine(&text).expect_err("an element of no list");
        assert!(
            faults[0].message.starts_with("People.name: `element` needs `value`"),
            "{faults:?}"
        );
    }
}
