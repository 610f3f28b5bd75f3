//! Eighteen ways in which people break a manifest, each on a server that is right; and what
//! `connector test` tries last: properties that may hide a record, words that no record shows,
//! several records at once, one that is brought back.

use lockstep_connector::conformance::{Sheet, Verdict};

use crate::conformance::{
    FINE, Quirks, Times, caught, ids_after, manifest, passes, told, tried, with,
};

const OFFSET: &str = crate::conformance::OFFSET;

/// A property more.
fn and(property: &str) -> String {
    with("      phone: {}\n", &format!("      phone: {{}}\n      {property}\n"))
}

fn says(sheet: &Sheet, what: &str, words: &str) -> bool {
    let fits = |verdict: &Verdict| matches!(verdict, Verdict::NotTried(why) if why.contains(words));
    sheet.trials.iter().any(|trial| trial.what == what && fits(&trial.verdict))
}

#[test]
fn a_wrong_id() {
    caught(
        FINE,
        &with("    id: id\n    modified", "    id: email\n    modified"),
        "get",
        "get:",
        "",
    );
    caught(
        FINE,
        &with("    id: id\n    modified", "    id: company\n    modified"),
        "list",
        "id:",
        "have 2 ids",
    );
}

#[test]
fn r1_a_time_that_is_not_that_of_the_change() {
    let text = with("modified: changed", "modified: joined");
    caught(FINE, &text, "the time of change moves", "modified:", "still says");
}

#[test]
fn p1_times_of_another_zone() {
    let quirks = Quirks { off_ms: 2 * 3_600_000, ..FINE };
    caught(
        quirks,
        &manifest(OFFSET, ""),
        "the time of change is right",
        "modified:",
        "2 hours off",
    );
    let quirks = Quirks { off_ms: -19_800_000, ..FINE };
    caught(
        quirks,
        &manifest(OFFSET, ""),
        "the time of change is right",
        "modified:",
        "-5.5 hours off",
    );
}

#[test]
fn r1_no_paging() {
    let text = with("paging: { offset: { limit: 100 } }", "paging: none")
        .replace("offset: '{{ offset }}', limit: '{{ limit }}'", "limit: '3'");
    caught(FINE, &text, "what is created is listed", "list:", "is not in the list");
}

#[test]
fn r1_a_cursor_that_never_advances() {
    let ty = "    list: { request: { path: /cursor, query: { cursor: '{{ cursor }}', limit: '{{ limit }}' } }, items: people, paging: { cursor: { limit: 3, at: next_cursor } } }
    get: { request: { path: '/cursor/{{ id | url }}' } }
";
    caught(Quirks { cap: 3, ..FINE }, &manifest(ty, ""), "list", "paging:", "pages are lost");
}

#[test]
fn r1_what_changed_before_in_place_of_since() {
    let text = with("since: '{{ since }}'", "until: '{{ since }}'");
    caught(FINE, &text, "changes", "changes:", "since a time in a year");
}

#[test]
fn p4_an_update_that_replaces() {
    caught(FINE, &with("method: PATCH", "method: PUT"), "update", "update:", "replaces the whole");
}

#[test]
fn c1_a_wrapper_that_the_system_does_not_know() {
    let text = with("method: POST, path: /offset }", "method: POST, path: /offset }, wrap: data");
    caught(FINE, &text, "create", "create:", "`wrap`");
}

#[test]
fn c2_a_creation_that_answers_with_another_id() {
    let quirks = Quirks { numbers_requests: true, ..FINE };
    // `id` is that of the request here, and 1 is somebody: nobody's record is touched.
    let sheet =
        caught(quirks, &manifest(OFFSET, ""), "create", "create:", "which was there before");
    assert!(sheet.left.iter().any(|left| left.contains("People 9")), "{:?}", sheet.left);
    assert!(!told(&sheet).contains("delete"), "{}", told(&sheet));
    passes(
        quirks,
        &with("method: POST, path: /offset }", "method: POST, path: /offset }, item: person"),
    );
}

