//! The three databases with the same tables, made in each one's own words.
#![allow(dead_code)]

use lockstep_connector::sql::SqlConnector;
use lockstep_connector::{Action, Connector, Outcome, Trouble, Write, WriteValue};
use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, Value};
use mysql::prelude::Queryable;
use serde_json::json;

use crate::servers::Server;

pub enum Way {
    Sqlite(tempfile::TempDir),
    Postgres(Box<Server>),
    Mariadb(Box<Server>),
}

/// A database to work in.
pub struct Lab {
    pub way: Way,
    /// The project's folder.
    pub project: tempfile::TempDir,
    pub url: String,
}

impl Lab {
    pub fn sqlite() -> Lab {
        let dir = tempfile::tempdir().unwrap();
        rusqlite::Connection::open(dir.path().join("shop.db"))
            .unwrap()
            .execute_batch("PRAGMA journal_mode = wal")
            .unwrap();
        Lab {
            url: format!("sqlite://{}", dir.path().join("shop.db").display()),
            way: Way::Sqlite(dir),
            project: tempfile::tempdir().unwrap(),
        }
    }

    pub fn postgres() -> Option<Lab> {
        let server = crate::servers::postgres()?;
        Some(Lab {
            url: server.postgres_url(),
            way: Way::Postgres(Box::new(server)),
            project: tempfile::tempdir().unwrap(),
        })
    }

    pub fn mariadb() -> Option<Lab> {
        let server = crate::servers::mariadb()?;
        Some(Lab {
            url: server.mariadb_url(),
            way: Way::Mariadb(Box::new(server)),
            project: tempfile::tempdir().unwrap(),
        })
    }

