//! Encryption on the way to PostgreSQL and MariaDB: used where the address asks for it, never left
//! out silently, and the server's certificate checked where that is asked for. The servers call
//! themselves `localhost`, with a certificate of an authority that only tests know.

use lockstep_connector::Connector as _;
use serde_json::json;

use crate::lab::{Lab, Way};
use crate::servers::PASSWORD;

/// What it is told that asks for encryption so.
fn refusal(lab: &Lab, url: &str) -> String {
    let told = match lab.try_open(json!({"url": url})) {
        Err(trouble) => trouble.to_string(),
        // The tables are known from before.
        Ok(connector) => match connector.test() {
            Err(trouble) => trouble.to_string(),
            Ok(line) => panic!("{url} should not do: {line}"),
        },
    };
    assert!(!told.contains(PASSWORD), "{told}");
    told
}

/// How many encrypted connections the server has seen.
fn encrypted(lab: &Lab) -> u64 {
    let sql = match lab.way {
        Way::Postgres(_) => {
            "SELECT count(*)::text FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'lockstep' AND ssl"
        }
        _ => "SHOW GLOBAL STATUS LIKE 'Ssl_finished_accepts'",
    };
    lab.rows(sql)[0].rsplit('|').next().unwrap().parse().unwrap()
}

pub fn all(lab: &Lab) {
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem");
    let named = lab.url.replace("@127.0.0.1:", "@localhost:");
    let plain = lab.open(json!({}));
    plain.test().unwrap();
    assert_eq!(encrypted(lab), 0, "nobody asked for it");
    let mut seen = 0;
    for url in [
        format!("{}?sslmode=require", lab.url),
        format!("{named}?sslmode=verify-full&sslrootcert={ca}"),
        format!("{named}?sslrootcert={}", ca.replace('/', "%2F")),
    ] {
        let connector =
            lab.try_open(json!({"url": url})).unwrap_or_else(|trouble| panic!("{url}: {trouble}"));
        connector.test().unwrap_or_else(|trouble| panic!("{url}: {trouble}"));
        let now = encrypted(lab);
        assert!(
            now > seen || matches!(lab.way, Way::Postgres(_)) && now == 1,
            "{url}: not encrypted"
        );
        seen = now;
    }
    // No authority that is trusted has signed it; it is another server's; what is to be trusted
    // can't be read.
    let told = refusal(lab, &format!("{named}?sslmode=verify-full"));
    assert!(told.contains("UnknownIssuer") && told.contains("sslrootcert"), "{told}");
    let told = refusal(lab, &format!("{}?sslmode=verify-full&sslrootcert={ca}", lab.url));
    assert!(
        told.contains("not valid for name") && told.contains("is the host's name right"),
        "{told}"
    );
    let told = refusal(lab, &format!("{named}?sslmode=verify-full&sslrootcert=/nowhere.pem"));
    assert!(told.contains("/nowhere.pem") && told.contains("can't be read"), "{told}");
    let told = refusal(lab, &format!("{named}?sslmode=prefer"));
    assert!(told.contains("require or verify-full"), "{told}");
    if let Way::Postgres(_) = lab.way {
        // A server that offers none is not spoken to in the clear.
        lab.run("ALTER SYSTEM SET ssl = off");
        lab.run("SELECT pg_reload_conf()");
        let url = format!("{}?sslmode=require", lab.url);
        for _ in 0..200 {
            match lab.try_open(json!({"url": url})).and_then(|connector| connector.test()) {
                Ok(_) => std::thread::sleep(std::time::Duration::from_millis(50)),
                Err(trouble) => {
                    assert!(
                        trouble.to_string().contains("does the server offer encryption"),
                        "{trouble}"
                    );
                    return;
                }
            }
        }
        panic!("the server offers encryption for ever");
    }
}
