//! Transcripts of the commands on projects that are in order: what they print, what they change,
//! how they end.

mod elements;
mod looking;
mod output;
mod parts;

use std::path::Path;

use serde_json::json;

use crate::transcript::{command, contents, files, lockstep, read, replace, root, seeds, write};

fn started() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &["init"]).exits(0).says("lockstep.yaml").says("Next:");
    // Nothing that both sides hold differs, so that nothing depends on which was seen first.
    let people = "{\"id\":1,\"name\":\"Solveig Aas\",\"email\":\"solveig@example.com\",\"phone\":\"+47 22 00 00 01\"}\n\
                  {\"id\":2,\"name\":\"Torbjørn Lie\",\"email\":\"torbjorn@example.com\",\"phone\":\"\"}\n";
    write(&dir.path().join("data/crm/People.jsonl"), people);
    let customers = "{\"id\":\"c-1\",\"name\":\"Solveig Aas\",\"mail\":\"solveig@example.com\",\"phone\":\"\"}\n";
    write(&dir.path().join("data/shop/Customers.jsonl"), customers);
    dir
}

/// All that a status tells of the store: a plan may not change any of it.
fn stored(dir: &Path) -> serde_json::Value {
    lockstep(dir, &["status", "--format", "json"]).exits(0).json()
}

#[test]
fn a_new_project_goes_from_nothing_to_in_step_and_stays_there() {
    let dir = started();
    let dir = dir.path();
    lockstep(dir, &["check"]).exits(0).says("2 systems, 1 flow: 0 errors, 0 warnings.");
    lockstep(dir, &["sync"])
        .exits(0)
        .says("1 linked, 1 created, 1 updated")
        .says("2 records written.");
    let shop = read(&dir.join("data/shop/Customers.jsonl"));
    assert!(shop.contains("torbjorn@example.com") && shop.contains("+47 22 00 00 01"), "{shop}");

    // P4: a second run straight after a first writes nothing.
    let before = contents(&dir.join("data"));
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
    assert_eq!(contents(&dir.join("data")), before);

    lockstep(dir, &["status"])
        .exits(0)
        .says("crm.People")
        .says("read to the end")
        .says("run 2 began");
    lockstep(dir, &["entities"])
        .exits(0)
        .says("• crm.People/1")
        .says("= shop.Customers/c-1")
        .says("Torbjørn Lie");
    lockstep(dir, &["explain", "shop.Customers/c-1", "phone"])
        .exits(0)
        .says("= crm.People/1: they match by email = mail")
        .says("+47 22 00 00 01");
    lockstep(dir, &["history", "shop.Customers/c-1"])
        .exits(0)
        .says("written")
        .says("phone: “” → “+47 22 00 00 01”")
        .says("(P2)");
    lockstep(dir, &["review"]).exits(0).says("Nothing waits for a person.");
}

#[test]
fn a_plan_changes_neither_the_systems_nor_the_store_and_the_run_after_it_does_just_that() {
    let dir = started();
    let dir = dir.path();
    let before = contents(&dir.join("data"));
    let first = lockstep(dir, &["plan"])
        .exits(0)
        .says("1 to link, 1 to create, 1 to update")
        .says("Nothing has been: this was a plan.");
    assert_eq!(contents(&dir.join("data")), before, "G1: files changed");
    let store = stored(dir);
    assert_eq!(store["runs"], serde_json::json!([]), "G1: {store}");
    let again = lockstep(dir, &["plan"]).exits(0);
    // A link has no direction: which of its two records is named first is no difference.
    let lines = |text: &str| -> Vec<String> {
        let sorted = |line: &str| {
            let mut words: Vec<&str> = line.split_whitespace().collect();
            words.sort_unstable();
            words.join(" ")
        };
        text.lines().map(sorted).collect()
    };
    assert_eq!(lines(&first.stdout), lines(&again.stdout), "a plan after a plan says the same");
    assert_eq!(stored(dir), store);

    let planned = lockstep(dir, &["plan", "--format", "json"]).exits(0).json();
    let done = lockstep(dir, &["sync", "--format", "json"]).exits(0).json();
    assert_eq!((&planned["plan_only"], &done["plan_only"]), (&true.into(), &false.into()));
    for count in ["linked", "created", "updated"] {
        assert_eq!(planned["flows"][0][count], 1, "{planned}");
        assert_eq!(planned["flows"][0][count], done["flows"][0][count]);
    }
}

