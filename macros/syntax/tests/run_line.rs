//! Lines of `docker run`, as they stand in READMEs, and the errors for what users mistype.

use longshore_syntax::{parse_run, RunLine, Takes};

fn run(line: &str) -> RunLine {
    parse_run(line).unwrap_or_else(|error| panic!("{error}"))
}

/// The options of `line` as `name=value`, its image and its command.
fn check(line: &str, options: &[&str], image: &str, command: &[&str]) {
    let run = run(line);
    let found: Vec<String> = run
        .options()
        .iter()
        .map(|option| format!("{}={}", option.flag().name(), option.value()))
        .collect();
    assert_eq!(found, options, "{line}");
    assert_eq!(run.image(), image, "{line}");
    assert_eq!(run.command(), command, "{line}");
    assert_eq!(parse_run(&run.to_string()), Ok(run), "{line}");
}

fn check_error(line: &str, message: &str, hint: &str) {
    let error = parse_run(line).unwrap_err();
    assert_eq!(error.to_string(), format!("{message}\nhint: {hint}"));
    assert_eq!(error.input(), line);
}

#[test]
fn a_line_begins_with_docker_run_or_with_its_options() {
    for beginning in [
        "",
        "docker run ",
        "docker container run ",
        "docker create ",
        "docker container create ",
        "podman run ",
        "podman container create ",
        "sudo docker run ",
        "$ docker run ",
        "nerdctl run ",
    ] {
        check(&format!("{beginning}--rm redis:7"), &["rm=true"], "redis:7", &[]);
    }
}

#[test]
fn a_line_from_a_readme_is_read() {
    check(
        r#"
        $ docker run \
            --name some-postgres \
            -e POSTGRES_PASSWORD='my secret' \
            -e PGDATA=/var/lib/postgresql/data/pgdata \
            -v ./custom/mount:/var/lib/postgresql/data \
            -dp 127.0.0.1:5432:5432 \
            postgres:16-alpine -c shared_buffers=256MB -c 'max_connections=200'
        "#,
        &[
            "name=some-postgres",
            "env=POSTGRES_PASSWORD=my secret",
            "env=PGDATA=/var/lib/postgresql/data/pgdata",
            "volume=./custom/mount:/var/lib/postgresql/data",
            "detach=true",
            "publish=127.0.0.1:5432:5432",
        ],
        "postgres:16-alpine",
        &["-c", "shared_buffers=256MB", "-c", "max_connections=200"],
    );
}

#[test]
fn a_long_option_takes_its_value_either_way() {
    check("--name web redis", &["name=web"], "redis", &[]);
    check("--name=web redis", &["name=web"], "redis", &[]);
    check("--env=A=b=c --env= redis", &["env=A=b=c", "env="], "redis", &[]);
    check("--name '' redis", &["name="], "redis", &[]);
    check("--oom-score-adj -500 redis", &["oom-score-adj=-500"], "redis", &[]);
    check("--name --rm redis", &["name=--rm"], "redis", &[]);
}

#[test]
fn a_short_option_takes_its_value_any_way() {
    for word in ["-p 80:80", "-p80:80", "-p=80:80", "'-p80:80'"] {
        check(&format!("{word} redis"), &["publish=80:80"], "redis", &[]);
    }
    check("-e=A=b redis", &["env=A=b"], "redis", &[]);
    check("-e= redis", &["env=="], "redis", &[]);
    check("-m 1g -u 1000:1000 redis", &["memory=1g", "user=1000:1000"], "redis", &[]);
}

#[test]
fn short_switches_are_grouped() {
    check("-itd redis", &["interactive=true", "tty=true", "detach=true"], "redis", &[]);
    for word in ["-itp 80:80", "-itp80:80", "-itp=80:80"] {
        let options = ["interactive=true", "tty=true", "publish=80:80"];
        check(&format!("{word} redis"), &options, "redis", &[]);
    }
    check("-ip 80 redis", &["interactive=true", "publish=80"], "redis", &[]);
    check("-it=false redis", &["interactive=true", "tty=false"], "redis", &[]);
}

#[test]
fn a_switch_may_have_a_truth_value() {
    for (word, value) in [
        ("--tty", true),
        ("--tty=1", true),
        ("--tty=TRUE", true),
        ("-t=t", true),
        ("--tty=0", false),
        ("--tty=F", false),
        ("-t=False", false),
    ] {
        check(&format!("{word} redis"), &[&format!("tty={value}")], "redis", &[]);
    }
}

#[test]
fn hidden_names_are_those_of_the_shown_option() {
    check(
        "--net a --net-alias=b --dns-opt c redis",
        &["network=a", "network-alias=b", "dns-option=c"],
        "redis",
        &[],
    );
}

