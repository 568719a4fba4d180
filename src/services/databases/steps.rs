//! What makes a copy of a MariaDB or MySQL database on the same server, as statements that are read from it once. Says nothing but
//! SQL; must know no container.

use mysql::prelude::Queryable;
use mysql::{Conn, Row};
use serde::{Deserialize, Serialize};

/// The statements, in their order; said with the copy as the current database.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Steps {
    /// Character set and collation of the database itself.
    charset: String,
    collation: String,
    /// Tables and sequences, and rows. Each is complete and holds no other, so they are sent together.
    tables: Vec<String>,
    /// Procedures, functions, packages, views, triggers and events.
    others: Vec<Step>,
}

/// A statement that is a program, with what was said when it was made. Its text is told in UTF-8 and sent in it, whatever it was
/// written in.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Step {
    sql_mode: String,
    collation: String,
    /// Of an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    sql: String,
}

impl Steps {
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn from_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Makes a copy, and finds out the order in which views can be made.
    pub(super) fn try_to_copy(
        &mut self,
        connection: &mut Conn,
        source: &str,
        target: &str,
    ) -> mysql::Result<()> {
        begin(connection, self, target)?;
        say_together(connection, &self.tables, source)?;
        let (mut done, mut left) = (Vec::new(), std::mem::take(&mut self.others));
        while !left.is_empty() {
            let (mut failed, before) = (Vec::new(), left.len());
            let mut first = None;
            for step in left {
                match step.say(connection) {
                    Ok(()) => done.push(step),
                    Err(error) => {
                        first.get_or_insert(error);
                        failed.push(step);
                    }
                }
            }
            // What fails may need what comes later.
            if let (true, Some(error)) = (failed.len() == before, first) {
                return Err(error);
            }
            left = failed;
        }
        self.others = done;
        end(connection)
    }
}

/// Makes a copy of `source`, which these steps were read from.
pub(super) fn copy_to(
    connection: &mut Conn,
    steps: &Steps,
    source: &str,
    target: &str,
) -> mysql::Result<()> {
    begin(connection, steps, target)?;
    say_together(connection, &steps.tables, source)?;
    for step in &steps.others {
        step.say(connection)?;
    }
    end(connection)
}

fn begin(connection: &mut Conn, steps: &Steps, target: &str) -> mysql::Result<()> {
    let target = name(target);
    say(connection, &format!(
        "CREATE DATABASE {target} CHARACTER SET {} COLLATE {}; USE {target}; SET foreign_key_checks = 0, unique_checks = 0, \
         sql_mode = 'NO_AUTO_VALUE_ON_ZERO', sql_notes = 0",
        steps.charset, steps.collation
    ))
}

fn end(connection: &mut Conn) -> mysql::Result<()> {
    // Away from it: whoever is in a database is ended when that is dropped.
    say(
        connection,
        "SET foreign_key_checks = 1, unique_checks = 1, sql_mode = DEFAULT, sql_notes = 1, time_zone = DEFAULT; SET NAMES utf8mb4; USE \
         longshore",
    )
}

/// Statements in which `{source}` is the name of the database that is copied.
fn say_together(connection: &mut Conn, statements: &[String], source: &str) -> mysql::Result<()> {
    for some in statements.chunks(100) {
        say(connection, &some.join(";\n").replace(SOURCE, &name(source)))?;
    }
    Ok(())
}

/// Stands for the database that is copied: no text of a user's has it.
const SOURCE: &str = "\u{1}source\u{1}";

impl Step {
    fn say(&self, connection: &mut Conn) -> mysql::Result<()> {
        let zone = self.time_zone.as_ref().map(|zone| format!(", time_zone = {}", text(zone)));
        say(
            connection,
            &format!(
                "SET sql_mode = {}, collation_connection = {}{}",
                text(&self.sql_mode),
                self.collation,
                zone.unwrap_or_default()
            ),
        )?;
        say(connection, &self.sql)
    }
}

