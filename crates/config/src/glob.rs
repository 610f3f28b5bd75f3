//! Files of a folder by a pattern: `flows/*.yaml`. `*` and `?` stand for parts of one name, never
//! for a `/`.

use std::path::Path;

/// The files that a pattern names, by their paths within the folder, sorted. A name without `*` and
/// `?` is itself.
pub(crate) fn files(dir: &Path, pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut steps = pattern.split('/').filter(|step| !step.is_empty() && *step != ".").peekable();
    while let Some(step) = steps.next() {
        let last = steps.peek().is_none();
        let fits_kind = |path: &Path| if last { path.is_file() } else { path.is_dir() };
        let mut next = Vec::new();
        for before in &found {
            let at = |name: &str| {
                if before.is_empty() { name.to_string() } else { format!("{before}/{name}") }
            };
            if !step.contains(['*', '?']) {
                next.extend(Some(at(step)).filter(|name| fits_kind(&dir.join(name))));
                continue;
            }
            let names = std::fs::read_dir(dir.join(before)).into_iter().flatten().flatten();
            let names = names.filter_map(|entry| entry.file_name().into_string().ok());
            // As in a shell, a name that begins with a dot is hidden from a star.
            let names = names.filter(|name| !name.starts_with('.') && fits(step, name));
            next.extend(names.map(|name| at(&name)).filter(|name| fits_kind(&dir.join(name))));
        }
        next.sort();
        found = next;
    }
    found.retain(|name| !name.is_empty());
    found
}

fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    // Where the last star was, and how much of the name it has taken: going back to it alone is
    // enough.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_part_of_a_name() {
        for (pattern, name, expect) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("00?_*.txt", "001_x.txt", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b", "aXc", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, name), expect, "{pattern} {name}");
        }
    }

    #[test]
    fn files_are_found_sorted_and_hidden_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("flows")).unwrap();
        for name in ["flows/b.yaml", "flows/a.yaml", "flows/.c.yaml", "d.yaml"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(files(dir.path(), "flows/*.yaml"), ["flows/a.yaml", "flows/b.yaml"]);
        assert_eq!(files(dir.path(), "*/a.yaml"), ["flows/a.yaml"]);
        assert_eq!(files(dir.path(), "./d.yaml"), ["d.yaml"]);
        assert!(files(dir.path(), "e.yaml").is_empty());
    }
}
