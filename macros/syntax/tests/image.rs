//! Image references as users write them, and the errors for what they mistype.

use longshore_syntax::ImageReference;

const HEX64: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn parse(text: &str) -> ImageReference {
    ImageReference::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn check(text: &str, familiar: &str, canonical: &str) {
    let image = parse(text);
    assert_eq!(image.familiar(), familiar, "{text}");
    assert_eq!(image.to_string(), familiar, "{text}");
    assert_eq!(image.canonical(), canonical, "{text}");
    assert_eq!(parse(familiar), image, "{text}");
    assert_eq!(parse(canonical), image, "{text}");
}

fn check_error(text: &str, problem: &str, hint: Option<&str>) {
    let error = ImageReference::parse(text).unwrap_err();
    assert_eq!(error.message(), format!("`{text}` is not an image reference: {problem}"));
    assert_eq!(error.hint(), hint, "{text}");
}

#[test]
fn short_names_are_official_images_of_docker_hub() {
    check("postgres", "postgres:latest", "docker.io/library/postgres:latest");
    check("postgres:15", "postgres:15", "docker.io/library/postgres:15");
    check("docker.io/postgres:15", "postgres:15", "docker.io/library/postgres:15");
    check("index.docker.io/postgres:15", "postgres:15", "docker.io/library/postgres:15");
    check("library/postgres:15", "postgres:15", "docker.io/library/postgres:15");
    check("example.com", "example.com:latest", "docker.io/library/example.com:latest");
    check("localhost:5000", "localhost:5000", "docker.io/library/localhost:5000");
}

#[test]
fn names_of_two_parts_are_repositories_of_docker_hub() {
    check("team/app:1", "team/app:1", "docker.io/team/app:1");
    check("docker.io/team/app", "team/app:latest", "docker.io/team/app:latest");
    check("library/a/b", "library/a/b:latest", "docker.io/library/a/b:latest");
}

#[test]
fn a_first_part_that_looks_like_a_host_is_the_registry() {
    for registry in [
        "localhost",
        "localhost:5000",
        "ghcr.io",
        "quay.io:443",
        "registry:5000",
        "Registry",
        "127.0.0.1:5000",
        "[::1]:5000",
        "[2001:db8::1]",
        "my-host.example.com",
        "xn--n3h.com",
    ] {
        let text = format!("{registry}/team/app:1");
        check(&text, &text, &text);
        assert_eq!(parse(&text).registry(), registry);
        assert_eq!(parse(&text).repository(), "team/app");
    }
}

#[test]
fn the_familiar_form_is_long_where_the_short_one_means_something_else() {
    for text in ["docker.io/localhost/app:1", "docker.io/my.org/app:1"] {
        check(text, text, text);
    }
    let tag_like_an_id = format!("library/sha256:{HEX64}");
    check(&tag_like_an_id, &tag_like_an_id, &format!("docker.io/{tag_like_an_id}"));
}

#[test]
fn the_parts_are_as_written() {
    let digest = format!("sha256:{HEX64}");
    let image = parse(&format!("ghcr.io/team/app:1.0-rc.1@{digest}"));
    assert_eq!(image.registry(), "ghcr.io");
    assert_eq!(image.repository(), "team/app");
    assert_eq!(image.tag(), Some("1.0-rc.1"));
    assert_eq!(image.digest(), Some(&*digest));
}

#[test]
fn a_digest_alone_has_no_tag() {
    for (algorithm, length) in [("sha256", 64), ("sha384", 96), ("sha512", 128)] {
        let text = format!("app@{algorithm}:{}", "0".repeat(length));
        check(&text, &text, &format!("docker.io/library/{text}"));
        assert_eq!(parse(&text).tag(), None);
    }
}

#[test]
fn separators_stand_alone_between_letters_and_digits() {
    for text in ["x/a.b/c_d/e__f/g-h/i---j", "a1/2b", "0/0"] {
        check(&format!("{text}:1"), &format!("{text}:1"), &format!("docker.io/{text}:1"));
    }
    for component in ["-a", "a-", ".a", "a.", "_a", "a..b", "a___b", "a._b", "a-_b", "a.-b", "-"] {
        check_error(
            &format!("team/{component}"),
            &format!("`{component}` cannot be part of a repository"),
            Some("letters and digits come first and last, with `.`, `_`, `__` or `-` between"),
        );
    }
}

#[test]
fn upper_case_gets_the_lower_case_name() {
    for (text, lower) in [
        ("Postgres", "postgres"),
        ("Postgres:Alpine", "postgres:Alpine"),
        ("team/App", "team/app"),
        ("Team/App", "team/app"),
        ("Ghcr.io/App/App:App", "Ghcr.io/app/app:App"),
    ] {
        check_error(
            text,
            "its repository holds upper-case letters",
            Some(&format!("write `{lower}`")),
        );
    }
    assert_eq!(parse("app:RC1").tag(), Some("RC1"));
}

#[test]
fn a_scheme_is_to_be_left_away() {
    check_error(
        "https://ghcr.io/team/app",
        "it begins with `https://`",
        Some("leave the scheme away: `ghcr.io/team/app`"),
    );
    check_error(
        "docker://postgres:16",
        "it begins with `docker://`",
        Some("leave the scheme away: `postgres:16`"),
    );
    check_error(
        "https://hub.docker.com/_/postgres",
        "it begins with `https://`",
        Some("a reference has no scheme, such as `postgres:16`"),
    );
}

#[test]
fn ids_are_not_references() {
    for text in [HEX64.to_owned(), format!("sha256:{HEX64}")] {
        check_error(
            &text,
            "it is an image id",
            Some("name the repository, such as `postgres:16` or `postgres@sha256:...`"),
        );
    }
    assert_eq!(parse(&HEX64[1..]).repository(), format!("library/{}", &HEX64[1..]));
}

#[test]
fn names_and_tags_have_a_greatest_length() {
    let longest = "a".repeat(255 - "library/".len());
    assert_eq!(parse(&longest).repository().len(), 255);
    check_error(
        &format!("{longest}a"),
        "the repository is 256 characters long",
        Some("a repository has at most 255 characters"),
    );
    assert_eq!(parse(&format!("a:{}", "t".repeat(128))).tag().unwrap().len(), 128);
    check_error(
        &format!("a:{}", "t".repeat(129)),
        "the tag is 129 characters long",
        Some("a tag has at most 128 characters"),
    );
}

#[test]
fn a_tag_is_checked() {
    let characters = Some("a tag is made of letters, digits, `_`, `.` and `-`");
    check_error("app:1+2", "a tag cannot hold `+`", characters);
    check_error("app:1:2", "a tag cannot hold `:`", characters);
    check_error("team/app:1/2", "a tag cannot hold `/`", characters);
    check_error(
        "app:",
        "its tag is empty",
        Some("write a tag after the `:`, or leave the `:` away for `latest`"),
    );
    check_error(
        "app:.1",
        "the tag `.1` begins with a separator",
        Some("a tag begins with a letter, a digit or `_`"),
    );
    check_error(
        &format!("ghcr.io/app:sha256:{HEX64}"),
        "its digest stands after a `:`",
        Some(&format!("a digest follows an `@`: `ghcr.io/app@sha256:{HEX64}`")),
    );
}

#[test]
fn a_digest_is_checked() {
    let length = Some("a sha256 digest is 64 hexadecimal digits");
    check_error("app@sha256:abc", "its digest is 3 digits long", length);
    check_error("app@sha256:xyz", "a digest cannot hold `x`", length);
    check_error(
        "app@latest",
        "the digest `latest` has no algorithm",
        Some("a digest is `sha256:` and 64 hexadecimal digits"),
    );
    check_error(
        "app@md5:d41d8cd98f00b204e9800998ecf8427e",
        "`md5` is not a digest algorithm",
        Some("the algorithms are `sha256`, `sha384` and `sha512`"),
    );
    check_error(
        &format!("app@sha256:{}", HEX64.to_uppercase()),
        "its digest holds upper-case letters",
        Some("write it in lower case"),
    );
}

#[test]
fn a_registry_is_checked() {
    let host = Some("what stands before the first `/` is a host name, such as `localhost:5000`");
    for registry in ["my_host.com", "-a.com", "a..com", ".", "[].b", "[::g]"] {
        check_error(
            &format!("{registry}/app"),
            &format!("`{registry}` is not a registry's host"),
            host,
        );
    }
    check_error(
        "postgres:latest/app",
        "`latest` is not a registry's port",
        Some("a tag goes last: `postgres/app:latest`"),
    );
    check_error(
        "localhost:/app",
        "`` is not a registry's port",
        Some("a registry is written such as `localhost:5000`"),
    );
}

#[test]
fn what_is_missing_is_named() {
    check_error("", "it is empty", Some("name an image, such as `postgres:16`"));
    for text in [":16", "localhost/", "@sha256:abc"] {
        check_error(
            text,
            "its repository is empty",
            Some("name a repository, such as `postgres` or `localhost:5000/app`"),
        );
    }
    for text in ["/app", "team//app", "team/app/"] {
        check_error(text, "it has a `/` with nothing before or after it", None);
    }
}

#[test]
fn strange_characters_are_named() {
    let characters =
        Some("a repository is made of lower-case letters, digits, `.`, `_`, `-` and `/`");
    check_error("postgres!", "a repository cannot hold `!`", characters);
    check_error("pöstgres", "a repository cannot hold `ö`", characters);
    check_error("$IMAGE", "its repository holds upper-case letters", Some("write `$image`"));
    check_error(
        "postgres:16 ",
        "it has white space around it",
        Some("write it without: `postgres:16`"),
    );
    let error = ImageReference::parse("a\u{0}").unwrap_err();
    assert_eq!(
        error.message(),
        r"`a\u{0}` is not an image reference: a repository cannot hold `\u{0}`"
    );
}

#[test]
fn an_id_may_stand_where_an_image_is_asked_for() {
    let digits = "0123456789abcdef".repeat(4);
    let id = format!("sha256:{digits}");
    for text in [&digits, &id] {
        let image = ImageReference::parse_or_id(text).unwrap();
        assert!(image.is_id());
        assert_eq!((image.familiar(), image.canonical()), (id.clone(), id.clone()));
        assert_eq!((image.digest(), image.tag()), (Some(id.as_str()), None));
    }
    let name = ImageReference::parse_or_id("busybox").unwrap();
    assert_eq!((name.is_id(), name.familiar().as_str()), (false, "busybox:latest"));
    let error = ImageReference::parse_or_id("Busybox").unwrap_err();
    assert_eq!(error.hint(), Some("write `busybox`"));
    assert!(ImageReference::parse_or_id(&digits[1..]).is_ok_and(|image| !image.is_id()));
}
