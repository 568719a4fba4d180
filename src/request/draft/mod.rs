//! From words to the body of `POST /containers/create`: each option is read, and becomes JSON or a problem.
//!
//! What `docker run` would send is sent, so that both make the same container. Reads the files that options name, asks no
//! engine.
//!
//! - `rows` is the table of the options that are one value in one place of the body; the other files hold, a subject each, those
//!   that are more, and what cannot go together.

mod health;
mod limits;
mod names;
mod network;
mod process;
mod rows;
mod security;
mod storage;

use serde_json::{Map, Value};

use super::words::{has_no_name, RunWords};
use crate::error::Problems;

pub(crate) use names::{has_letters_of_names, is_name};
pub(crate) use network::Endpoint;

/// Something that older engines cannot do: what it is called, and the version of the API that can.
pub(crate) type Need = (String, (usize, usize));

/// A need of that name, which every Docker meets.
pub(crate) const OPTIONS_OF_A_NEW_VOLUME: &str =
    "`volume-driver`, `volume-opt` and `volume-label` of `--mount`";

/// A body that is being written.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) words: &'a RunWords,
    pub(super) problems: Problems,
    /// The object itself.
    pub(super) config: Map<String, Value>,
    /// Its `HostConfig`.
    pub(super) host: Map<String, Value>,
    /// The networks, the first being its `NetworkMode`; empty without one.
    pub(super) networks: Vec<Endpoint>,
    pub(super) needs: Vec<Need>,
    /// Security options that hold a profile, each with the path of the file that it was read from.
    pub(super) profiles: Vec<(String, String)>,
}

impl<'a> Draft<'a> {
    /// All that the words say, but for ports, which `check` reads.
    pub(super) fn of(words: &'a RunWords, image_options: &ImageOptions<'_>) -> Self {
        let mut draft = Draft {
            words,
            problems: Problems::default(),
            config: Map::new(),
            host: Map::new(),
            networks: Vec::new(),
            needs: Vec::new(),
            profiles: Vec::new(),
        };
        draft.no_nul();
        draft.names();
        draft.process(image_options);
        draft.network();
        draft.storage();
        draft.rows();
        draft.limits();
        draft.security();
        draft.health();
        draft
    }

    /// What neither a line nor a kernel can carry. (Of variables and names `process` and `names` tell.)
    fn no_nul(&mut self) {
        for (flag, words) in self.words.iter().filter(|(flag, _)| flag.name() != "env") {
            if words.iter().any(|word| word.contains('\0') && !has_no_name(word)) {
                self.problems.add(
                    format!("a value of `--{}` holds a NUL", flag.name()),
                    "write it without that character",
                );
            }
        }
    }

    /// Words that are passed on as a list.
    fn list(&mut self, place: Place, flag: &str, key: &str) {
        let words = self.words.all(flag);
        if !words.is_empty() {
            self.put(place, key, words.into());
        }
    }

    fn put(&mut self, place: Place, key: &str, value: Value) {
        let map = match place {
            Place::Config => &mut self.config,
            Place::Host => &mut self.host,
        };
        map.insert(key.to_owned(), value);
    }

    fn needs(&mut self, what: &str, version: (usize, usize)) {
        self.needs.push((what.to_owned(), version));
    }
}

/// What stands outside of the options in a run line.
#[derive(Debug)]
pub(super) struct ImageOptions<'a> {
    pub(super) cmd: &'a [String],
}

/// Where in the body something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Config,
    Host,
}
