//! Tests in whose middle their process has ended: killed for its time, aborted, out of stack. The reaper writes the report that they
//! would have written themselves, before it removes their containers.
//!
//! Never keeps it from removing those: it has a limit, and what fails is a line in the log.

use std::collections::BTreeMap;

use futures::future;

use super::super::keep::keep_of_failed;
use super::super::process::Process;
use super::entry::log;
use super::serve::Reaper;
use crate::engine::Engine;
use crate::report::{make, Failure, Place, Seen, Subject, LIMIT};

/// Writes a report for each of the tests that these containers belong to.
pub(super) async fn tell_of_tests(
    reaper: &Reaper,
    owner: &str,
    fixtures: BTreeMap<String, (String, Subject)>,
) {
    let mut tests: BTreeMap<(Place, String), Vec<(String, Subject)>> = BTreeMap::new();
    for (engine, subject) in fixtures.into_values() {
        let test = (subject.place.clone(), subject.test.clone());
        tests.entry(test).or_default().push((engine, subject));
    }
    let names: Vec<_> = tests.keys().map(|(_, test)| test.clone()).collect();
    let reports = tests.into_iter().map(|((place, test), containers)| {
        let headline = headline(owner, &test, &names);
        tell(reaper, test, headline, place, containers)
    });
    future::join_all(reports).await;
}

async fn tell(
    reaper: &Reaper,
    test: String,
    headline: String,
    place: Place,
    subjects: Vec<(String, Subject)>,
) {
    let making = async {
        let mut containers = Vec::new();
        for (address, subject) in subjects {
            let engine = Engine::connect_to(&address).await;
            let engine = engine.map_err(|error| error.summary().to_owned())?;
            keep_if_wanted(reaper, &engine, &subject).await;
            containers.push((subject, Seen::On(engine)));
        }
        Ok::<_, String>(make(Failure { headline, place, containers }).await)
    };
    let outcome = match tokio::time::timeout(LIMIT, making).await {
        Ok(Ok(report)) => report.folder.unwrap_or_else(|| "no report is wanted".into()),
        Ok(Err(error)) => error,
        Err(_) => format!("not done in {LIMIT:?}"),
    };
    log(&format!("report of the test `{test}`, which has not ended: {outcome}"));
}

/// With `LONGSHORE_KEEP=failed` it stays, also if others share it, and that is told.
async fn keep_if_wanted(reaper: &Reaper, engine: &Engine, subject: &Subject) {
    match keep_of_failed(engine, &subject.id, &subject.name).await {
        Ok(Some(kept)) => reaper.tell(&format!("of the test `{}`, {kept}", subject.test)),
        Ok(None) => {}
        Err(error) => log(&format!("`{}` could not be kept: {error}", subject.name)),
    }
}

/// What has become of the test, as far as it can be known.
fn headline(owner: &str, test: &str, all: &[String]) -> String {
    let process = match Process::from_label(owner) {
        Some(process) => format!("its process {}", process.pid),
        None => "its process".into(),
    };
    let mut text = format!(
        "the test `{test}` has not ended: {process} ended in the middle of it (killed, aborted, or out of stack)"
    );
    let others: Vec<_> = all.iter().filter(|other| *other != test).collect();
    if !others.is_empty() {
        text.push_str("\n  in the same process, and it may have been because of one of these:");
    }
    for other in others {
        text.push_str(&format!(" `{other}`"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_tests_of_the_process_are_named() {
        let all = ["a".to_owned(), "b::c".to_owned(), "d".to_owned()];
        let alone = "the test `a` has not ended: its process ended in the middle of it (killed, aborted, or out of stack)";
        assert_eq!(headline("", "a", &all[..1]), alone);
        assert_eq!(
            headline("", "a", &all),
            format!("{alone}\n  in the same process, and it may have been because of one of these: `b::c` `d`")
        );
    }
}
