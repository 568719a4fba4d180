//! A small shop, by way of what it asks its database.

/// A table with one column of numbers, and those numbers in it.
pub fn table(name: &str, numbers: &[i64]) -> String {
    let rows: Vec<_> = numbers.iter().map(|number| format!("({number})")).collect();
    format!("CREATE TABLE {name} (number bigint); INSERT INTO {name} VALUES {}", rows.join(", "))
}

/// What the numbers of a table come to.
pub fn sum(name: &str) -> String {
    format!("SELECT sum(number) FROM {name}")
}

/// How many there are.
pub fn count(name: &str) -> String {
    format!("SELECT count(*) FROM {name}")
}

/// The largest one.
pub fn largest(name: &str) -> String {
    format!("SELECT max(number) FROM {name}")
}
