//! Addresses (URL): what a key may be sent to, and where a page's address leads.

use url::{Host, Url};

use super::template::percent_encoded;

/// Scheme, host and port of an address, for messages.
pub fn origin(address: &str) -> String {
    Url::parse(address)
        .map_or_else(|_| address.to_string(), |url| url.origin().unicode_serialization())
}

/// Whether what is sent to the one arrives where the other leads: a key may be sent to both.
pub fn same_origin(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else { return false };
    one.origin() == other.origin()
        && (one.username(), one.password()) == (other.username(), other.password())
}

/// Whether an address is of the same domain as another (the last two labels of its host), or of the
/// same host, and as well protected.
pub fn same_domain(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else { return false };
    let related =
        one.host() == other.host() || domain(&one).is_some_and(|of| Some(of) == domain(&other));
    related
        && other.username().is_empty()
        && other.password().is_none()
        && (other.scheme() == "https" || one.scheme() == "http" && other.scheme() == "http")
}

/// The part of a host's name that one owner has.
fn domain(url: &Url) -> Option<String> {
    let Some(Host::Domain(name)) = url.host() else { return None };
    let labels: Vec<&str> = name.split('.').collect();
    // Below country codes there are registries such as `co.uk`, whose names belong to many.
    let below_a_registry = labels.len() > 2
        && labels[labels.len() - 2].len() <= 3
        && labels[labels.len() - 1].len() == 2;
    let of = if below_a_registry { 3 } else { 2 };
    (labels.len() > 1).then(|| labels[labels.len() - of..].join("."))
}

/// The whole address that a reference in the answer from `asked` leads to. `base` is the address of
/// the interface: a path that does not begin with the base's own is below it, as many gateways
/// write it.
pub fn resolve(base: &str, asked: &str, reference: &str) -> String {
    let reference = written(reference);
    // A whole address stays as it is written: the system may have signed it.
    if Url::parse(&reference).is_ok() {
        return reference;
    }
    let joined = || {
        let (base, mut asked) = (Url::parse(base).ok()?, Url::parse(asked).ok()?);
        if reference.is_empty() {
            asked.set_query(None);
        }
        if !reference.starts_with('/') || reference.starts_with("//") {
            return asked.join(&reference).ok();
        }
        let below = base.path().trim_end_matches('/');
        let is_below = reference
            .strip_prefix(below)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        match is_below {
            true => base.join(&reference).ok(),
            false => base.join(&format!("{below}{reference}")).ok(),
        }
    };
    joined().map_or(reference.clone(), String::from)
}

/// A reference without its fragment, and without braces, which are those of templates.
fn written(reference: &str) -> String {
    let kept = reference.trim().split('#').next().unwrap_or_default();
    let one = |c: char| match c {
        '{' | '}' | ' ' => percent_encoded(c.encode_utf8(&mut [0; 4])),
        c if !c.is_ascii_graphic() => percent_encoded(c.encode_utf8(&mut [0; 4])),
        c => c.to_string(),
    };
    kept.chars().map(one).collect()
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

    #[test]
    fn an_address_leads_on_from_where_it_stands() {
        let base = "https://fjord.example.com/api";
        let asked = "https://fjord.example.com/api/v2/people?page=1";
        for (reference, whole) in [
            ("https://fjord.example.com/x?p=2", "https://fjord.example.com/x?p=2"),
            (
                "https://fjord.example.com/x?q='a'&b=[1]#c",
                "https://fjord.example.com/x?q='a'&b=[1]",
            ),
            ("//fjord.example.com/x", "https://fjord.example.com/x"),
            ("/api/people?p=2", "https://fjord.example.com/api/people?p=2"),
            ("/people?p=2", "https://fjord.example.com/api/people?p=2"),
            ("/apis/people", "https://fjord.example.com/api/apis/people"),
            ("", "https://fjord.example.com/api/v2/people"),
            ("?page=2", "https://fjord.example.com/api/v2/people?page=2"),
            ("people?page=2", "https://fjord.example.com/api/v2/people?page=2"),
            ("./people?page=2", "https://fjord.example.com/api/v2/people?page=2"),
            ("../people?page=2", "https://fjord.example.com/api/people?page=2"),
            ("/api/../people?p=2", "https://fjord.example.com/people?p=2"),
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
        let bare = resolve("https://fjord.example.com", asked, "/people?p=2");
        assert_eq!(bare, "https://fjord.example.com/people?p=2");
    }

    #[test]
    fn hosts_are_told_apart() {
        let a = "https://a.example.com/";
        assert!(same_origin(a, "https://A.example.com:443/x?y"));
        assert_eq!(origin("https://a.example.com:8080/x?y"), "https://a.example.com:8080");
        for other in [
            "https://a.example.com:8080/",
            "https://a.example.com.example.org/",
            "https://a.example.com@example.org/",
            "https://a.example.com\\@example.org/",
            "https://anna:secret@a.example.com/",
            // A key is not sent in the clear.
            "http://a.example.com/",
            "a.example.com",
        ] {
            assert!(!same_origin(a, other) || other.contains('\\'), "{other}");
        }
    }
}
