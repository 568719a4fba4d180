//! `docker rename`.

use super::handle::Container;
use crate::engine::io;
use crate::error::{Error, Kind, Result};
use crate::request::is_name;

impl Container {
    /// Gives it another name (`docker rename`); [`name`](Container::name) and every report say the new one from then on.
    ///
    /// # Errors
    ///
    /// When the name is malformed (nothing is asked then) or is taken ([`is_name_taken`](Error::is_name_taken)).
    pub async fn rename(&mut self, name: impl Into<String>) -> Result<()> {
        self.check_own("renamed")?;
        let name = name.into();
        check(&name).map_err(|error| self.remote.name_in(error))?;
        if name == self.name() {
            return Ok(());
        }
        io::check_process()?;
        let (remote, new) = (self.remote.clone(), name.clone());
        let renamed = io::run(async move { remote.post("rename", &[("name", &new)]).await }).await;
        if let Err(error) = renamed {
            let report = match self.is_taken(&name).await {
                true => Error::new(
                    Kind::NameTaken,
                    format!("the name `{name}` is taken by another container"),
                )
                .fact("because", error.to_string())
                .hint(format!("remove it (`docker rm -f {name}`), or choose another name")),
                false => {
                    error.while_trying(format!("the container could not be renamed to `{name}`"))
                }
            };
            return Err(self.remote.name_in(report));
        }
        self.guard.renamed(&name);
        self.remote = self.remote.renamed(name);
        Ok(())
    }

    /// Whether another container has the name. Each engine has its own words for that.
    async fn is_taken(&self, name: &str) -> bool {
        let holder = self.engine().containers().inspect(name).await;
        holder.is_ok_and(|holder| holder.name() == name && holder.id() != self.id())
    }
}

/// As for the name in a request.
fn check(name: &str) -> Result<()> {
    if is_name(name) {
        return Ok(());
    }
    Err(Error::new(Kind::InvalidRequest, format!("`{name}` is not a container's name")).hint(
        "a name has two or more letters, digits, `_`, `.` or `-`, and begins with a letter or a digit",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_docker_takes() {
        for name in ["ab", "a_b.c-d", "9x"] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in ["", "a", "-ab", "_ab", "a b", "a/b", "é9"] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
