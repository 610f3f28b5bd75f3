//! The `sql` connector on a SQLite file, a PostgreSQL server and a MariaDB server: the same checks on all three.

mod checks;
mod encryption;
mod lab;
#[path = "../servers/mod.rs"]
mod servers;

use lab::Lab;

#[test]
fn sqlite() {
    checks::all(Lab::sqlite());
}

#[test]
fn postgresql() {
    if let Some(lab) = Lab::postgres() {
        encryption::all(&lab);
        checks::all(lab);
    }
}

#[test]
fn mariadb() {
    if let Some(lab) = Lab::mariadb() {
        encryption::all(&lab);
        checks::all(lab);
    }
}
