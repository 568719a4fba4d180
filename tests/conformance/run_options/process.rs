//! What is run, and as whom.

use std::fs;
use std::time::{Duration, Instant};

use longshore::{ContainerRequest, Wait};

use super::{idle, inspected, say, says};
use crate::client::shell;
use crate::support::{is_podman, labelled, unique, TestResult, BUSYBOX};

/// A file with a text in it, for as long as the value lives.
struct Written(std::path::PathBuf);

impl Written {
    fn new(text: &str) -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(unique("longshore-file"));
        fs::write(&path, text)?;
        Ok(Written(path))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

#[tokio::test]
async fn variables_come_from_files_from_the_request_and_from_here() -> TestResult {
    let file = Written::new("# of a file\nFROM_FILE=yes\nBOTH=file\nPATH_HERE\nHOME\n")?;
    let request = idle()
        .env_file(&file.0)
        .env("BOTH", "request")
        .env("WITH SPACE", "a 'b' \"c\" $d\nsecond line")
        .env("EMPTY", "")
        .env_from_here("CARGO_MANIFEST_DIR")
        .env_from_here("LONGSHORE_SURELY_NOT_SET");
    let container = request.start().await?;
    assert_eq!(say(&container, "echo $FROM_FILE $BOTH").await?, "yes request");
    let home = std::env::var("HOME").unwrap_or_default();
    assert_eq!(say(&container, "echo $HOME").await?, home);
    let all = say(&container, "tr '\\0' '\\n' < /proc/1/environ").await?;
    assert!(all.contains("WITH SPACE=a 'b' \"c\" $d\nsecond line\n"), "{all}");
    assert!(all.lines().any(|line| line == "EMPTY="), "{all}");
    assert!(!all.contains("PATH_HERE") && !all.contains("SURELY_NOT_SET"), "{all}");
    let here = std::env::var("CARGO_MANIFEST_DIR");
    assert_eq!(all.contains("CARGO_MANIFEST_DIR="), here.is_ok(), "{all}");
    Ok(())
}

#[tokio::test]
async fn a_variable_of_the_image_can_be_taken_away() -> TestResult {
    let postgres = || ContainerRequest::new("postgres:15").entrypoint(["sleep"]).cmd(["600"]);
    let script = "echo ${PGDATA-unset}";
    assert_eq!(says(postgres(), script).await?, "/var/lib/postgresql/data");
    let taken = says(postgres().env_from_here("PGDATA"), script).await?;
    match is_podman() {
        // Podman passes over a name without a value.
        true => assert_eq!(taken, "/var/lib/postgresql/data"),
        false => assert_eq!(taken, "unset"),
    }
    Ok(())
}

#[tokio::test]
async fn user_and_groups() -> TestResult {
    let request = idle().user("1000:1001").group_add("27").group_add("4");
    let ids = says(request, "id -u; id -g; id -G").await?;
    let (user, groups) = ids.split_once('\n').unwrap_or_default();
    let mut groups: Vec<_> = groups.split_whitespace().collect();
    assert_eq!((user, groups.remove(0)), ("1000", "1001"));
    groups.sort_unstable();
    assert_eq!(groups, ["1001", "27", "4"]);
    assert_eq!(
        says(idle().user("nobody").group_add("www-data"), "id -un; id -Gn").await?,
        "nobody\nnobody www-data"
    );
    Ok(())
}

#[tokio::test]
async fn names_of_the_host() -> TestResult {
    let request = idle().hostname("box").domainname("example.org");
    let container = request.start().await?;
    assert_eq!(say(&container, "hostname").await?, "box");
    if !is_podman() {
        // Podman's imitation of the API passes it over.
        assert_eq!(say(&container, "cat /proc/sys/kernel/domainname").await?, "example.org");
    }
    Ok(())
}

#[tokio::test]
async fn a_working_folder_is_made() -> TestResult {
    assert_eq!(says(idle().workdir("/not/there yet"), "pwd").await?, "/not/there yet");
    Ok(())
}

#[tokio::test]
async fn labels_of_the_request_and_of_files() -> TestResult {
    let mark = unique("label");
    let file = Written::new(&format!("{mark}=file\nfile=1\nalone\n"))?;
    let request = idle()
        .label_file(&file.0)
        .label(&mark, "request")
        .labels([("one", "1"), ("two words", "a=b c")]);
    let container = request.start().await?;
    assert_eq!(labelled(&format!("{mark}=request")), [container.id()]);
    assert_eq!(labelled(&format!("{mark}=file")), [""; 0]);
    let labels = &inspected(&container)["Config"]["Labels"];
    for (name, value) in [("file", "1"), ("one", "1"), ("two words", "a=b c")] {
        assert_eq!(labels[name], value);
    }
    assert!(labels["alone"].is_null());
    Ok(())
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
async fn an_init_process_is_the_first_one() -> TestResult {
    let name = match says(idle().init(), "cat /proc/1/comm").await {
        Err(error) if is_podman() && error.to_string().contains("container create: ") => {
            eprintln!("SKIPPED: Podman has no init process here, install `catatonit`");
            return Ok(());
        }
        outcome => outcome?,
    };
    assert!(["docker-init", "catatonit", "podman-init"].contains(&name.as_str()), "{name}");
    assert_eq!(says(idle(), "cat /proc/1/comm").await?, "sleep");
    Ok(())
}

#[tokio::test]
async fn a_terminal() -> TestResult {
    let script = "test -t 1 && echo terminal || echo none; exec sleep 600";
    for (request, answer) in [(shell(script).tty(), "terminal\r\n"), (shell(script), "none\n")] {
        let container = request.wait(Wait::log_matches("terminal|none")).start().await?;
        assert_eq!(container.logs().await?, answer);
    }
    Ok(())
}

#[tokio::test]
async fn standard_input_stays_open() -> TestResult {
    let cat = || ContainerRequest::new(BUSYBOX).cmd(["cat"]).stop_signal("KILL");
    assert!(cat().interactive().start().await?.inspect().await?.is_running());
    cat().wait(Wait::exit()).start().await?.remove().await?;
    Ok(())
}

#[tokio::test]
async fn the_entry_point_is_replaced_or_none() -> TestResult {
    let out = |request: ContainerRequest| async move {
        request.wait(Wait::exit()).start().await?.logs().await
    };
    let busybox = || ContainerRequest::new(BUSYBOX);
    assert_eq!(out(busybox().entrypoint(["echo"]).cmd(["a b"])).await?, "a b\n");
    assert_eq!(out(busybox().entrypoint(["echo", "one"]).cmd(["two"])).await?, "one two\n");
    let none =
        ContainerRequest::new("postgres:15").entrypoint([""]).cmd(["echo", "no entry point"]);
    assert_eq!(out(none).await?, "no entry point\n");
    Ok(())
}

#[tokio::test]
async fn the_time_to_stop_in_words_and_typed() -> TestResult {
    let deaf =
        || shell("trap '' TERM; echo deaf; while :; do sleep 600; done").wait(Wait::log("deaf"));
    for (request, seconds) in
        [(deaf().stop_timeout("1"), 1), (deaf().stop_timeout(Duration::from_millis(1001)), 2)]
    {
        let container = request.start().await?;
        assert_eq!(inspected(&container)["Config"]["StopTimeout"], seconds);
        let begun = Instant::now();
        container.stop().await?;
        let took = begun.elapsed();
        assert!(took >= Duration::from_secs(seconds) && took < Duration::from_secs(10), "{took:?}");
        assert_eq!(container.inspect().await?.exit_code(), Some(137));
    }
    Ok(())
}