#[test]
fn d3_a_deletion_that_archives() {
    let quirks = Quirks { archives: true, ..FINE };
    caught(quirks, &manifest(OFFSET, ""), "delete", "delete:", "say with `deleted` how it looks");
    let said =
        with("    version: rev\n", "    version: rev\n    deleted: { at: archived, is: [true] }\n");
    passes(quirks, &said);
}

#[test]
fn g4_a_rate_that_is_not_stated() {
    let text = with("rate: { per-second: 1000 }", "rate: {}");
    caught(
        Quirks { refuses: 7, ..FINE },
        &text,
        "the rate is stated",
        "rate:",
        "refused as too many",
    );
}

#[test]
fn p8_a_reference_by_name() {
    let text = and("friend: { at: name, reference: Companies, read-only: true }");
    caught(FINE, &text, "properties", "friend:", "no id of it");
    // Also where nothing reads one company.
    let text = text.replace("    get: { request: { path: '/companies/{{ id | url }}' } }\n", "");
    caught(FINE, &text, "properties", "friend:", "no id of it");
}

#[test]
fn g4_a_wrong_meaning() {
    let of = |rule: &str| manifest(OFFSET, &format!("  - {rule}\n"));
    let refused = of("{ status: 422, means: later }");
    caught(FINE, &refused, "refusals are told", "errors:", "put off");
    let refused = of("{ status: 422, means: gone }");
    caught(FINE, &refused, "refusals are told", "errors:", "gone");
    let gone = of("{ status: 404, means: rejected }");
    caught(FINE, &gone, "not found is told", "errors:", "means: gone");
}

#[test]
fn r3_a_filter_that_hides_records() {
    let list = "offset: '{{ offset }}', limit: '{{ limit }}' } }, items: items, paging: { offset: { limit: 100 } } }\n    changes";
    let text =
        with(list, &list.replace("limit: '{{ limit }}'", "limit: '{{ limit }}', vip: 'true'"));
    caught(FINE, &text, "what is changed is still listed", "list:", "`vip`");
}

#[test]
fn p3_a_look_up_that_minds_case() {
    let quirks = Quirks { minds_case: true, ..FINE };
    caught(quirks, &manifest(OFFSET, ""), "find", "email:", "{{ value | lower }}");
    passes(quirks, &with("email: '{{ value }}'", "email: '{{ value | lower }}'"));
}

#[test]
fn r5_what_is_emptied_is_left_out() {
    let quirks = Quirks { leaves_out: true, ..FINE };
    caught(
        quirks,
        &manifest(OFFSET, ""),
        "what is emptied is empty",
        "absent-is-empty:",
        "counts as not told",
    );
    passes(quirks, &with("    version: rev\n", "    version: rev\n    absent-is-empty: true\n"));
}

#[test]
fn r7_decimals_as_text() {
    let quirks = Quirks { score_is_text: true, ..FINE };
    caught(quirks, &manifest(OFFSET, ""), "every property is kept", "score:", "another `type`");
}

#[test]
fn r1_a_page_size_that_is_ignored() {
    let text = with("limit: '{{ limit }}'", "size: '{{ limit }}'");
    caught(FINE, &text, "paging", "limit:", "say `limit: 5`");
}

#[test]
fn r1_a_unit_that_the_filter_does_not_know() {
    let quirks = Quirks { times: Times::Unix, ..FINE };
    caught(quirks, &manifest(OFFSET, ""), "changes", "changes:", "{{ since_unix }}");
}

#[test]
fn r3_what_may_hide_a_record_is_tried_last() {
    let text = and("archived: { type: boolean }");
    caught(FINE, &text, "what may hide it", "list:", "`archived` true");
    passes(FINE, &text.replace("limit: '{{ limit }}'", "limit: '{{ limit }}', all: '1'"));
    // At a wrong place, nothing is hidden and nothing is kept.
    let wrong = and("archived: { type: boolean, at: is_archived }");
    caught(FINE, &wrong, "properties", "archived:", "Is it at `archived`?");
}