#[test]
fn with_format_json_standard_output_is_one_json_document() {
    let dir = started();
    let dir = dir.path();
    let json = |args: &[&str]| {
        let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
        lockstep(dir, &args).exits(0).json()
    };
    assert_eq!(json(&["check"])["errors"], 0);
    assert_eq!(json(&["plan"])["systems"][0]["system"], "crm");
    assert_eq!(json(&["sync"])["systems"][1]["created"], 1);
    assert_eq!(json(&["status"])["types"][0]["records"], 2);
    assert_eq!(json(&["entities"]).as_array().unwrap().len(), 2);
    assert_eq!(json(&["review"]), serde_json::json!([]));
    assert_eq!(
        json(&["explain", "crm.People/1", "email"])["properties"][0]["value"],
        "solveig@example.com"
    );
    let history = json(&["history", "shop.Customers/c-1"]);
    assert!(
        history
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["path"] == "phone" && entry["rule"] == "P2"),
        "{history}"
    );
    write(&dir.join("flows/people.yaml"), "flows:\n  - from: crm.Peopel\n    to: shop.Customers\n");
    let wrong = lockstep(dir, &["check", "--format", "json"]).exits(2);
    let told = wrong.json();
    assert_eq!((&told["version"], &told["errors"]), (&json!(1), &json!(1)), "{wrong}");
    let problem = &told["problems"][0];
    assert_eq!(problem["code"], "config::unknown-record-type", "{wrong}");
    assert_eq!((&problem["line"], &problem["column"]), (&json!(2), &json!(11)), "{wrong}");
    assert_eq!((&problem["start"], &problem["end"]), (&json!(17), &json!(27)), "{wrong}");
    assert_eq!(problem["related"], json!([]), "{wrong}");
}

#[test]
fn a_project_is_never_started_over_another() {
    let dir = started();
    let before = contents(dir.path());
    lockstep(dir.path(), &["init"]).exits(2).says("holds a project already; nothing was changed");
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn looking_needs_a_store_and_a_known_record() {
    let dir = started();
    lockstep(dir.path(), &["status"]).exits(2).says("`lockstep sync` makes it");
    lockstep(dir.path(), &["sync"]).exits(0);
    lockstep(dir.path(), &["explain", "crm.People/77"]).exits(2).says("crm.People/77 is not known");
    lockstep(dir.path(), &["connect", "shopp"]).exits(2).says("there are crm, shop");
    lockstep(dir.path(), &["connect", "shop"]).exits(0).says("shop: ");
    lockstep(dir.path(), &["synch"]).exits(2).says("sync");
}

#[test]
fn a_rule_and_a_code_are_explained_in_any_folder() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let p1b = lockstep(dir, &["explain", "--rule", "P1b"]).exits(0);
    let p1b = p1b
        .says("P1b: The time of an edit is moved into the window")
        .says("Why: ")
        .says("    before  ");
    p1b.says("`engine/src/observe/times.rs`: `edited_at`")
        .says("p1b_an_edit_was_made_since")
        .says_nothing_of("**")
        .says_nothing_of("P1c");
    lockstep(dir, &["explain", "--rule", "c2"])
        .exits(0)
        .says("C2: A record is created at most once.");
    lockstep(dir, &["explain", "--rule", "P13"])
        .exits(2)
        .says("there is no rule `P13`; did you mean `P1`")
        .says("lists all");
    lockstep(dir, &["explain", "--rule", "unheard-of"])
        .exits(2)
        .says("there is no rule `unheard-of`. `lockstep explain --rule`");
    let all = lockstep(dir, &["explain", "--rule"])
        .exits(0)
        .says("Reading\n  R1    A run reads")
        .says("  G10   Every setting");
    assert_eq!(
        all.stdout.lines().filter(|line| line.starts_with("  ")).count(),
        lockstep_model::rule::Rule::ALL.len()
    );
    let json = lockstep(dir, &["explain", "--rule", "P1", "--format", "json"]).exits(0).json();
    assert_eq!(
        (&json["rule"], &json["area"], &json["summary"]),
        (&"P1".into(), &"Keeping equal".into(), &"The latest edit wins.".into())
    );
    assert!(json["text"].as_str().unwrap().contains("\nWhy: "), "{json}");
    let json = lockstep(dir, &["explain", "--rule", "--format", "json"]).exits(0).json();
    assert_eq!(json.as_array().unwrap().len(), lockstep_model::rule::Rule::ALL.len());

    let row = lockstep(dir, &["explain", "--code", "config::row"])
        .exits(0)
        .says("config::row: A row of a table can't be read.");
    let row = row.says("What to do: ").stdout;
    for same in ["row", "warning[config::row]", "error[config::row]"] {
        assert_eq!(lockstep(dir, &["explain", "--code", same]).exits(0).stdout, row);
    }
    lockstep(dir, &["explain", "--code", "config::rwo"])
        .exits(2)
        .says("there is no code `config::rwo`; did you mean `config::row`");
    let both = lockstep(dir, &["explain", "--code", "repeated-section"]).exits(2);
    both.says("did you mean `config::repeated-section` or `document::repeated-section`?");
    lockstep(dir, &["explain", "--code"]).exits(0).says("config::yaml").says("document::spacing");
    let json =
        lockstep(dir, &["explain", "--code", "config::row", "--format", "json"]).exits(0).json();
    assert_eq!(
        (&json["code"], &json["area"]),
        (&"config::row".into(), &"Files of a project".into())
    );
    lockstep(dir, &["explain"]).exits(2);
    lockstep(dir, &["explain", "crm.People/1", "--rule", "P1"]).exits(2);
}