#[test]
fn what_follows_the_image_is_the_command() {
    check("redis -p 80:80 --rm -- x", &[], "redis", &["-p", "80:80", "--rm", "--", "x"]);
    check("--rm -- true", &["rm=true"], "true", &[]);
    check("docker run -- run", &[], "run", &[]);
    check("--rm -- redis -- ls", &["rm=true"], "redis", &["--", "ls"]);
    check("alpine sh -c 'echo $HOME | cat'", &[], "alpine", &["sh", "-c", "echo $HOME | cat"]);
    check("docker run docker version", &[], "docker", &["version"]);
    check("docker:dind run", &[], "docker:dind", &["run"]);
}

#[test]
fn the_id_of_an_image_passes() {
    let hex = "0a1b2c3d".repeat(8);
    check(&hex, &[], &hex, &[]);
    let digest = format!("sha256:{hex}");
    check(&digest, &[], &digest, &[]);
}

#[test]
fn every_flag_is_read_by_every_name() {
    for flag in longshore_syntax::RUN_FLAGS {
        if matches!(flag.standing(), longshore_syntax::Standing::Unsupported(_)) {
            continue;
        }
        let value = if flag.takes() == Takes::Nothing { "true" } else { "v" };
        let option = format!("{}={value}", flag.name());
        check(&format!("--{}={value} redis", flag.name()), &[&option], "redis", &[]);
        if let Some(alias) = flag.alias() {
            check(&format!("--{alias}={value} redis"), &[&option], "redis", &[]);
        }
        if let Some(letter) = flag.short() {
            check(&format!("-{letter}={value} redis"), &[&option], "redis", &[]);
        }
    }
}

#[test]
fn a_line_is_displayed_for_a_terminal() {
    let line = run("-itp 8080:80 -e 'A=b c' --tty=false nginx:1.27 sh -c 'echo $A'");
    assert_eq!(
        line.to_string(),
        "docker run --interactive --tty --publish=8080:80 --env=A=b\\ c --tty=false nginx:1.27 sh \
         -c 'echo $A'"
    );
}

#[test]
fn an_unknown_option_gets_the_one_that_was_meant() {
    for (line, written, meant) in [
        ("--memroy 1g redis", "--memroy", "--memory"),
        ("--memroy=1g redis", "--memroy", "--memory"),
        ("--volumes a:/b redis", "--volumes", "--volume"),
        ("--ports 80 redis", "--ports", "--publish"),
        ("--cap_add X redis", "--cap_add", "--cap-add"),
        ("---rm redis", "---rm", "--rm"),
        ("-rm redis", "-rm", "--rm"),
        ("-name=web redis", "-name", "--name"),
        ("-env A=b redis", "-env", "--env"),
        ("-detach redis", "-detach", "--detach"),
    ] {
        let line = format!("docker run {line}");
        check_error(
            &line,
            &format!("`{written}` is not an option of `docker run`"),
            &format!("did you mean `{meant}`?"),
        );
    }
    let hint = "`docker run --help` lists the options";
    check_error("--systemd=always x", "`--systemd` is not an option of `docker run`", hint);
    check_error("-x redis", "`-x` is not an option of `docker run`", hint);
    check_error("-itx redis", "`-x` in `-itx` is not an option of `docker run`", hint);
    check_error("--=x redis", "`--` is not an option of `docker run`", hint);
}

#[test]
fn an_option_without_its_value_is_named() {
    let hint = "write the value after it, and the image after that";
    check_error("docker run --name", "`--name` has no value", hint);
    check_error("-itp", "`-p` has no value", hint);
}

#[test]
fn a_switch_takes_no_word() {
    check_error(
        "--tty=yes redis",
        "`--tty` is a switch, and `yes` is neither `true` nor `false`",
        "write `--tty` or `--tty=false`",
    );
    check_error("--rm true redis", "`true` stands in the place of the image", "write `--rm=true`");
    check("--name web true", &["name=web"], "true", &[]);
}

#[test]
fn a_line_without_an_image_is_refused() {
    let hint = "the image comes after the options, such as `redis:7`";
    for line in ["docker run", "docker run --rm", "--name=redis", "--rm --"] {
        check_error(line, "the line names no image", hint);
    }
    check_error(
        "docker run -d --name redis",
        "the line names no image",
        "`redis` is the value of `--name`; the image comes after it",
    );
    let hint = "write an image, with options before it, such as `-p 8080:80 nginx:1.27`";
    for line in ["", " \n", "# nothing"] {
        check_error(line, "the line is empty", hint);
    }
}

#[test]
fn an_unsupported_option_has_its_hint() {
    for (line, written, hint) in [
        ("-a stdout redis", "-a", "attach to the container with `container.attach()`"),
        ("--attach=stdin redis", "--attach", "attach to the container with `container.attach()`"),
        ("--cidfile id redis", "--cidfile", "the id is `container.id()`"),
        (
            "--use-api-socket redis",
            "--use-api-socket",
            "mount the socket: `-v /var/run/docker.sock:/var/run/docker.sock`",
        ),
        ("--help", "--help", "leave it away; `docker run --help` in a terminal lists the options"),
    ] {
        check_error(line, &format!("`{written}` is not supported"), hint);
    }
}

