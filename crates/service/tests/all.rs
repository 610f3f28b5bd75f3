//! The owner at work: systems in memory, a real store, real sockets.

mod metrics;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lockstep_connector::memory::{Flat, MemoryConnector};
use lockstep_connector::{
    Call, Connector, Heard, Named, Outcome, Page, ReadRequest, Trouble, Write as Writing,
};
use lockstep_engine::Plan;
use lockstep_hub::{Hub, RunOptions, System, SystemClock};
use lockstep_model::flow::{Create, PropertyRef};
use lockstep_model::{
    Flow, MatchRow, PlainType, PropertyPair, PropertySchema, ReadRecord, TypeName, TypeSchema,
    Value,
};
use lockstep_service::{
    Client, Desk, Flows, Limits, Owner, Project, Purpose, Refusal, Request, Schedule, Told, socket,
};
use lockstep_store::SqliteStore;
use serde_json::json;

/// A system in memory that takes its time for each write, and hears calls.
struct Slow {
    real: MemoryConnector,
    write_ms: u64,
    writes: AtomicUsize,
}

impl Connector for Slow {
    fn types(&self) -> &[TypeSchema] {
        self.real.types()
    }
    fn test(&self) -> Result<String, Trouble> {
        self.real.test()
    }
    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        self.real.read(request)
    }
    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        self.real.get(kind, watch, id)
    }
    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Writing]) -> Vec<Outcome> {
        self.writes.fetch_add(writes.len(), Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(self.write_ms));
        self.real.write(kind, watch, writes)
    }
    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        self.real.find(kind, watch, prop, value)
    }
    fn batch(&self, _: &str) -> usize {
        1
    }
    fn hear(&self, call: &Call) -> Heard {
        match call.query.iter().find(|(name, _)| name == "id") {
            Some((_, id)) => {
                Heard::Hint(vec![Named { kind: "Person".into(), id: Some(id.clone()) }])
            }
            None => Heard::Challenge(String::from_utf8_lossy(&call.body).into_owned()),
        }
    }
}

fn person() -> TypeSchema {
    let props = ["mail", "name"].map(|name| PropertySchema::new(name, PlainType::String));
    TypeSchema { properties: props.into(), ..TypeSchema::open("Person") }
}

fn flow() -> Flow {
    let path = |path: &str| PropertyRef::new(path);
    Flow {
        create: Create::Always,
        matches: vec![MatchRow::single(path("mail"), path("mail"))],
        properties: ["mail", "name"].map(|p| PropertyPair::equal(path(p), path(p))).into(),
        ..Flow::between(TypeName::new("a", "Person"), TypeName::new("b", "Person"))
    }
}

/// Two systems and a store.
struct World {
    a: Arc<Slow>,
    b: Arc<Slow>,
    dir: tempfile::TempDir,
    waits: bool,
}

impl World {
    fn new(write_ms: u64) -> Self {
        let system = |write_ms| {
            let real = MemoryConnector::new(vec![person()]);
            Arc::new(Slow { real, write_ms, writes: AtomicUsize::new(0) })
        };
        let dir = tempfile::tempdir().unwrap();
        World { a: system(0), b: system(write_ms), dir, waits: false }
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("lockstep.db")
    }

    fn put(&self, n: usize) {
        let values: Flat = json!({"mail": format!("p{n}@example.com"), "name": format!("Åse {n}")})
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .collect();
        self.a.real.put("Person", &n.to_string(), values);
    }

    fn systems(&self) -> Vec<System> {
        let system = |name: &str, connector: &Arc<Slow>| System {
            name: name.into(),
            connector: connector.clone(),
        };
        vec![system("a", &self.a), system("b", &self.b)]
    }

    fn project(&self) -> AtWork {
        AtWork { systems: self.systems(), store: self.store(), waits: self.waits }
    }