#[test]
fn a_folder_is_named_before_or_after_the_command_or_among_the_documents() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let document = root().join("examples/documents/wix-youtrack.rst");
    let document = document.to_str().unwrap();
    for (line, folder) in [
        (vec!["init", "a", "--from", document], "a"),
        (vec!["init", "--from", document, "b"], "b"),
        (vec!["-C", "c", "init", "--from", document], "c"),
        (vec!["init", "d", "-C", "."], "d"),
    ] {
        lockstep(dir, &line).exits(0).says(&format!("wrote   {folder}/lockstep.yaml"));
    }
    let example = read(&dir.join("a/.env.example"));
    let project = read(&dir.join("a/lockstep.yaml"));
    assert!(example.contains("WIX_API_KEY=\n") && example.contains("# "), "{example}");
    assert_eq!(
        example.lines().filter(|line| line.ends_with('=')).count(),
        project.matches("${").count() - 1,
        "{example}\n{project}"
    );
    assert!(!dir.join("d/.env.example").exists(), "no variable is named there");
    lockstep(dir, &["check", "-C", "d"]).exits(0).says("2 systems, 1 flow");
    lockstep(dir, &["-C", "d", "check"]).exits(0).says("2 systems, 1 flow");
    lockstep(dir, &["-C", "d", "demo", "--once"]).exits(2).says("`-C` names a project");
}

#[test]
fn the_help_has_examples_and_exit_statuses_and_goes_to_shells_and_man() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    lockstep(dir, &["--help"])
        .exits(0)
        .says("Exit status:")
        .says("3  a system could not be reached")
        .says("Examples:");
    lockstep(dir, &["undo", "--help"]).exits(0).says("lockstep undo crm.People/7 phone");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        lockstep(dir, &["completions", shell]).exits(0).says("explain");
    }
    lockstep(dir, &["man"]).exits(0).says(".TH lockstep 1").says("Exit status:");
    lockstep(dir, &["man", "plan"]).exits(0).says(".TH");
    lockstep(dir, &["man", "plann"]).exits(2).says("did you mean `plan`?");
    lockstep(dir, &["man", "-o", "pages"])
        .exits(0)
        .says("wrote   pages/lockstep.1")
        .says("pages/lockstep-plan.1");
}

#[test]
fn what_cites_a_rule_or_a_code_says_where_to_read_on() {
    let dir = started();
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let told = lockstep(dir, &["explain", "shop.Customers/c-1"]).exits(0).says("by rule P2");
    assert_eq!(told.stdout.matches("lockstep explain --rule").count(), 1, "{told}");
    told.says("`lockstep explain --rule P2` tells what rule P2 means.");
    replace(&dir.join("flows/people.yaml"), "email = mail", "email == mail");
    let told = lockstep(dir, &["check"]).exits(2).says("error[config::row]");
    told.says("`lockstep explain --code config::row` tells what this code means");
}

