//! The containers that the engine creates, as it tells while it does: what it remembers for later are a few hundred events of everybody.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each suite uses a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{json, Value};

use super::{api, api_with, connect, unique};

/// The most time until the engine tells what has happened.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is created from now on.
#[derive(Debug)]
pub struct Created(Receiver<Value>);

impl Created {
    pub fn from_now() -> Self {
        let filters = json!({ "event": ["create"], "type": ["container", "volume"] }).to_string();
        let filters: String = filters.bytes().map(|byte| format!("%{byte:02X}")).collect();
        // By the engine's clock, which is this machine's.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
        let mut stream = connect();
        let request =
            format!("GET /events?since={now}&filters={filters} HTTP/1.0\r\nHost: engine\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the engine reads");
        let (told, events) = mpsc::channel();
        // Ends with the first event that nobody wants any more.
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
                if event.is_object() && told.send(event).is_err() {
                    break;
                }
            }
        });
        Created(events)
    }

    /// The test runs that those containers are of, each as often as it has created one.
    pub fn sessions(self) -> Vec<String> {
        // Events come in order: when this has come, all before it have.
        let mark = unique("mark");
        let (status, text) =
            api_with("POST", "/volumes/create", &json!({ "Name": mark }).to_string());
        assert_eq!(status, 201, "{text}");
        let mut sessions = Vec::new();
        loop {
            let event = self.0.recv_timeout(PATIENCE).expect("the engine tells what it creates");
            if event["Actor"]["ID"] == mark || event["Actor"]["Attributes"]["name"] == mark {
                break;
            }
            let session = &event["Actor"]["Attributes"]["org.longshore.session"];
            sessions.extend(session.as_str().map(str::to_owned));
        }
        assert_eq!(api("DELETE", &format!("/volumes/{mark}")).0, 204);
        sessions
    }
}
