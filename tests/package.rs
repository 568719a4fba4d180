//! What a user pays for the crate: the size of its tree, and the Rust that it needs. Asks cargo, needs no engine.

#![allow(missing_docs, reason = "tests")]

use std::collections::{BTreeSet, HashMap};
use std::process::Command;

use serde_json::Value;

/// Crates that a user compiles with default features, longshore and procedural macros among them.
const MOST_CRATES: usize = 110;

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).output().expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

#[test]
fn the_tree_is_small() {
    let tree = cargo(&["tree", "--offline", "-p", "longshore", "-e", "normal", "--prefix", "none"]);
    let crates: BTreeSet<_> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    assert!(crates.len() > 10, "this is not a tree: {tree}");
    assert!(crates.len() <= MOST_CRATES, "{} crates: {crates:#?}", crates.len());
}

/// `rust-version` of every crate that a user compiles, by what the crates state themselves.
#[test]
fn no_dependency_needs_a_newer_rust_than_we_state() {
    let about = cargo(&["-vV"]);
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    // Only what this machine needs has been downloaded.
    let arguments = ["metadata", "--offline", "--format-version", "1", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&cargo(&arguments)).expect("JSON");
    let packages: HashMap<&str, &Value> = metadata["packages"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|package| (text(package, "id"), package))
        .collect();
    let nodes: HashMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|node| (text(node, "id"), node))
        .collect();
    let root = packages
        .values()
        .find(|package| text(package, "name") == "longshore")
        .expect("it is in its own tree");
    let stated = version(text(root, "rust_version"));

    let mut todo = vec![text(root, "id")];
    let mut seen = BTreeSet::new();
    while let Some(id) = todo.pop() {
        if !seen.insert(id) {
            continue;
        }
        let package = packages[id];
        let needed = package["rust_version"].as_str().map(version).unwrap_or_default();
        assert!(
            needed <= stated,
            "{} {} needs Rust {needed:?}",
            text(package, "name"),
            text(package, "version")
        );
        for dependency in nodes[id]["deps"].as_array().expect("a list") {
            let is_normal = |kind: &Value| kind["kind"].is_null();
            if dependency["dep_kinds"].as_array().expect("a list").iter().any(is_normal) {
                todo.push(text(dependency, "pkg"));
            }
        }
    }
    assert!(seen.len() > 10, "the tree has only {} crates", seen.len());
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is text"))
}

fn version(text: &str) -> Vec<u64> {
    text.split('.').map(|part| part.parse().expect("a number")).collect()
}