    fn schedule(&self, every: Duration) -> Schedule {
        let types = plan(&self.systems()).types;
        Schedule::new(types.into_iter().map(|ty| (ty.name, every)).collect(), Instant::now())
    }
}

fn plan(systems: &[System]) -> Plan {
    let schemas = systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
    Plan::compile(&[flow()], &schemas).unwrap()
}

struct AtWork {
    systems: Vec<System>,
    store: PathBuf,
    waits: bool,
}

impl Project for AtWork {
    fn hub(&mut self, _: Purpose) -> Result<Hub, Refusal> {
        let store = SqliteStore::open(&self.store)?;
        let plan = plan(&self.systems);
        Ok(Hub::new(plan, self.systems.clone(), Box::new(store), Arc::new(SystemClock))?)
    }
    fn look_again(&mut self, _: &[TypeName]) {}
    fn first_run_waits(&self) -> bool {
        self.waits
    }
}

/// Lets an owner work while something is tried, then ends it. Gives what it told.
fn while_at_work(
    world: &World,
    every: Duration,
    tried: impl FnOnce(&Path, &[System]),
) -> Vec<String> {
    let mut owner = Owner::new(world.project(), world.schedule(every), false);
    let queue = owner.queue();
    let stop = AtomicBool::new(false);
    let mut told = Vec::new();
    std::thread::scope(|scope| {
        let working = scope.spawn(|| {
            let worked = owner.work(&|| stop.load(Ordering::SeqCst), &mut |one| {
                told.push(match one {
                    Told::Begins => return,
                    Told::Report(report) => format!("run: {} writes", report.writes()),
                    Told::Trouble(trouble) => format!("trouble: {trouble}"),
                    Told::Waits(flows) => format!("waits: {}", flows.join(", ")),
                })
            });
            worked.unwrap();
        });
        let _socket = socket::open(&world.store(), queue).unwrap();
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            tried(&world.store(), &world.systems())
        }));
        stop.store(true, Ordering::SeqCst);
        working.join().unwrap();
        if let Err(panic) = tried {
            std::panic::resume_unwind(panic);
        }
    });
    told
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_asked_for_during_a_long_run_is_done_soon_and_the_run_goes_on() {
    let world = World::new(25);
    (0..120).for_each(|n| world.put(n));
    while_at_work(&world, Duration::from_secs(600), |store, _| {
        wait_until("the run writes", || world.b.writes.load(Ordering::SeqCst) > 5);
        let began = Instant::now();
        let service = Client::of(store).expect("it is found by its file");
        let mut desk = Desk::There(service);
        let refused = desk.link("a.Person/0", "a.Person/1").unwrap_err();
        assert!(matches!(refused, Refusal::Wrong(_)), "{refused}");
        let before = world.b.real.all("Person").len();
        assert!(before < 120, "the run is not at its end: {before}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        wait_until("the run goes on", || world.b.real.all("Person").len() == 120);
    });
    assert_eq!(world.b.writes.load(Ordering::SeqCst), 120, "nothing is written twice");
}

#[test]
fn ending_lets_what_is_in_flight_come_to_its_end() {
    let world = World::new(40);
    (0..60).for_each(|n| world.put(n));
    while_at_work(&world, Duration::from_secs(600), |_, _| {
        wait_until("the run writes", || world.b.writes.load(Ordering::SeqCst) > 2);
    });
    let made = world.b.real.all("Person").len();
    assert!(made < 60, "it was ended in the middle: {made}");
    let mut hub = world.project().hub(Purpose::Work).unwrap();
    let unknown = hub.ledger.store().intents_in(lockstep_model::IntentState::Unknown, 99).unwrap();
    let sent = hub.ledger.store().intents_in(lockstep_model::IntentState::Sent, 99).unwrap();
    assert_eq!((unknown.len(), sent.len()), (0, 0), "no answer was left behind");
    hub.run(RunOptions::default()).unwrap();
    assert_eq!(world.b.writes.load(Ordering::SeqCst), 60, "the rest, and nothing twice");
}

#[test]
fn a_run_that_was_asked_for_and_is_ended_says_so() {
    let world = World::new(40);
    let mut owner = Owner::new(world.project(), world.schedule(Duration::from_secs(600)), true);
    let _socket = socket::open(&world.store(), owner.queue()).unwrap();
    let stop = AtomicBool::new(false);
    let report = std::thread::scope(|scope| {
        let working = scope.spawn(|| owner.work(&|| stop.load(Ordering::SeqCst), &mut |_| {}));
        std::thread::sleep(Duration::from_millis(300));
        (0..40).for_each(|n| world.put(n));
        let asking = scope.spawn(|| {
            let flows = Flows(plan(&world.systems()).fingerprint_of_flows());
            let mut desk = Desk::There(Client::of(&world.store()).unwrap());
            desk.sync(flows, Limits::default(), RunOptions::default())
        });
        while world.b.writes.load(Ordering::SeqCst) < 3 && !asking.is_finished() {
            std::thread::sleep(Duration::from_millis(2));
        }
        stop.store(true, Ordering::SeqCst);
        working.join().unwrap().unwrap();
        asking.join().unwrap().unwrap()
    });
    assert!(report.stopped && report.needs_a_person(), "it is not done");
    assert!(report.writes() < 40, "{}", report.writes());
}

/// A project whose store can't be had.
struct Shut;

impl Project for Shut {
    fn hub(&mut self, _: Purpose) -> Result<Hub, Refusal> {
        Err(Refusal::Wrong("the store is of a later version".into()))
    }
    fn look_again(&mut self, _: &[TypeName]) {}
    fn first_run_waits(&self) -> bool {
        false
    }
}

#[test]
fn a_service_whose_store_can_not_be_had_does_not_begin() {
    let world = World::new(0);
    let mut owner = Owner::new(Shut, world.schedule(Duration::from_secs(600)), true);
    let refused = owner.work(&|| false, &mut |_| {}).unwrap_err();
    assert_eq!(refused.to_string(), "the store is of a later version");
}

#[test]
fn g2_a_service_waits_for_an_approval_that_comes_by_its_door() {
    let world = World { waits: true, ..World::new(0) };
    world.put(1);
    let told = while_at_work(&world, Duration::from_secs(600), |store, systems| {
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(world.b.real.all("Person").len(), 0, "nothing is written before");
        let mut desk = Desk::There(Client::of(store).unwrap());
        let flows = Flows(plan(systems).fingerprint_of_flows());
        let other = desk.approve(Flows(flows.0 ^ 1)).unwrap_err();
        assert!(other.to_string().contains("start it anew"), "{other}");
        assert_eq!(desk.approve(flows).unwrap().len(), 1);
        wait_until("it begins", || world.b.real.all("Person").len() == 1);
    });
    assert!(told[0].starts_with("waits: "), "{told:?}");
}

#[test]
fn a_run_that_is_asked_for_is_answered_with_its_report() {
    let world = World::new(0);
    while_at_work(&world, Duration::from_secs(600), |store, systems| {
        world.put(1);
        let flows = Flows(plan(systems).fingerprint_of_flows());
        let mut desk = Desk::There(Client::of(store).unwrap());
        let options = RunOptions { full: true, ..RunOptions::default() };
        let report = desk.sync(flows, Limits::default(), options).unwrap();
        let made = world.b.real.all("Person").len();
        assert_eq!((report.flows.len(), made), (1, 1));
    });
}

#[test]
fn nobody_asks_without_the_token_and_a_file_that_was_left_leads_nowhere() {
    let world = World::new(0);
    while_at_work(&world, Duration::from_secs(600), |store, _| {
        let place = store.with_file_name("lockstep.db.service");
        let sign: Value = serde_json::from_slice(&std::fs::read(&place).unwrap()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&place).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "nobody else can read it");
        }
        let url = format!("{}/requests", sign["url"].as_str().unwrap());
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let agent = ureq::Agent::new_with_config(config);
        let request = Request::Link { a: "a.Person/1".into(), b: "b.Person/1".into() };
        let asked = agent.post(&url).header("Authorization", "Bearer 00").send_json(&request);
        assert_eq!(asked.unwrap().status(), 401);
        assert_eq!(agent.post(&url).send_json(&request).unwrap().status(), 401);
    });
    let place = world.dir.path().join("lockstep.db.service");
    assert!(!place.exists(), "it goes with the service");
    let left = json!({"version": "0", "url": "http://127.0.0.1:9", "token": "x"});
    std::fs::write(&place, left.to_string()).unwrap();
    assert!(Client::of(&world.store()).is_none());
    // Somebody else listens there by now.
    let other = World::new(0);
    let owner = Owner::new(other.project(), other.schedule(Duration::from_secs(600)), true);
    let url = format!("http://{}", listening(&other, &owner));
    let left = json!({"version": "0", "url": url, "token": "x"});
    std::fs::write(&place, left.to_string()).unwrap();
    assert!(Client::of(&world.store()).is_none());
}

