//! Requests and the lines of `docker run` that say the same: whatever the builder methods are given, a request reads back from
//! its line and from its JSON. Needs no engine.

use std::collections::BTreeSet;
use std::error::Error;
use std::process::Command;

use longshore::{ContainerRequest, Fingerprint, PullPolicy, Size, Wait};
use longshore_syntax::{split_words, Standing, RUN_FLAGS};
use serde_json::json;

type TestResult = Result<(), Box<dyn Error>>;

/// How many requests are made up in each test.
const REQUESTS: u64 = 3000;

/// Parts of which words are made that a shell would do something with.
const PIECES: [&str; 30] = [
    "a",
    "b=",
    "c",
    " ",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "'",
    "\"",
    "\\",
    "$",
    "$(x)",
    "${y}",
    "`",
    "-",
    "--",
    "=",
    ",",
    ":",
    "/",
    "#",
    "~",
    "*",
    "!",
    "|;&<>()",
    "é",
    "🚢",
    "\u{a0}“",
];

/// Numbers that look random, the same ones in each run.
struct Random {
    state: u64,
    /// Whether options get any text instead of what they may be given.
    is_wild: bool,
}

impl Random {
    fn new(seed: u64, is_wild: bool) -> Self {
        Random { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, is_wild }
    }

    /// A number below `limit`: xorshift.
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).expect("31 bits fit") % limit
    }

    fn text(&mut self) -> String {
        let count = self.below(6);
        (0..count).map(|_| PIECES[self.below(PIECES.len())]).collect()
    }

    fn texts(&mut self) -> Vec<String> {
        let count = self.below(4);
        (0..count).map(|_| self.text()).collect()
    }

    /// One of these, or any text.
    fn or<const N: usize>(&mut self, words: [&str; N]) -> String {
        match self.is_wild {
            true => self.text(),
            false => words[self.below(N)].to_owned(),
        }
    }

    /// A name before a `=`: it has none itself, and some letter.
    fn name(&mut self) -> String {
        let text = if self.is_wild { self.text() } else { String::new() };
        format!("{}{}", ["A", "B", "-c", "d e"][self.below(4)], text.replace('=', ""))
    }

    fn number(&mut self) -> u16 {
        u16::try_from(self.below(100)).expect("it is below")
    }
}

type Step = fn(ContainerRequest, &mut Random) -> ContainerRequest;

/// A table of builder methods by their names.
macro_rules! methods {
    ($random:ident: $($method:ident $arguments:tt;)*) => {
        [$((stringify!($method), (|request, $random| { let _ = &$random; request.$method $arguments }) as Step)),*]
    };
}

