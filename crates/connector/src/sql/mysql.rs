//! MySQL and MariaDB, by way of the blocking client of `mysql`. The session is strict (a value that
//! does not fit is refused, not cut) and in UTC. What went wrong is told by number
//! (<https://mariadb.com/docs/server/reference/error-codes>), the column by the message.

use std::time::Duration;

use lockstep_model::PlainType;
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, Params, SslOpts, Value as Driver};

use super::cell::Cell;
use super::column::{Column, Stored};
use super::database::{Cause, Database, Fault};
use super::table::Table;
use super::tls::{self, Security};

const PATIENCE: Duration = Duration::from_secs(15);

pub(super) struct Mysql {
    connection: Conn,
    broken: bool,
}

impl Mysql {
    pub(super) fn open(url: &str) -> Result<Mysql, Fault> {
        let url = url.replacen("mariadb://", "mysql://", 1);
        let (url, security) =
            tls::taken_from(&url).map_err(|why| Fault::new(Cause::Statement, why))?;
        // The parser's own message may hold a part of the address, which may be the password.
        let form = "the address is not of the form mysql://user:password@host:3306/database";
        let options =
            mysql::Opts::from_url(&url).map_err(|_| Fault::new(Cause::Statement, form))?;
        if options.get_db_name().is_none() {
            return Err(Fault::new(Cause::Statement, form));
        }
        let options = OptsBuilder::from_opts(options).tcp_connect_timeout(Some(PATIENCE)).prefer_socket(false).init(vec![
            "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO', \
                 innodb_lock_wait_timeout = 10",
            "SET NAMES utf8mb4",
        ]);
        // What is wrong with the authorities is told before anything is sent.
        tls::config(&security).map_err(|why| Fault::new(Cause::Statement, why))?;
        let secured = match security {
            Security::Plain => None,
            Security::Encrypted => Some(SslOpts::default().with_danger_accept_invalid_certs(true)),
            Security::Verified(roots) => Some(SslOpts::default().with_root_cert_path(roots)),
        };
        let options = options.ssl_opts(secured);
        let connection = Conn::new(options).map_err(|error| fault(&error))?;
        Ok(Mysql { connection, broken: false })
    }

    fn note(&mut self, error: &mysql::Error) -> Fault {
        let fault = fault(error);
        self.broken |= fault.cause == Cause::Unreachable;
        fault
    }
}

fn given(params: &[Cell]) -> Params {
    let driver = |cell: &Cell| match cell {
        Cell::Null => Driver::NULL,
        Cell::Int(n) => Driver::Int(*n),
        Cell::Real(f) => Driver::Double(*f),
        Cell::Text(text) => Driver::Bytes(text.clone().into_bytes()),
        Cell::Blob(bytes) => Driver::Bytes(bytes.clone()),
    };
    if params.is_empty() {
        Params::Empty
    } else {
        Params::Positional(params.iter().map(driver).collect())
    }
}

fn cell(value: Driver) -> Cell {
    match value {
        Driver::NULL => Cell::Null,
        Driver::Bytes(bytes) => match String::from_utf8(bytes) {
            // A bit field is bytes as well, and the only one that holds these.
            Ok(text) if text.len() == 1 && text.as_bytes()[0] < 2 => Cell::Blob(text.into_bytes()),
            Ok(text) => Cell::Text(text),
            Err(error) => Cell::Blob(error.into_bytes()),
        },
        Driver::Int(n) => Cell::Int(n),
        Driver::UInt(n) => i64::try_from(n).map_or_else(|_| Cell::Text(n.to_string()), Cell::Int),
        Driver::Float(f) => Cell::Text(f.to_string()),
        Driver::Double(f) => Cell::Real(f),
        // The "zero" dates that lax servers keep mean nothing.
        Driver::Date(_, 0, ..) | Driver::Date(_, _, 0, ..) => Cell::Null,
        Driver::Date(year, month, day, hour, minute, second, micro) => {
            let fraction = if micro == 0 { String::new() } else { format!(".{micro:06}") };
            Cell::Text(format!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}"
            ))
        }
        Driver::Time(negative, days, hours, minutes, seconds, _) => {
            let sign = if negative { "-" } else { "" };
            Cell::Text(format!(
                "{sign}{:02}:{minutes:02}:{seconds:02}",
                days * 24 + u32::from(hours)
            ))
        }
    }
}

impl Database for Mysql {
    fn query(&mut self, sql: &str, params: &[Cell]) -> Result<Vec<Vec<Cell>>, Fault> {
        let rows: Result<Vec<mysql::Row>, _> = self.connection.exec(sql, given(params));
        let rows = rows.map_err(|error| self.note(&error))?;
        Ok(rows.into_iter().map(|row| row.unwrap().into_iter().map(cell).collect()).collect())
    }

    fn execute(&mut self, sql: &str, params: &[Cell]) -> Result<u64, Fault> {
        self.connection.exec_drop(sql, given(params)).map_err(|error| self.note(&error))?;
        Ok(self.connection.affected_rows())
    }

    fn run(&mut self, sql: &str) -> Result<(), Fault> {
        self.connection.query_drop(sql).map_err(|error| self.note(&error))
    }

    fn drawn(&mut self) -> Option<i64> {
        i64::try_from(self.connection.last_insert_id()).ok().filter(|id| *id != 0)
    }

    fn is_broken(&self) -> bool {
        self.broken
    }