#[test]
fn r4_what_a_call_names_is_read_at_once() {
    let world = World::new(0);
    let mut owner = Owner::new(world.project(), world.schedule(Duration::from_secs(600)), true);
    let at = listening(&world, &owner);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let working = scope.spawn(|| owner.work(&|| stop.load(Ordering::SeqCst), &mut |_| {}));
        std::thread::sleep(Duration::from_millis(300));
        world.put(7);
        let answer =
            call(at, "POST /hooks/a?id=7 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let began = Instant::now();
        wait_until("it is read", || world.b.real.all("Person").len() == 1);
        println!("from the call to the write: {:?}", began.elapsed());
        stop.store(true, Ordering::SeqCst);
        working.join().unwrap().unwrap();
    });
}

fn listening(world: &World, owner: &Owner<AtWork>) -> SocketAddr {
    let any = "127.0.0.1:0".parse().unwrap();
    let systems = lockstep_service::Systems::new(std::sync::RwLock::new(world.systems()));
    lockstep_service::listen(any, &systems, owner.queue().sender(), |_| {}).unwrap()
}

/// What is answered to these bytes.
fn call(at: SocketAddr, request: &str) -> String {
    let mut caller = TcpStream::connect(at).unwrap();
    caller.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    caller.write_all(request.as_bytes()).unwrap();
    let mut told = String::new();
    caller.read_to_string(&mut told).unwrap();
    told
}

