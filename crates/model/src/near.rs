//! Near names: what a person probably meant.

/// The name nearest to the one written, if any is near enough to be meant.
///
/// Near is an optimal string alignment distance (Damerau 1964: insert, delete, replace, swap
/// neighbours), case aside, of at most a third of the longer name; so `Persn` finds `Person` and
/// `Users` does not find `Orders`.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    near(written, names).into_iter().next()
}

/// All names that are near enough to be meant, the nearest first.
pub fn near<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let folded = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    let wanted = folded(written);
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .filter(|name| *name != written)
        .map(|name| (distance(&wanted, &folded(name)), name))
        .filter(|(distance, name)| *distance * 3 <= wanted.len().max(name.chars().count()))
        .collect();
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().map(|(_, name)| name).collect()
}

fn distance(a: &[char], b: &[char]) -> usize {
    // Three rows suffice: a swap of neighbours looks two back.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// `a`, `b` or `c`
pub fn any_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    listed(names, "or")
}

/// `a`, `b` and `c`
pub fn all_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    listed(names, "and")
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>, word: &str) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} {word} {last}", others.join(", ")),
        None => "nothing".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["Person", "Contact", "Ticket", "User"];
        assert_eq!(nearest("Persn", names), Some("Person"));
        assert_eq!(nearest("Contcat", names), Some("Contact"));
        assert_eq!(nearest("ticket", names), Some("Ticket"));
        assert_eq!(nearest("Product", names), None);
    }

    #[test]
    fn a_swap_of_neighbours_is_one_step() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("emial"), &chars("email")), 1);
        assert_eq!(distance(&chars(""), &chars("ab")), 2);
        assert_eq!(distance(&chars("kitten"), &chars("sitting")), 3);
    }
}