#[test]
fn r8_what_no_record_shows_is_tried_or_named() {
    let sheet = tried(FINE, &and("status: {}"), true);
    assert!(says(&sheet, "every property is tried", "`status`"), "{}", told(&sheet));
    // What takes any text is written, and a wrong place is noticed.
    let sheet = tried(
        FINE,
        &and("country: { at: name2 }").replace("get: {", "absent-is-empty: true\n    get: {"),
        true,
    );
    let fails = sheet
        .failures()
        .any(|(what, why)| what == "every property is kept" && why.contains("country"));
    assert!(fails, "{}", told(&sheet));
}

const BULK: &str = ", bulk: { request: { method: POST, path: /bulk }, most: 50, wrap: items, results: results, item: person, error: error }";

#[test]
fn c2_several_at_once_are_each_what_was_sent() {
    let text =
        with("method: POST, path: /offset }", &format!("method: POST, path: /offset }}{BULK}"));
    passes(FINE, &text);
    caught(Quirks { turned: true, ..FINE }, &text, "several at once", "bulk:", "in the order");
}

#[test]
fn d1_only_records_of_the_test_are_deleted() {
    let text =
        with("method: POST, path: /offset }", &format!("method: POST, path: /offset }}{BULK}"));
    let quirks = Quirks { shows_others: true, ..FINE };
    let sheet = caught(quirks, &text, "duplicates are told", "create:", "shows nothing of what");
    caught(quirks, &text, "several at once", "bulk:", "shows nothing of what was sent");
    assert!(!sheet.left.iter().any(|left| left.starts_with("1 ")), "{:?}", sheet.left);
    let ids = ids_after(quirks, &text);
    assert_eq!(ids[..8], [1, 2, 3, 4, 5, 6, 7, 8], "what was there before is there after");
    // Nothing but that is left where the answers are right.
    assert_eq!(ids_after(FINE, &text), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn p6_what_hides_a_record_for_good_is_told() {
    let text = and("archived: { type: boolean }")
        .replace("limit: '{{ limit }}'", "limit: '{{ limit }}', all: '1'");
    let quirks = Quirks { archives_for_good: true, ..FINE };
    caught(quirks, &text, "what may hide it", "update:", "can't be changed back");
}

#[test]
fn d2_what_is_brought_back_is_as_it_was() {
    let restore = "    restore: { method: POST, path: '/offset/{{ id | url }}/restore' }\n";
    let text = manifest(&format!("{OFFSET}{restore}"), "");
    passes(FINE, &text);
    caught(
        FINE,
        &text.replace("/restore", "/undelete"),
        "restore",
        "restore:",
        "can't be brought back",
    );
}

#[test]
fn r1_a_long_list_says_what_is_not_compared() {
    let server = crate::serving::serve_side_by_side(|asked| {
        let number = |name: &str, or: usize| {
            let at = asked.path.find(&format!("{name}="));
            let digits = at.map(|at| {
                asked.path[at + name.len() + 1..].chars().take_while(char::is_ascii_digit)
            });
            digits.and_then(|digits| digits.collect::<String>().parse().ok()).unwrap_or(or)
        };
        let (from, limit) = (number("offset", 0), number("limit", 100));
        let rows: Vec<_> = (from..(from + limit).min(5_000))
            .map(|n| serde_json::json!({"id": n + 1, "name": format!("Eira {n}")}))
            .collect();
        (200, String::new(), serde_json::json!({"items": rows}).to_string())
    });
    let text = "title: Fjord
settings: { address: { what: address } }
base: '{{ address }}'
rate: {}
test: /
types:
  People:
    id: id
    properties: { name: {} }
    list: { request: { path: /people, query: { offset: '{{ offset }}', limit: '{{ limit }}' } }, items: items, paging: { offset: { limit: 100 } } }
";
    use lockstep_connector::Connector;
    let rest = server.connect(&text.replace(
        "settings: { address: { what: address } }",
        "settings: { address: { what: address }, key: { what: key, secret: true } }",
    ));
    let sheet = lockstep_connector::conformance::try_type(&rest, &rest.types()[0], false);
    assert!(
        says(&sheet, "paging", "the list is long: it was read up to 2000 records"),
        "{}",
        told(&sheet)
    );
}
