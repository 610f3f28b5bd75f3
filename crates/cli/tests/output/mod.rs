//! How the commands print: every write of a plan, JSON and CSV, colours, `-q` and `-v`, times in
//! the user's zone.

use std::path::Path;

use serde_json::Value;

use crate::transcript::{Ran, command, lockstep, read, replace, write};

fn with(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = command(dir, args);
    command.envs(variables.iter().copied());
    let output = command.output().expect("the command can be started");
    Ran::of(&command, output)
}

/// A project of so many people, all of them to be created in the shop.
fn project(people: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &["init"]).exits(0);
    let line = |n| {
        format!(
            "{{\"id\":{n},\"name\":\"Person, “{n}”\",\"email\":\"p{n}@example.com\",\"phone\":\"\"}}\n"
        )
    };
    write(&dir.path().join("data/crm/People.jsonl"), &(1..=people).map(line).collect::<String>());
    write(&dir.path().join("data/shop/Customers.jsonl"), "");
    dir
}

/// The rows of a CSV text, without its header.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_string).collect()).collect()
}

#[test]
fn a_plan_lists_every_write_however_many_there_are() {
    // More than a run keeps for showing.
    let dir = project(5_100);
    let dir = dir.path();
    let text = lockstep(dir, &["plan"]).exits(0).says("5100 records would be written").stdout;
    assert_eq!(text.lines().filter(|line| line.starts_with("  create ")).count(), 5_100);
    let json = lockstep(dir, &["plan", "--format", "json"]).exits(0).json();
    let created = |event: &&Value| event["event"] == "created";
    assert_eq!(json["events"].as_array().unwrap().iter().filter(created).count(), 5_100);
    assert_eq!(json["events_left_out"], 0);
    let csv = lockstep(dir, &["plan", "--format", "csv"]).exits(0).stdout;
    let rows = rows(&csv);
    assert_eq!(
        csv.lines().next(),
        Some("action,flow,record,source,property,before,after,rule,message")
    );
    assert_eq!(rows.iter().filter(|row| row[0] == "create" && row[4] == "mail").count(), 5_100);
    let one = rows.iter().find(|row| row[3] == "crm.People/7" && row[4] == "name").unwrap();
    assert_eq!(
        one[..7],
        [
            "create",
            "crm.People to shop.Customers",
            "shop.Customers",
            "crm.People/7",
            "name",
            "",
            "Person, “7”"
        ]
    );
    for (format, whole) in [("text", &text), ("csv", &csv)] {
        let told = lockstep(dir, &["plan", "--format", format, "-o", "plan.out"]).exits(0);
        told.says("5100 records would be written; all of it stands in plan.out.");
        assert_eq!(read(&dir.join("plan.out")).lines().count(), whole.lines().count(), "{format}");
    }
    lockstep(dir, &["plan", "-o", "nowhere/plan.txt"]).exits(2).says("nowhere/plan.txt");
}

