//! The cookbook: every flow file of `docs/cookbook.md` is played as it stands, in a project of two
//! folders of JSON Lines.

use crate::transcript::{lockstep, read, root, write};

/// The systems of a recipe that says nothing of them.
const SYSTEMS: &str = "systems:
  crm: { connector: files, with: { folder: crm } }
  shop: { connector: files, with: { folder: shop } }
  erp: { connector: files, with: { folder: erp } }
";

/// A recipe of the page.
struct Recipe {
    heading: String,
    /// What it says of the systems in `lockstep.yaml`.
    systems: String,
    flows: String,
}

impl Recipe {
    /// A project with its flows, and an empty file for each record type that it names.
    fn project(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let project = format!("{}flows: [flows/*.yaml]\n", self.systems);
        write(&dir.path().join("lockstep.yaml"), &project);
        for system in ["crm", "shop", "erp"] {
            std::fs::create_dir_all(dir.path().join(system)).unwrap();
            let start = format!("{system}.");
            let types = self.flows.split(&start).skip(1);
            for ty in types.map(name).chain(self.referred(system)) {
                write(&dir.path().join(format!("{system}/{ty}.jsonl")), "");
            }
        }
        write(&dir.path().join("flows/people.yaml"), &self.flows);
        dir
    }

    /// The record types that references of a system lead to.
    fn referred(&self, system: &str) -> Vec<&str> {
        let of = |line: &&str| line.trim_start().starts_with(&format!("{system}:"));
        let line = self.systems.lines().find(of).unwrap_or_default();
        let said = line.split("references: ").nth(1).unwrap_or_default();
        said.split(": ").map(name).filter(|name| !name.is_empty()).collect()
    }
}

/// The name that a text begins with.
fn name(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

/// The sections of the page, each with its heading.
fn sections() -> Vec<(String, String)> {
    let page = read(&root().join("docs/cookbook.md"));
    let section = |section: &str| {
        let (heading, text) = section.split_once('\n').unwrap();
        (heading.to_string(), format!("\n{text}"))
    };
    page.split("\n## ").skip(1).map(section).collect()
}

/// Those that are a flow file with its tests. The others show files and commands.
fn recipes() -> Vec<Recipe> {
    let recipe = |(heading, text): (String, String)| {
        let blocks: Vec<&str> = text
            .split("```yaml\n")
            .skip(1)
            .filter_map(|block| block.split("\n```").next())
            .collect();
        let said = |what: &str| blocks.iter().find(|block| block.contains(what));
        let flows = said("flows:").unwrap_or_else(|| panic!("{heading} has no example"));
        let systems = said("systems:").map_or(SYSTEMS.into(), |systems| format!("{systems}\n"));
        Recipe { systems, flows: format!("{flows}\n"), heading }
    };
    sections().into_iter().filter(|(_, text)| !text.contains("\n# FILE ")).map(recipe).collect()
}

/// The files of a recipe are written and its commands run, and they show what the page says.
#[test]
fn every_recipe_of_files_and_commands_holds_as_it_is_written() {
    let of_files = sections().into_iter().filter(|(_, text)| text.contains("\n# FILE "));
    let ran: Vec<usize> =
        of_files.map(|(heading, text)| crate::guides::follow_text(&heading, &text)).collect();
    assert!(ran.len() >= 3 && ran.iter().all(|commands| *commands >= 4), "{ran:?}");
}

#[test]
fn every_recipe_does_what_it_says() {
    let recipes = recipes();
    assert!(recipes.len() >= 30, "{} recipes: some are not found", recipes.len());
    let mut failed = Vec::new();
    for recipe in recipes {
        let dir = recipe.project();
        let ran = lockstep(dir.path(), &["test"]);
        if ran.status != Some(0) || !recipe.flows.contains("tests:") {
            failed.push(format!("{}\n{ran}", recipe.heading));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn a_value_list_may_stand_in_a_file_of_the_project() {
    let mut shared =
        recipes().into_iter().find(|recipe| recipe.flows.contains("map: countries")).unwrap();
    let flows = shared.flows.replace("map: countries", "map: countries.csv");
    shared.flows = flows.split_once("flows:").map(|(_, rest)| format!("flows:{rest}")).unwrap();
    let dir = shared.project();
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
    for recipe in recipes() {
        let (heading, dir) = (&recipe.heading, recipe.project());
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
    for recipe in recipes() {
        let (heading, flows, dir) = (&recipe.heading, &recipe.flows, recipe.project());
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

/// A new project that begins with a recipe's document does what the recipe says. What refers to what
/// stands in no document: those recipes say it of their systems.
#[test]
fn a_project_begun_from_a_recipes_document_does_what_the_recipe_says() {
    let of_documents =
        recipes().into_iter().filter(|recipe| !recipe.systems.contains("references:"));
    let mut begun = 0;
    for recipe in of_documents {
        let (heading, dir) = (&recipe.heading, recipe.project());
        let page = lockstep(dir.path(), &["doc", "--format", "rst"]).exits(0).stdout;
        write(&dir.path().join("flows.rst"), &page);
        lockstep(dir.path(), &["init", "new", "--from", "flows.rst"]).exits(0);
        let new = dir.path().join("new");
        let mut project = read(&new.join("lockstep.yaml"));
        for system in ["crm", "shop", "erp"] {
            let said = format!("  {system}:\n    connector: files");
            let with =
                format!("  {system}:\n    with: {{ folder: ../{system} }}\n    connector: files");
            project = project.replace(&said, &with);
        }
        write(&new.join("lockstep.yaml"), &format!("{}\n  - flows/own.yaml\n", project.trim_end()));
        let tests = recipe.flows.split("tests:\n").nth(1).unwrap();
        write(&new.join("flows/own.yaml"), &format!("flows: []\ntests:\n{tests}"));
        let ran = lockstep(&new, &["test"]);
        assert_eq!(ran.status, Some(0), "{heading}\n{project}\n{ran}");
        begun += 1;
    }
    assert!(begun >= 30, "{begun}");
}