/// The methods with which a request is given what `docker run` has an option for.
#[rustfmt::skip]
fn methods() -> Vec<(&'static str, Step)> {
    methods! { random:
        add_host(random.or(["db:10.0.0.1", "db=::1", "h:host-gateway"]));
        annotation(random.name(), random.text());
        blkio_weight(10 + random.number());
        blkio_weight_device(random.or(["/dev/sda:500"]));
        cap_add(random.or(["NET_ADMIN", "all", "cap_chown"]));
        cap_drop(random.or(["ALL", "chown"]));
        cgroup_parent(random.text());
        cgroupns(random.or(["private", "host", ""]));
        cpu_count(random.number().into());
        cpu_percent(random.number().into());
        cpu_period(random.number().into());
        cpu_quota(i64::from(random.number()) - 1);
        cpu_rt_period(random.number().into());
        cpu_rt_runtime(random.number().into());
        cpu_shares(random.number().into());
        cpus(f64::from(random.number()) / 8.0);
        cpuset_cpus(random.text());
        cpuset_mems(random.text());
        device(random.or(["/dev/null:/dev/x:r", "vendor.com/class=name"]));
        device_cgroup_rule(random.or(["c 1:3 rwm"]));
        device_read_bps(random.or(["/dev/sda:1mb"]));
        device_read_iops(random.or(["/dev/sda:100"]));
        device_write_bps(random.or(["/dev/sda:1mb"]));
        device_write_iops(random.or(["/dev/sda:100"]));
        dns(random.text());
        dns_option(random.text());
        dns_search(random.text());
        domainname(random.text());
        entrypoint([random.text()]);
        env(random.name(), random.text());
        env_file(random.or(["/dev/null"]));
        expose(random.or(["80", "53/udp", "5000-5002"]));
        gpus(random.or(["all", "\"device=0,1\",capabilities=utility"]));
        group_add(random.text());
        health_cmd(random.text());
        health_interval(random.or(["1m30s", "1.5s", ""]));
        health_retries(random.number().into());
        health_start_interval(random.or(["2s"]));
        health_start_period(std::time::Duration::from_millis(1000 * u64::from(random.number())));
        health_timeout(random.or(["2s"]));
        hostname(random.text());
        init();
        interactive();
        io_maxbandwidth(random.or(["1m"]));
        io_maxiops(random.number().into());
        ip(random.or(["10.0.0.7"]));
        ip6(random.or(["fd00::7"]));
        ipc(random.or(["shareable", "container:x"]));
        isolation(random.text());
        kernel_memory(random.or(["64m"]));
        label(random.name(), random.text());
        label_file(random.or(["/dev/null"]));
        link(random.text());
        link_local_ip(random.or(["169.254.0.7"]));
        log_driver(random.text());
        log_opt(random.name(), random.text());
        mac_address(random.or(["92:d0:c6:0a:29:33"]));
        memory(random.or(["512m", "1g", "1.5GiB"]));
        memory_reservation(8_000_000 + u64::from(random.number()));
        memory_swap(Size::unlimited());
        memory_swappiness(50);
        mount(random.or(["type=tmpfs,dst=/t", "src=vol,dst=/v,\"volume-opt=o=a,b\"", "type=bind,src=.,dst=/b"]));
        name(random.or(["web", ""]));
        network(random.or(["one", "two", "name=three,alias=a", "host"]));
        network_alias(random.text());
        no_healthcheck();
        oom_kill_disable();
        oom_score_adj(i32::from(random.number()) - 50);
        pid(random.or(["host", "container:x"]));
        pids_limit(-1);
        platform(random.text());
        privileged();
        publish(random.or(["80", "8080:80", "8000-9000:80/udp", "[::1]:81:80"]));
        publish_all();
        pull([PullPolicy::Always, PullPolicy::Missing, PullPolicy::Never][random.below(3)]);
        read_only();
        restart(random.or(["no", "on-failure:3"]));
        rm(random.below(2) == 0);
        runtime(random.text());
        security_opt(random.or(["no-new-privileges", "seccomp=unconfined", "label=a b"]));
        shm_size(u64::from(random.number()));
        stop_signal(random.text());
        stop_timeout(random.or(["3", "1m1s", "-1"]));
        storage_opt(random.name(), random.text());
        sysctl(random.name(), random.text());
        tmpfs(random.or(["/run", "/tmp:size=1m,mode=1777"]));
        tty();
        ulimit(random.or(["nofile=1:2", "nproc=64"]));
        user(random.text());
        userns(random.text());
        uts(random.or(["host"]));
        volume(random.or(["/v1", "./here:/v2", "name:/v3:ro", "/h:/v4"]));
        volume_driver(random.text());
        volumes_from(random.or(["other:ro"]));
        workdir(random.or(["/w", "/with space"]));
    }
    .into()
}

/// The methods that say what others say already.
fn more_methods() -> Vec<(&'static str, Step)> {
    methods! { random:
        cmd(random.texts());
        envs([(random.name(), random.text()), (random.name(), random.text())]);
        env_from_here(random.name());
        labels([(random.name(), random.text())]);
    }
    .into()
}

/// A request by some of the methods.
fn request(seed: u64, is_wild: bool) -> ContainerRequest {
    let mut random = Random::new(seed + 1, is_wild);
    let images = ["redis:7", "true", "false", "run", "localhost:5000/a/b", "docker", "a.b:80/c"];
    let methods = [methods(), more_methods(), more_methods()].concat();
    let count = random.below(7);
    let image = images[random.below(images.len())];
    (0..count).fold(ContainerRequest::new(image), |request, _| {
        let (_, add) = methods[random.below(methods.len())];
        add(request, &mut random)
    })
}

#[test]
fn each_option_has_a_method_of_its_name() {
    let flags: BTreeSet<_> = RUN_FLAGS
        .iter()
        .filter(|flag| flag.standing() == Standing::Request)
        .map(|flag| flag.name().replace('-', "_"))
        .collect();
    let methods: BTreeSet<_> = methods().iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(methods, flags);
}

#[test]
fn a_request_reads_back_from_its_line() -> TestResult {
    for seed in 0..REQUESTS {
        let request = request(seed, seed % 2 == 0);
        let line = request.to_run();
        let again =
            ContainerRequest::from_run(&line).map_err(|error| format!("{line}: {error}"))?;
        assert_eq!(again, request, "{line}");
        assert_eq!(again.to_run(), line);
    }
    Ok(())
}

