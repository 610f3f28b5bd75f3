//! The pages: they work without a script, and say what is the case.

use super::{Console, add_user, form, project};
use crate::service::wait_until;
use crate::transcript::lockstep;

/// Every address that a page links to, and every form that it has.
fn links(body: &str) -> Vec<String> {
    let hrefs = body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let here = hrefs.filter(|href| href.starts_with('/'));
    here.map(|href| href.replace("&amp;", "&")).collect()
}

#[test]
fn every_page_leads_to_pages_that_are_there_and_holds_nothing_inline() {
    let dir = project();
    let dir = dir.path();
    add_user(dir, "Liv", "admin");
    let console = Console::start(dir);
    let cookie = console.cookie("Liv");
    wait_until("the numbers are found", || {
        console.get("/", &cookie).body.contains("crm.People")
            && !console.get("/", &cookie).body.contains("not found yet")
    });
    let (mut to_see, mut seen) = (vec!["/".to_string()], std::collections::BTreeSet::new());
    while let Some(address) = to_see.pop() {
        if !seen.insert(address.clone()) {
            continue;
        }
        let page = console.get(&address, &cookie).is(200);
        if !page.header("content-type").starts_with("text/html") {
            continue;
        }
        for forbidden in [" style=", "<style", " onclick=", " onload=", "javascript:", "<b>Moe"] {
            assert!(!page.body.contains(forbidden), "{address}: {forbidden}");
        }
        assert_eq!(page.body.matches("<script").count(), 1, "{address}");
        assert_eq!(page.body.matches("<h1>").count(), 1, "{address}");
        assert!(page.body.len() < 200_000, "{address}: {} bytes", page.body.len());
        to_see.extend(links(&page.body));
        assert!(seen.len() < 300, "{seen:?}");
    }
    for part in ["/review/", "/entity?", "/flow?", "/runs/"] {
        assert!(seen.iter().any(|address| address.starts_with(part)), "{part}: {seen:?}");
    }
}

#[test]
fn a_page_says_why_a_value_is_so_and_who_is_meant() {
    let dir = project();
    let dir = dir.path();
    add_user(dir, "Liv", "viewer");
    let console = Console::start(dir);
    let cookie = console.cookie("Liv");
    wait_until("it is read", || {
        console.get("/records?text=odd", &cookie).body.contains("shop.Customers/c")
    });
    let found = console.get("/records?text=ODD%40", &cookie).says("crm.People/2");
    assert!(!found.body.contains("crm.People/1"), "{}", found.body);
    console.get("/records?text=nobody", &cookie).is(200).says("No record holds “nobody”");
    let page = console.get("/entity?record=crm.People%2F2", &cookie).is(200);
    page.says("shop.Customers/c").says("Why").says("they match by email = mail");
    // What a person wrote is text, whatever it looks like.
    console.get("/entity?record=crm.People%2F3", &cookie).says("Liv &lt;b&gt;Moe&lt;/b&gt;");
    console.get("/entity?record=crm.People%2F99", &cookie).is(404).says("is not known");
    console.get("/review?after=x", &cookie).is(400).says("is not a number");
    console.get("/review/99", &cookie).is(404).says("no open question 99");
    console.get("/nowhere", &cookie).is(404).says("nothing here answers GET /nowhere");
    // A viewer is not offered what a viewer may not do.
    let runs = console.get("/runs", &cookie).is(200);
    assert!(!runs.body.contains("Run now"), "{}", runs.body);
    console
        .post("/sync", &cookie, "")
        .is(403)
        .says("Liv has the role viewer, and this needs operator");
}

#[test]
fn filters_stand_in_the_address_and_add_up() {
    let dir = project();
    let dir = dir.path();
    add_user(dir, "Liv", "viewer");
    let console = Console::start(dir);
    let cookie = console.cookie("Liv");
    wait_until("the first run asks", || console.get("/review", &cookie).body.contains("Åse Berg"));
    wait_until("the numbers are found", || {
        !console.get("/", &cookie).body.contains("not found yet")
    });
    let kind = form("ambiguous match");
    let flow = form("crm.People to shop.Customers");
    console.get(&format!("/review?kind={kind}&flow={flow}"), &cookie).says("Åse Berg");
    console
        .get(&format!("/review?kind=guard&flow={flow}"), &cookie)
        .says("Nothing waits for a person here");
    console
        .get(&format!("/flow?flow={flow}&state=odd"), &cookie)
        .is(400)
        .says("there are: in-step");
    console.get("/flow?flow=x&state=waiting", &cookie).is(404).says("there is no flow `x`");
    lockstep(dir, &["status"]).says("ambiguous match");
}