/// Reads what makes a copy of a database.
pub(super) fn steps_of(connection: &mut Conn, database: &str) -> mysql::Result<Steps> {
    let query = "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = ?";
    let about: Option<(String, String)> = connection.exec_first(query, (database,))?;
    let (charset, collation) =
        about.unwrap_or_else(|| ("utf8mb4".into(), "utf8mb4_general_ci".into()));
    // In it, so that what it has is named without it. Quoted names, whatever the server's mode.
    say(
        connection,
        &format!("USE {}; SET sql_mode = '', sql_quote_show_create = 1", name(database)),
    )?;
    let mut steps = Steps { charset, collation, ..Steps::default() };
    let query = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name";
    let all: Vec<(String, String)> = connection.exec(query, (database,))?;
    // The default of a column may ask a sequence.
    for sequence in all.iter().filter(|(_, kind)| kind == "SEQUENCE").map(|(table, _)| table) {
        steps.tables.push(shown(
            connection,
            &format!("SHOW CREATE SEQUENCE {}", name(sequence)),
            "Create Table",
        )?);
        let query = format!("SELECT next_not_cached_value FROM {}", name(sequence));
        if let Some(value) = connection.query_first::<i64, _>(query)? {
            steps.tables.push(format!("DO SETVAL({}, {value}, 0)", name(sequence)));
        }
    }
    let mut rows = Vec::new();
    let of_itself = format!("{}.", name(database));
    for (table, _) in all.iter().filter(|(_, kind)| kind != "VIEW" && kind != "SEQUENCE") {
        let create =
            shown(connection, &format!("SHOW CREATE TABLE {}", name(table)), "Create Table")?;
        // The only names with a database before them.
        steps.tables.push(
            create
                .replace(&format!("nextval({of_itself}"), "nextval(")
                .replace(&format!("lastval({of_itself}"), "lastval("),
        );
        if connection
            .query_first::<u8, _>(format!("SELECT 1 FROM {} LIMIT 1", name(table)))?
            .is_some()
        {
            let query = "SELECT column_name FROM information_schema.columns WHERE table_schema = ? AND table_name = ? AND \
                         COALESCE(generation_expression, '') = '' ORDER BY ordinal_position";
            let columns: Vec<String> = connection.exec(query, (database, table))?;
            let columns = columns.iter().map(|column| name(column)).collect::<Vec<_>>().join(", ");
            let table = name(table);
            rows.push(format!(
                "INSERT INTO {table} ({columns}) SELECT {columns} FROM {SOURCE}.{table}"
            ));
        }
    }
    steps.tables.append(&mut rows);
    let functions = routines(connection, database)?;
    let of_functions: Vec<_> =
        functions.iter().map(|(function, _)| format!("{}(", name(function))).collect();
    steps.others.extend(functions.into_iter().map(|(_, step)| step));
    for (view, _) in all.iter().filter(|(_, kind)| kind == "VIEW") {
        let row = show(connection, &format!("SHOW CREATE VIEW {}", name(view)))?;
        // Functions are shown with the database before them, tables are not.
        let sql = of_functions.iter().fold(column(&row, "Create View"), |sql, function| {
            sql.replace(&format!("{of_itself}{function}"), function)
        });
        steps.others.push(Step {
            sql_mode: String::new(),
            collation: column(&row, "collation_connection"),
            time_zone: None,
            sql,
        });
    }
    let query = "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = ? ORDER BY event_object_table, \
                 action_timing, event_manipulation, action_order";
    let triggers: Vec<String> = connection.exec(query, (database,))?;
    for trigger in triggers {
        steps.others.push(program(
            connection,
            &format!("SHOW CREATE TRIGGER {}", name(&trigger)),
            "SQL Original Statement",
        )?);
    }
    let events: Vec<String> = connection.exec(
        "SELECT event_name FROM information_schema.events WHERE event_schema = ? ORDER BY 1",
        (database,),
    )?;
    for event in events {
        let query = format!("SHOW CREATE EVENT {}", name(&event));
        let time_zone = Some(column(&show(connection, &query)?, "time_zone"));
        steps.others.push(Step { time_zone, ..program(connection, &query, "Create Event")? });
    }
    say(connection, "SET sql_mode = DEFAULT; USE longshore")?;
    Ok(steps)
}

/// A package's body comes after it, and what views use before those.
fn routines(connection: &mut Conn, database: &str) -> mysql::Result<Vec<(String, Step)>> {
    let query = "SELECT routine_name, routine_type FROM information_schema.routines WHERE routine_schema = ? ORDER BY routine_type, routine_name";
    let routines: Vec<(String, String)> = connection.exec(query, (database,))?;
    let mut steps = Vec::new();
    for (routine, kind) in routines {
        let column = match kind.as_str() {
            "FUNCTION" => "Create Function",
            "PROCEDURE" => "Create Procedure",
            "PACKAGE" => "Create Package",
            _ => "Create Package Body",
        };
        let step = program(connection, &format!("SHOW CREATE {kind} {}", name(&routine)), column)?;
        steps.push((routine, step));
    }
    Ok(steps)
}

fn program(connection: &mut Conn, query: &str, statement: &str) -> mysql::Result<Step> {
    let row = show(connection, query)?;
    Ok(Step {
        sql_mode: column(&row, "sql_mode"),
        collation: column(&row, "collation_connection"),
        time_zone: None,
        sql: column(&row, statement),
    })
}

fn shown(connection: &mut Conn, query: &str, statement: &str) -> mysql::Result<String> {
    Ok(column(&show(connection, query)?, statement))
}

fn show(connection: &mut Conn, query: &str) -> mysql::Result<Row> {
    let row: Option<Row> = connection.query_first(query)?;
    row.ok_or(mysql::Error::FromValueError(mysql::Value::NULL))
}

/// A column by its name; empty if there is none.
fn column(row: &Row, name: &str) -> String {
    row.get_opt::<String, _>(name).and_then(Result::ok).unwrap_or_default()
}

/// Says one or several statements. The client gives up the rest of them otherwise, and with it what has failed there.
pub(super) fn say(connection: &mut Conn, sql: &str) -> mysql::Result<()> {
    let mut answers = connection.query_iter(sql)?;
    while let Some(rows) = answers.iter() {
        for row in rows {
            row?;
        }
    }
    Ok(())
}

/// Quoted, as a name.
pub(super) fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Quoted, as a text.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