#[test]
fn rows_are_printed_as_csv_and_everything_as_json() {
    let dir = project(2);
    let dir = dir.path();
    let checked = lockstep(dir, &["check", "--format", "csv"]).exits(0);
    checked.says(
        "severity,code,file,line,column,message,help\nnote,config::undated,flows/people.yaml,2,5,",
    );
    let synced = lockstep(dir, &["sync", "--format", "csv"]).exits(0).stdout;
    assert_eq!(
        rows(&synced)
            .iter()
            .filter(|row| row[0] == "create" && row[2].starts_with("shop.Customers/"))
            .count(),
        4
    );
    let entities = rows(&lockstep(dir, &["entities", "--format", "csv"]).exits(0).stdout);
    assert_eq!(entities.len(), 4);
    assert_eq!(
        entities[0][0], entities[1][0],
        "both records of an entity are named by the same one: {entities:?}"
    );
    let history = rows(&lockstep(dir, &["history", "--format", "csv"]).exits(0).stdout);
    assert!(history.iter().any(|row| row[2] == "written" && row[0].ends_with('Z')), "{history:?}");
    lockstep(dir, &["review", "--format", "csv"]).exits(0).says("number,kind,flow,record");
    lockstep(dir, &["audit", "--stored", "--format", "csv"])
        .exits(0)
        .says("kind,record,flow,property,shows,expected,message");
    lockstep(dir, &["review", "show", "1", "--format", "csv"])
        .exits(2)
        .says("only the list of reviews has rows");
    let retried = lockstep(dir, &["retry", "--all", "--format", "csv"]).exits(0).stdout;
    assert!(retried.starts_with("action,flow,record,source,"), "{retried}");
    let undo = rows(&lockstep(dir, &["undo", "1", "--format", "csv"]).exits(1).stdout);
    assert_eq!(undo.len(), 2, "{undo:?}");
    assert!(undo.iter().all(|row| row[0] == "delete" && row[1].starts_with("shop.Customers/")));
    let tests = lockstep(dir, &["test", "--format", "csv"]).exits(0).stdout;
    assert!(tests.starts_with("test,file,line,result,step,missing,unexpected,notes\n"), "{tests}");
    assert!(rows(&tests).iter().all(|row| row[3] == "passed"), "{tests}");
    let advice = lockstep(dir, &["advise", "crm.People", "shop.Customers", "--format", "csv"]);
    let advice = rows(&advice.exits(0).stdout);
    assert_eq!(advice[0][..4], ["match", "email", "mail", "yes"], "{advice:?}");
    assert!(advice.iter().any(|row| row[0] == "row" && row[9] == "2"), "{advice:?}");
    lockstep(dir, &["unlink", "crm.People/1", "--format", "csv"])
        .exits(2)
        .says("only what `--restore` puts back has rows");

    let json = |args: &[&str]| {
        let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
        lockstep(dir, &args).exits(0).json()
    };
    assert_eq!(json(&["audit", "--stored"])["records_read"], 0);
    assert_eq!(json(&["connect", "shop"])["system"], "shop");
    assert_eq!(json(&["approve"])["approved"], serde_json::json!([]));
    assert_eq!(json(&["release"])["guards"], serde_json::json!([]));
    let entity = json(&["entities"])[0].as_array().unwrap().clone();
    let names: Vec<&str> = entity.iter().map(|member| member[0].as_str().unwrap()).collect();
    assert_eq!(json(&["unlink", names[0], names[1]])["plan"], Value::Null);
    assert_eq!(json(&["link", names[0], names[1]])["linked"].as_array().unwrap().len(), 2);
    assert_eq!(json(&["init", "another"])["folder"], "another");
    let document = dir.join("flows.rst").display().to_string();
    write(&dir.join("flows.rst"), &lockstep(dir, &["doc", "flows/people.yaml"]).exits(0).stdout);
    let verified = lockstep(dir, &["verify", "--sandbox", &document, "--format", "json"]).json();
    assert!(verified["proved"].as_u64().unwrap() > 0, "{verified}");
    let verdicts = lockstep(dir, &["verify", "--sandbox", &document, "--format", "csv"]).stdout;
    let proved = rows(&verdicts).iter().filter(|row| row[3] == "row" && row[5] == "proved").count();
    assert!(proved > 0, "{verdicts}");
    assert_eq!(
        verified["documents"][0]["sections"][0]["statements"][0]["verdict"]
            .as_str()
            .map(str::is_empty),
        Some(false)
    );
}

