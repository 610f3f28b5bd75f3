//! PostgreSQL, by way of the blocking client of `postgres`. Values travel as text both ways and are
//! cast by the server, which knows its types better than any client does. What went wrong is told
//! by SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).

use std::sync::Arc;
use std::time::Duration;

use lockstep_model::PlainType;
use postgres::config::SslMode;
use postgres::types::{ToSql, Type};
use postgres::{Client, Config, NoTls};

use super::cell::Cell;
use super::column::{Column, Stored};
use super::database::{Cause, Database, Fault};
use super::table::Table;
use super::tls::{self, Securing};

const PATIENCE: Duration = Duration::from_secs(15);

pub(super) struct Postgres {
    client: Client,
}

impl Postgres {
    pub(super) fn open(url: &str) -> Result<Postgres, Fault> {
        let (url, security) =
            tls::taken_from(url).map_err(|why| Fault::new(Cause::Statement, why))?;
        // The parser's own message may hold a part of the address, which may be the password.
        let mut config: Config = url.parse().map_err(|_| {
            Fault::new(
                Cause::Statement,
                "the address is not of the form postgres://user:password@host:5432/database"
                    .to_string(),
            )
        })?;
        config.connect_timeout(PATIENCE).application_name("lockstep");
        let secured = tls::config(&security).map_err(|why| Fault::new(Cause::Statement, why))?;
        let client = match secured {
            // No falling back: whoever asked for encryption gets it, or no connection.
            Some(secured) => config.ssl_mode(SslMode::Require).connect(Securing(Arc::new(secured))),
            None => config.ssl_mode(SslMode::Disable).connect(NoTls),
        };
        let mut client = client.map_err(|error| fault(&error))?;
        client
            .batch_execute("SET TIME ZONE 'UTC'; SET datestyle = 'ISO'; SET extra_float_digits = 1; SET lock_timeout = '10s'")
            .map_err(|error| fault(&error))?;
        Ok(Postgres { client })
    }
}

impl Database for Postgres {
    fn query(&mut self, sql: &str, params: &[Cell]) -> Result<Vec<Vec<Cell>>, Fault> {
        let texts: Vec<Option<String>> = params.iter().map(Cell::text).collect();
        let typed: Vec<(&(dyn ToSql + Sync), Type)> =
            texts.iter().map(|text| (text as &(dyn ToSql + Sync), Type::TEXT)).collect();
        let rows = self.client.query_typed(sql, &typed).map_err(|error| fault(&error))?;
        let cells = |row: &postgres::Row| {
            let text = |at| row.try_get::<_, Option<String>>(at).map_err(|error| fault(&error));
            (0..row.len()).map(|at| Ok(text(at)?.map_or(Cell::Null, Cell::Text))).collect()
        };
        rows.iter().map(cells).collect()
    }

    fn execute(&mut self, sql: &str, params: &[Cell]) -> Result<u64, Fault> {
        let texts: Vec<Option<String>> = params.iter().map(Cell::text).collect();
        let typed: Vec<(&(dyn ToSql + Sync), Type)> =
            texts.iter().map(|text| (text as &(dyn ToSql + Sync), Type::TEXT)).collect();
        self.client.execute_typed(sql, &typed).map_err(|error| fault(&error))
    }

    fn run(&mut self, sql: &str) -> Result<(), Fault> {
        self.client.batch_execute(sql).map_err(|error| fault(&error))
    }

    fn drawn(&mut self) -> Option<i64> {
        None
    }

    fn is_broken(&self) -> bool {
        self.client.is_closed()
    }

    fn tables(&mut self, schema: Option<&str>) -> Result<Vec<Table>, Fault> {
        let schema = [schema.map_or(Cell::Null, |schema| Cell::Text(schema.into()))];
        let mut tables: Vec<Table> = Vec::new();
        for row in self.query(COLUMNS, &schema)? {
            let text = |at: usize| row[at].text().unwrap_or_default();
            let table = Table::in_order(&mut tables, text(0), row[1].is_true());
            table.shows_transactions = row[12].is_true();
            let (native, base, element) = (text(3), text(4), text(5));
            if base == "bytea" {
                continue;
            }
            let mut column = Column::new(
                text(2),
                plain_type(if element.is_empty() { &base } else { &element }),
                native,
            );
            column.stored = match base.as_str() {
                "json" | "jsonb" => Stored::Json,
                "timestamp" => Stored::ZonelessTime,
                _ if !element.is_empty() => Stored::Array,
                _ => Stored::Plain,
            };
            column.nullable = !row[6].is_true();
            column.has_default = row[7].is_true();
            column.draws = row[8].is_true();
            column.read_only = row[9].is_true();
            column.caseless = base == "citext";
            column.max_chars = text(11).parse().ok();
            if row[10].is_true() {
                table.key.push(table.columns.len());
            }
            table.columns.push(column);
        }
        for row in self.query(CONSTRAINTS, &schema)? {
            let text = |at: usize| row[at].text().unwrap_or_default();
            let Some(table) = tables.iter_mut().find(|table| table.name == text(0)) else {
                continue;
            };
            let columns: Vec<String> = serde_json::from_str(&text(2)).unwrap_or_default();
            let to: Vec<String> = serde_json::from_str(&text(4)).unwrap_or_default();
            if let (Some(target), [column], [there]) =
                (row[3].text(), columns.as_slice(), to.as_slice())
            {
                table.foreign.push((column.clone(), target, there.clone()));
            }
            table.constraints.push((text(1), columns));
        }
        Ok(tables)
    }
}

