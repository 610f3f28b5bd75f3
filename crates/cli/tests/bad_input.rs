//! What goes wrong, and what the command makes of it: slips in files, broken records, systems in
//! trouble, a full disk. Each must be told with its place and a remedy, must stop no more than
//! itself, and must lose nothing (G4, G5, C2).

use crate::transcript;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::transcript::{Ran, command, contents, example, lockstep, read, replace, write};
use lockstep_sandbox::{Fault, FaultKind, Options, Running, Sandbox};
use serde_json::Value;

fn started() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &["init"]).exits(0);
    // Nothing that both sides hold differs, so that nothing depends on which was seen first.
    let people = "{\"id\":1,\"name\":\"Solveig Aas\",\"email\":\"solveig@example.com\",\"phone\":\"+47 22 00 00 01\"}\n\
                  {\"id\":2,\"name\":\"Torbjørn Lie\",\"email\":\"torbjorn@example.com\",\"phone\":\"\"}\n";
    write(&dir.path().join("data/crm/People.jsonl"), people);
    let customers = "{\"id\":\"c-1\",\"name\":\"Solveig Aas\",\"mail\":\"solveig@example.com\",\"phone\":\"\"}\n";
    write(&dir.path().join("data/shop/Customers.jsonl"), customers);
    dir
}

fn sandbox() -> Running {
    Sandbox::start(Options { rate_scale: 0.0, ..Options::default() }).unwrap()
}