#[test]
fn times_are_told_in_the_zone_of_who_looks_and_in_utc_in_json() {
    let dir = project(1);
    let dir = dir.path();
    let report = lockstep(dir, &["sync", "--format", "json"]).exits(0).json();
    for time in ["started", "ended"] {
        assert!(report[time].as_str().is_some_and(|at| at.ends_with('Z')), "{report}");
    }
    let zone = [("TZ", "XYZ-5")];
    for args in [&["status"][..], &["history"], &["explain", "crm.People/1"]] {
        let told = with(dir, args, &zone).exits(0);
        assert!(told.stdout.contains("+05:00") && !told.stdout.contains("Z "), "{told}");
    }
    for args in [
        &["status", "--format", "json"][..],
        &["history", "--format", "json"],
        &["history", "--format", "csv"],
    ] {
        with(dir, args, &zone).exits(0).says("Z").says_nothing_of("+05:00");
    }
    // A time without a zone is in the user's own: an hour from now there is one that has not come
    // yet, elsewhere it has passed.
    let started = lockstep_model::Timestamp::parse(report["started"].as_str().unwrap()).unwrap();
    let soon = started.plus_ms(5 * 3_600_000 - 60_000).to_string();
    let soon = soon[..16].replace('T', " ");
    with(dir, &["history", "--since", &soon], &zone).exits(0).says("written");
    with(dir, &["history", "--since", &soon], &[("TZ", "UTC0")]).exits(0).says("Nothing happened.");
    with(dir, &["history", "--since", "soon"], &zone).exits(2).says("in your time zone");
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let dir = project(1);
    let dir = dir.path();
    lockstep(dir, &["plan"]).exits(0).says_nothing_of("\u{1b}[");
    lockstep(dir, &["plan", "--color", "always"])
        .exits(0)
        .says("  \u{1b}[32mcreate \u{1b}[0ma new");
    lockstep(dir, &["--color=always", "plan", "--format", "json"])
        .exits(0)
        .says_nothing_of("\u{1b}[")
        .json();
    lockstep(dir, &["plan", "--color", "always", "-o", "plan.txt"]).exits(0);
    assert!(!read(&dir.join("plan.txt")).contains('\u{1b}'));
    with(dir, &["plan", "--color", "never"], &[("CLICOLOR_FORCE", "1")])
        .exits(0)
        .says_nothing_of("\u{1b}[");
    lockstep(dir, &["plan", "--help", "--color", "always"]).exits(0).says("\u{1b}[");
    // G9: what stands in a record brings no colour along.
    replace(&dir.join("data/crm/People.jsonl"), "Person, ", "\\u001b[31mRed");
    lockstep(dir, &["plan"]).exits(0).says_nothing_of("\u{1b}").says("\\u{1b}[31mRed");
    lockstep(dir, &["plan", "--format", "csv"])
        .exits(0)
        .says_nothing_of("\u{1b}")
        .says("\\u{1b}[31mRed");
}

