//! How an error reads. One fact a line, the output indented behind `|`, the hint last.

use std::fmt;

use super::report::Error;

/// The labels in the order in which they are printed; others follow.
const ORDER: [&str; 8] =
    ["waiting for", "because", "last seen", "image", "container", "network", "volume", "engine"];

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report();
        f.write_str(&report.summary)?;
        let place =
            |label: &str| ORDER.iter().position(|known| *known == label).unwrap_or(ORDER.len());
        let mut facts: Vec<_> = report.facts.iter().collect();
        facts.sort_by_key(|(label, _)| place(label));
        for (label, value) in facts {
            write!(f, "\n  {label}: ")?;
            let mut lines = value.lines();
            f.write_str(lines.next().unwrap_or_default())?;
            for line in lines {
                write!(f, "\n    {line}")?;
            }
        }
        if !report.output.is_empty() {
            f.write_str("\n  last output:")?;
            for line in &report.output {
                write!(f, "\n    | {line}")?;
            }
        }
        for other in &report.also {
            write!(f, "\n  also: {}", other.to_string().replace('\n', "\n  "))?;
        }
        if let Some(hint) = &report.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::error::{Error, Kind};

    #[test]
    fn reads_from_the_headline_to_the_hint() {
        let error =
            Error::new(Kind::Exited, "the container exited with code 3 before it was ready")
                .fact("engine", "Docker 20.10.24 at unix:///var/run/docker.sock")
                .fact("image", "`busybox:1.35`")
                .fact("image", "`another`")
                .with_exit_code(3)
                .with_output(vec!["boom".into()])
                .hint("wait for the exit with `Wait::exit()`");
        assert_eq!(
            error.to_string(),
            "the container exited with code 3 before it was ready\n  image: `busybox:1.35`\n  engine: Docker 20.10.24 \
             at unix:///var/run/docker.sock\n  last output:\n    | boom\n  hint: wait for the exit with `Wait::exit()`"
        );
        assert_eq!(format!("{error:?}"), error.to_string());
        assert_eq!(error.exit_code(), Some(3));
    }

    #[test]
    fn tells_a_failed_cleanup_too() {
        let error = Error::new(Kind::Timeout, "not ready")
            .and_also(Error::new(Kind::Engine(500), "not removed").fact("because", "busy"));
        assert_eq!(error.to_string(), "not ready\n  also: not removed\n    because: busy");
    }

    #[test]
    fn is_one_word_wide() {
        assert_eq!(std::mem::size_of::<Error>(), std::mem::size_of::<usize>());
    }
}
