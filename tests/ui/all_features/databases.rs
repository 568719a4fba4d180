//! `fresh_database` on what has none: what the attribute writes.

use longshore::__private::{fresh_database, request};

fn main() {
    fresh_database(request("redis:7.0"));
}
