//! The project that each system's page shows is one that `lockstep check` takes.

use crate::transcript::{lockstep, read, root, write};

/// Pages with a project on them.
const PAGES: [&str; 3] = ["business-central", "woocommerce", "tripletex"];

#[test]
fn the_project_on_a_systems_page_passes_check() {
    for page in PAGES {
        let dir = tempfile::tempdir().unwrap();
        let text = read(&root().join(format!("docs/systems/{page}.md")));
        let mut files = 0;
        for block in text.split("\n```yaml\n# ").skip(1) {
            let (file, rest) = block.split_once('\n').expect("a block has a first line");
            let content = rest.split_once("\n```").expect("a block ends").0;
            write(&dir.path().join(file), &format!("{content}\n"));
            files += 1;
        }
        assert_eq!(files, 2, "{page}: a project and its flows");
        let project = read(&dir.path().join("lockstep.yaml"));
        let variables = project.split("${").skip(1).filter_map(|part| part.split_once('}'));
        let keys: Vec<String> =
            variables.map(|(name, _)| format!("{name}=a-key-of-ours")).collect();
        write(&dir.path().join(".env"), &format!("{}\n", keys.join("\n")));
        let record = "{\"id\": 1}\n";
        let flows = read(&dir.path().join(format!("flows/{page}.yaml")));
        for part in flows.split("office.").skip(1) {
            let name: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
            write(&dir.path().join(format!("data/{name}.jsonl")), record);
        }
        lockstep(dir.path(), &["check"]).exits(0);
    }
}
