//! Requests from `docker run` lines, and the lines that do the same by hand.

use longshore_syntax::{parse_run, quote_word, Standing, Takes};

use super::container_request::ContainerRequest;
use super::copy::{CopyIn, CopySource};
use super::words::NO_NAME;
use crate::error::Result;

impl ContainerRequest {
    /// The request that a `docker run` line makes, as it is pasted from a terminal or a manual: with or without `docker run`
    /// before it, quotes and line ends with a backslash as a shell takes them, options in every form that Docker takes,
    /// the image, and its command.
    ///
    /// A container of longshore is always started in the background, so `-d` says nothing new; nor do the other options that
    /// concern the command's own terminal (`--detach-keys`, `--quiet`, `--sig-proxy`). Host addresses of ports are as
    /// [`publish`](Self::publish) has them. Variables and the like that a shell would replace are an error.
    ///
    /// # Errors
    ///
    /// When the line cannot be read, or has an option that `docker run` does not know or that has another form here. The values
    /// of options are looked at when the request is started.
    ///
    /// # Examples
    ///
    /// ```
    /// use longshore::ContainerRequest;
    ///
    /// let postgres = ContainerRequest::from_run(
    ///     "docker run -it --rm -p 5432:5432 -e POSTGRES_USER=myuser -e POSTGRES_PASSWORD=mypassword postgres:9.6.10-alpine",
    /// )?;
    /// let same = ContainerRequest::new("postgres:9.6.10-alpine")
    ///     .interactive()
    ///     .tty()
    ///     .rm(true)
    ///     .publish("5432:5432")
    ///     .env("POSTGRES_USER", "myuser")
    ///     .env("POSTGRES_PASSWORD", "mypassword");
    /// assert_eq!(postgres, same);
    /// # Ok::<(), longshore::Error>(())
    /// ```
    pub fn from_run(line: &str) -> Result<Self> {
        let line = parse_run(line)?;
        let mut request = ContainerRequest::new(line.image());
        for option in line.options() {
            let (flag, value) = (option.flag(), option.value());
            let words = &mut request.words;
            match (flag.standing(), flag.takes()) {
                (Standing::Request, Takes::Nothing) => words.switch(flag.name(), value == "true"),
                (Standing::Request, Takes::Values) => words.push_as_written(flag.name(), value),
                (Standing::Request, _) => words.set(flag.name(), value),
                _ => {}
            }
        }
        request.cmd = line.command().to_vec();
        Ok(request)
    }

    /// The `docker run` line that does the same by hand. What the command cannot say (waits, copies, raw JSON) stands before it in
    /// lines that begin with `#`, which a shell passes over.
    ///
    /// For a request that is made of options of `docker run`, [`from_run`](Self::from_run) gives it back. By hand a port without
    /// an address is published on all of them, since that is the command's default.
    ///
    /// # Examples
    ///
    /// ```
    /// use longshore::{ContainerRequest, Wait};
    ///
    /// let redis = ContainerRequest::new("redis:7.0").publish("6379").wait(Wait::log("Ready to accept"));
    /// assert_eq!(
    ///     redis.to_run(),
    ///     "# waits for `Ready to accept` in the output\n\
    ///      docker run -d -p 6379 redis:7.0",
    /// );
    /// ```
    pub fn to_run(&self) -> String {
        let mut words = vec!["docker".to_owned(), "run".into(), "-d".into()];
        let mut after_image = Vec::new();
        for (flag, values) in self.words.iter() {
            let dashed = match flag.short() {
                Some(short) => format!("-{short}"),
                None => format!("--{}", flag.name()),
            };
            match (flag.takes(), values) {
                (Takes::Nothing, [value]) if value == "true" => words.push(dashed),
                (Takes::Nothing, _) => words.push(format!("--{}=false", flag.name())),
                // The command takes one word; the others are the first ones of what is run.
                (Takes::Value, [first, others @ ..]) => {
                    words.extend([dashed, quote_word(&spoken(first)).into_owned()]);
                    after_image.extend(others);
                }
                (_, values) => {
                    for value in values {
                        words.extend([dashed.clone(), quote_word(&spoken(value)).into_owned()]);
                    }
                }
            }
        }
        if matches!(self.image.as_str(), "true" | "false") {
            // Else it looks like what the option before it is set to.
            words.push("--".into());
        }
        words.push(quote_word(&self.image).into_owned());
        let command = after_image.into_iter().chain(&self.cmd);
        words.extend(command.map(|word| quote_word(word).into_owned()));
        let mut lines = self.remarks();
        lines.push(words.join(" "));
        lines.join("\n")
    }

    /// What the command cannot say, a comment each.
    fn remarks(&self) -> Vec<String> {
        let own = &self.own;
        let copies = own
            .copies
            .iter()
            .map(|copy| format!("copies {}, between create and start", copy_in_words(copy)));
        let raw = own
            .raw
            .iter()
            .map(|body| format!("merges into the body of the create request: {body}"));
        let waits = own.waits.iter().map(|wait| format!("waits for {wait}"));
        let limit = own.start_timeout.map(|limit| format!("gives the start {limit:?}"));
        let stall = own
            .pull_stall_timeout
            .map(|limit| format!("gives up a pull without progress after {limit:?}"));
        let warm = own.warm.iter().map(|_| "starts from a snapshot of its first start".to_owned());
        let remarks = copies.chain(raw).chain(waits).chain(limit).chain(stall).chain(warm);
        // A remark with several lines stays a remark.
        remarks.map(|remark| format!("# {}", remark.replace(['\n', '\r'], " "))).collect()
    }
}

/// The word as it was meant: what cannot be a name is told when the request is started, and is not hidden here.
fn spoken(word: &str) -> String {
    match word.split_once(NO_NAME) {
        Some((name, value)) => format!("{name}={value}"),
        None => word.to_owned(),
    }
}

fn copy_in_words(copy: &CopyIn) -> String {
    match copy.source() {
        CopySource::Path(path) => format!("`{}` to `{}`", path.display(), copy.target()),
        CopySource::Bytes(bytes) => format!("{} bytes to `{}`", bytes.len(), copy.target()),
    }
}
