//! Elements of lists and records below others in a manifest, over HTTP: inside the record, and by
//! resources below resources.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::transcript::{lockstep, put, rows, write};

/// The records of a server by the path of their collection: `/orders`, `/orders/1/parcels`.
type Shelves = BTreeMap<String, Vec<Value>>;

/// A server of collections within records, at any depth.
struct Server {
    address: String,
    shelves: Arc<Mutex<Shelves>>,
}

impl Server {
    fn start(shelves: &[(&str, Value)]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let held: Shelves = shelves
            .iter()
            .map(|(path, records)| (path.to_string(), records.as_array().unwrap().clone()))
            .collect();
        let shelves = Arc::new(Mutex::new(held));
        let served = Arc::clone(&shelves);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                let served = Arc::clone(&served);
                // A connection may be held open without a request.
                std::thread::spawn(move || serve(stream, &served));
            }
        });
        Server { address, shelves }
    }

    fn shelf(&self, path: &str) -> Value {
        json!(self.shelves.lock().unwrap().get(path).cloned().unwrap_or_default())
    }

    fn change(&self, path: &str, change: impl FnOnce(&mut Vec<Value>)) {
        change(self.shelves.lock().unwrap().entry(path.into()).or_default());
    }
}

/// One request of a connection.
fn serve(mut stream: TcpStream, shelves: &Mutex<Shelves>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).unwrap();
    let mut words = line.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return };
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim().is_empty() {
            break;
        }
        if let Some(said) = header.to_lowercase().strip_prefix("content-length:") {
            length = said.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (status, answer) = answer(&mut shelves.lock().unwrap(), method, path, &body);
    let (answer, length) = (answer.to_string(), answer.to_string().len());
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close");
    stream.write_all(format!("{head}\r\n\r\n{answer}").as_bytes()).unwrap();
}

fn answer(shelves: &mut Shelves, method: &str, path: &str, body: &Value) -> (u16, Value) {
    // An even number of steps names a record, an odd one a collection.
    if path.split('/').count().is_multiple_of(2) {
        let records = shelves.entry(path.into()).or_default();
        if method == "GET" {
            return (200, json!(records));
        }
        let mut made = body.clone();
        let last = records.iter().filter_map(|record| record["id"].as_i64()).max();
        made["id"] = json!(last.unwrap_or(0) + 1);
        records.push(made.clone());
        return (201, made);
    }
    let (shelf, id) = path.rsplit_once('/').unwrap();
    let records = shelves.entry(shelf.into()).or_default();
    let is_it = |record: &Value| id.parse::<u64>().is_ok_and(|id| record["id"] == id);
    let Some(at) = records.iter().position(is_it) else {
        return (404, Value::Null);
    };
    match method {
        "DELETE" => {
            records.remove(at);
            shelves.retain(|other, _| !other.starts_with(&format!("{path}/")));
            (200, json!({}))
        }
        "PATCH" => {
            for (name, value) in body.as_object().unwrap() {
                records[at][name] = value.clone();
            }
            (200, records[at].clone())
        }
        _ => (200, records[at].clone()),
    }
}

const MANIFEST: &str = "\
title: Web shop
settings: { address: { what: address } }
base: '{{ address }}'
rate: { per-second: 1000 }
test: /orders
types:
  Orders:
    id: id
    properties: { number: { type: string }, lines: { type: list } }
    list: { request: { path: /orders }, paging: none }
    get: { request: { path: '/orders/{{ id }}' } }
    create: { request: { method: POST, path: /orders } }
    update: { request: { method: PATCH, path: '/orders/{{ id }}' } }
    delete: { method: DELETE, path: '/orders/{{ id }}' }
  Parcels:
    id: id
    properties: { order: { at: $parent, create-only: true, reference: Orders }, no: { type: integer }, weight: { type: integer } }
    list: { request: { path: '/orders/{{ parent }}/parcels' }, paging: none, parents: { request: { path: /orders }, paging: none, id: id } }
    get: { request: { path: '/orders/{{ parent }}/parcels/{{ id }}' } }
    create: { request: { method: POST, path: '/orders/{{ parent }}/parcels' } }
    update: { request: { method: PATCH, path: '/orders/{{ parent }}/parcels/{{ id }}' } }
    delete: { method: DELETE, path: '/orders/{{ parent }}/parcels/{{ id }}' }
  Items:
    id: id
    properties: { parcel: { at: $parent, create-only: true, reference: Parcels }, n: { type: integer }, pieces: { type: integer }, line: {} }
    list:
      request: { path: '/orders/{{ parents[0] }}/parcels/{{ parent }}/items' }
      paging: none
      parents:
        request: { path: '/orders/{{ parent }}/parcels' }
        paging: none
        id: id
        parents: { request: { path: /orders }, paging: none, id: id }
    get: { request: { path: '/orders/{{ parents[0] }}/parcels/{{ parent }}/items/{{ id }}' } }
    create: { request: { method: POST, path: '/orders/{{ parents[0] }}/parcels/{{ parent }}/items' } }
    update: { request: { method: PATCH, path: '/orders/{{ parents[0] }}/parcels/{{ parent }}/items/{{ id }}' } }
    delete: { method: DELETE, path: '/orders/{{ parents[0] }}/parcels/{{ parent }}/items/{{ id }}' }
