//! Where the attribute may stand.

use longshore::{blocking::Container, with_container};

#[with_container("nginx:1.22")]
struct NotAFunction;

#[tokio::test]
#[with_container("nginx:1.22")]
async fn below() {}

#[with_container("nginx:1.22")]
#[test]
#[with_container("redis:7.0")]
fn one_above_and_one_below(_web: Container, _cache: Container) {}

#[with_container("nginx:1.22")]
mod without_tests {
    pub fn helper() {}
}

#[with_container("Nginx", tyt)]
mod told_once {
    #[test]
    fn one() {}

    #[test]
    fn two() {}
}

fn main() {
    let _ = NotAFunction;
    without_tests::helper();
}
