//! `Link` headers (RFC 8288): finding the next page.

/// The target of the first link to the next page in these header values.
pub fn next_page(values: &[String]) -> Option<String> {
    values
        .iter()
        .flat_map(|value| links(value))
        .find(Link::is_next)
        .map(|link| link.target.to_string())
}

/// R1: the first of these header values that does not tell what it links to: a listing that may go
/// on must not count as complete.
pub fn unclear<'v>(values: impl IntoIterator<Item = &'v str>) -> Option<&'v str> {
    let tells = |value: &str| {
        let links = links(value);
        let has_rel = |link: &Link| {
            link.parameters.iter().any(|(name, rel)| name == "rel" && !rel.is_empty())
        };
        !links.is_empty() && links.iter().all(has_rel)
    };
    values.into_iter().find(|value| !value.trim().is_empty() && !tells(value))
}

struct Link<'h> {
    target: &'h str,
    /// Names in lower case.
    parameters: Vec<(String, String)>,
}

impl Link<'_> {
    fn is_next(&self) -> bool {
        let first = |name: &str| {
            self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        // With an anchor it is a link of something else than this answer.
        let next =
            |rel: &str| rel.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next"));
        first("anchor").is_none() && first("rel").is_some_and(next)
    }
}

/// RFC 8288, appendix B.2. A comma separates links only outside of `<…>` and of quotation marks.
fn links(value: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let mut rest = value.trim_start_matches([' ', '\t', ',']);
    while let Some((target, after)) =
        rest.strip_prefix('<').and_then(|inside| inside.split_once('>'))
    {
        let (parameters, after) = parameters(after);
        links.push(Link { target: target.trim(), parameters });
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    links
}

/// The parameters of a link, and what follows the link.
fn parameters(text: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start();
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let name = after[..end].trim().to_ascii_lowercase();
        rest = &after[end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            (value, rest) = match (after.strip_prefix('"'), in_single_quotes(after)) {
                (Some(quoted), _) => unquoted(quoted),
                (None, Some((value, behind))) => (value.to_string(), behind),
                (None, None) => {
                    let end = after.find([';', ',']).unwrap_or(after.len());
                    (after[..end].trim().to_string(), &after[end..])
                }
            };
        }
        if !name.is_empty() {
            found.push((name, value));
        }
        rest = rest.trim_start();
        // What stands between a value and the next separator belongs to nothing.
        rest = &rest[rest.find([';', ',']).unwrap_or(rest.len())..];
    }
    (found, &rest[rest.find(',').unwrap_or(rest.len())..])
}

/// A text in single quotation marks, which the RFC does not know and some servers write, and what
/// follows it.
fn in_single_quotes(text: &str) -> Option<(&str, &str)> {
    let (value, behind) = text.strip_prefix('\'')?.split_once('\'')?;
    let ends = behind.trim_start().starts_with([';', ',']) || behind.trim().is_empty();
    ends.then_some((value, behind))
}

/// A quoted text (RFC 9110, section 5.6.4) whose opening mark has been passed, and what follows it.
fn unquoted(text: &str) -> (String, &str) {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, &text[at + 1..]),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(values: &[&str]) -> Option<String> {
        next_page(&values.iter().map(|value| (*value).to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn r1_a_link_that_does_not_tell_its_relation_is_unclear() {
        for header in ["</p?page=2>", "</p?page=2>; rel", "</p; rel=next", "next: /p?page=2"] {
            assert_eq!(unclear([header]), Some(header));
        }
        for header in ["</p>; rel=prev", "</p>; rel='next'", "", "</a>; rel=x, </b>; rel=y"] {
            assert_eq!(unclear([header]), None);
        }
    }

    #[test]
    fn r1_a_next_page_in_single_quotation_marks_is_found() {
        for (header, found) in [
            ("</p?page=2>; rel='next'", Some("/p?page=2")),
            (
                "</p?page=1>; rel='prev', </p?page=3>; rel='last next'; title='a, b'",
                Some("/p?page=3"),
            ),
            ("</p?page=2>; title='tis; rel=next", Some("/p?page=2")),
            ("</p?page=2>; title=it's; rel=next", Some("/p?page=2")),
            ("</p?page=2>; rel='prev'", None),
        ] {
            assert_eq!(next(&[header]).as_deref(), found, "{header}");
        }
    }

    #[test]
    fn the_next_page_is_found_whatever_stands_in_its_address_and_around_it() {
        for (header, found) in [
            (" </people?page=2>; title=x; rel=\"last next\"", Some("/people?page=2")),
            ("</people?page=1>; rel=prev", None),
            ("</people?ids=1,2,3&page=2>; rel=\"next\"", Some("/people?ids=1,2,3&page=2")),
            (
                "</p?fields=a,b>; rel=prev, </p?fields=a,b&page=2>; rel=next",
                Some("/p?fields=a,b&page=2"),
            ),
            ("</p?a;b=1>;rel=\"next\"", Some("/p?a;b=1")),
            ("</p>; title=\"one, two; rel=next\"; rel=first", None),
            ("</p>; title=\"a \\\" , <x>; rel=next\", </q>; rel=\"next\"", Some("/q")),
            ("</p?page=2>; REL = NEXT", Some("/p?page=2")),
            ("</p?page=2> ; rel=\"next\" ; title*=UTF-8''n%c3%a6ste", Some("/p?page=2")),
            ("</p?page=9>; rel=\"last\", </p?page=2>; rel=\"next\"", Some("/p?page=2")),
            ("</p?page=2>; rel=\"prev\"; rel=\"next\"", None),
            ("</other>; rel=next; anchor=\"/x\", </p>; rel=next", Some("/p")),
            (",, </p>; rel=next", Some("/p")),
            ("</p>; rel", None),
            ("</p>", None),
            ("nothing", None),
            ("</p; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next(&[header]).as_deref(), found, "{header}");
        }
        assert_eq!(
            next(&["</a>; rel=prev", "</b>; rel=next"]).as_deref(),
            Some("/b"),
            "two headers"
        );
    }
}