#[test]
fn doc_writes_rst_markdown_and_html() {
    let dir = started();
    let dir = dir.path();
    let rst = lockstep(dir, &["doc", "flows/people.yaml"]).exits(0);
    assert!(
        rst.stdout.contains("Every crm People will be synchronized with a shop Customers."),
        "{rst}"
    );
    lockstep(dir, &["doc"])
        .exits(0)
        .says("Every CRM People will be synchronized with a Shop Customers.");
    let md = lockstep(dir, &["doc", "--format", "md", "flows/people.yaml"]).exits(0);
    assert!(md.stdout.starts_with("# ") && md.stdout.contains("| email | mail |"), "{md}");
    let html = lockstep(dir, &["doc", "--format", "html", "flows/people.yaml"]).exits(0);
    assert!(html.stdout.trim_start().starts_with("<!") && html.stdout.contains("<table"), "{html}");
    for format in ["rst", "md", "html"] {
        let told =
            lockstep(dir, &["doc", "--format", format, "-o", "out", "flows/people.yaml"]).exits(0);
        assert_eq!(told.stdout.trim(), format!("out/people.{format}"));
    }
    assert_eq!(read(&dir.join("out/people.rst")), rst.stdout);
    assert_eq!(read(&dir.join("out/people.md")), md.stdout);
    assert_eq!(read(&dir.join("out/people.html")), html.stdout);
}

/// Document to flow file and back, and document to document.
fn comes_back(document: &Path) {
    let out = tempfile::tempdir().unwrap();
    let base = document.file_stem().unwrap().to_string_lossy().into_owned();
    let path = document.to_string_lossy();
    lockstep(out.path(), &["doc", "--format", "rst", "-o", "same", &path]).exits(0);
    assert!(
        std::fs::read(out.path().join(format!("same/{base}.rst"))).unwrap()
            == std::fs::read(document).unwrap(),
        "doc changes {path}"
    );
    lockstep(out.path(), &["import", &path, "-o", "flows"]).exits(0);
    let back = lockstep(out.path(), &["doc", &format!("flows/{base}.yaml")]).exits(0);
    assert_eq!(back.stdout, read(document), "import and doc change {path}");
}

#[test]
fn the_example_documents_come_back_from_flow_files() {
    let documents = files(&root().join("examples/documents"), "rst");
    assert_eq!(documents.len(), 5);
    documents.iter().for_each(|document| comes_back(document));
}

#[test]
fn the_seed_documents_come_back_byte_for_byte() {
    seeds().iter().for_each(|document| comes_back(document));
}

#[test]
fn the_example_flows_are_what_import_makes_of_the_example_documents() {
    // Together: the tests that they get are of all flows at work.
    let out = tempfile::tempdir().unwrap();
    let documents: Vec<String> = files(&root().join("examples/documents"), "rst")
        .iter()
        .map(|path| path.strip_prefix(root()).unwrap_or(path).display().to_string())
        .collect();
    let folder = out.path().display().to_string();
    let mut args = vec!["import"];
    args.extend(documents.iter().map(String::as_str));
    args.extend(["-o", &folder]);
    lockstep(&root(), &args).exits(0);
    for flows in files(&root().join("examples/flows"), "yaml") {
        let name = flows.file_name().unwrap();
        let made = read(&out.path().join(name));
        assert_eq!(
            made,
            read(&flows),
            "examples/flows/{} is not what import makes",
            name.display()
        );
        assert!(made.matches("  - name: ").count() >= 2, "{made}");
    }
}

