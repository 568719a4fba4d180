//! Paths in words of the command line, of Linux and of Windows: which are absolute, and which of
//! the host's are relative to the working directory.
//!
//! Nothing is looked up: a path is text here, and the engine may be on another machine.

use crate::error::Problem;

/// Whether this is a path from the root: `/data`, `C:\data`, `\\.\pipe\docker_engine`.
pub(crate) fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.starts_with(r"\\") || is_on_drive(path)
}

/// Whether the text begins with a drive of Windows and a slash of either kind.
pub(crate) fn is_on_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic())
}

/// Whether this is a path of the host and no name: absolute, or with a `.` in front.
pub(crate) fn is_host_path(text: &str) -> bool {
    text.starts_with('.') || is_absolute(text)
}

/// Refuses what is no path of the host, where nothing but one can stand.
pub(crate) fn check_host_path(text: &str) -> Result<(), Problem> {
    refuse_home(text)?;
    if is_host_path(text) {
        return Ok(());
    }
    Err(Problem::new(format!("the source `{text}` is neither absolute nor begins with `.`"))
        .hint(format!("for a path in the working directory write `./{text}`")))
}

/// A shell would have replaced the `~`.
pub(crate) fn refuse_home(text: &str) -> Result<(), Problem> {
    if text.starts_with('~') {
        return Err(Problem::new("`~` is not replaced by the home directory")
            .hint("write the directory in full"));
    }
    Ok(())
}

/// A path in the container on which something can be mounted.
pub(crate) fn check_target(text: &str) -> Result<(), Problem> {
    if !is_absolute(text) {
        return Err(Problem::new(format!("the target `{text}` is not absolute"))
            .hint("write a path from the root of the container, such as `/data`"));
    }
    if text.bytes().all(|byte| byte == b'/') {
        return Err(Problem::new("nothing can be mounted on `/`")
            .hint("write a directory of the container, such as `/data`"));
    }
    Ok(())
}

/// The name of a volume, as the engine takes it.
pub(crate) fn check_volume_name(name: &str) -> Result<(), Problem> {
    refuse_home(name)?;
    if name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("%cd%")) {
        return Err(Problem::new(format!(
            "`{}` is not replaced by the working directory",
            &name[..4]
        ))
        .hint(format!("write `.` for it: `.{}`", &name[4..])));
    }
    if name.contains('/') || name.contains('\\') {
        return Err(Problem::new(format!(
            "the source `{name}` is neither a path nor the name of a volume"
        ))
        .hint(format!("for a path in the working directory write `./{name}`")));
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if let Some(c) = name.chars().find(|c| !is_allowed(*c)) {
        return Err(Problem::new(format!("the name of a volume cannot hold `{c}`"))
            .hint("a name is made of letters, digits, `_`, `.` and `-`"));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(Problem::new(format!(
            "the name `{name}` does not begin with a letter or digit"
        ))
        .hint("for a path in the working directory write `./` before it"));
    }
    if name.len() < 2 {
        return Err(Problem::new(format!("the name `{name}` is too short"))
            .hint("the name of a volume has at least two characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_working_directory_of_windows_is_not_replaced() {
        assert_eq!(
            check_volume_name("%CD%/data"),
            Err(Problem::new("`%CD%` is not replaced by the working directory")
                .hint("write `.` for it: `./data`"))
        );
        assert_ne!(check_volume_name("é%c"), Ok(()));
    }

    #[test]
    fn a_path_from_the_root_is_absolute_on_either_system() {
        for path in ["/", "/a", r"C:\a", "c:/a", r"\\.\pipe\x", r"\\server\share"] {
            assert!(is_absolute(path), "{path}");
        }
        for path in ["", "a", "./a", "C:", "C:a", r"\a", "~/a", "é:/"] {
            assert!(!is_absolute(path), "{path}");
        }
    }
}