";

const FLOWS: &str = "\
flows:
  - from: shop.Orders
    to: erp.Ordre
    create: both
    deletes: propagate
    match: [number = nummer]
    properties:
      - number <-> nummer
      - list: lines <-> linjer
        key: no = pos
        rows:
          - qty <-> antall
          - { list: serials <-> serier, key: nr = nr, rows: [mark <-> merke] }
  - from: shop.Parcels
    to: erp.Kolli
    create: both
    deletes: propagate
    match: [order = ordre and no = nr]
    properties: [order <-> ordre, no <-> nr, weight <-> vekt]
  - from: shop.Items
    to: erp.Varer
    create: both
    deletes: propagate
    match: [parcel = kolli and n = nr]
    properties: [parcel <-> kolli, n <-> nr, pieces <-> stk, line <-> linje]
";

fn project(server: &Server) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let systems = format!(
        "\
systems:
  shop: {{ connector: shop, with: {{ address: \"{}\" }}, references: {{ Items: {{ line: \"Orders[lines]\" }} }} }}
  erp:
    connector: files
    with: {{ folder: erp }}
    references: {{ Kolli: {{ ordre: Ordre }}, Varer: {{ kolli: Kolli, linje: \"Ordre[linjer]\" }} }}
limits: {{ creates: none, updates: none, deletes: none, lost: none, clears: none, vanished: none }}
flows: [flows/*.yaml]
",
        server.address
    );
    write(&dir.path().join("lockstep.yaml"), &systems);
    write(&dir.path().join("connectors/shop.yaml"), MANIFEST);
    write(&dir.path().join("flows/orders.yaml"), FLOWS);
    for file in ["Ordre", "Kolli", "Varer"] {
        put(dir.path(), &format!("erp/{file}.jsonl"), &[]);
    }
    dir
}

fn in_step(dir: &Path) {
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

fn erp(dir: &Path, kind: &str) -> Vec<Value> {
    rows(dir, &format!("erp/{kind}.jsonl"))
}

#[test]
fn elements_in_a_json_body_are_kept_in_step_one_by_one_at_any_depth() {
    let line = |no: u32, qty: u32, serials: Value| json!({"no": no, "qty": qty, "gift": true, "serials": serials});
    let server = Server::start(&[(
        "/orders",
        json!([
            {"id": 1, "number": "A1", "lines": [line(1, 2, json!([{"nr": "s1", "mark": "x"}])), line(2, 3, json!([]))]},
            {"id": 2, "number": "A2", "lines": []},
        ]),
    )]);
    let dir = project(&server);
    let dir = dir.path();
    lockstep(dir, &["check"]).exits(0);
    lockstep(dir, &["sync"]).exits(0);
    let order =
        |number: &str| erp(dir, "Ordre").into_iter().find(|order| order["nummer"] == number);
    assert_eq!(
        order("A1").unwrap()["linjer"],
        json!([{"pos": 1, "antall": 2, "serier": [{"nr": "s1", "merke": "x"}]}, {"pos": 2, "antall": 3}])
    );
    in_step(dir);

    // Changed, added and moved to another order, on the side of the files.
    let mut orders = erp(dir, "Ordre");
    orders.sort_by_key(|order| order["nummer"].to_string());
    orders[0]["linjer"] =
        json!([{"pos": 1, "antall": 7, "serier": [{"nr": "s1", "merke": "y"}, {"nr": "s2"}]}]);
    orders[1]["linjer"] = json!([{"pos": 2, "antall": 3}, {"pos": 5, "antall": 1}]);
    put(dir, "erp/Ordre.jsonl", &orders);
    lockstep(dir, &["sync"]).exits(0);
    let shelf = server.shelf("/orders");
    let first = json!([{"no": 1, "qty": 7, "gift": true, "serials": [{"nr": "s1", "mark": "y"}, {"nr": "s2"}]}]);
    assert_eq!(shelf[0]["lines"], first, "what no row names stays");
    let mut second = shelf[1]["lines"].as_array().unwrap().clone();
    second.sort_by_key(|line| line["no"].as_i64());
    assert_eq!(second, [json!({"no": 2, "qty": 3}), json!({"no": 5, "qty": 1})]);
    in_step(dir);

    // And on the server: removed there, it goes; an order takes its lines along.
    server.change("/orders", |orders| {
        orders[0]["lines"][0]["serials"] = json!([{"nr": "s2"}]);
        orders[1]["lines"] = json!([{"no": 5, "qty": 9}]);
    });
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(
        order("A1").unwrap()["linjer"],
        json!([{"pos": 1, "antall": 7, "serier": [{"nr": "s2"}]}])
    );
    assert_eq!(order("A2").unwrap()["linjer"], json!([{"pos": 5, "antall": 9}]));
    server.change("/orders", |orders| drop(orders.remove(1)));
    lockstep(dir, &["sync"]).exits(0);
    assert!(order("A2").is_none());
    in_step(dir);
}

#[test]
fn records_below_records_below_records_are_kept_in_step() {
    let line = |no: u32| json!({"no": no, "qty": 1});
    let server = Server::start(&[
        (
            "/orders",
            json!([{"id": 1, "number": "A1", "lines": [line(1), line(2)]}, {"id": 2, "number": "A2", "lines": []}]),
        ),
        ("/orders/1/parcels", json!([{"id": 1, "no": 1, "weight": 5}])),
        ("/orders/2/parcels", json!([{"id": 1, "no": 1, "weight": 6}])),
        ("/orders/1/parcels/1/items", json!([{"id": 1, "n": 1, "pieces": 3, "line": "1/2"}])),
        ("/orders/2/parcels/1/items", json!([{"id": 1, "n": 1, "pieces": 4}])),
    ]);
    let dir = project(&server);
    let dir = dir.path();
    lockstep(dir, &["check"]).exits(0);
    for _ in 0..3 {
        lockstep(dir, &["sync"]).exits(0);
    }
    let of = |kind: &str, name: &str, value: i64| {
        erp(dir, kind).into_iter().find(|one| one[name] == value).unwrap_or_default()
    };
    let order = |number: &str| {
        erp(dir, "Ordre").into_iter().find(|order| order["nummer"] == number).unwrap()["id"].clone()
    };
    assert_eq!(of("Kolli", "vekt", 5)["ordre"], order("A1"));
    assert_eq!(of("Kolli", "vekt", 6)["ordre"], order("A2"));
    let item = of("Varer", "stk", 3);
    assert_eq!(item["kolli"], of("Kolli", "vekt", 5)["id"]);
    let line =
        format!("{}/2", order("A1").as_str().map_or(order("A1").to_string(), str::to_string));
    assert_eq!(item["linje"], json!(line), "a reference to an element of another list");
    in_step(dir);

    // Added below what is added, and changed, from the files.
    let mut parcels = erp(dir, "Kolli");
    parcels.push(json!({"id": 90, "ordre": order("A2"), "nr": 2, "vekt": 9}));
    put(dir, "erp/Kolli.jsonl", &parcels);
    let mut items = erp(dir, "Varer");
    items.iter_mut().filter(|one| one["stk"] == 4).for_each(|one| one["stk"] = json!(8));
    items.push(json!({"id": 91, "kolli": 90, "nr": 1, "stk": 2}));
    put(dir, "erp/Varer.jsonl", &items);
    for _ in 0..2 {
        lockstep(dir, &["sync"]).exits(0);
    }
    assert_eq!(server.shelf("/orders/2/parcels")[1]["weight"], 9);
    assert_eq!(server.shelf("/orders/2/parcels/1/items")[0]["pieces"], 8);
    let made = server.shelf("/orders/2/parcels/2/items");
    assert_eq!((&made[0]["n"], &made[0]["pieces"]), (&json!(1), &json!(2)));
    in_step(dir);

    // Changed and removed on the server, and an order with all that is below it.
    server.change("/orders/1/parcels/1/items", |items| items[0]["pieces"] = json!(30));
    server.change("/orders/2/parcels/2/items", Vec::clear);
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(of("Varer", "stk", 30)["linje"], json!(line));
    assert_eq!(of("Varer", "stk", 2), Value::Null);
    server.change("/orders", |orders| drop(orders.remove(1)));
    server.shelves.lock().unwrap().retain(|path, _| !path.starts_with("/orders/2/"));
    for _ in 0..2 {
        lockstep(dir, &["sync"]).exits(0);
    }
    assert_eq!((erp(dir, "Kolli").len(), erp(dir, "Varer").len()), (1, 1));
    in_step(dir);
}
