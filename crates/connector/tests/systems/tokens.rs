//! Tokens that end, are replaced, are taken back: against the sandbox's authorization servers, and
//! against a vault on the disk.

use std::path::Path;
use std::sync::{Arc, Barrier};

use lockstep_connector::rest::Rest;
use lockstep_connector::vault::{Vault, VaultEntry};
use lockstep_connector::{Connector, Trouble, catalogue};
use lockstep_model::Remedy;
use lockstep_sandbox::Running;

use super::{sandbox, with};

/// A vault of its own for each test.
fn keep(dir: &Path) -> VaultEntry {
    VaultEntry {
        vault: Arc::new(Vault::with_keyring(&dir.join("lockstep.db"), None, None)),
        system: "crm".into(),
    }
}

/// Connected without a refresh token in the settings: only a sign-in gives one.
fn without_token(system: &str, sandbox: &Running, dir: &Path) -> Rest {
    let mut with = with(system, sandbox);
    with.remove("refresh_token");
    catalogue::rest_kept(system, &with, Path::new("."), keep(dir)).unwrap().unwrap()
}

/// What a person does in a browser: opens the page, and is sent back to an address, which is given.
fn browse(url: &str) -> String {
    let agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .new_agent();
    let response = agent.get(url).call().unwrap();
    assert_eq!(response.status(), 302, "{url}");
    response.headers()["location"].to_str().unwrap().to_string()
}

fn sign_in(rest: &Rest) {
    let signing_in = rest.begin_sign_in("http://127.0.0.1:47111/callback").unwrap();
    let came_back = browse(&signing_in.url);
    rest.finish_sign_in(&signing_in, &came_back).unwrap();
}

fn token_requests(sandbox: &Running) -> usize {
    let asked = sandbox.requests(0);
    asked.iter().filter(|asked| asked.method == "POST" && asked.path.contains("token")).count()
}

/// Ten requests at the same moment.
fn ten_at_once(connector: &dyn Connector) {
    let start = Barrier::new(10);
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                start.wait();
                connector.test().unwrap_or_else(|trouble| panic!("{trouble}"));
            });
        }
    });
}

#[test]
fn a_token_that_ends_under_ten_requests_is_renewed_once() {
    for system in ["superoffice", "crmoffice"] {
        let (sandbox, dir) = (sandbox(system), tempfile::tempdir().unwrap());
        let rest = without_token(system, &sandbox, dir.path());
        sign_in(&rest);
        rest.test().unwrap();
        let before = token_requests(&sandbox);
        assert_eq!(before, 1, "{system}: what the sign-in gave is used");
        sandbox.expire_tokens(system).unwrap();
        ten_at_once(&rest);
        assert_eq!(token_requests(&sandbox), before + 1, "{system}: one renewal for ten requests");
    }
}

#[test]
fn two_processes_share_one_renewal_and_none_is_left_with_an_old_refresh_token() {
    let (sandbox, dir) = (sandbox("crmoffice"), tempfile::tempdir().unwrap());
    let one = without_token("crmoffice", &sandbox, dir.path());
    sign_in(&one);
    let other = without_token("crmoffice", &sandbox, dir.path());
    for connector in [&one, &other] {
        connector.test().unwrap();
    }
    assert_eq!(token_requests(&sandbox), 1, "what one got the other finds");
    for _ in 0..3 {
        sandbox.expire_tokens("crmoffice").unwrap();
        let before = token_requests(&sandbox);
        std::thread::scope(|scope| {
            scope.spawn(|| ten_at_once(&one));
            scope.spawn(|| ten_at_once(&other));
        });
        assert_eq!(
            token_requests(&sandbox),
            before + 1,
            "the server ends a sign-in whose old refresh token comes again"
        );
    }
}

#[test]
fn a_new_refresh_token_is_stored_before_it_is_used() {
    let (sandbox, dir) = (sandbox("crmoffice"), tempfile::tempdir().unwrap());
    let rest = without_token("crmoffice", &sandbox, dir.path());
    sign_in(&rest);
    sandbox.expire_tokens("crmoffice").unwrap();
    // The disk takes nothing: a folder is in the place of the file that is written first.
    let blocked = dir.path().join("lockstep.tokens.new");
    std::fs::create_dir(&blocked).unwrap();
    let asked = sandbox.requests(0).len();
    assert!(matches!(rest.test(), Err(Trouble::Misconfigured(_))));
    let since: Vec<_> = sandbox.requests(0).split_off(asked);
    assert!(
        since.iter().all(|asked| asked.status == 401 || asked.path.contains("token")),
        "a token not stored was used: {since:?}"
    );
    std::fs::remove_dir(&blocked).unwrap();
    rest.test().unwrap();
    // And it is the stored one that works after a restart.
    sandbox.expire_tokens("crmoffice").unwrap();
    without_token("crmoffice", &sandbox, dir.path()).test().unwrap();
}

