//! The tutorial of `docs/connectors.md`, carried out as it stands: its files are written, its
//! commands run, and what it shows of their output must be there.

use crate::transcript::{lockstep, read, root, write};
use lockstep_sandbox::{Options, Sandbox};

#[test]
fn the_tutorial_of_a_new_system_holds_as_it_is_written() {
    let sandbox =
        Sandbox::start(Options { systems: vec!["fjordclub".into()], ..Options::default() })
            .unwrap();
    let (dir, page) = (tempfile::tempdir().unwrap(), read(&root().join("docs/connectors.md")));
    let dir = dir.path();
    write(&dir.join("openapi.yaml"), &read(&root().join("examples/fjordclub/openapi.yaml")));
    let part = page.split("\n## ").nth(1).expect("the page has a tutorial");
    let mut commands = 0;
    for block in part.split("\n```").skip(1).step_by(2) {
        let (kind, block) = block.split_once('\n').expect("a block has a first line");
        let first = block.lines().next().unwrap_or_default();
        let rest = block.split_once('\n').map_or("", |(_, rest)| rest);
        if let Some(file) = first.strip_prefix("# FILE ") {
            write(
                &dir.join(file),
                &format!("{}\n", rest.replace("http://127.0.0.1:4780", &sandbox.root())),
            );
        } else if let Some(file) = first.strip_prefix("# ADD ") {
            let before = read(&dir.join(file));
            write(&dir.join(file), &format!("{before}{rest}\n"));
        } else if kind == "console" {
            for run in block.split("$ ").skip(1) {
                let (command, shown) = run.split_once('\n').unwrap_or((run, ""));
                let args: Vec<&str> = command.split_whitespace().collect();
                assert_eq!(args[0], "lockstep", "{command}");
                if args[1] == "sandbox" {
                    continue;
                }
                let mut ran = lockstep(dir, &args[1..]).exits(0);
                for line in shown.lines().filter(|line| !line.trim().is_empty()) {
                    ran = ran.says(line);
                }
                commands += 1;
            }
        }
    }
    assert_eq!(commands, 6, "the tutorial has other commands now");
    let people = read(&dir.join("data/People.jsonl"));
    assert!(people.contains("Jorunn Vik") && people.contains("Halvard Moe"), "{people}");
    let members = sandbox.records("fjordclub", "members").unwrap();
    assert!(members.iter().any(|member| member["name"] == "Sunniva Lund"), "{members:?}");
    assert_eq!(
        members.len(),
        4,
        "nobody is there twice, and the test's own record is gone: {members:?}"
    );

    // Both ways, and what was deleted is heard of.
    let eira = members.iter().find(|member| member["name"] == "Eira Solheim").unwrap()["id"]
        .as_str()
        .unwrap();
    sandbox.edit("fjordclub", "members", eira, &serde_json::json!({"town": "Stord"})).unwrap();
    write(&dir.join("data/People.jsonl"), &people.replace("\"Odda\"", "\"Røldal\""));
    lockstep(dir, &["sync"]).exits(0);
    assert!(read(&dir.join("data/People.jsonl")).contains("Stord"));
    let members = sandbox.records("fjordclub", "members").unwrap();
    assert!(members.iter().any(|member| member["town"] == "Røldal"), "{members:?}");
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[test]
fn what_does_not_hold_is_told_and_check_reminds_of_it() {
    let sandbox =
        Sandbox::start(Options { systems: vec!["fjordclub".into()], ..Options::default() })
            .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    lockstep(dir, &["connector", "new", "wix"]).exits(2).says("built in");
    lockstep(dir, &["connector", "new", "club", "--openapi", "nowhere.yaml"])
        .exits(2)
        .says("nowhere.yaml");
    let openapi = root().join("examples/fjordclub/openapi.yaml");
    lockstep(dir, &["connector", "new", "club", "--openapi", openapi.to_str().unwrap()]).exits(0);
    lockstep(dir, &["connector", "new", "club"]).exits(2).says("is there already");
    let url = sandbox.url("fjordclub").unwrap();
    write(
        &dir.join("lockstep.yaml"),
        &format!(
            "store: sqlite:lockstep.db\nsystems:\n  club:\n    connector: club\n    with: {{ base_url: \"{url}\", api_key: sandbox-fjordclub-key }}\n"
        ),
    );
    let manifest = dir.join("connectors/club.yaml");
    let text = read(&manifest);
    // Nobody locks, the refused property is looked for in the wrong place (it is found by its name
    // all the same), a property is where nothing is.
    let wrong = text
        .replace(", read-before: true", "")
        .replace(", headers: { If-Match: \"{{ version }}\" }", "")
        .replace("property: [field, message, detail]", "property: [nowhere]")
        .replace("modified: updated_at", "modified: updatet_at");
    assert_ne!(wrong, text);
    write(&manifest, &wrong);
    lockstep(dir, &["connector", "test", "connectors/club.yaml", "--write"])
        .exits(1)
        .says("✗ locking: an edit made meanwhile was written over")
        .says("`modified`: none of the records listed has `updatet_at`. Is it at `updated_at`? Say `modified: updated_at` (connectors/club.yaml, line ")
        .says("✓ refusals are told");
    lockstep(dir, &["check"])
        .says("locking did not hold for Members")
        .says("lockstep connector test connectors/club.yaml");
    write(&manifest, &text);
    lockstep(dir, &["connector", "test", "connectors/club.yaml", "--write"]).exits(0);
    lockstep(dir, &["check"]).says_nothing_of("did not hold");
    assert_eq!(
        sandbox.records("fjordclub", "members").unwrap().len(),
        3,
        "no test leaves a record"
    );

    // One record type alone; and where nothing can be deleted, what stays is named.
    lockstep(dir, &["connector", "test", "club", "--type", "Boats"])
        .exits(2)
        .says("club has no record type `Boats`; it has Members");
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("    delete:")).collect();
    write(&manifest, &format!("{}\n", without.join("\n")));
    lockstep(dir, &["connector", "test", "club", "--type", "Members", "--write"])
        .exits(0)
        .says("– delete")
        .says("Left behind in club, to be deleted by hand:\n  Members m")
        .says("made by the test, with the mark ");
    assert_eq!(sandbox.records("fjordclub", "members").unwrap().len(), 4);
}
