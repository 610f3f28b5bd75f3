//! `Link` headers (RFC 8288) and the addresses in them: finding the next page, and resolving its
//! address (RFC 3986).

/// Whether an address is of the same domain as another (the last two labels of its host), or of the
/// same host, and as well protected.
pub fn same_domain(one: &str, other: &str) -> bool {
    let host = |address: &str| {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        host.rsplit_once(':')
            .map_or(
                host,
                |(host, port)| if port.chars().all(|c| c.is_ascii_digit()) { host } else { rest },
            )
            .to_lowercase()
    };
    let (one_host, other_host) = (host(one), host(other));
    let domain = |host: &str| {
        let labels: Vec<&str> = host.split('.').collect();
        let is_name = labels.len() > 1
            && labels.last().is_some_and(|last| last.chars().any(|c| c.is_ascii_alphabetic()));
        // Below country codes there are registries such as `co.uk`, whose names belong to many.
        let of = if labels.len() > 2
            && labels[labels.len() - 2].len() <= 3
            && labels[labels.len() - 1].len() == 2
        {
            3
        } else {
            2
        };
        is_name.then(|| labels[labels.len() - of..].join("."))
    };
    let related = one_host == other_host
        || domain(&one_host).is_some_and(|of| Some(of) == domain(&other_host));
    related
        && !other.contains('@')
        && (other.starts_with("https://")
            || one.starts_with("http://") && other.starts_with("http://"))
}

/// The target of the first link to the next page in these header values.
pub fn next_page(values: &[String]) -> Option<String> {
    values
        .iter()
        .flat_map(|value| links(value))
        .find(Link::is_next)
        .map(|link| link.target.to_string())
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
            (value, rest) = match after.strip_prefix('"') {
                Some(quoted) => unquoted(quoted),
                None => {
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

/// Where scheme, host and port of an address end: what a key may be sent to.
pub fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#', '\\']).map_or(url.len(), |at| start + at);
    &url[..end]
}

/// The whole address that a reference in the answer from `asked` leads to. `base` is the address of
/// the interface: a path that does not begin with the base's own is below it, as many gateways
/// write it.
pub fn resolve(base: &str, asked: &str, reference: &str) -> String {
    let reference: String = reference
        .trim()
        .chars()
        .map(|c| match c {
            '{' => "%7B".into(),
            '}' => "%7D".into(),
            c if c == ' ' || !c.is_ascii_graphic() => {
                super::template::percent_encoded(c.encode_utf8(&mut [0; 4]))
            }
            c => c.to_string(),
        })
        .collect();
    let reference = reference.split('#').next().unwrap_or_default();
    let scheme = reference.split_once("://").map_or("", |(scheme, _)| scheme);
    if !scheme.is_empty()
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    {
        return reference.to_string();
    }
    if reference.starts_with("//") {
        return format!(
            "{}:{reference}",
            asked.split_once("://").map_or("https", |(scheme, _)| scheme)
        );
    }
    let path_of = |url: &'_ str| url.split(['?', '#']).next().unwrap_or_default().to_string();
    if reference.starts_with('/') {
        let below = &base[origin(base).len()..];
        let is_below = |at: &str| {
            reference
                .strip_prefix(at)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        };
        return match below.is_empty() || is_below(below) {
            true => format!("{}{}", origin(base), without_dots(reference)),
            false => format!("{base}{}", without_dots(reference)),
        };
    }
    let asked = path_of(asked);
    if reference.is_empty() || reference.starts_with('?') {
        return format!("{asked}{reference}");
    }
    let path = &asked[origin(&asked).len()..];
    let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
    format!("{}{}", origin(&asked), without_dots(&format!("{folder}{reference}")))
}

/// RFC 3986, section 5.2.4: without `.` and `..` in the path.
fn without_dots(path: &str) -> String {
    let (path, query) = path.find('?').map_or((path, ""), |at| path.split_at(at));
    let mut kept: Vec<&str> = Vec::new();
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    for (n, step) in steps.iter().enumerate() {
        let last = n + 1 == steps.len();
        match *step {
            "." | ".." => {
                if *step == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            step => kept.push(step),
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_moves_within_its_domain_only() {
        let from = "https://online.superoffice.com/Cust12345/api/v1";
        for (to, may) in [
            ("https://online3.superoffice.com/Cust12345/api/v1", true),
            ("https://ONLINE3.superoffice.com", true),
            ("http://online3.superoffice.com", false),
            ("https://superoffice.com.example.org", false),
            ("https://online3.superoffice.com@example.org", false),
            ("https://example.org/online3.superoffice.com", false),
            ("https://notsuperoffice.com", false),
        ] {
            assert_eq!(same_domain(from, to), may, "{to}");
        }
        assert!(same_domain("http://127.0.0.1:4700/a", "http://127.0.0.1:4700/b"));
        assert!(!same_domain("http://127.0.0.1", "http://127.0.0.2"));
        assert!(!same_domain("https://a.fjord.co.uk", "https://b.vik.co.uk"));
    }

    fn next(values: &[&str]) -> Option<String> {
        next_page(&values.iter().map(|value| (*value).to_string()).collect::<Vec<_>>())
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

    #[test]
    fn an_address_leads_on_from_where_it_stands() {
        let base = "https://fjord.example.com/api";
        let asked = "https://fjord.example.com/api/v2/people?page=1";
        for (reference, whole) in [
            ("https://fjord.example.com/x?p=2", "https://fjord.example.com/x?p=2"),
            ("//fjord.example.com/x", "https://fjord.example.com/x"),
            ("/api/people?p=2", "https://fjord.example.com/api/people?p=2"),
            ("/people?p=2", "https://fjord.example.com/api/people?p=2"),
            ("/apis/people", "https://fjord.example.com/api/apis/people"),
            ("?page=2", "https://fjord.example.com/api/v2/people?page=2"),
            ("people?page=2", "https://fjord.example.com/api/v2/people?page=2"),
            ("./people?page=2", "https://fjord.example.com/api/v2/people?page=2"),
            ("../people?page=2", "https://fjord.example.com/api/people?page=2"),
            (
                "?q=å b{{ key }}",
                "https://fjord.example.com/api/v2/people?q=%C3%A5%20b%7B%7B%20key%20%7D%7D",
            ),
            (
                "?next=https://a.example.com/",
                "https://fjord.example.com/api/v2/people?next=https://a.example.com/",
            ),
        ] {
            assert_eq!(resolve(base, asked, reference), whole, "{reference}");
        }
    }

    #[test]
    fn hosts_are_told_apart() {
        assert_eq!(origin("https://a.example.com:8080/x?y"), "https://a.example.com:8080");
        assert_ne!(origin("https://a.example.com.example.org/"), origin("https://a.example.com/"));
        assert_ne!(origin("https://a.example.com@example.org/"), origin("https://a.example.com/"));
        assert_ne!(
            origin("http://a.example.com/"),
            origin("https://a.example.com/"),
            "a key is not sent in the clear"
        );
    }
}