#[test]
fn calls_come_in_chunks_with_encoded_queries_and_slow_callers_keep_nobody_out() {
    let world = World::new(0);
    let owner = Owner::new(world.project(), world.schedule(Duration::from_secs(600)), true);
    let at = listening(&world, &owner);
    let mut slow: Vec<TcpStream> = Vec::new();
    for _ in 0..200 {
        let mut caller = TcpStream::connect(at).unwrap();
        let _ = caller.write_all(b"POST /hooks/a HTTP/1.1\r\nX-Slow: ");
        slow.push(caller);
    }
    // Ten who know what they want: each is answered at once.
    for _ in 0..10 {
        let began = Instant::now();
        let told =
            call(at, "POST /hooks/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
        assert!(told.starts_with("HTTP/1.1 404"), "{told}");
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    }
    let chunked = "POST /hooks/a?who=%C3%85se HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhei\r\n1\r\n!\r\n0\r\n\r\n";
    let told = call(at, chunked);
    assert!(told.starts_with("HTTP/1.1 200") && told.ends_with("hei!"), "{told}");
    assert!(call(at, "PUT /hooks/a HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405"));
    // One that sends byte by byte, each well within the time for all of them, is given up.
    let mut caller = TcpStream::connect(at).unwrap();
    let began = Instant::now();
    while caller.write_all(b"x").is_ok() && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