/// Two folders that are kept in step, with these lines on both sides.
fn two_folders(rows: &str, a: &str, b: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let systems = "\
systems:
  a: { connector: files, with: { folder: a } }
  b: { connector: files, with: { folder: b } }
flows: [flows/*.yaml]
";
    write(&dir.path().join("lockstep.yaml"), systems);
    let flows = format!(
        "flows:\n  - from: a.People\n    to: b.People\n    create: always\n    match: [email = email]\n    properties: [{rows}]\n"
    );
    write(&dir.path().join("flows/people.yaml"), &flows);
    write(&dir.path().join("a/People.jsonl"), a);
    write(&dir.path().join("b/People.jsonl"), b);
    dir
}

fn lines(path: &Path) -> Vec<Value> {
    read(path)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

// ---- slips in the project's files

#[test]
fn a_folder_without_a_project_is_told_with_what_makes_one() {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &["check"]).exits(2).says("no lockstep.yaml").says("`lockstep init`");
}

/// R8: a run goes on without a column that a file never had, and the exit status tells it as long as
/// it is missing, also where there is nothing to write.
#[test]
fn r8_a_column_that_no_file_has_is_told_by_the_exit_status() {
    let dir = two_folders("name <-> name, email <-> email, phone <-> phone", "", "");
    for side in ["a", "b"] {
        std::fs::remove_file(dir.path().join(side).join("People.jsonl")).unwrap();
    }
    write(&dir.path().join("a/People.csv"), "id,name,email\n1,Astrid Lund,astrid@example.com\n");
    write(&dir.path().join("b/People.csv"), "id,name,email\n");
    let checked = lockstep(dir.path(), &["check"]).exits(2).says("no column `phone`");
    assert!(checked.stderr.contains("a run goes on without these columns"), "{}", checked.stderr);
    for command in ["plan", "sync", "sync", "retry --all"] {
        let words: Vec<&str> = command.split(' ').collect();
        let ran = lockstep(dir.path(), &words).exits(1);
        assert!(
            ran.stderr.contains("the file of b.People has no column `phone`"),
            "{}",
            ran.stderr
        );
    }
    assert!(read(&dir.path().join("b/People.csv")).contains("Astrid Lund"));
    for side in ["a", "b"] {
        let path = dir.path().join(side).join("People.csv");
        let [header, rows] =
            read(&path).split_once('\n').map(|(a, b)| [a, b].map(str::to_string)).unwrap();
        let rows: String = rows.lines().map(|row| format!("{row},\n")).collect();
        write(&path, &format!("{header},phone\n{rows}"));
    }
    lockstep(dir.path(), &["sync"]).exits(0);
}

/// Puts a slip into a file of the example project and expects it to be told, with its place and
/// what would be right, by every command that needs the files in order; and that nothing is
/// written.
fn slip(file: &str, right: &str, wrong: &str, place: &str, told: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(Options::empty()).unwrap();
    example(dir.path(), &sandbox, &[]);
    replace(&dir.path().join(file), right, wrong);
    for args in [["check"], ["plan"], ["sync"]] {
        let mut ran = lockstep(dir.path(), &args).exits(2).says(&format!(" --> {place}"));
        for text in told {
            ran = ran.says(text);
        }
        assert!(!ran.stderr.contains("panicked"), "{ran}");
    }
    assert!(!dir.path().join("lockstep.db").exists(), "there was nothing to store");
    assert_eq!(sandbox.requests(0).len(), 0, "there was nothing to ask");
}

#[test]
fn a_slip_in_a_record_type() {
    slip(
        "flows/wix-youtrack.yaml",
        "from: wix.Members",
        "from: wix.Membres",
        "flows/wix-youtrack.yaml:",
        &["wix has no record type `Membres`", "did you mean `wix.Members`?"],
    );
}

#[test]
fn a_slip_in_a_path() {
    slip(
        "flows/wix-youtrack.yaml",
        "loginEmail",
        "loginEmial",
        "flows/wix-youtrack.yaml:",
        &["`loginEmial`", "did you mean `loginEmail`?"],
    );
}

#[test]
fn a_slip_in_a_policy() {
    slip(
        "flows/poweroffice-go-wix.yaml",
        "create: always",
        "create: allways",
        "flows/poweroffice-go-wix.yaml:",
        &["`allways` is nothing that `create` can be", "did you mean `always`?"],
    );
}

#[test]
fn a_slip_in_a_file_name() {
    slip(
        "lockstep.yaml",
        "flows/*.yaml",
        "flows/wix-youtrak.yaml",
        "lockstep.yaml:",
        &["there is no file `flows/wix-youtrak.yaml`", "did you mean `flows/wix-youtrack.yaml`?"],
    );
}

#[test]
fn a_slip_in_a_key_is_not_told_again_at_every_line_of_the_tests_of_its_flow() {
    let dir = started();
    replace(&dir.path().join("flows/people.yaml"), "    properties:\n", "    propertes:\n");
    lockstep(dir.path(), &["check"])
        .exits(2)
        .says("did you mean `properties`?")
        .says("1 flow: 1 error,");
}

#[test]
fn a_connectors_settings_in_the_wrong_place_are_told_where_they_belong() {
    let dir = started();
    replace(&dir.path().join("lockstep.yaml"), "with: { folder: data/crm }", "folder: data/crm");
    lockstep(dir.path(), &["check"])
        .exits(2)
        .says("a system has no `folder`")
        .says("stands under `with`");
}

#[test]
fn a_flow_between_systems_that_are_not_there() {
    slip(
        "flows/wix-youtrack.yaml",
        "to: youtrack.Users",
        "to: yuotrack.Users",
        "flows/wix-youtrack.yaml:",
        &["lockstep.yaml has no system `yuotrack`", "did you mean `youtrack`?"],
    );
    slip(
        "flows/wix-youtrack.yaml",
        "to: youtrack.Users",
        "to: hubspot.Users",
        "flows/wix-youtrack.yaml:",
        &["lockstep.yaml has no system `hubspot`"],
    );
}

#[test]
fn a_variable_that_is_nowhere_and_a_connector_that_is_not_there() {
    slip(
        "lockstep.yaml",
        "${WIX_API_KEY}",
        "${WIX_API_KYE}",
        "lockstep.yaml:",
        &["the variable WIX_API_KYE is not set", "did you mean `${WIX_API_KEY}`"],
    );
    slip(
        "lockstep.yaml",
        "connector: zendesk",
        "connector: zendsk",
        "lockstep.yaml:",
        &["zendsk", "built in are"],
    );
}

#[test]
fn what_is_wrong_in_a_manifest_is_underlined_at_its_place() {
    let dir = two_folders("email <-> email", "", "");
    let manifest = "title: Fjord
settings: { base_url: { what: address } }
base: '{{ base_url }}'
rate: {}
test: /me
types:
  People:
    id: id
    properties: { name: {}, boss: { reference: Bosses } }
    list: { request: { path: '/people/{{ parent | urll }}', query: { q: \"{{ since +* 1 }}\" } }, paging: none }
";
    let project = dir.path().join("lockstep.yaml");
    let fjord =
        "systems:\n  fjord: { connector: fjord, with: { base_url: \"http://127.0.0.1:1\" } }\n";
    write(&project, &read(&project).replace("systems:\n", fjord));
    let told = |text: &str| {
        write(&dir.path().join("connectors/fjord.yaml"), text);
        lockstep(dir.path(), &["check"]).exits(2)
    };
    let ran = told(manifest)
        .says("error[config::manifest]: the template `/people/{{ parent | urll }}` can't be read (unknown filter")
        .says("connectors/fjord.yaml:10:51")
        .says("connectors/fjord.yaml:10:84")
        .says("error[config::manifest]: People.boss refers to `Bosses`, which is no record type here; there are People")
        .says("connectors/fjord.yaml:9:48");
    println!("{ran}");
    let under = |ran: &transcript::Ran, word: &str| {
        let lines: Vec<&str> = ran.stdout.lines().collect();
        lines.windows(2).any(|two| {
            let marked =
                two[1].find('^').map(|at| two[0].get(at..at + two[1].matches('^').count()));
            marked.flatten() == Some(word)
        })
    };
    assert!(under(&ran, "urll") && under(&ran, "Bosses") && under(&ran, "*"), "{ran}");
    let ran = told(&manifest.replace("  People:", "  People:\n    idd: x"))
        .says("unknown field `idd`")
        .says("connectors/fjord.yaml:8:5");
    assert!(under(&ran, "idd"), "{ran}");
    told("title: [\n").says("error[config::manifest]").says("connectors/fjord.yaml:");
}

// ---- records that are broken

#[test]
fn a_record_without_its_id_is_told_with_its_line_and_the_others_go_on() {
    let good = "{\"id\":1,\"email\":\"ase@example.com\"}\n";
    let dir = two_folders(
        "email <-> email",
        &format!(
            "{good}{{\"email\":\"nobody@example.com\"}}\n{{\"id\":3,\"email\":\"eli@example.com\"}}\n"
        ),
        "",
    );
    lockstep(dir.path(), &["sync"])
        .exits(1)
        .says("a/People.jsonl:2: the record has no id: give it one, or remove it")
        .says("2 created");
    let made: Vec<Value> = lines(&dir.path().join("b/People.jsonl"))
        .into_iter()
        .map(|record| record["email"].clone())
        .collect();
    assert_eq!(made, ["ase@example.com", "eli@example.com"]);
    assert!(
        read(&dir.path().join("a/People.jsonl")).contains("nobody@example.com"),
        "what can't be read is left as it is"
    );
}

#[test]
fn a_line_that_is_no_json_is_told_with_its_line_and_the_others_go_on() {
    let dir = two_folders(
        "email <-> email",
        "{\"id\":1,\"email\":\"ase@\n{\"id\":2,\"email\":\"bo@example.com\"}\n",
        "",
    );
    lockstep(dir.path(), &["sync"])
        .exits(1)
        .says("a/People.jsonl:1: not JSON at column")
        .says("1 created");
    assert_eq!(lines(&dir.path().join("b/People.jsonl")).len(), 1);
}

#[test]
fn a_value_that_can_not_be_converted_goes_to_review_and_the_rest_of_the_record_does_not_wait() {
    let dir = two_folders(
        "email <-> email, \"age <-> age : integer\"",
        "{\"id\":1,\"email\":\"ase@example.com\",\"age\":\"forty\"}\n{\"id\":2,\"email\":\"bo@example.com\",\"age\":\"41\"}\n",
        "",
    );
    lockstep(dir.path(), &["sync"])
        .exits(1)
        .says("2 created")
        .says("1 × unconvertible value")
        .says("“forty” is no integer");
    let mut made: Vec<(Value, Value)> = lines(&dir.path().join("b/People.jsonl"))
        .into_iter()
        .map(|record| (record["email"].clone(), record["age"].clone()))
        .collect();
    made.sort_by_key(|(email, _)| email.to_string());
    assert_eq!(
        made,
        [("ase@example.com".into(), Value::Null), ("bo@example.com".into(), 41.into())]
    );
    lockstep(dir.path(), &["review"]).exits(1).says("a.People/1").says("“forty” is no integer");
    // The text in the source is not touched by what could not be carried on.
    assert!(read(&dir.path().join("a/People.jsonl")).contains("\"forty\""));
}

// ---- systems in trouble

fn flow<'a>(report: &'a Value, name: &str) -> &'a Value {
    let flows = report["flows"].as_array().expect("a report has flows");
    flows
        .iter()
        .find(|flow| flow["flow"] == name)
        .unwrap_or_else(|| panic!("no {name} in {report}"))
}

/// The flows between systems other than Wix did their work.
fn others_went_on(ran: &Ran) {
    let report = ran.json();
    let wix = report["systems"]
        .as_array()
        .unwrap()
        .iter()
        .find(|system| system["system"] == "wix")
        .unwrap();
    assert!(wix["paused"].is_string(), "{ran}");
    assert!(
        flow(&report, "superoffice.Person to zendesk.Users")["linked"].as_u64() > Some(10),
        "{ran}"
    );
}

/// With the trouble gone the next run does what was left.
fn wix_goes_on(dir: &Path) {
    let report = lockstep(dir, &["sync", "--format", "json"]).exits(1).json();
    let wix = report["systems"]
        .as_array()
        .unwrap()
        .iter()
        .find(|system| system["system"] == "wix")
        .unwrap();
    assert!(wix["paused"].is_null() && wix["read"].as_u64() > Some(50), "{report}");
    assert!(
        flow(&report, "poweroffice-go.Customers to wix.Contacts")["created"].as_u64() > Some(0),
        "{report}"
    );
}

#[test]
fn a_page_of_broken_json_is_told_and_all_else_goes_on() {
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), sandbox());
    example(dir.path(), &sandbox, &[]);
    sandbox.fault("wix", Fault::new(FaultKind::BrokenJson, 20).on_path("contacts")).unwrap();
    let ran = lockstep(dir.path(), &["sync", "--format", "json"]).exits(1);
    let report = ran.json();
    let fault = report["events"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["event"] == "fault")
        .unwrap_or_else(|| panic!("{ran}"));
    let told = fault["message"].as_str().unwrap();
    assert!(
        told.starts_with("Wix GET /contacts/v4/contacts: expected JSON, and it is not"),
        "{told}"
    );
    assert!(
        flow(&report, "superoffice.Person to zendesk.Users")["linked"].as_u64() > Some(10),
        "{ran}"
    );
    let members = flow(&report, "wix.Members to youtrack.Users");
    assert!(
        members["linked"].as_u64() > Some(10),
        "the system's other record types go on too: {members}"
    );
    sandbox.clear_faults("wix").unwrap();
    wix_goes_on(dir.path());
}

#[test]
fn a_wrong_key_is_told_with_its_setting_and_is_printed_and_kept_nowhere() {
    const SECRET: &str = "sesame-4711-open";
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), sandbox());
    example(dir.path(), &sandbox, &[("WIX_API_KEY", SECRET)]);
    let text = lockstep(dir.path(), &["sync"])
        .exits(1)
        .says("wix was left alone")
        .says("api_key")
        .says("lockstep.yaml")
        .says(".env");
    assert!(!text.stdout.contains("panicked") && !text.stderr.contains("panicked"), "{text}");
    let mut all = vec![text];
    all.push(lockstep(dir.path(), &["sync", "--format", "json"]).exits(1));
    all.push(lockstep(dir.path(), &["plan"]).exits(1));
    all.push(lockstep(dir.path(), &["connect", "wix"]).exits(2).says("api_key"));
    all.push(lockstep(dir.path(), &["status"]).exits(0));
    all.push(lockstep(dir.path(), &["check"]).exits(0));
    for ran in all {
        ran.says_nothing_of(SECRET);
    }
    for (path, bytes) in contents(dir.path()) {
        let held = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        assert_eq!(held, path.ends_with(".env"), "the key in {}", path.display());
    }
    example(dir.path(), &sandbox, &[]);
    wix_goes_on(dir.path());
}

#[test]
fn a_dead_host_is_told_with_its_address_and_stops_its_system_alone() {
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), sandbox());
    // Nobody listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let dead = format!("http://127.0.0.1:{port}");
    example(dir.path(), &sandbox, &[("WIX_URL", &dead)]);
    let ran = lockstep(dir.path(), &["sync", "--format", "json"]).exits(3).says(&dead);
    others_went_on(&ran);
    lockstep(dir.path(), &["connect", "wix"]).exits(3).says(&dead);
    lockstep(dir.path(), &["sync"]).exits(3).says("wix was left alone").says(&dead);
    example(dir.path(), &sandbox, &[]);
    wix_goes_on(dir.path());
}

// ---- what a system says, on a terminal

#[test]
fn g9_what_a_system_says_can_not_write_on_a_terminal_nor_forge_a_line() {
    let people = concat!(
        r#"{"id":"1","name":"Odd\u001b]0;title\u0007\u001b[2J Lie\n  delete b.People/c9, as a.People/9 was deleted (D1)","email":"b@example.com"}"#,
        "\n",
        r#"{"id":"2\u001b[1A\n! forged","name":"A","email":"d@example.com"}"#,
        "\n",
        r#"{"id":"3","name":"B\u001b[31m\u202egro\u0085","email":"d@example.com"}"#,
        "\n"
    );
    let dir = two_folders(
        "email <-> email, name <-> name",
        people,
        "{\"id\":\"c0\",\"name\":\"X\",\"email\":\"d@example.com\"}\n",
    );
    let plan = ["plan"];
    let looks: [&[&str]; 9] = [
        &plan,
        &["sync"],
        &["status"],
        &["review"],
        &["review", "show", "1"],
        &["entities"],
        &["history", "a.People/1"],
        &["explain", "a.People/1"],
        &["explain", "a.People/1", "name"],
    ];
    let mut seen = String::new();
    for args in looks {
        for format in ["text", "json"] {
            if format == "json" && args[0] == "sync" {
                continue;
            }
            let ran = lockstep(dir.path(), &[args, &["--format", format]].concat());
            let told = format!("{}{}", ran.stdout, ran.stderr);
            let wild: Vec<char> = told
                .chars()
                .filter(|c| *c != '\n' && lockstep_model::visible::is_control(*c))
                .collect();
            assert!(wild.is_empty(), "{wild:?} in\n{ran}");
            let forged = told.lines().any(|line| {
                line.starts_with("  delete b.People/c9") || line.starts_with("! forged")
            });
            assert!(!forged, "a forged line\n{ran}");
            if format == "json" {
                ran.json();
            }
            seen.push_str(&told);
        }
    }
    assert!(seen.contains("Odd\\u{1b}]0;title\\u{7}"), "it was never shown: {seen}");
}

// ---- two at once, and no room

#[test]
fn while_a_service_runs_other_commands_find_a_gap_between_its_runs() {
    let dir = started();
    let mut service = command(dir.path(), &["run", "--approve"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    // Kept to the end: a service that nobody listens to any more would end by itself.
    let mut told = BufReader::new(service.stdout.take().unwrap());
    told.read_line(&mut first).unwrap();
    assert!(first.contains("linked") || first.contains("created"), "{first}");
    for args in [["sync"], ["plan"]] {
        lockstep(dir.path(), &args).exits(0);
    }
    lockstep(dir.path(), &["status"]).exits(0).says("read to the end");
    service.kill().unwrap();
    service.wait().unwrap();
    lockstep(dir.path(), &["sync"]).exits(0);
    lockstep(dir.path(), &["sync"]).exits(0).says("Nothing was written.");
    assert_eq!(lines(&dir.path().join("data/shop/Customers.jsonl")).len(), 2);
    lockstep(dir.path(), &["entities"]).exits(0).says("shop.Customers/c-1").says("crm.People/2");
}

#[test]
fn a_command_waits_for_a_store_that_is_in_use_and_says_so() {
    let dir = started();
    let held = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.path().join("lockstep.db.lock"))
        .unwrap();
    held.lock().unwrap();
    let mut hurried = command(dir.path(), &["sync"]);
    hurried.env("LOCKSTEP_WAIT_S", "0");
    let output = hurried.output().unwrap();
    Ran::of(&hurried, output)
        .exits(1)
        .says("lockstep.db is in use by another process")
        .says("run the command again when that is done");
    let mut waiting = command(dir.path(), &["sync"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    BufReader::new(waiting.stderr.take().unwrap()).read_line(&mut told).unwrap();
    assert!(told.contains("waiting for") && told.contains("lockstep.db"), "{told}");
    held.unlock().unwrap();
    assert!(waiting.wait().unwrap().success());
}

/// Runs the command where no file may grow beyond so many blocks, as on a full disk.
#[cfg(unix)]
fn with_little_room(dir: &Path, blocks: u32, args: &[&str]) -> Ran {
    let shell = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command
        .current_dir(dir)
        .args(["-c", &shell, env!("CARGO_BIN_EXE_lockstep")])
        .args(args)
        .stdin(Stdio::null());
    let output = command.output().expect("a shell can be started");
    Ran::of(&command, output)
}

#[cfg(unix)]
#[test]
fn without_room_for_the_store_nothing_is_lost_and_the_next_run_goes_on() {
    let dir = started();
    let dir = dir.path();
    let before = contents(&dir.join("data"));
    for blocks in [8, 100, 300] {
        with_little_room(dir, blocks, &["sync"])
            .exits(1)
            .says("lockstep.db can't be written")
            .says("make room and run again");
        assert_eq!(
            contents(&dir.join("data")),
            before,
            "nothing is sent that was not recorded before (C2)"
        );
    }
    lockstep(dir, &["sync"]).exits(0).says("1 linked, 1 created, 1 updated");
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[cfg(unix)]
#[test]
fn without_room_for_a_systems_file_the_file_stays_whole_and_the_next_run_goes_on() {
    // The file to write is the only one that would grow beyond the limit: its one long text is no
    // property of any flow.
    let long = "x".repeat(3 << 20);
    let b = format!("{{\"id\":\"b1\",\"email\":\"bo@example.com\",\"text\":\"{long}\"}}\n");
    let dir = two_folders("email <-> email", "{\"id\":1,\"email\":\"ase@example.com\"}\n", &b);
    let dir = dir.path();
    let ran = with_little_room(dir, 4096, &["sync"]).says("b/People.jsonl");
    assert!(ran.status.is_some_and(|status| status == 1 || status == 3), "{ran}");
    assert!(read(&dir.join("b/People.jsonl")) == b, "the file is as it was");
    lockstep(dir, &["sync"]).exits(0);
    let mut made: Vec<String> = lines(&dir.join("b/People.jsonl"))
        .iter()
        .map(|record| record["email"].to_string())
        .collect();
    made.sort();
    assert_eq!(made, ["\"ase@example.com\"", "\"bo@example.com\""]);
    assert_eq!(
        std::fs::read_dir(dir.join("b")).unwrap().count(),
        1,
        "no half-written file is left"
    );
}
