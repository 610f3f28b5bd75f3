//! Elements of lists as records: `Orders[lines]`, in folders of files and in JSON columns of a
//! database, at any depth.

mod over_http;

use std::path::Path;

use serde_json::{Value, json};

use crate::transcript::{lockstep, put, read, replace, rows, write};

const PROJECT: &str = "\
systems:
  shop: { connector: files, with: { folder: shop }, elements: { Orders: { lines: { id: line_no } } } }
  erp: { connector: files, with: { folder: erp }, elements: { Ordre: { linjer: { id: pos } } } }
limits: { creates: none, updates: none, deletes: none, lost: none, clears: none }
flows: [flows/*.yaml]
";
const FLOWS: &str = "\
flows:
  - from: shop.Orders
    to: erp.Ordre
    create: always
    deletes: propagate
    match: [number = nummer]
    properties: [number <-> nummer]
  - from: shop.Orders[lines]
    to: erp.Ordre[linjer]
    create: both
    deletes: propagate
    match: [\"$parent = $parent and line_no = pos\"]
    properties:
      - $parent <-> $parent
      - line_no <-> pos
      - sku <-> vare
      - qty <-> antall
";

fn line(no: u32, sku: &str, qty: u32) -> Value {
    json!({"line_no": no, "sku": sku, "qty": qty})
}

/// An order of two lines on one side, one with a line on the other.
fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("lockstep.yaml"), PROJECT);
    write(&dir.path().join("flows/orders.yaml"), FLOWS);
    let orders = [
        json!({"id": "1001", "number": "A1", "lines": [line(1, "X", 2), line(2, "Y", 1)]}),
        json!({"id": "1002", "number": "A2"}),
    ];
    put(dir.path(), "shop/Orders.jsonl", &orders);
    let note = json!({"pos": 1, "vare": "Z", "antall": 5, "note": "haster"});
    put(dir.path(), "erp/Ordre.jsonl", &[json!({"id": "7", "nummer": "A2", "linjer": [note]})]);
    dir
}

fn in_step(dir: &Path) {
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[test]
fn elements_are_added_changed_and_removed_one_by_one_both_ways() {
    let dir = project();
    let dir = dir.path();
    lockstep(dir, &["check"]).exits(0);
    lockstep(dir, &["sync"])
        .exits(0)
        .says("create erp.Ordre[linjer]/8/1 from shop.Orders[lines]/1001/1");
    let erp = rows(dir, "erp/Ordre.jsonl");
    assert_eq!(
        erp[0]["linjer"],
        json!([{"pos": 1, "vare": "Z", "antall": 5, "note": "haster"}]),
        "what no row names stays"
    );
    assert_eq!(
        erp[1]["linjer"],
        json!([{"pos": 1, "vare": "X", "antall": 2}, {"pos": 2, "vare": "Y", "antall": 1}])
    );
    assert_eq!(rows(dir, "shop/Orders.jsonl")[1]["lines"], json!([line(1, "Z", 5)]));
    in_step(dir);

    // One line changed on each side, one removed, one added in front: the order of a list says
    // nothing.
    let orders = [
        json!({"id": "1001", "number": "A1", "lines": [line(3, "N", 7), line(1, "X", 9)]}),
        json!({"id": "1002", "number": "A2", "lines": [line(1, "Z", 5)]}),
    ];
    put(dir, "shop/Orders.jsonl", &orders);
    replace(&dir.join("erp/Ordre.jsonl"), "\"antall\":5", "\"antall\":6");
    lockstep(dir, &["plan"])
        .exits(0)
        .says("1 to create, 1 to update, 1 to delete")
        .says("qty 5 → 6");
    lockstep(dir, &["sync"]).exits(0).says("4 records written.");
    let erp = rows(dir, "erp/Ordre.jsonl");
    assert_eq!(erp[0]["linjer"], json!([{"pos": 1, "vare": "Z", "antall": 6, "note": "haster"}]));
    assert_eq!(
        erp[1]["linjer"],
        json!([{"pos": 1, "vare": "X", "antall": 9}, {"pos": 3, "vare": "N", "antall": 7}])
    );
    assert_eq!(rows(dir, "shop/Orders.jsonl")[1]["lines"], json!([line(1, "Z", 6)]));
    in_step(dir);

    // With its record an element goes, and its counterpart with that one's.
    let left = rows(dir, "shop/Orders.jsonl").remove(1);
    put(dir, "shop/Orders.jsonl", &[left]);
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(rows(dir, "erp/Ordre.jsonl").len(), 1);
    in_step(dir);
}

#[test]
fn r8_what_can_not_be_told_from_the_rest_of_its_list_is_told_and_nothing_is_deleted_for_it() {
    let dir = project();
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let before = read(&dir.join("erp/Ordre.jsonl"));
    for (from, to, why) in [
        ("\"line_no\":2", "\"line_no\":1", "several elements of lines have the line_no 1"),
        ("\"line_no\":2,", "", "it has no line_no, by which it is told from the others"),
    ] {
        replace(&dir.join("shop/Orders.jsonl"), from, to);
        lockstep(dir, &["sync"]).exits(1).says(why).says("Nothing was written.");
        lockstep(dir, &["status"]).says("something can't be read");
        assert_eq!(read(&dir.join("erp/Ordre.jsonl")), before);
        let orders = rows(dir, "shop/Orders.jsonl");
        let mended = [
            json!({"id": "1001", "number": "A1", "lines": [line(1, "X", 2), line(2, "Y", 1)]}),
            orders[1].clone(),
        ];
        put(dir, "shop/Orders.jsonl", &mended);
        in_step(dir);
    }
}

#[test]
fn d1_a_record_whose_element_was_edited_is_not_deleted_with_the_edit() {
    let ordre = |dir: &Path, number: &str| -> Option<Value> {
        rows(dir, "erp/Ordre.jsonl").into_iter().find(|order| order["nummer"] == number)
    };
    let edited = json!([{"pos": 1, "vare": "X", "antall": 4}]);
    let added = json!([{"pos": 7, "vare": "Q", "antall": 1}]);
    for (is_added, left) in [(false, edited), (true, added)] {
        let dir = project();
        let dir = dir.path();
        let mut orders = rows(dir, "shop/Orders.jsonl");
        let other = |n| json!({"id": n, "number": format!("B{n}"), "lines": [line(1, "X", 8)]});
        orders.extend((1..5).map(other));
        put(dir, "shop/Orders.jsonl", &orders);
        lockstep(dir, &["sync"]).exits(0);
        // Two orders are deleted in one system; meanwhile a line of one of them is edited, or
        // added, in the other.
        put(dir, "shop/Orders.jsonl", &orders[2..]);
        let mut erp = rows(dir, "erp/Ordre.jsonl");
        let order = erp.iter_mut().find(|order| order["nummer"] == "A1").unwrap();
        let lines = order["linjer"].as_array_mut().unwrap();
        match is_added {
            true => lines.push(left[0].clone()),
            false => lines[0] = left[0].clone(),
        }
        put(dir, "erp/Ordre.jsonl", &erp);
        lockstep(dir, &["sync"])
            .exits(0)
            .says("an element of it was edited, and that edit never reached a deleted one");
        assert_eq!(ordre(dir, "A2"), None, "the order without an edit goes");
        assert_eq!(ordre(dir, "A1").unwrap()["linjer"], left);
        in_step(dir);
    }
}

#[test]
fn r5_a_list_that_is_left_out_is_not_one_that_is_empty() {
    let dir = project();
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let before = read(&dir.join("erp/Ordre.jsonl"));
    let mut orders = rows(dir, "shop/Orders.jsonl");
    let lines = orders[0].as_object_mut().unwrap().remove("lines").unwrap();
    put(dir, "shop/Orders.jsonl", &orders);
    in_step(dir);
    assert_eq!(read(&dir.join("erp/Ordre.jsonl")), before);
    // An edit of the other side waits for the list, and is not lost.
    replace(&dir.join("erp/Ordre.jsonl"), "\"antall\":2", "\"antall\":4");
    lockstep(dir, &["sync"]).says("Orders/1001 does not show lines");
    assert_eq!(rows(dir, "erp/Ordre.jsonl")[1]["linjer"][0]["antall"], 4);
    orders = rows(dir, "shop/Orders.jsonl");
    orders[0]["lines"] = lines;
    put(dir, "shop/Orders.jsonl", &orders);
    lockstep(dir, &["retry", "--all"]);
    lockstep(dir, &["sync"]);
    assert_eq!(rows(dir, "shop/Orders.jsonl")[0]["lines"][0], line(1, "X", 4));
    in_step(dir);
    // A listing of everything says of whom it can't tell.
    orders = rows(dir, "shop/Orders.jsonl");
    orders[0].as_object_mut().unwrap().remove("lines");
    put(dir, "shop/Orders.jsonl", &orders);
    lockstep(dir, &["sync", "--full"]).exits(1).says("Nothing was written.").says(
        "whether shop.Orders[lines]/1001/1 is deleted can't be told: Orders/1001 does not show lines",
    );
    // An empty list is one.
    orders[0]["lines"] = json!([]);
    put(dir, "shop/Orders.jsonl", &orders);
    lockstep(dir, &["sync"]).exits(0).says("2 records written.");
    assert_eq!(rows(dir, "erp/Ordre.jsonl")[1]["linjer"], json!([]));
    in_step(dir);
}

#[test]
fn elements_of_elements_are_kept_in_step_with_those_of_a_column_of_json() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(
        &dir.join("lockstep.yaml"),
        "\
systems:
  shop:
    connector: files
    with: { folder: shop }
    elements:
      Orders: { details.lines: { id: line_no } }
      \"Orders[details.lines]\": { serials: { id: no } }
  db:
    connector: sql
    with: { url: \"sqlite:orders.sqlite\" }
    elements:
      orders: { lines: { id: pos } }
      \"orders[lines]\": { serials: { id: nr } }
flows: [flows/*.yaml]
",
    );
    write(
        &dir.join("flows/orders.yaml"),
        "\
flows:
  - { from: shop.Orders, to: db.orders, create: both, deletes: propagate, match: [number = number], properties: [number <-> number] }
  - from: shop.Orders[details.lines]
    to: db.orders[lines]
    create: both
    deletes: propagate
    match: [\"$parent = $parent and line_no = pos\"]
    properties: [$parent <-> $parent, line_no <-> pos, sku <-> sku]
  - from: shop.Orders[details.lines][serials]
    to: db.orders[lines][serials]
    create: both
    deletes: propagate
    match: [\"$parent = $parent and no = nr\"]
    properties: [$parent <-> $parent, no <-> nr, text <-> text]
",
    );
    let serials = json!([{"no": "s/1", "text": "one"}, {"no": "s%2", "text": "two"}]);
    let lines = json!([{"line_no": 1, "sku": "X", "serials": serials}, {"line_no": 2, "sku": "Y"}]);
    put(
        dir,
        "shop/Orders.jsonl",
        &[json!({"id": "a/1", "number": "A1", "details": {"lines": lines}})],
    );
    let db = rusqlite::Connection::open(dir.join("orders.sqlite")).unwrap();
    db.execute_batch(
        "create table orders (id integer primary key, number text, lines text);
         insert into orders (number, lines) values ('B1', '[{\"pos\":4,\"sku\":\"Q\",\"serials\":[{\"nr\":\"z\",\"text\":\"zed\"}]}]');",
    )
    .unwrap();
    let column = |number: &str| -> Value {
        let text: String = db
            .query_row("select lines from orders where number = ?", [number], |row| row.get(0))
            .unwrap();
        serde_json::from_str(&text).unwrap()
    };
    lockstep(dir, &["sync"]).exits(0);
    let theirs = json!([{"nr": "s/1", "text": "one"}, {"nr": "s%2", "text": "two"}]);
    assert_eq!(
        column("A1"),
        json!([{"pos": 1, "sku": "X", "serials": theirs}, {"pos": 2, "sku": "Y"}])
    );
    let shop = rows(dir, "shop/Orders.jsonl");
    assert_eq!(
        shop[1]["details"]["lines"],
        json!([{"line_no": 4, "sku": "Q", "serials": [{"no": "z", "text": "zed"}]}])
    );
    in_step(dir);

    replace(&dir.join("shop/Orders.jsonl"), "\"text\":\"one\"", "\"text\":\"ONE\"");
    let edited =
        r#"[{"pos":4,"sku":"Q","serials":[{"nr":"y","text":"why"},{"nr":"z","text":"ZED"}]}]"#;
    db.execute("update orders set lines = ? where number = 'B1'", [edited]).unwrap();
    lockstep(dir, &["sync"]).exits(0).says("3 records written.");
    assert_eq!(column("A1")[0]["serials"][0]["text"], "ONE");
    let serials = rows(dir, "shop/Orders.jsonl")[1]["details"]["lines"][0]["serials"].clone();
    assert_eq!(serials, json!([{"no": "z", "text": "ZED"}, {"no": "y", "text": "why"}]));
    in_step(dir);
}

/// Two orders whose lines have ids of their own, in step with those of another system, where
/// somebody has put a note to a line.
fn moved(lines: &str, matched: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let flow = FLOWS.split("  - from: shop.Orders[lines]").next().unwrap();
    write(
        &dir.path().join("lockstep.yaml"),
        &PROJECT
            .replace("line_no", "no")
            .replace("folder: shop }", "folder: shop }, references: { Lines: { order: Orders } }"),
    );
    write(
        &dir.path().join("flows/orders.yaml"),
        &format!(
            "{flow}  - from: shop.{lines}
    to: erp.Ordre[linjer]
    create: both
    deletes: propagate
    match: [{matched}]
    properties: [{} <-> $parent, no <-> pos, qty <-> antall]
",
            if lines == "Lines" { "order" } else { "$parent" }
        ),
    );
    let line = |no: &str| json!({"no": no, "qty": 1});
    let mut orders = [
        json!({"id": "1", "number": "A1", "lines": [line("x"), line("y")]}),
        json!({"id": "2", "number": "A2", "lines": [line("z")]}),
    ];
    let own = [("a", "1", "x"), ("b", "1", "y"), ("c", "2", "z")]
        .map(|(id, order, no)| json!({"id": id, "order": order, "no": no, "qty": 1}));
    put(dir.path(), "shop/Lines.jsonl", &own);
    if lines == "Lines" {
        orders.iter_mut().for_each(|order| drop(order.as_object_mut().unwrap().remove("lines")));
    }
    put(dir.path(), "shop/Orders.jsonl", &orders);
    put(dir.path(), "erp/Ordre.jsonl", &[]);
    lockstep(dir.path(), &["sync"]).exits(0);
    let erp = dir.path().join("erp/Ordre.jsonl");
    replace(&erp, "\"pos\":\"x\"", "\"pos\":\"x\",\"note\":\"haster\"");
    in_step(dir.path());
    dir
}

#[test]
fn p8_a_line_that_goes_to_another_order_is_told_where_it_can_not_be_moved() {
    for (lines, matched) in [("Orders[lines]", "no = pos"), ("Lines", "no = pos")] {
        let dir = moved(lines, matched);
        let dir = dir.path();
        if lines == "Lines" {
            replace(
                &dir.join("shop/Lines.jsonl"),
                "\"no\":\"x\",\"order\":\"1\"",
                "\"no\":\"x\",\"order\":\"2\"",
            );
        } else {
            let mut orders = rows(dir, "shop/Orders.jsonl");
            let line = orders[0]["lines"].as_array_mut().unwrap().remove(0);
            orders[1]["lines"].as_array_mut().unwrap().push(line);
            put(dir, "shop/Orders.jsonl", &orders);
        }
        let before = read(&dir.join("erp/Ordre.jsonl"));
        lockstep(dir, &["sync"])
            .says("Nothing was written.")
            .says("a value can't be brought to $parent: what the record belongs to is settled");
        assert_eq!(read(&dir.join("erp/Ordre.jsonl")), before, "with its note");
        lockstep(dir, &["status"]).says("1 × unconvertible value");
        lockstep(dir, &["review"]).says("move it there by hand");
        // Somebody does.
        let mut erp = rows(dir, "erp/Ordre.jsonl");
        let from = erp.iter().position(|order| order["nummer"] == "A1").unwrap();
        let line = erp[from]["linjer"].as_array_mut().unwrap().remove(0);
        erp[1 - from]["linjer"].as_array_mut().unwrap().push(line);
        put(dir, "erp/Ordre.jsonl", &erp);
        in_step(dir);
        lockstep(dir, &["review"]).says("Nothing waits");
        replace(&dir.join("erp/Ordre.jsonl"), "\"antall\":1,\"note\"", "\"antall\":5,\"note\"");
        lockstep(dir, &["sync"]).exits(0).says("1 record written.");
        assert!(
            read(&dir.join("shop").join(if lines == "Lines" {
                "Lines.jsonl"
            } else {
                "Orders.jsonl"
            }))
            .contains("\"qty\":5")
        );
        in_step(dir);
    }
}

#[test]
fn d1_a_line_that_is_matched_within_its_order_goes_and_comes() {
    let dir = moved("Orders[lines]", "$parent = $parent and no = pos");
    let dir = dir.path();
    let mut orders = rows(dir, "shop/Orders.jsonl");
    let line = orders[0]["lines"].as_array_mut().unwrap().remove(0);
    orders[1]["lines"].as_array_mut().unwrap().push(line);
    put(dir, "shop/Orders.jsonl", &orders);
    lockstep(dir, &["plan"]).exits(0).says("1 to create, 1 to delete");
    lockstep(dir, &["sync"]).exits(0).says("was deleted (D1)");
    let erp = rows(dir, "erp/Ordre.jsonl");
    let of = |number| erp.iter().find(|order| order["nummer"] == number).unwrap()["linjer"].clone();
    assert_eq!(of("A1"), json!([{"pos": "y", "antall": 1}]));
    assert_eq!(of("A2"), json!([{"pos": "z", "antall": 1}, {"pos": "x", "antall": 1}]));
    in_step(dir);
}

#[test]
fn r1_a_list_that_lockstep_wrote_is_not_read_again_and_an_edit_of_it_is() {
    let dir = project();
    let dir = dir.path();
    let read_of = |system: &str| {
        let report = lockstep(dir, &["sync", "--format", "json"]).exits(0).json();
        let systems = report["systems"].as_array().unwrap().iter();
        let of_it = systems.clone().find(|one| one["system"] == system).unwrap();
        of_it["read"].as_u64().unwrap()
    };
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!((read_of("erp"), read_of("shop")), (0, 0));
    // A line of ours and one of theirs in the same list: ours is written, and theirs is seen.
    replace(&dir.join("shop/Orders.jsonl"), "\"qty\":2", "\"qty\":3");
    lockstep(dir, &["sync"]).exits(0).says("1 record written.");
    replace(&dir.join("erp/Ordre.jsonl"), "\"antall\":1", "\"antall\":9");
    replace(&dir.join("shop/Orders.jsonl"), "\"qty\":3", "\"qty\":4");
    lockstep(dir, &["sync"]).exits(0).says("2 records written.");
    assert_eq!(
        rows(dir, "shop/Orders.jsonl")[0]["lines"],
        json!([line(1, "X", 4), line(2, "Y", 9)])
    );
    // Their orders have other versions since, and their lines are known.
    assert!(read_of("erp") <= 2);
    assert_eq!((read_of("erp"), read_of("shop")), (0, 0));
}

#[test]
fn g7_a_run_that_wrote_elements_is_taken_back() {
    let dir = project();
    let dir = dir.path();
    let before = (rows(dir, "shop/Orders.jsonl"), rows(dir, "erp/Ordre.jsonl"));
    lockstep(dir, &["sync"]).exits(0);
    lockstep(dir, &["undo", "1", "--yes"]).exits(0).says("4 records put back");
    let (shop, erp) = (rows(dir, "shop/Orders.jsonl"), rows(dir, "erp/Ordre.jsonl"));
    assert_eq!((&shop[0], &erp), (&before.0[0], &before.1));
    assert_eq!(shop[1]["lines"], json!([]), "the line that was put there is gone");
    in_step(dir);
}

#[test]
fn l10_references_to_and_from_elements_are_carried_by_links() {
    let dir = project();
    let dir = dir.path();
    // A delivery refers to a line; a line refers to an article.
    replace(
        &dir.join("lockstep.yaml"),
        "elements: { Orders: { lines: { id: line_no } } } }",
        "elements: { Orders: { lines: { id: line_no } } }, references: { Deliveries: { line: \"Orders[lines]\" } } }",
    );
    replace(
        &dir.join("lockstep.yaml"),
        "elements: { Ordre: { linjer: { id: pos } } } }",
        "elements: { Ordre: { linjer: { id: pos } } }, references: { Leveranser: { linje: \"Ordre[linjer]\" } } }",
    );
    let flow = "  - { from: shop.Deliveries, to: erp.Leveranser, create: always, match: [no = nr], properties: [no <-> nr, line <-> linje] }\n";
    write(&dir.join("flows/deliveries.yaml"), &format!("flows:\n{flow}"));
    put(dir, "shop/Deliveries.jsonl", &[json!({"id": "d1", "no": "D1", "line": "1001/2"})]);
    put(dir, "erp/Leveranser.jsonl", &[]);
    lockstep(dir, &["sync"]).exits(0);
    let order = rows(dir, "erp/Ordre.jsonl")[1]["id"].as_str().unwrap().to_string();
    assert_eq!(rows(dir, "erp/Leveranser.jsonl")[0]["linje"], format!("{order}/2"));
    in_step(dir);
}

#[test]
fn a_list_in_the_rows_of_a_flow_needs_no_setting_and_may_hold_another() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let project = "systems:\n  shop: { connector: files, with: { folder: shop } }\n  erp: { connector: files, with: { folder: erp } }\n\
                   flows: [flows/*.yaml]\n";
    write(&dir.join("lockstep.yaml"), project);
    let flows = "\
flows:
  - from: shop.Orders
    to: erp.Ordre
    create: always
    match: [number = nummer]
    properties:
      - number <-> nummer
      - list: lines <-> linjer
        key: line_no = pos
        rows:
          - sku <-> vare
          - { list: serials <-> serier, key: no = nr }
";
    write(&dir.join("flows/orders.yaml"), flows);
    let serials = json!([{"no": "a"}, {"no": "b"}]);
    let lines = json!([{"line_no": 1, "sku": "X", "serials": serials}]);
    put(dir, "shop/Orders.jsonl", &[json!({"id": "1", "number": "A1", "lines": lines})]);
    put(dir, "erp/Ordre.jsonl", &[]);
    lockstep(dir, &["check"]).exits(0);
    lockstep(dir, &["sync"]).exits(0);
    let theirs = json!([{"pos": 1, "vare": "X", "serier": [{"nr": "a"}, {"nr": "b"}]}]);
    assert_eq!(rows(dir, "erp/Ordre.jsonl")[0]["linjer"], theirs);
    replace(&dir.join("erp/Ordre.jsonl"), "{\"nr\":\"a\"},", "");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(rows(dir, "shop/Orders.jsonl")[0]["lines"][0]["serials"], json!([{"no": "b"}]));
    in_step(dir);
    // What two flows say of one list.
    let other = "flows:\n  - { from: \"shop.Orders[lines]\", to: \"erp.Andre[linjer]\", key: sku = pos, match: [sku = pos], properties: [sku <-> pos] }\n";
    write(&dir.join("flows/others.yaml"), other);
    put(dir, "erp/Andre.jsonl", &[]);
    lockstep(dir, &["check"])
        .exits(2)
        .says("are told apart by `line_no` elsewhere, and by `sku` here");
}

#[test]
fn wrong_settings_of_elements_are_told_by_check() {
    let dir = project();
    let dir = dir.path();
    for (from, to, why) in [
        (
            "{ lines: { id: line_no } }",
            "{ lines: { key: line_no } }",
            "the elements of a list has no `key`",
        ),
        ("{ lines: { id: line_no } }", "{ lines: {} }", "the elements of a list needs `id`"),
        (
            "{ Orders: { lines",
            "{ Ordres: { lines",
            "there is no record type `Ordres`; there are Orders",
        ),
    ] {
        let file = dir.join("lockstep.yaml");
        let whole = read(&file);
        replace(&file, from, to);
        lockstep(dir, &["check"]).exits(2).says(why);
        write(&file, &whole);
    }
    replace(&dir.join("flows/orders.yaml"), "shop.Orders[lines]", "shop.Orders[linse]");
    lockstep(dir, &["check"]).exits(2).says("did you mean `shop.Orders[lines]`?");
}

#[test]
fn an_element_may_be_told_from_the_others_by_several_properties_together() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let flows = "\
flows:
  - from: shop.Orders
    to: erp.Ordre
    create: always
    match: [number = nummer]
    properties:
      - number <-> nummer
      - { list: lines <-> linjer, key: [order_no = ordre, line_no = pos], rows: [qty <-> antall] }
";
    let project = PROJECT
        .replace(", elements: { Orders: { lines: { id: line_no } } }", "")
        .replace(", elements: { Ordre: { linjer: { id: pos } } }", "");
    write(&dir.join("lockstep.yaml"), &project);
    write(&dir.join("flows/orders.yaml"), flows);
    let line =
        |order: &str, no: u32, qty: u32| json!({"order_no": order, "line_no": no, "qty": qty});
    let order = |lines: &[Value]| json!({"id": "1", "number": "A1", "lines": lines});
    put(
        dir,
        "shop/Orders.jsonl",
        &[order(&[line("a/b", 1, 2), line("a/b", 2, 3), line("c", 1, 4)])],
    );
    put(dir, "erp/Ordre.jsonl", &[json!({"id": "7", "nummer": "A0"})]);
    lockstep(dir, &["check"]).exits(0);
    lockstep(dir, &["sync"])
        .exits(0)
        .says("create erp.Ordre[linjer]/8/a%2Fb/2 from shop.Orders[lines]/1/a%2Fb/2");
    let pos = |order: &str, no: u32, qty: u32| json!({"ordre": order, "pos": no, "antall": qty});
    let linjer = |dir: &Path| rows(dir, "erp/Ordre.jsonl")[1]["linjer"].clone();
    assert_eq!(linjer(dir), json!([pos("a/b", 1, 2), pos("a/b", 2, 3), pos("c", 1, 4)]));
    in_step(dir);

    // One changed, one taken away, one put in, on either side.
    put(dir, "shop/Orders.jsonl", &[order(&[line("c", 1, 5), line("a/b", 1, 2), line("c", 2, 6)])]);
    replace(&dir.join("erp/Ordre.jsonl"), "\"antall\":2", "\"antall\":9");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(linjer(dir), json!([pos("a/b", 1, 9), pos("c", 1, 5), pos("c", 2, 6)]));
    let lines = rows(dir, "shop/Orders.jsonl")[0]["lines"].clone();
    assert_eq!(lines, json!([line("c", 1, 5), line("a/b", 1, 9), line("c", 2, 6)]));
    in_step(dir);
    lockstep(dir, &["explain", "shop.Orders[lines]/1/a%2Fb/1"]).exits(0).says("qty is 9");

    // R8: with a part missing, or the same parts twice, it is nobody's.
    for (broken, why) in [
        (line("c", 1, 6), "several elements of lines have the order_no and line_no c/1"),
        (json!({"order_no": "d"}), "it has no order_no and line_no, by which it is told"),
    ] {
        put(dir, "shop/Orders.jsonl", &[order(&[line("c", 1, 5), line("a/b", 1, 9), broken])]);
        lockstep(dir, &["sync"]).exits(1).says(why).says("Nothing was written.");
    }

    // Without the keys, as a document has them, and back.
    lockstep(dir, &["doc", "flows/orders.yaml"])
        .exits(0)
        .says("an element is told from the others of its list by [\"order_no = ordre\",\"line_no = pos\"]");
    for (said, wrong, why) in [
        ("key: [order_no = ordre, line_no = pos]", "key: []", "`key` names no property"),
        (
            "key: [order_no = ordre, line_no = pos]",
            "key: order_no = ordre and line_no = pos",
            "write each pair by itself",
        ),
        (
            "key: [order_no = ordre, line_no = pos]",
            "key: [order_no = ordre, order_no = pos]",
            "`order_no` stands twice in `key`",
        ),
    ] {
        assert!(flows.contains(said));
        write(&dir.join("flows/orders.yaml"), &flows.replace(said, wrong));
        lockstep(dir, &["check"]).exits(2).says(why);
    }
    write(&dir.join("flows/orders.yaml"), flows);
    for (id, why) in [
        ("[order_no, line_no]", ""),
        ("[line_no, order_no]", "are told apart by `line_no` and `order_no` elsewhere"),
        ("[order_no, order_no]", "`order_no` stands twice in `id`"),
        ("[]", "`id` names no property"),
    ] {
        let said = format!("folder: shop }}, elements: {{ Orders: {{ lines: {{ id: {id} }} }} }}");
        write(&dir.join("lockstep.yaml"), &project.replace("folder: shop }", &said));
        lockstep(dir, &["check"]).exits(if why.is_empty() { 0 } else { 2 }).says(why);
    }
}