#[test]
fn a_request_reads_back_from_its_json() -> TestResult {
    for seed in 0..REQUESTS {
        let request = request(seed, seed % 2 == 0).wait(Wait::exit()).copy_to(b"x", "/x");
        let text = serde_json::to_string(&request)?;
        let again: ContainerRequest = serde_json::from_str(&text)?;
        assert_eq!(again, request, "{text}");
        assert_eq!(serde_json::to_string(&again)?, text);
    }
    Ok(())
}

#[test]
fn a_request_that_reads_back_has_the_same_fingerprint() -> TestResult {
    let print = |request: &ContainerRequest| -> Result<Fingerprint, String> {
        request.fingerprint().map_err(|error| error.to_string())
    };
    let mut valid = 0;
    for seed in 0..REQUESTS {
        let request = request(seed, seed % 8 == 0);
        let again = ContainerRequest::from_run(&request.to_run())?;
        let of_json: ContainerRequest = serde_json::from_value(serde_json::to_value(&request)?)?;
        assert_eq!(print(&again), print(&request), "{}", request.to_run());
        assert_eq!(print(&of_json), print(&request), "{}", request.to_run());
        valid += u64::from(request.fingerprint().is_ok());
    }
    assert!(valid > REQUESTS / 3, "only {valid} of the requests were valid");
    Ok(())
}

#[test]
fn a_shell_takes_a_line_as_longshore_does() -> TestResult {
    let lines: Vec<String> =
        (0..REQUESTS / 4).map(|seed| noted(request(seed, true)).to_run()).collect();
    let script =
        format!("docker() {{ printf '%s\\0' \"$@\"; printf '\\1'; }}\n{}\n", lines.join("\n"));
    let path = std::env::temp_dir().join(format!("longshore-run-lines-{}", std::process::id()));
    std::fs::write(&path, script)?;
    let output = Command::new("sh").arg(&path).output();
    std::fs::remove_file(&path)?;
    let output = output?;
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let calls: Vec<_> = text.strip_suffix('\x01').unwrap_or(&text).split('\x01').collect();
    assert_eq!(calls.len(), lines.len());
    for (call, line) in calls.iter().zip(&lines) {
        let words: Vec<_> = call.strip_suffix('\0').unwrap_or(call).split('\0').collect();
        assert_eq!(words, split_words(line)?[1..], "{line}");
    }
    Ok(())
}

/// The request with things that `docker run` has no word for, awkward ones.
fn noted(request: ContainerRequest) -> ContainerRequest {
    request
        .wait(Wait::log("it's `$(ready)`\nrm -rf \\"))
        .wait(Wait::http("/a b").port(80).status(204))
        .copy_to("tests/data/\n$x", "/a\nb\\")
        .copy_to(b"some bytes", "/c")
        .raw(json!({ "HostConfig": { "Init": true }, "\n": "\r\n" }))
        .start_timeout(std::time::Duration::from_millis(1500))
        .pull_stall_timeout(std::time::Duration::from_secs(5))
}

#[test]
fn what_the_command_cannot_say_is_a_comment() -> TestResult {
    let request = ContainerRequest::new("redis:7").publish("6379");
    assert_eq!(
        noted(request.clone()).to_run().lines().collect::<Vec<_>>(),
        [
            r"# copies `tests/data/ $x` to `/a b\`, between create and start",
            "# copies 10 bytes to `/c`, between create and start",
            r##"# merges into the body of the create request: {"\n":"\r\n","HostConfig":{"Init":true}}"##,
            r"# waits for `it's `$(ready)` rm -rf \` in the output",
            "# waits for HTTP `GET /a b` on port `80` to be answered with 204",
            "# gives the start 1.5s",
            "# gives up a pull without progress after 5s",
            "docker run -d -p 6379 redis:7",
        ]
    );
    assert_eq!(ContainerRequest::from_run(&noted(request.clone()).to_run())?, request);
    Ok(())
}

#[test]
fn an_entry_point_of_several_words_runs_the_same() -> TestResult {
    // The command has place for one word: the others come first in what it is given.
    let request = ContainerRequest::new("redis:7").entrypoint(["sh", "-c"]).cmd(["echo $0", "x"]);
    let line = request.to_run();
    assert_eq!(line, r"docker run -d --entrypoint sh redis:7 -c 'echo $0' x");
    let again = ContainerRequest::from_run(&line)?;
    assert_eq!(
        again,
        ContainerRequest::new("redis:7").entrypoint(["sh"]).cmd(["-c", "echo $0", "x"])
    );
    Ok(())
}