    fn tables(&mut self, schema: Option<&str>) -> Result<Vec<Table>, Fault> {
        let schema = [schema.map_or(Cell::Null, |schema| Cell::Text(schema.into()))];
        let mut tables: Vec<Table> = Vec::new();
        for row in self.query(COLUMNS, &schema)? {
            let text = |at: usize| row[at].text().unwrap_or_default();
            let table = Table::in_order(&mut tables, text(0), text(1).contains("VIEW"));
            let (data_type, full, extra) =
                (text(3).to_lowercase(), text(4).to_lowercase(), text(7).to_lowercase());
            if data_type.contains("blob") || data_type.contains("binary") {
                continue;
            }
            let mut column = Column::new(text(2), plain_type(&data_type, &full), full.clone());
            column.stored = match data_type.as_str() {
                "json" => Stored::Json,
                "datetime" | "timestamp" => Stored::SpacedTime,
                _ => Stored::Plain,
            };
            column.nullable = row[5].is_true();
            column.draws = extra.contains("auto_increment");
            column.has_default = row[6] != Cell::Null || extra.contains("default_generated");
            // MariaDB tells the default of a column that has none as the word NULL.
            column.has_default &= text(6) != "NULL" || !column.nullable;
            column.read_only = !text(10).is_empty()
                || (extra.contains("generated") && !extra.contains("default_generated"));
            column.caseless = text(8).ends_with("_ci");
            if text(9) == "PRI" {
                table.key.push(table.columns.len());
            }
            table.columns.push(column);
        }
        for row in self.query(KEYS, &schema)? {
            let text = |at: usize| row[at].text().unwrap_or_default();
            let Some(table) = tables.iter_mut().find(|table| table.name == text(0)) else {
                continue;
            };
            let (name, column) = (text(1), text(2));
            match table.constraints.iter_mut().find(|(known, _)| *known == name) {
                Some((_, columns)) => columns.push(column.clone()),
                None => table.constraints.push((name, vec![column.clone()])),
            }
            if let (Some(target), Some(there)) = (row[3].text(), row[4].text()) {
                table.foreign.push((column, target, there));
            }
        }
        Ok(tables)
    }
}

const COLUMNS: &str = "
SELECT c.TABLE_NAME, t.TABLE_TYPE, c.COLUMN_NAME, c.DATA_TYPE, c.COLUMN_TYPE, c.IS_NULLABLE, c.COLUMN_DEFAULT, c.EXTRA,
       c.COLLATION_NAME, c.COLUMN_KEY, c.GENERATION_EXPRESSION
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
WHERE c.TABLE_SCHEMA = coalesce(?, database())
ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION";

const KEYS: &str = "
SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA = coalesce(?, database())
ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION";

fn plain_type(data_type: &str, full: &str) -> PlainType {
    match data_type {
        "tinyint" if full.starts_with("tinyint(1)") => PlainType::Boolean,
        "bit" if full == "bit(1)" => PlainType::Boolean,
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => PlainType::Integer,
        "float" | "double" => PlainType::Float,
        "decimal" => PlainType::Decimal,
        "datetime" | "timestamp" => PlainType::Datetime,
        "date" => PlainType::Date,
        "json" => PlainType::Any,
        _ => PlainType::String,
    }
}

fn fault(error: &mysql::Error) -> Fault {
    let mysql::Error::MySqlError(told) = error else {
        let reason = error.to_string();
        return Fault::new(Cause::Unreachable, format!("{reason}{}", tls::help(&reason)));
    };
    let cause = match told.code {
        1062 | 1586 => Cause::Unique,
        1048 | 1364 | 1451 | 1452 | 3819 | 4025 | 1644 => Cause::Refused,
        1264..=1266 | 1292 | 1366 | 1406 | 1411 | 3140 | 3141 => Cause::Value,
        1044 | 1045 | 1049 | 1142 | 1143 | 1227 | 1290 | 1698 | 1836 => Cause::Unauthorized,
        1040 | 1041 | 1205 | 1213 | 1203 | 1226 => Cause::Busy,
        1053 | 1077..=1079 | 1152..=1161 | 1927 | 4031 => Cause::Unreachable,
        _ => Cause::Statement,
    };
    let mut fault = Fault::new(cause, told.message.clone());
    let between = |from: &str, to: char| {
        let rest = &told.message[told.message.find(from)? + from.len()..];
        Some(rest[..rest.find(to)?].to_string())
    };
    match told.code {
        // `Duplicate entry 'x' for key 'people.email'` (MySQL), `… for key 'email'` (MariaDB).
        1062 | 1586 => {
            if let Some(key) = between("for key '", '\'') {
                let key = key.rsplit_once('.').map_or(key.as_str(), |(_, key)| key);
                fault = fault.of_constraint(key);
            }
        }
        1048 => fault.columns.extend(between("Column '", '\'')),
        1364 => fault.columns.extend(between("Field '", '\'')),
        1451 | 1452 => fault.columns.extend(between("FOREIGN KEY (`", '`')),
        4025 | 3819 => {
            fault.constraint =
                between("CONSTRAINT `", '`').or_else(|| between("constraint '", '\''))
        }
        // `Incorrect integer value: 'x' for column `db`.`people`.`age` at row 1`,
        // `Data too long for column 'name' at row 1`.
        _ => {
            let column = told
                .message
                .split_once("for column ")
                .map(|(_, rest)| rest.split(" at row").next().unwrap_or(rest));
            let column = column.map(|name| {
                name.rsplit('.').next().unwrap_or(name).trim_matches(['`', '\'', '"']).to_string()
            });
            fault.columns.extend(column);
        }
    }
    fault
}