#[test]
fn import_and_init_overwrite_no_flow_file_that_is_there() {
    let dir = started();
    let dir = dir.path();
    let document = files(&root().join("examples/documents"), "rst").remove(0);
    let base = document.file_stem().unwrap().to_string_lossy().into_owned();
    let flows = dir.join(format!("flows/{base}.yaml"));
    std::fs::write(&flows, "flows: []   # edited\n").unwrap();
    let before = files(&dir.join("flows"), "yaml").len();
    let path = document.to_string_lossy();
    lockstep(dir, &["import", &path, "-o", "flows"])
        .exits(2)
        .says("is there already: nothing was written");
    assert_eq!(read(&flows), "flows: []   # edited\n");
    // Nor do two documents of one name take each other's place, nor a document the one it was made
    // of.
    let other = dir.join(format!("other/{base}.rst"));
    std::fs::create_dir(dir.join("other")).unwrap();
    std::fs::copy(&document, &other).unwrap();
    lockstep(dir, &["import", &path, &other.to_string_lossy(), "-o", "new"])
        .exits(2)
        .says("would both be written to");
    assert!(!dir.join("new").exists() && files(&dir.join("flows"), "yaml").len() == before);
    std::fs::remove_file(dir.join("lockstep.yaml")).unwrap();
    let starter = read(&dir.join("flows/people.yaml"));
    std::fs::write(dir.join("flows/people.yaml"), "flows: []   # mine\n").unwrap();
    lockstep(dir, &["init"])
        .exits(2)
        .says("flows/people.yaml is there already: nothing was written");
    assert!(!dir.join("lockstep.yaml").exists());
    std::fs::write(dir.join("flows/people.yaml"), starter).unwrap();
    lockstep(dir, &["init"]).exits(0);
}

#[test]
fn r8_what_is_damaged_or_out_of_reach_is_told_by_check_sync_and_status_and_the_rest_goes_on() {
    let dir = started();
    let dir = dir.path();
    std::fs::write(dir.join("data/crm/stray.csv"), "a;b\n1;2\n").unwrap();
    std::fs::write(dir.join("data/crm/Firms.csv"), "id,name\n1,\"Fjord\n").unwrap();
    std::fs::write(dir.join("data/shop/Firms.jsonl"), "").unwrap();
    replace(
        &dir.join("lockstep.yaml"),
        "flows:\n",
        "  base:\n    connector: sql\n    with: { url: sqlite:none.db }\nflows:\n",
    );
    let more = "flows:
  - { from: crm.Firms, to: shop.Firms, create: always, match: [name = name], properties: [name <-> name] }
  - { from: crm.People, to: base.people, create: always, match: [email = email], properties: [email <-> email] }
";
    std::fs::write(dir.join("flows/more.yaml"), more).unwrap();
    let checked = lockstep(dir, &["check"])
        .exits(0)
        .says("the file ends between quotes")
        .says("base can't be asked");
    assert!(!checked.stdout.contains("stray"), "{checked}");
    for _ in 0..2 {
        lockstep(dir, &["sync"])
            .exits(3)
            .says("data/crm/Firms.csv:2: the file ends between quotes")
            .says("base was left alone");
        lockstep(dir, &["status"])
            .exits(0)
            .says("the file ends between quotes")
            .says("base is left alone since");
    }
    assert_eq!(read(&dir.join("data/shop/Customers.jsonl")).lines().count(), 2, "the rest goes on");
}

#[test]
fn a_project_made_of_documents_has_tests_of_its_flows_that_pass() {
    let dir = tempfile::tempdir().unwrap();
    let documents = files(&root().join("examples/documents"), "rst");
    let documents: Vec<String> = documents.iter().map(|path| path.display().to_string()).collect();
    let mut args = vec!["init", "--from"];
    args.extend(documents.iter().map(String::as_str));
    lockstep(dir.path(), &args).exits(0).says("flows/tests.yaml");
    lockstep(dir.path(), &["test"]).exits(0).says(" 0 failed");
    let tests = read(&dir.path().join("flows/tests.yaml"));
    assert!(tests.matches("  - name: ").count() >= 10, "{tests}");
    // They are of these flows: with another rule, one fails.
    replace(
        &dir.path().join("flows/superoffice-zendesk.rst"),
        "   * - Emails.Value\n     - email\n\n",
        "   * - FullName\n     - name\n\n",
    );
    lockstep(dir.path(), &["test"])
        .exits(1)
        .says("FAILED")
        .says("link zendesk.Users/2 = superoffice.Person/1");
}

