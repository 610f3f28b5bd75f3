//! The cookbook: every flow file of `docs/cookbook.md` is played as it stands, in a project of two
//! folders of JSON Lines.

use crate::transcript::{lockstep, read, root, write};

const PROJECT: &str = "systems:
  crm:
    connector: files
    with: { folder: crm }
    elements: { Orders: { lines: { id: no } } }
    references: { People: { company: Companies }, Teams: { members: People } }
  shop:
    connector: files
    with: { folder: shop }
    elements: { Orders: { items: { id: pos } } }
    references: { Groups: { people: Customers } }
flows: [flows/*.yaml]
";

fn project(flows: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("lockstep.yaml"), PROJECT);
    write(&dir.path().join("crm/People.jsonl"), "");
    write(&dir.path().join("shop/Customers.jsonl"), "");
    write(&dir.path().join("crm/Companies.jsonl"), "");
    write(&dir.path().join("crm/Projects.jsonl"), "");
    write(&dir.path().join("shop/Projects.jsonl"), "");
    write(&dir.path().join("crm/Orders.jsonl"), "");
    write(&dir.path().join("crm/Teams.jsonl"), "");
    write(&dir.path().join("shop/Groups.jsonl"), "");
    write(&dir.path().join("shop/Orders.jsonl"), "");
    write(&dir.path().join("crm/Products.jsonl"), "");
    write(&dir.path().join("shop/Products.jsonl"), "");
    write(&dir.path().join("flows/people.yaml"), flows);
    dir
}

/// The page's flow files, each with its heading.
fn recipes() -> Vec<(String, String)> {
    let page = read(&root().join("docs/cookbook.md"));
    let section = |section: &str| {
        let (heading, rest) = section.split_once('\n').unwrap();
        let mut blocks =
            rest.split("```yaml\n").skip(1).filter_map(|block| block.split("\n```").next());
        let block = blocks.find(|block| block.contains("flows:"));
        (
            heading.to_string(),
            format!("{}\n", block.unwrap_or_else(|| panic!("{heading} has no example"))),
        )
    };
    page.split("\n## ").skip(1).map(section).collect()
}

#[test]
fn every_recipe_does_what_it_says() {
    let recipes = recipes();
    assert!(recipes.len() >= 12, "{} recipes: some are not found", recipes.len());
    let mut failed = Vec::new();
    for (heading, flows) in recipes {
        let dir = project(&flows);
        let ran = lockstep(dir.path(), &["test"]);
        if ran.status != Some(0) || !flows.contains("tests:") {
            failed.push(format!("{heading}\n{ran}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn a_value_list_may_stand_in_a_file_of_the_project() {
    let (_, shared) =
        recipes().into_iter().find(|(_, flows)| flows.contains("map: countries")).unwrap();
    let flows = shared.replace("map: countries", "map: countries.csv");
    let dir = project(
        flows.split_once("flows:").map(|(_, rest)| format!("flows:{rest}")).unwrap().as_str(),
    );
    let file = dir.path().join("countries.csv");
    for text in
        ["crm,shop\nNorway,NO\nDenmark,DK\n", "\u{feff}crm;shop\r\nNorway;NO\r\n\r\nDenmark;DK\r\n"]
    {
        write(&file, text);
        lockstep(dir.path(), &["test"]).exits(0);
    }
    for (text, why) in [
        ("crm,shop\n\nNorway,NO\nDenmark\n", "countries.csv: line 4 does not have two cells"),
        ("crm,shop\nNorway,NO\nNorway,NR\n", "“Norway” stands in two pairs"),
        ("crm,shop\n", "there is no pair"),
    ] {
        write(&file, text);
        lockstep(dir.path(), &["check"]).exits(2).says(why).says("flows/people.yaml:8");
    }
}

/// What can be tried of a recipe holds on the sandbox too.
#[test]
fn nothing_that_a_recipe_says_is_violated() {
    for (heading, flows) in recipes() {
        let dir = project(&flows);
        let page = lockstep(dir.path(), &["doc", "--format", "rst"]).exits(0).stdout;
        write(&dir.path().join("flows.rst"), &page);
        let ran = lockstep(dir.path(), &["verify", "--sandbox", "flows.rst"]);
        assert!(ran.status == Some(0) && ran.stdout.contains(" 0 violated"), "{heading}\n{ran}");
    }
}

/// A document that is made of a recipe's flows says all that they say: imported again, they do the
/// same.
#[test]
fn every_recipe_is_a_document_that_reads_back() {
    for (heading, flows) in recipes() {
        let dir = project(&flows);
        let page = lockstep(dir.path(), &["doc", "--format", "rst"]).exits(0).stdout;
        let tests = flows.split("tests:\n").nth(1).unwrap();
        write(&dir.path().join("flows.rst"), &page);
        std::fs::remove_file(dir.path().join("flows/people.yaml")).unwrap();
        lockstep(dir.path(), &["import", "flows.rst", "-o", "flows"]).exits(0);
        let made =
            std::fs::read_dir(dir.path().join("flows")).unwrap().next().unwrap().unwrap().path();
        let text = read(&made);
        // It makes tests of its own.
        let flows = text.split("\n# What the flows").next().unwrap();
        write(&made, &format!("{flows}\ntests:\n{tests}"));
        let ran = lockstep(dir.path(), &["test"]);
        assert_eq!(ran.status, Some(0), "{heading}\n{text}\n{ran}");
    }
}
