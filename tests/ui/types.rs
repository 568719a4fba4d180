//! Types that a container is not given as, and expressions that are no request. A test is only compiled with `--test`, so this is what the
//! attribute writes.

use longshore::__private::{given, request, Given};

fn parameter(mut slot: Given) {
    let _web: String = given(&mut slot);
}

fn main() {
    request(80);
    let _ = parameter;
}
