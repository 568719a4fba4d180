//! Where a test's report is written: `<target>/longshore/<binary>/<test>/`. Looks at paths and at a variable; the folder is made when
//! there is something to write.

use std::env;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// `off`, or a folder that takes the place of `<target>/longshore`.
const VARIABLE: &str = "LONGSHORE_REPORTS";

/// In every report's folder. What has none is nobody's report, and is not taken away.
pub(super) const REPORT: &str = "report.txt";

/// A name of a file may have 255 bytes.
const NAME_LIMIT: usize = 200;

/// The folder of one test, absolute; or none, since no reports are wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    folder: Option<PathBuf>,
    /// Others may write beside it: it is taken only from a folder that is this user's alone.
    #[serde(default)]
    guarded: Option<PathBuf>,
}

impl Place {
    /// That of the test with this path, such as `tests::stores_a_row`.
    pub(crate) fn of(test: &str) -> Self {
        let program = env::current_exe().unwrap_or_default();
        let (root, guarded) = match root(&program) {
            Root::None => return Place { folder: None, guarded: None },
            Root::At(root) => (root, None),
            Root::Unknown => {
                let own = env::temp_dir().join(format!("longshore-reports-{}", user()));
                (own.clone(), Some(own))
            }
        };
        Place { folder: Some(root.join(binary(&program)).join(safe(test))), guarded }
    }

    /// Takes an earlier report away. What fails is not told: who writes the next one finds it out.
    pub(crate) fn clear(&self) {
        if let Some(folder) = &self.folder {
            if folder.join(REPORT).is_file() {
                let _ = fs::remove_dir_all(folder);
            }
        }
    }

    /// Makes the folder, empty; `None` when no reports are wanted.
    pub(super) fn make(&self) -> io::Result<Option<PathBuf>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        if let Some(guarded) = &self.guarded {
            make_guarded(guarded)?;
        }
        self.clear();
        fs::create_dir_all(folder)?;
        Ok(Some(folder.clone()))
    }

    /// For a message.
    pub(super) fn shown(&self) -> String {
        self.folder.as_deref().unwrap_or(Path::new("")).display().to_string()
    }
}

/// The folder of all reports.
enum Root {
    /// None are wanted.
    None,
    /// Absolute.
    At(PathBuf),
    /// Nobody says, and this program is in no target folder.
    Unknown,
}

fn root(program: &Path) -> Root {
    let asked = env::var_os(VARIABLE).filter(|asked| !asked.is_empty());
    match (asked.map(PathBuf::from), target(program)) {
        (Some(asked), _) if asked.as_os_str() == "off" => Root::None,
        (Some(asked), _) => Root::At(std::path::absolute(&asked).unwrap_or(asked)),
        (None, Some(target)) => Root::At(target.join("longshore")),
        (None, None) => Root::Unknown,
    }
}

/// The folder of all reports of this program, absolute: `<target>/longshore`, or what the variable says. Nothing when none are
/// wanted, or none is known.
pub(crate) fn reports_folder() -> Option<PathBuf> {
    match root(&env::current_exe().unwrap_or_default()) {
        Root::At(folder) => Some(folder),
        Root::None | Root::Unknown => None,
    }
}

/// This program's name without the hash that cargo gives it.
pub(crate) fn this_binary() -> String {
    binary(&env::current_exe().unwrap_or_default())
}

/// A folder in one that everybody may write to.
fn make_guarded(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        outcome => return outcome,
    }
    let found = fs::symlink_metadata(folder)?;
    #[cfg(unix)]
    let is_open = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0;
    #[cfg(not(unix))]
    let is_open = false;
    // If nobody else may write to it and we can, it is ours.
    match found.is_dir() && !is_open {
        true => Ok(()),
        false => Err(io::Error::other(format!("others may write to {}", folder.display()))),
    }
}

/// The folder above `<profile>/deps/<program>`, as cargo lays it out.
fn target(program: &Path) -> Option<PathBuf> {
    let deps = program.parent()?;
    // Examples and benches stand beside `deps`.
    let profile = match deps.file_name()?.to_str()? {
        "deps" | "examples" => deps.parent()?,
        _ => return None,
    };
    let target = profile.parent()?;
    let is_folder = target.components().any(|part| matches!(part, Component::Normal(_)));
    is_folder.then(|| target.to_owned())
}

/// The program's name without the hash that cargo gives it.
fn binary(program: &Path) -> String {
    let stem = program.file_stem().unwrap_or_default().to_string_lossy();
    let is_hash =
        |hash: &str| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match stem.rsplit_once('-') {
        Some((name, hash)) if is_hash(hash) => safe(name),
        _ => safe(&stem),
    }
}

/// A name for a file: what a path of a test has beside letters and digits becomes `.` or `_`, and what is too long is cut.
pub(crate) fn safe(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let mut text: String = name.replace("::", ".").chars().map(plain).collect();
    if text.len() > NAME_LIMIT {
        // Two that begin alike stay two.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let end = (0..=NAME_LIMIT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push_str(&format!("-{hash:016x}"));
    }
    if text.bytes().all(|byte| byte == b'.') {
        text.push('_');
    }
    text
}

fn user() -> String {
    let name = env::var("USER").or_else(|_| env::var("USERNAME"));
    safe(&name.unwrap_or_else(|_| "me".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_above_that_of_the_profile() {
        for (program, folder) in [
            ("/a/target/debug/deps/web-0123456789abcdef", Some("/a/target")),
            (
                "/a/target/x86_64-unknown-linux-gnu/ci/deps/web-0123456789abcdef",
                Some("/a/target/x86_64-unknown-linux-gnu"),
            ),
            ("/a/target/debug/examples/report", Some("/a/target")),
            ("/tmp/rustdoctest1/rust_out", None),
            ("/deps/a", None),
            ("/x/deps/a", None),
            ("", None),
        ] {
            assert_eq!(target(Path::new(program)), folder.map(PathBuf::from), "{program}");
        }
    }

    #[test]
    fn the_hash_is_no_part_of_the_name() {
        for (program, name) in [
            ("/t/debug/deps/web-0123456789abcdef", "web"),
            ("/t/debug/deps/web-site-0123456789abcdef.exe", "web-site"),
            ("/t/debug/deps/web-site", "web-site"),
            ("/t/debug/examples/report", "report"),
        ] {
            assert_eq!(binary(Path::new(program)), name);
        }
    }

    #[test]
    fn every_path_of_a_test_is_one_name_of_a_file() {
        for (path, name) in [
            ("tests::stores_a_row", "tests.stores_a_row"),
            ("a::case_1_ü", "a.case_1_ü"),
            ("../a b/<c>", ".._a_b__c_"),
            ("..", ".._"),
            ("", "_"),
        ] {
            assert_eq!(safe(path), name);
        }
        let long = |end: &str| safe(&format!("{}{end}", "ä::".repeat(200)));
        assert!(long("1").len() < 230 && long("1") != long("2"));
    }
}