#[test]
fn another_command_is_refused() {
    check_error(
        "docker build .",
        "`docker build` is not `docker run`",
        "write a line of `docker run`",
    );
    check_error(
        "docker-compose up -d",
        "`docker-compose` is not `docker run`",
        "write a line of `docker run`; for an image write `docker-compose:latest`",
    );
    check_error(
        "podman container start x",
        "`podman container start` is not `podman run`",
        "write a line of `podman run`",
    );
    check_error(
        "docker",
        "`docker` alone runs nothing",
        "for the image of that name write `docker:latest`",
    );
    check_error(
        "run -d redis",
        "`run` stands in the place of the image",
        "leave it away, or write `docker run`",
    );
    let hint = "leave it away; which engine is used is not said in this line";
    for line in ["docker --context x run redis", "docker --context=x run redis"] {
        check_error(line, "`--context` before `run` concerns the command `docker` alone", hint);
    }
    check_error(
        "DOCKER_HOST=x docker run redis",
        "`DOCKER_HOST=x` before `docker` concerns the command `docker` alone",
        "leave it away; a variable of the container is set with `-e DOCKER_HOST=x`",
    );
}

#[test]
fn what_was_pasted_with_the_command_is_named() {
    for (line, before, command) in [
        (r"PS C:\Users\me> docker run nginx", r"`PS C:\Users\me>` stands", "docker run"),
        ("root@host:~# docker run -p 80:80 nginx", "`root@host:~#` stands", "docker run"),
        ("user@host:~$ podman run nginx", "`user@host:~$` stands", "podman run"),
        ("> docker create nginx", "`>` stands", "docker create"),
        ("\u{276f} docker container run nginx", "`\u{276f}` stands", "docker container"),
        ("mkdir -p ~/data\n\ndocker run -v ~/data:/d x", "`mkdir -p ~/data` stands", "docker run"),
        ("docker pull x && docker run x", "`docker pull x &&` stands", "docker run"),
        ("ID=$(docker run -d nginx)", "`ID=$(` stands", "docker run"),
        ("time docker run -v $PWD:/x nginx", "`time` stands", "docker run"),
    ] {
        let hint = format!("leave it away: the text begins with `{command}`");
        check_error(line, &format!("{before} before `{command}`"), &hint);
    }
    let hint = "leave it away, and what closes it: the text begins with `docker run`";
    check_error("'docker run nginx'", "`'` stands before `docker run`", hint);
    check_error("`docker run nginx`", "a backtick stands before `docker run`", hint);
    check_error("# docker run nginx", "`#` makes a comment of `docker run`", "leave the `#` away");
    for before in ["winpty", "sudo -E"] {
        check_error(
            &format!("{before} docker run nginx"),
            &format!("`{before}` stands before `docker run`"),
            "leave it away: the text begins with `docker run`",
        );
    }
    check("docker run docker docker run x", &[], "docker", &["docker", "run", "x"]);
    // What is wrong further on is told as it is.
    for line in [
        "docker run --memroy 1g docker docker run x",
        "--memroy 1g docker docker run x",
        "docker:dind sh -c 'docker run x; docker run y' $A",
    ] {
        assert!(!parse_run(line).unwrap_err().message().contains("before"), "{line}");
    }
}

#[test]
fn what_cannot_be_an_image_is_refused() {
    check_error(
        "docker run Redis:7",
        "`Redis:7` is not an image reference: its repository holds upper-case letters",
        "write `redis:7`",
    );
    check_error(
        "docker run --rm -",
        "`-` is not an image reference: `-` cannot be part of a repository",
        "letters and digits come first and last, with `.`, `_`, `__` or `-` between",
    );
    check_error(
        "-e A=b C=d redis",
        "`C=d` stands in the place of the image",
        "a variable is set with `-e C=d`",
    );
    check_error(
        "docker run -e A = b redis",
        "`=` stands in the place of the image",
        "write no space before the `=`, nor behind it",
    );
    check_error(
        "docker run -v /a b:/x redis",
        "`b:/x` stands in the place of the image",
        "it looks like a volume: put a path with a space in it in quotes",
    );
    check_error(
        "docker run \u{2013}rm redis",
        "`\u{2013}rm` begins with a dash that is not `-`",
        "write `--rm`",
    );
    check_error("\u{2014}d redis", "`\u{2014}d` begins with a dash that is not `-`", "write `-d`");
}

#[test]
fn a_line_that_no_shell_could_split_is_refused() {
    check_error(
        "docker run -v $(pwd):/data redis",
        "`$(pwd)` is not run: no shell reads this line",
        "for the working directory write `.`: `-v .:/data`",
    );
}
