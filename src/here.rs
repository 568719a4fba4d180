//! Paths of this machine to which something is written.

use std::fs;
use std::io;
use std::path::Path;

/// An error where something stands that is neither a file nor a folder, such as a device: what is written beside a path and
/// moved there would take its place.
pub(crate) fn check_target(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() && !meta.is_dir() => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{}` is neither a file nor a folder", path.display()),
        )),
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_no_target() {
        assert!(check_target(Path::new("/dev/null")).is_err());
        for target in ["Cargo.toml", "src", "no-such-file"] {
            assert!(check_target(Path::new(target)).is_ok(), "{target}");
        }
    }
}