/// What a document can't say of the systems stands in the project that is made of it; where the
/// project is, nothing needs to be named.
#[test]
fn a_project_made_of_a_document_says_what_elements_and_references_are() {
    let dir = tempfile::tempdir().unwrap();
    write(
        &dir.path().join("flows.yaml"),
        "\
flows:
  - from: crm.People
    to: shop.Customers
    create: always
    only: kind == \"customer\"
    match: [mail = mail]
    properties: [mail <-> mail, { row: land <-> code, map: { Norge: \"NO\" } }, company > name -> firm]
  - { from: crm.Companies, to: shop.Firms, create: always, match: [name = name], properties: [name <-> name] }
  - from: crm.Orders[lines]
    to: shop.Orders[items]
    create: both
    match: [$parent = $parent and line = pos]
    properties: [$parent <-> $parent, line <-> pos]
  - { from: crm.Orders, to: shop.Orders, create: always, match: [number = number], properties: [number <-> number] }
",
    );
    lockstep(dir.path(), &["doc", "flows.yaml", "--format", "rst", "-o", "p"]).exits(0);
    let project = dir.path().join("p");
    let ran = lockstep(&project, &["init", ".", "--from", "flows.rst"]).exits(0);
    assert!(ran.stdout.contains("lockstep check    what is wrong"), "{ran}");
    let yaml = read(&project.join("lockstep.yaml"));
    for said in [
        "    elements:\n      Orders: { lines: { id: line } }\n    references:\n      People: { company: Companies }\n",
        "    elements:\n      Orders: { items: { id: pos } }\n",
    ] {
        assert!(yaml.contains(said), "{yaml}");
    }
    // What is left to fill in are the folders.
    let filled = ["crm", "shop"].iter().fold(yaml, |yaml, system| {
        let before = format!("  {system}:\n");
        yaml.replace(&before, &format!("{before}    with: {{ folder: {system} }}\n"))
    });
    write(&project.join("lockstep.yaml"), &filled);
    for file in
        ["crm/People", "crm/Companies", "crm/Orders", "shop/Customers", "shop/Firms", "shop/Orders"]
    {
        write(&project.join(format!("{file}.jsonl")), "");
    }
    lockstep(&project, &["test"]).exits(0).says(" 0 failed");
    let tests = read(&project.join("flows/tests.yaml"));
    assert!(tests.contains("land: \"Norge\"") && tests.contains("does not hold"), "{tests}");
}

#[test]
fn the_demo_needs_nothing_and_its_second_run_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ran = lockstep(dir.path(), &["demo", "--once", "--port", "0"]).exits(0);
    let (first, second) = ran.stdout.split_once("second run").unwrap_or_else(|| panic!("{ran}"));
    assert!(first.contains("records written."), "{ran}");
    assert!(second.contains("Nothing was written."), "{ran}");
    assert!(
        contents(dir.path()).is_empty(),
        "the demo leaves nothing in the folder it is started in"
    );
}

#[test]
fn check_says_of_all_five_seed_documents_what_would_do_harm() {
    let seeds = seeds();
    let [so_wix, go_wix, wix_yt, wix_crm, so_zd] = &seeds[..] else { return };
    let dir = tempfile::tempdir().unwrap();
    for (name, path) in [
        ("so-wix", so_wix),
        ("go-wix", go_wix),
        ("wix-yt", wix_yt),
        ("wix-crm", wix_crm),
        ("so-zd", so_zd),
    ] {
        write(&dir.path().join(format!("flows/{name}.rst")), &read(path));
    }
    let project = "\
systems:
  superoffice: { connector: superoffice, title: SuperOffice, with: { base_url: http://x, context: c, client_id: i, client_secret: s, refresh_token: r } }
  wix: { connector: wix, title: Wix, aliases: [Wix.com], with: { api_key: k, site_id: s } }
  poweroffice-go: { connector: poweroffice-go, title: PowerOffice Go, aliases: [Powerofficego], with: { application_key: a, client_key: c, subscription_key: s } }
  crmoffice: { connector: crmoffice, title: CRMOffice, with: { client_id: i, client_secret: s, refresh_token: r } }
  zendesk: { connector: zendesk, title: Zendesk, with: { base_url: http://x, email: ops@example.com, api_token: t } }
  youtrack: { connector: youtrack, title: YouTrack, with: { base_url: http://x, token: t } }
flows:
  - flows/so-wix.rst
  - flows/go-wix.rst
  - { file: flows/wix-yt.rst, unnamed: youtrack }
  - flows/wix-crm.rst
  - { file: flows/so-zd.rst, unnamed: zendesk }
";
    write(&dir.path().join("lockstep.yaml"), project);
    let ran = lockstep(dir.path(), &["check"]).exits(0);
    // G6: the flows that create everything without recognising what is there.
    for flow in [
        "every poweroffice-go.Employees gets a wix.Contacts of its own",
        "every poweroffice-go.Contactperson gets a wix.Contacts of its own",
        "every poweroffice-go.Customers gets a wix.Contacts of its own",
        "every wix.Contacts gets a crmoffice.Contacts of its own",
        "every superoffice.Contact gets a zendesk.Organizations of its own",
        "every superoffice.Ticket gets a zendesk.Tickets of its own",
    ] {
        assert!(ran.stdout.contains(flow), "{flow}\n{ran}");
    }
    // The empty tables, the one that would create nothing but empty records among them (C3).
    let ran = ran
        .says("nothing is kept equal between superoffice.Person and wix.Contacts")
        .says("nothing is kept equal between superoffice.User and wix.Contacts")
        .says("the flow synchronizes no property towards crmoffice.Companies, so it creates nothing (C3)")
        // The section that is there twice, at its line.
        .says("the flow wix.Contacts to crmoffice.Contacts is stated before")
        .says("flows/wix-crm.rst:53:1")
        // One property fanned out to two that are one, and a path with its own parent.
        .says("wix.Contacts derives `primaryInfo.phone` from `info.phones`")
        .says("wix.Contacts derives `primaryInfo.email` from `info.emails`")
        .says("flows/go-wix.rst:35:8")
        .says("`profile.email` of youtrack.Users stands for its value `profile.email.email`")
        .says("flows/wix-yt.rst:39:8");
    ran.says("6 systems, 13 flows: 0 errors,");
}

/// Ends the command that it holds, however the test ends.
struct Ends(std::process::Child);

impl Drop for Ends {
    fn drop(&mut self) {
        // It may have ended by itself, which is what a failed test will tell about.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_sandbox_says_how_its_faults_are_changed_while_it_runs_and_they_can_be() {
    use std::io::{BufRead, BufReader};
    let dir = tempfile::tempdir().unwrap();
    let setting = r#"{"systems":{"wix":{"rates":[{"kind":"status","status":502,"per_mille":1000}]},"zendesk":"some"}}"#;
    write(&dir.path().join("faults.json"), setting);
    let args = ["sandbox", "wix", "zendesk", "--port", "0", "--faults", "faults.json"];
    let mut sandbox =
        Ends(command(dir.path(), &args).stdout(std::process::Stdio::piped()).spawn().unwrap());
    let told: Vec<String> = BufReader::new(sandbox.0.stdout.take().unwrap())
        .lines()
        .map(|line| line.unwrap())
        .take_while(|line| line != "Ctrl-C ends it.")
        .collect();
    let root = told[0].split(' ').next().unwrap();
    assert!(
        told.iter().any(|line| line.trim() == format!("curl -X DELETE {root}/_sandbox/faults")),
        "{told:#?}"
    );
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let status =
        || agent.get(format!("{root}/wix/contacts/v4/contacts")).call().unwrap().status().as_u16();
    let shown = || -> serde_json::Value {
        agent.get(format!("{root}/_sandbox/faults")).call().unwrap().body_mut().read_json().unwrap()
    };
    assert_eq!(status(), 502);
    assert_eq!(shown()["wix"]["struck"], serde_json::json!({"status":1}));
    assert!(shown()["zendesk"]["rates"].as_array().unwrap().len() > 10);
    agent.put(format!("{root}/_sandbox/faults")).send("\"none\"").unwrap();
    assert_eq!(status(), 401, "it behaves, and asks for a key");

    lockstep(dir.path(), &["sandbox", "--faults", "most"])
        .exits(2)
        .says("neither one of none, some, many nor a file");
    lockstep(dir.path(), &["sandbox", "--faults", "wix"])
        .exits(2)
        .says("name it before `--faults`");
    write(&dir.path().join("faults.json"), r#"{"rates":[{"kind":"slow","per_mile":1}]}"#);
    lockstep(dir.path(), &["sandbox", "--faults", "faults.json"])
        .exits(2)
        .says("faults.json: 'per_mile' is nothing that a rate has");
    lockstep(dir.path(), &["sandbox", "--help"]).exits(0).says("--faults").says("/_sandbox/faults");
}