/// Table, whether a view, column, type as a cast takes it, its base type, of an array the
/// elements', not null, default, draws, generated or always an identity, in the primary key, most
/// characters, whether the rows' transactions tell all changes: a partition or heir that is attached
/// brings rows of old ones.
const COLUMNS: &str = "
SELECT c.relname::text, (c.relkind IN ('v', 'm'))::text, a.attname::text,
       format_type(a.atttypid, CASE WHEN a.atttypid IN (1042, 1043, 1560, 1562) THEN -1 ELSE a.atttypmod END),
       coalesce(b.typname, t.typname)::text,
       CASE WHEN t.typcategory = 'A' THEN e.typname::text END,
       (a.attnotnull OR t.typnotnull)::text,
       (a.atthasdef OR t.typdefault IS NOT NULL)::text,
       (a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%')::text,
       (a.attgenerated <> '' OR a.attidentity = 'a')::text,
       (i.indkey IS NOT NULL)::text,
       CASE WHEN a.atttypid IN (1042, 1043) AND a.atttypmod > 4 THEN (a.atttypmod - 4)::text END,
       (c.relkind = 'r' AND NOT c.relhassubclass)::text
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey::int2[])
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname = coalesce($1, current_schema()::text)
ORDER BY c.relname, a.attnum";

/// Table, constraint, its columns, of a foreign key the table and columns referred to. Unique
/// indexes are told of like constraints.
const CONSTRAINTS: &str = "
SELECT c.relname::text, k.conname::text,
       (SELECT coalesce(json_agg(a.attname ORDER BY x.place), '[]')::text FROM unnest(k.conkey) WITH ORDINALITY x(number, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.number),
       f.relname::text,
       (SELECT coalesce(json_agg(a.attname ORDER BY x.place), '[]')::text FROM unnest(k.confkey) WITH ORDINALITY x(number, place)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.number)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class f ON f.oid = k.confrelid AND k.contype = 'f'
WHERE n.nspname = coalesce($1, current_schema()::text)
UNION ALL
SELECT c.relname::text, x.relname::text,
       (SELECT coalesce(json_agg(a.attname), '[]')::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])),
       NULL, '[]'
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND n.nspname = coalesce($1, current_schema()::text)
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)";

fn plain_type(base: &str) -> PlainType {
    match base {
        "int2" | "int4" | "int8" | "oid" => PlainType::Integer,
        "float4" | "float8" => PlainType::Float,
        "numeric" => PlainType::Decimal,
        "bool" => PlainType::Boolean,
        "timestamp" | "timestamptz" => PlainType::Datetime,
        "date" => PlainType::Date,
        "json" | "jsonb" => PlainType::Any,
        _ => PlainType::String,
    }
}

fn fault(error: &postgres::Error) -> Fault {
    let Some(told) = error.as_db_error() else {
        // A value that the driver can't take in is the only failure here that is not the
        // connection's.
        let reason = std::error::Error::source(error)
            .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        return Fault::new(Cause::Unreachable, format!("{reason}{}", tls::help(&reason)));
    };
    let code = told.code().code();
    let cause = match (&code[..2], code) {
        (_, "23505") => Cause::Unique,
        ("23", _) | (_, "44000" | "P0001") => Cause::Refused,
        ("22", _) => Cause::Value,
        ("28", _) | (_, "42501" | "3D000" | "25006") => Cause::Unauthorized,
        (_, "57P01" | "57P02" | "57P03") | ("08", _) => Cause::Unreachable,
        ("40" | "53" | "55" | "57", _) => Cause::Busy,
        _ => Cause::Statement,
    };
    let mut fault = Fault::new(cause, told.message());
    if let Some(detail) = told.detail() {
        fault.message = format!("{} ({})", fault.message, detail.trim_end_matches('.'));
    }
    if let Some(column) = told.column() {
        fault = fault.of_column(column);
    }
    fault.constraint = told.constraint().map(str::to_string);
    fault
}