    /// Somebody else's work in the database.
    pub fn run(&self, sql: &str) {
        match &self.way {
            Way::Sqlite(dir) => {
                let connection = rusqlite::Connection::open(dir.path().join("shop.db")).unwrap();
                connection.execute_batch(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
            }
            Way::Postgres(_) => {
                let mut client = postgres::Client::connect(&self.url, postgres::NoTls).unwrap();
                client.batch_execute(sql).unwrap_or_else(|error| panic!("{error:?}: {sql}"));
            }
            Way::Mariadb(_) => {
                let mut client =
                    mysql::Conn::new(mysql::Opts::from_url(&self.url).unwrap()).unwrap();
                for statement in sql.split(";\n").filter(|statement| !statement.trim().is_empty()) {
                    client
                        .query_drop(statement)
                        .unwrap_or_else(|error| panic!("{error}: {statement}"));
                }
            }
        }
    }

    /// What the database holds, as text: a line for each row, columns parted by `|`, nothing for
    /// null.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        let line = |cells: Vec<Option<String>>| {
            cells.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join("|")
        };
        match &self.way {
            Way::Sqlite(dir) => {
                let connection = rusqlite::Connection::open(dir.path().join("shop.db")).unwrap();
                let mut statement = connection.prepare(sql).unwrap();
                let width = statement.column_count();
                let text = |row: &rusqlite::Row<'_>| {
                    let cell = |at| {
                        Ok(match row.get::<_, rusqlite::types::Value>(at)? {
                            rusqlite::types::Value::Integer(n) => Some(n.to_string()),
                            rusqlite::types::Value::Real(f) => Some(f.to_string()),
                            rusqlite::types::Value::Text(text) => Some(text),
                            _ => None,
                        })
                    };
                    (0..width).map(cell).collect::<rusqlite::Result<Vec<_>>>()
                };
                let rows = statement.query_map([], |row| text(row).map(line)).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Way::Postgres(_) => {
                let mut client = postgres::Client::connect(&self.url, postgres::NoTls).unwrap();
                let told = client.simple_query(sql).unwrap();
                let row = |message| match message {
                    postgres::SimpleQueryMessage::Row(row) => Some(line(
                        (0..row.len()).map(|at| row.get(at).map(str::to_string)).collect(),
                    )),
                    _ => None,
                };
                told.into_iter().filter_map(row).collect()
            }
            Way::Mariadb(_) => {
                let mut client =
                    mysql::Conn::new(mysql::Opts::from_url(&self.url).unwrap()).unwrap();
                let rows: Vec<mysql::Row> = client.query(sql).unwrap();
                rows.into_iter()
                    .map(|row| line(row.unwrap().into_iter().map(mysql::from_value).collect()))
                    .collect()
            }
        }
    }

    /// This one's word of three.
    pub fn word<'a>(&self, sqlite: &'a str, postgres: &'a str, mariadb: &'a str) -> &'a str {
        match self.way {
            Way::Sqlite(_) => sqlite,
            Way::Postgres(_) => postgres,
            Way::Mariadb(_) => mariadb,
        }
    }

    pub fn open(&self, more: Value) -> SqlConnector {
        self.try_open(more).unwrap_or_else(|trouble| panic!("{trouble}"))
    }

    pub fn try_open(&self, more: Value) -> Result<SqlConnector, Trouble> {
        let mut with = more.as_object().unwrap().clone();
        with.entry("url").or_insert(json!(self.url));
        SqlConnector::open(&with, self.project.path())
    }

    /// Companies with ids of their own, people with drawn ones, and what else tables have.
    pub fn furnish(&self) {
        let drawn = self.word(
            "INTEGER PRIMARY KEY",
            "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            "bigint AUTO_INCREMENT PRIMARY KEY",
        );
        let moment = self.word("DATETIME", "timestamptz", "datetime(6)");
        let json = self.word("JSON", "jsonb", "longtext");
        let text = self.word("TEXT", "text", "varchar(200)");
        let greeting = self.word("'Hi ' || name", "'Hi ' || name", "concat('Hi ', name)");
        let now = self.word("datetime('now')", "now()", "utc_timestamp(6)");
        let sizes = self.word("", ", tags text[], spare integer[]", "");
        self.run(&format!(
            "CREATE TABLE companies (id varchar(36) PRIMARY KEY, name varchar(40) NOT NULL);\n
             CREATE TABLE people (
               id {drawn}, email varchar(60) NOT NULL UNIQUE, name varchar(20) NOT NULL DEFAULT 'Nobody', balance decimal(10,2),
               active boolean, born date, seen {moment}, age smallint CHECK (age < 200), weight double precision, note {text},
               more {json}, greeting varchar(40) GENERATED ALWAYS AS ({greeting}) STORED,
               company_id varchar(36), changed {moment}{sizes},
               FOREIGN KEY (company_id) REFERENCES companies (id));\n
             CREATE TABLE memberships (person_id bigint NOT NULL, club varchar(20) NOT NULL, PRIMARY KEY (person_id, club));\n
             CREATE VIEW adults AS SELECT id, name, email FROM people WHERE age >= 18;\n
             INSERT INTO companies VALUES ('fjord', 'Fjord AS'), ('topp', 'Topp ASA');\n
             INSERT INTO people (email, name, balance, active, born, age, company_id, changed) VALUES
               ('ase@example.no', 'Åse', 12.50, {yes}, '1980-02-29', 45, 'fjord', {now}),
               ('bjorn@example.no', 'Bjørn', NULL, {no}, NULL, 12, NULL, {now}),
               ('cato@example.no', 'Cato', 0.10, NULL, NULL, NULL, NULL, {now});\n",
            yes = self.word("1", "true", "true"),
            no = self.word("0", "false", "false"),
        ));
    }
}

pub fn watch(paths: &[&str]) -> Vec<PropertyRef> {
    paths.iter().map(|&path| PropertyRef::new(path)).collect()
}

pub fn create(values: &[(usize, Value)], token: &str) -> Write {
    let values = values.iter().map(|(prop, value)| WriteValue {
        prop: *prop,
        value: value.clone(),
        displaced: Value::Null.into(),
    });
    Write { action: Action::Create, values: values.collect(), token: token.into() }
}

pub fn update(id: &str, version: Option<&str>, values: &[(usize, Value)]) -> Write {
    Write {
        action: Action::Update { id: id.into(), version: version.map(str::to_string) },
        ..create(values, "update")
    }
}

pub fn done(outcome: Outcome) -> ReadRecord {
    match outcome {
        Outcome::Done(record) => record,
        other => panic!("not done: {other:?}"),
    }
}

/// One write, one outcome.
pub fn write(
    connector: &dyn Connector,
    kind: &str,
    watch: &[PropertyRef],
    write: Write,
) -> Outcome {
    connector.write(kind, watch, &[write]).remove(0)
}