/// Runs a command on a terminal of its own, and gives what it wrote there.
fn on_a_terminal(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> String {
    let words: Vec<String> = args.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("{} {}", env!("CARGO_BIN_EXE_lockstep"), words.join(" "));
    let mut script = std::process::Command::new("script");
    script.current_dir(dir).args(["-qec", &line, "/dev/null"]).stdin(std::process::Stdio::null());
    for name in ["COLORTERM", "NO_COLOR", "PAGER", "LOCKSTEP_PAGER", "LESS"] {
        script.env_remove(name);
    }
    script.env("TERM", "xterm").envs(variables.iter().copied());
    let output = script.output().expect("script(1) is there: package bsdutils");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_needs_no_variable_for_colours_and_pages() {
    let dir = project(1);
    let dir = dir.path();
    let coloured = "\u{1b}[32mcreate \u{1b}[0m";
    // `less` is what shows it, where nothing else is named: one of our own takes its place here.
    write(&dir.join("bin/less"), "#!/bin/sh\necho by less, LESS=$LESS\ncat\n");
    let set = |path: &Path| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    set(&dir.join("bin/less"));
    let usual = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{usual}", dir.join("bin").display());
    let plan = |variables: &[(&str, &str)]| {
        let all: Vec<_> = [("PATH", path.as_str())].iter().chain(variables).copied().collect();
        on_a_terminal(dir, &["plan"], &all)
    };
    let paged = plan(&[]);
    assert!(paged.contains("by less, LESS=FRX") && paged.contains(coloured), "{paged}");
    let plain = plan(&[("NO_COLOR", "1"), ("LOCKSTEP_PAGER", "")]);
    assert!(plain.contains("create a new") && !plain.contains("\u{1b}[3"), "{plain}");
    assert!(!plain.contains("by less"), "{plain}");
    let dumb = plan(&[("TERM", "dumb")]);
    assert!(dumb.contains("create a new") && !dumb.contains('\u{1b}'), "{dumb}");
    assert!(!dumb.contains("by less"), "{dumb}");
    let named = plan(&[("PAGER", "cat -n")]);
    assert!(!named.contains("by less") && named.contains("     1\t"), "{named}");
    // What is not there pages nothing: it is printed.
    let printed = plan(&[("PAGER", "no-such-pager")]);
    assert!(printed.contains(coloured), "{printed}");
}

#[test]
fn manual_pages_are_there_for_commands_within_commands() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let page = lockstep(dir, &["man", "connector", "test"]).exits(0).stdout;
    assert!(page.contains("lockstep-connector-test") && page.contains("MANIFEST"), "{page}");
    assert_eq!(lockstep(dir, &["man", "connector test"]).exits(0).stdout, page);
    lockstep(dir, &["man", "connector", "tset"])
        .exits(2)
        .says("there is no command `tset`; did you mean `test`?");
    lockstep(dir, &["man", "-o", "man1"]).exits(0);
    for name in ["lockstep", "lockstep-plan", "lockstep-connector-new", "lockstep-review-accept"] {
        let page = read(&dir.join(format!("man1/{name}.1")));
        assert!(page.contains(".SH SYNOPSIS") || page.contains(".SH NAME"), "{name}: {page}");
    }
}

#[test]
fn quiet_prints_what_needs_a_person_alone_and_verbose_all() {
    let dir = project(9);
    let dir = dir.path();
    let quiet = lockstep(dir, &["sync", "-q"]).exits(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""), "{quiet}");
    assert_eq!(lockstep(dir, &["status", "-q"]).exits(0).stdout, "");
    lockstep(dir, &["status", "-q", "--format", "json"]).exits(0).json();
    lockstep(dir, &["doc", "-q"]).exits(0).says("will be synchronized");
    // Two that are the same: a question.
    let more = "{\"id\":20,\"name\":\"A\",\"email\":\"x@example.com\"}\n{\"id\":21,\"name\":\"B\",\"email\":\"x@example.com\"}\n";
    let people = read(&dir.join("data/crm/People.jsonl"));
    write(&dir.join("data/crm/People.jsonl"), &format!("{people}{more}"));
    let asks = lockstep(dir, &["sync", "-q"])
        .exits(1)
        .says("review crm.People/2")
        .says("Waiting for a person");
    assert_eq!(asks.stdout, "", "{asks}");
    assert_eq!(lockstep(dir, &["review", "-q"]).exits(1).stdout, "");
    lockstep(dir, &["undo", "1", "-q"]).exits(2).says("add `--yes`");
    assert_eq!(lockstep(dir, &["check", "-q"]).exits(0).stderr, "");
    assert_eq!(lockstep(dir, &["test", "-q"]).exits(0).stderr, "");
    replace(&dir.join("flows/people.yaml"), "c-1: { phone:", "c-1: { name:");
    lockstep(dir, &["test", "-q"]).exits(1).says("FAILED  a customer whom").says_nothing_of("ok  ");
    replace(&dir.join("flows/people.yaml"), "email = mail  ", "email == mail");
    lockstep(dir, &["check", "-q"])
        .exits(2)
        .says("error[config::row]")
        .says_nothing_of("config::undated");

    let dir = project(9);
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0).says("… and 3 more");
    let dir = project(9);
    let dir = dir.path();
    let verbose = lockstep(dir, &["sync", "-v"])
        .exits(0)
        .says_nothing_of("more")
        .says("time: ")
        .says("exit status 0");
    assert!(verbose.stderr.contains("lockstep ") && verbose.stderr.contains("took "), "{verbose}");
    lockstep(dir, &["history", "-v"]).exits(0).says("took ");
}

#[test]
fn the_demo_keeps_its_project_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    lockstep(dir, &["demo", "--format", "json"]).exits(2).says("add `--once`");
    write(&dir.join("taken/file"), "");
    lockstep(dir, &["demo", "--once", "--keep", "taken"]).exits(2).says("not an empty folder");
    let told = lockstep(dir, &["demo", "--once", "--keep", "kept"])
        .exits(0)
        .says("The project stays in kept");
    told.says("—— second run ——");
    lockstep(dir, &["status", "-C", "kept"]).exits(0).says("wix.Contacts");
    let json = lockstep(dir, &["demo", "--once", "--format", "json"]).exits(0).json();
    assert_eq!(json["folder"], Value::Null);
    assert!(json["first"]["events"].as_array().is_some_and(|events| !events.is_empty()));
}
