//! Containers and parameters that do not fit.

use longshore::{blocking::Container, with_container};

#[with_container("nginx:1.22")]
#[with_container("redis:7.0")]
#[test]
fn more_containers(_web: Container) {}

#[with_container("nginx:1.22")]
#[test]
fn more_parameters(_web: Container, _cache: Container) {}

#[with_container("nginx:1.22", name = "cache")]
#[test]
fn no_such_name(_web: Container) {}

#[with_container("nginx:1.22", name = "web")]
#[with_container("redis:7.0", name = "web")]
#[test]
fn one_name(web: Container) {
    drop(web);
}

struct Suite;

impl Suite {
    #[with_container("nginx:1.22")]
    fn method(&self, _web: Container) {}
}

fn main() {
    let _ = Suite;
}
