//! Types that a container is not given as, and expressions that are no request. A test is only compiled with `--test`, so this is what the
//! attribute writes.

use longshore::__private::{given, request, Given, Kind, Plain};
use longshore::services::{Postgres, RedisContainer};

fn parameter(mut slot: Given, kind: Kind<Plain>) {
    let _web: String = given(&mut slot, kind);
}

fn another_service(mut slot: Given, kind: Kind<Postgres>) {
    let _redis: RedisContainer = given(&mut slot, kind);
}

fn main() {
    request(80);
    let _ = (parameter, another_service);
}