#[test]
fn a_revoked_sign_in_is_told_with_the_remedy_and_a_new_one_is_taken_up_by_who_is_at_work() {
    let (sandbox, dir) = (sandbox("crmoffice"), tempfile::tempdir().unwrap());
    let at_work = without_token("crmoffice", &sandbox, dir.path());
    match at_work.test() {
        Err(Trouble::Unauthorized(told)) => {
            assert!(told.contains("nobody has signed in"), "{told}");
            let remedies = Trouble::Unauthorized(told).remedies("crm");
            assert_eq!(remedies, [Remedy::Connect { system: "crm".into() }]);
        }
        other => panic!("{other:?}"),
    }
    sign_in(&at_work);
    at_work.test().unwrap();
    sandbox.revoke_tokens("crmoffice").unwrap();
    match at_work.test() {
        Err(Trouble::Unauthorized(told)) => {
            assert!(told.contains("revoked"), "{told}")
        }
        other => panic!("{other:?}"),
    }
    // Somebody runs the command meanwhile, in another process.
    sign_in(&without_token("crmoffice", &sandbox, dir.path()));
    at_work.test().unwrap();
}

#[test]
fn a_new_refresh_token_in_the_settings_takes_the_place_of_the_kept_one() {
    let (sandbox, dir) = (sandbox("crmoffice"), tempfile::tempdir().unwrap());
    sign_in(&without_token("crmoffice", &sandbox, dir.path()));
    sandbox.expire_tokens("crmoffice").unwrap();
    let rest = catalogue::rest_kept(
        "crmoffice",
        &with("crmoffice", &sandbox),
        Path::new("."),
        keep(dir.path()),
    )
    .unwrap()
    .unwrap();
    let before = token_requests(&sandbox);
    rest.test().unwrap();
    assert_eq!(token_requests(&sandbox), before + 1, "a renewal with the settings' token");
}

#[test]
fn an_answer_that_belongs_to_another_sign_in_or_is_a_refusal_gives_nothing() {
    let (sandbox, dir) = (sandbox("crmoffice"), tempfile::tempdir().unwrap());
    let rest = without_token("crmoffice", &sandbox, dir.path());
    let (mine, other) = (
        rest.begin_sign_in("http://127.0.0.1:1/callback").unwrap(),
        rest.begin_sign_in("http://127.0.0.1:1/callback").unwrap(),
    );
    let told = rest.finish_sign_in(&mine, &browse(&other.url)).unwrap_err().to_string();
    assert!(told.contains("does not belong to this sign-in"), "{told}");
    let refused = mine.url.replace("code_challenge_method=S256", "code_challenge_method=plain");
    let told = rest.finish_sign_in(&mine, &browse(&refused)).unwrap_err().to_string();
    assert!(told.contains("invalid_request"), "{told}");
    // The code is good once, and with its own verifier only.
    let came_back = browse(&mine.url);
    let stolen = came_back.replace(&mine.mark(), &other.mark());
    assert!(rest.finish_sign_in(&other, &stolen).is_err(), "another's verifier");
    assert!(rest.finish_sign_in(&mine, &came_back).is_err(), "the code was spent");
}

#[test]
fn a_system_user_gets_a_ticket_for_a_signed_token() {
    let sandbox = sandbox("superoffice");
    let mut with = with("superoffice", &sandbox);
    with.remove("refresh_token");
    with.insert("system_user_token".into(), "sandbox-superoffice-system-user".into());
    with.insert("private_key".into(), include_str!("../key.pem").into());
    let connector = catalogue::connect("superoffice", &with, Path::new(".")).unwrap();
    connector.test().unwrap();
    sandbox.expire_tokens("superoffice").unwrap();
    ten_at_once(&*connector);
    let tickets =
        sandbox.requests(0).iter().filter(|asked| asked.path.contains("PartnerSystemUser")).count();
    assert_eq!(tickets, 2, "one at the start, one when it had ended");
    // As SuperOffice hands the key out.
    with.insert("private_key".into(), include_str!("../key.xml").into());
    catalogue::connect("superoffice", &with, Path::new(".")).unwrap().test().unwrap();
    with.insert("system_user_token".into(), "another".into());
    let wrong = catalogue::connect("superoffice", &with, Path::new(".")).unwrap();
    match wrong.test() {
        Err(Trouble::Unauthorized(told)) => {
            assert!(told.contains("not valid") && told.contains("private key"), "{told}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_administrators_sign_in_tells_the_system_users_token() {
    let (sandbox, dir) = (sandbox("superoffice"), tempfile::tempdir().unwrap());
    let rest = without_token("superoffice", &sandbox, dir.path());
    assert_eq!(rest.told_by_sign_in(), vec![]);
    sign_in(&rest);
    assert_eq!(
        rest.told_by_sign_in(),
        [("system_user_token".to_string(), "sandbox-superoffice-system-user".to_string())]
    );
}
