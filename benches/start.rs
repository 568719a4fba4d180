//! Start to first answer and removal of a busybox httpd, by longshore and by hand over the raw API, in turns in the same
//! run: `tests/run cargo bench --bench start`, or `cargo bench --bench start` where an engine answers.
//!
//! The floor is the same calls (create, wait for the exit, start, inspect, an HTTP request until it is answered, delete)
//! written with nothing but a socket. The machines this runs on are noisy: the ratio counts, not the milliseconds.
//! `LONGSHORE_BENCH_ROUNDS` sets the number of rounds (30 one by one; a tenth of that with 20 side by side).

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark talks to its reader")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use longshore::{blocking, ContainerRequest, Wait};
use support::rounds::{is_wanted, rounds};
use support::{api, api_with, get, proxy::engine_socket, BUSYBOX};

const AT_ONCE: usize = 20;

/// How long it took until the first answer, and until it was gone.
#[derive(Debug, Clone, Copy)]
struct Times {
    start: Duration,
    remove: Duration,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if !is_wanted() {
        return Ok(());
    }
    let rounds = rounds();
    // The image, the I/O thread and the engine are there before anything is measured.
    request().start_blocking()?.remove()?;
    by_hand(&[()]);

    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        in_turns(round, || ours.push(with_longshore(1)), || floor.push(by_hand(&[()])));
    }
    report("one by one", &floor, &ours);

    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for round in 0..(rounds / 10).max(3) {
        in_turns(
            round,
            || ours.push(with_longshore(AT_ONCE)),
            || floor.push(by_hand(&[(); AT_ONCE])),
        );
    }
    report(&format!("{AT_ONCE} side by side"), &floor, &ours);
    Ok(())
}

/// Each goes first every other time.
fn in_turns(round: usize, mut one: impl FnMut(), mut other: impl FnMut()) {
    if round % 2 == 0 {
        one();
        other();
    } else {
        other();
        one();
    }
}

fn request() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX)
        .cmd(["httpd", "-f", "-h", "/etc"])
        .publish("80")
        .wait(Wait::http("/passwd").port(80))
}

fn with_longshore(count: usize) -> Times {
    let begun = Instant::now();
    let starting: Vec<_> = (0..count)
        .map(|_| thread::spawn(|| request().start_blocking().expect("it starts")))
        .collect();
    let containers: Vec<_> =
        starting.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    let start = begun.elapsed();
    let begun = Instant::now();
    blocking::remove_all(containers).expect("they are removed");
    Times { start, remove: begun.elapsed() }
}

fn by_hand(each: &[()]) -> Times {
    let begun = Instant::now();
    let starting: Vec<_> = each.iter().map(|()| thread::spawn(start_by_hand)).collect();
    let ids: Vec<String> =
        starting.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    let start = begun.elapsed();
    let begun = Instant::now();
    let removing: Vec<_> = ids
        .into_iter()
        .map(|id| thread::spawn(move || api("DELETE", &format!("/containers/{id}?force=1&v=1"))))
        .collect();
    for thread in removing {
        assert_eq!(thread.join().expect("no panic").0, 204);
    }
    Times { start, remove: begun.elapsed() }
}

fn start_by_hand() -> String {
    let body = format!(
        r#"{{"Image":"{BUSYBOX}","Cmd":["httpd","-f","-h","/etc"],"ExposedPorts":{{"80/tcp":{{}}}},
        "HostConfig":{{"PortBindings":{{"80/tcp":[{{"HostIp":"127.0.0.1","HostPort":""}}]}}}}}}"#
    );
    let (status, answer) = api_with("POST", "/containers/create", &body);
    assert_eq!(status, 201, "{answer}");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let id = answer["Id"].as_str().expect("an id").to_owned();
    let mut waiting = UnixStream::connect(engine_socket()).expect("the engine listens");
    let wait = format!("POST /containers/{id}/wait?condition=next-exit HTTP/1.1\r\nHost: engine\r\nContent-Length: 0\r\n\r\n");
    waiting.write_all(wait.as_bytes()).expect("the engine reads");
    let count = waiting.read(&mut [0; 4096]).expect("the head of the answer");
    assert!(count > 0);
    assert_eq!(api("POST", &format!("/containers/{id}/start")).0, 204);
    let inspect = get(&format!("/containers/{id}/json"));
    let port = inspect["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
        .as_str()
        .expect("a port")
        .to_owned();
    while !answers(&port) {
        thread::sleep(Duration::from_millis(1));
    }
    id
}

fn answers(port: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(format!("127.0.0.1:{port}")) else { return false };
    let mut answer = Vec::new();
    stream.write_all(b"GET /passwd HTTP/1.0\r\n\r\n").is_ok()
        && stream.read_to_end(&mut answer).is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}

fn report(what: &str, floor: &[Times], ours: &[Times]) {
    println!("{what}, {} rounds", ours.len());
    type Column = (&'static str, fn(&Times) -> Duration);
    let columns: [Column; 2] = [("start to first answer", |t| t.start), ("removal", |t| t.remove)];
    for (name, column) in columns {
        let (floor_times, our_times) =
            (sorted(floor.iter().map(column)), sorted(ours.iter().map(column)));
        // Round by round, so that a slow moment of the machine falls on both.
        let mut ratios: Vec<f64> = ours
            .iter()
            .zip(floor)
            .map(|(ours, floor)| column(ours).as_secs_f64() / column(floor).as_secs_f64())
            .collect();
        ratios.sort_by(f64::total_cmp);
        let (by_hand, by_us) = (floor_times[floor_times.len() / 2], our_times[our_times.len() / 2]);
        println!(
            "  {name:22} by hand {:7.1} ms   longshore {:7.1} ms   ratio of medians {:.3}   median of ratios {:.3}",
            by_hand.as_secs_f64() * 1000.0,
            by_us.as_secs_f64() * 1000.0,
            by_us.as_secs_f64() / by_hand.as_secs_f64(),
            ratios[ratios.len() / 2],
        );
    }
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut times: Vec<_> = times.collect();
    times.sort();
    times
}
