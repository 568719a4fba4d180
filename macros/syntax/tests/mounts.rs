//! Mounts as `--mount` and `--volume` take them, and the errors for what users mistype.

use longshore_syntax::{
    parse_mount, parse_volume, BindRecursive, Consistency, Mount, MountType, Propagation,
    VolumeSource,
};

fn mount(text: &str) -> Mount {
    parse_mount(text).unwrap_or_else(|error| panic!("{error}"))
}

/// The mount that `text` gives, displayed.
fn check(text: &str, displayed: &str) {
    let mount = mount(text);
    assert_eq!(mount.to_string(), displayed, "{text}");
    assert_eq!(parse_mount(displayed), Ok(mount), "{text}");
}

fn check_error(text: &str, problem: &str, hint: &str) {
    let error = parse_mount(text).unwrap_err();
    assert_eq!(error.to_string(), format!("`{text}` is not a mount: {problem}\nhint: {hint}"));
}

fn check_volume(text: &str, source: Option<VolumeSource>, target: &str, options: &[&str]) {
    let volume = parse_volume(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(volume.source(), source.as_ref(), "{text}");
    assert_eq!(volume.target(), target, "{text}");
    assert_eq!(volume.options(), options, "{text}");
    assert_eq!(volume.to_string(), text);
}

fn check_volume_error(text: &str, problem: &str, hint: &str) {
    let error = parse_volume(text).unwrap_err();
    assert_eq!(error.to_string(), format!("`{text}` is not a volume: {problem}\nhint: {hint}"));
}

fn path(text: &str) -> Option<VolumeSource> {
    Some(VolumeSource::Path(text.to_owned()))
}

fn name(text: &str) -> Option<VolumeSource> {
    Some(VolumeSource::Name(text.to_owned()))
}

const FIELDS: &str = "write fields, such as `type=bind,src=./data,dst=/data`";

#[test]
fn every_spelling_of_a_key_is_read() {
    for text in [
        "type=bind,source=/a,target=/b,readonly",
        "type=bind,src=/a,dst=/b,ro",
        "TYPE=Bind,Src=/a,Destination=/b,RO=1",
        "ro=true,dst=/b,src=/a,type=bind",
    ] {
        check(text, "type=bind,src=/a,dst=/b,ro");
    }
    check("type=bind,src=/a,dst=/b,ro=false", "type=bind,src=/a,dst=/b");
}

#[test]
fn a_mount_is_a_volume_where_nothing_is_said() {
    let mount = mount("target=/b");
    assert_eq!(mount.mount_type(), MountType::Volume);
    assert_eq!(mount.source(), None);
    assert!(mount.volume_is_copied());
    check("type=volume,dst=/b,src=", "dst=/b");
}

#[test]
fn a_volume_has_its_options() {
    let text = "src=data,dst=/b,volume-driver=local,volume-subpath=x/y,volume-label=a=b,\
                volume-label=c,volume-opt=type=nfs,volume-opt=o=addr=1.1.1.1,volume-nocopy";
    check(text, text);
    let mount = mount(text);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(mount.volume_labels(), [pair("a", "b"), pair("c", "")]);
    assert_eq!(mount.volume_options(), [pair("type", "nfs"), pair("o", "addr=1.1.1.1")]);
    assert_eq!(mount.volume_driver(), Some("local"));
    assert_eq!(mount.subpath(), Some("x/y"));
    assert!(!mount.volume_is_copied());
    check("dst=/b,volume-label=a=1,volume-label=a=2", "dst=/b,volume-label=a=2");
}

#[test]
fn a_bind_mount_has_its_options() {
    let text = "type=bind,src=./a,dst=/b,consistency=cached,bind-propagation=rprivate,\
                bind-recursive=readonly,ro,bind-create-src";
    check(text, text);
    let mount = mount(text);
    assert_eq!(mount.consistency(), Some(Consistency::Cached));
    assert_eq!(mount.bind_propagation(), Some(Propagation::RPrivate));
    assert_eq!(mount.bind_recursive(), BindRecursive::Readonly);
    assert_eq!(mount.bind_creates_source(), Some(true));
    check(
        "type=bind,src=/a,dst=/b,bind-nonrecursive",
        "type=bind,src=/a,dst=/b,bind-recursive=disabled",
    );
    check("type=bind,src=/a,dst=/b,bind-nonrecursive=0", "type=bind,src=/a,dst=/b");
    check("type=bind,src=..,dst=/b", "type=bind,src=..,dst=/b");
}

#[test]
fn the_other_types_have_theirs() {
    check(
        "type=tmpfs,dst=/x,tmpfs-size=65536k,tmpfs-mode=01777",
        "type=tmpfs,dst=/x,tmpfs-size=64m,tmpfs-mode=1777",
    );
    let tmpfs = mount("type=tmpfs,dst=/x,tmpfs-size=64m,tmpfs-mode=1777");
    assert_eq!((tmpfs.tmpfs_size(), tmpfs.tmpfs_mode()), (Some(64 << 20), Some(0o1777)));
    check(
        "type=image,src=busybox:1.37,dst=/b,image-subpath=bin",
        "type=image,src=busybox:1.37,dst=/b,image-subpath=bin",
    );
    check(r"type=npipe,src=\\.\pipe\x,dst=\\.\pipe\y", r"type=npipe,src=\\.\pipe\x,dst=\\.\pipe\y");
    check("type=cluster,src=x,dst=/b", "type=cluster,src=x,dst=/b");
    check(r"type=bind,src=C:\a,dst=D:/b", r"type=bind,src=C:\a,dst=D:/b");
}

#[test]
fn a_field_with_a_comma_is_quoted() {
    check("type=bind,\"src=/a,b\",\"dst=/\"\"c\"\"\"", "type=bind,\"src=/a,b\",\"dst=/\"\"c\"\"\"");
    check_error(
        "type=bind,src=\"/a,b\",dst=/c",
        "`src=\"/a` has a `\"` in it",
        "put quotes around the whole field, such as `\"src=/a,b\"`, and write `\"\"` for a quote \
         in it",
    );
}

#[test]
fn an_unknown_key_gets_the_one_that_was_meant() {
    for (key, meant) in [
        ("taget", "target"),
        ("read-only", "readonly"),
        (" ro", "ro"),
        ("volume-labels", "volume-label"),
    ] {
        check_error(
            &format!("dst=/b,{key}=1"),
            &format!("`{key}` is not a key of a mount"),
            &format!("did you mean `{meant}`?"),
        );
    }
    check_error("dst=/b,xyzzy", "`xyzzy` is not a key of a mount", FIELDS);
    check_error(
        "/a:/b",
        "it has no fields",
        "that is the form of `-v`; as a mount write fields, such as \
         `type=bind,src=./data,dst=/data`",
    );
}

#[test]
fn a_key_is_there_once() {
    check_error("dst=/b,target=/c", "`target` is a second `target`", "leave one of the two away");
    check_error(
        "type=bind,src=/a,dst=/b,bind-recursive=disabled,bind-nonrecursive",
        "`bind-nonrecursive` is a second `bind-recursive`",
        "leave one of the two away",
    );
}

#[test]
fn options_of_another_type_are_refused() {
    check_error(
        "type=bind,src=/a,dst=/b,volume-nocopy",
        "`volume-nocopy` cannot be mixed with the mount type `bind`",
        "it is for `type=volume`; leave it away",
    );
    check_error(
        "src=/a,dst=/b,bind-nonrecursive",
        "`bind-nonrecursive` cannot be mixed with the mount type `volume`",
        "write `type=bind`, or leave it away",
    );
    check_error(
        "type=image,src=x,dst=/b,tmpfs-size=1m",
        "`tmpfs-size` cannot be mixed with the mount type `image`",
        "it is for `type=tmpfs`; leave it away",
    );
}

#[test]
fn a_wrong_word_gets_the_right_ones() {
    check_error("type=binds,dst=/b", "its `type` cannot be `binds`", "did you mean `type=bind`?");
    check_error(
        "type=bind,src=/a,dst=/b,bind-recursive=true",
        "its `bind-recursive` cannot be `true`",
        "write one of `enabled`, `disabled`, `writable`, `readonly`",
    );
    check_error("type=,dst=/b", "`type` has no value", "write it as `type=..`");
    check_error(
        "dst=/b,ro=yes",
        "`ro` is `yes`, which is neither `true` nor `false`",
        "write `ro` or `ro=false`",
    );
    check_error(
        "type=tmpfs,dst=/b,tmpfs-size=big",
        "`tmpfs-size` is `big`, which is no size: it does not begin with a number",
        "write a number and a unit, such as `512m` or `1.5g`",
    );
    for mode in ["9", "+7", "10000", "rwx"] {
        check_error(
            &format!("type=tmpfs,dst=/b,tmpfs-mode={mode}"),
            &format!("`tmpfs-mode` is `{mode}`, which are no permission bits"),
            "write them in octal, such as `tmpfs-mode=1777`",
        );
    }
    check_error(
        "dst=/b,volume-label==x",
        "`volume-label` has no name before its `=`",
        "write it as `volume-label=name=value`",
    );
}

#[test]
fn a_mount_has_the_source_that_its_type_needs() {
    check_error("type=bind,dst=/b", "its source is missing", "add it, such as `src=./data`");
    check_error(
        "type=bind,src=tests/data,dst=/b",
        "the source `tests/data` is neither absolute nor begins with `.`",
        "for a path in the working directory write `./tests/data`",
    );
    check_error(
        "type=bind,src=~/a,dst=/b",
        "`~` is not replaced by the home directory",
        "write the directory in full",
    );
    check_error(
        "src=/a,dst=/b",
        "`/a` is a path, not the name of a volume",
        "for a path of the host write `type=bind`",
    );
    check_error(
        "type=tmpfs,src=x,dst=/b",
        "a tmpfs has no source, and this is from `x`",
        "leave the source away",
    );
    check_error(
        "dst=/b,volume-subpath=x",
        "a volume without a name has nothing at a subpath",
        "name the volume, such as `src=my-volume`",
    );
}

#[test]
fn a_mount_has_an_absolute_target() {
    check_error(
        "src=data",
        "its target is missing",
        "add the path in the container, such as `dst=/data`",
    );
    check_error(
        "dst=data",
        "the target `data` is not absolute",
        "write a path from the root of the container, such as `/data`",
    );
    check_error(
        "dst=/",
        "nothing can be mounted on `/`",
        "write a directory of the container, such as `/data`",
    );
    check_error("", "it is empty", FIELDS);
    check_error(
        "dst=/b,",
        "it has an empty field",
        "write fields with one `,` between two of them, and none at the end",
    );
}

#[test]
fn bind_recursive_asks_for_other_fields() {
    check_error(
        "type=bind,src=/a,dst=/b,bind-recursive=writable",
        "`bind-recursive=writable` needs `readonly`",
        "add `readonly`",
    );
    check_error(
        "type=bind,src=/a,dst=/b,bind-recursive=readonly,ro",
        "`bind-recursive=readonly` needs `bind-propagation=rprivate`",
        "add `bind-propagation=rprivate`",
    );
}

#[test]
fn a_volume_has_up_to_three_parts() {
    check_volume("/data", None, "/data", &[]);
    check_volume("my-volume:/data", name("my-volume"), "/data", &[]);
    check_volume("v1:/data:nocopy", name("v1"), "/data", &["nocopy"]);
    check_volume("/h:/data:ro,z,rshared", path("/h"), "/data", &["ro", "z", "rshared"]);
    check_volume("./a b:/data", path("./a b"), "/data", &[]);
    for source in [".", "..", "../a", ".cache"] {
        check_volume(&format!("{source}:/data"), path(source), "/data", &[]);
    }
}

#[test]
fn a_drive_of_windows_keeps_its_colon() {
    check_volume(r"C:\a:C:\b", path(r"C:\a"), r"C:\b", &[]);
    check_volume("c:/a:/b:ro", path("c:/a"), "/b", &["ro"]);
    check_volume(r"C:\data", None, r"C:\data", &[]);
    check_volume(r"\\.\pipe\x:\\.\pipe\y", path(r"\\.\pipe\x"), r"\\.\pipe\y", &[]);
}

#[test]
fn a_source_is_a_path_or_a_name() {
    check_volume_error(
        "tests/data:/data",
        "the source `tests/data` is neither a path nor the name of a volume",
        "for a path in the working directory write `./tests/data`",
    );
    check_volume_error(
        "~/data:/data",
        "`~` is not replaced by the home directory",
        "write the directory in full",
    );
    check_volume_error(
        "my volume:/data",
        "the name of a volume cannot hold ` `",
        "a name is made of letters, digits, `_`, `.` and `-`",
    );
    check_volume_error(
        "_x:/data",
        "the name `_x` does not begin with a letter or digit",
        "for a path in the working directory write `./` before it",
    );
    check_volume_error(
        "a:/data",
        "`a:` is a drive of Windows, not a volume",
        "the name of a volume has at least two characters, as `data:/data`",
    );
}

#[test]
fn a_target_is_absolute() {
    let hint = "write a path from the root of the container, such as `/data`";
    check_volume_error("data", "the target `data` is not absolute", hint);
    check_volume_error("my-volume:data", "the target `data` is not absolute", hint);
    check_volume_error(
        "./data",
        "its target is missing",
        "add the path in the container: `./data:/data`",
    );
    check_volume_error(
        "/data:ro",
        "`ro` stands in the place of the target",
        "options come third, as in `/data:/data:ro`",
    );
    check_volume_error(
        "my-volume:ro,z",
        "`ro,z` stands in the place of the target",
        "options come third, as in `my-volume:/data:ro,z`",
    );
}

#[test]
fn an_unknown_option_of_a_volume_is_refused() {
    check_volume_error(
        "/a:/b:readonly",
        "`readonly` is not an option of a volume",
        "did you mean `ro`?",
    );
    check_volume_error(
        "/a:/b:rshard",
        "`rshard` is not an option of a volume",
        "did you mean `rshared`?",
    );
    let hint = "the options are `ro`, `rw`, `z`, `Z`, `nocopy`, those of propagation and of \
                consistency";
    check_volume_error("/a:/b:U", "`U` is not an option of a volume", hint);
    check_volume_error("/a:/b:exec", "`exec` is not an option of a volume", hint);
}

#[test]
fn options_that_exclude_each_other_are_refused() {
    let hint = "leave one of the two away";
    check_volume_error("/a:/b:ro,rw", "`ro` and `rw` exclude each other", hint);
    check_volume_error("/a:/b:z,ro,Z", "`z` and `Z` exclude each other", hint);
    check_volume_error("/a:/b:ro,ro", "`ro` is there twice", hint);
    check_volume_error(
        "my-volume:/b:shared",
        "`shared` is for paths, and `my-volume` is a volume",
        "leave it away",
    );
}

#[test]
fn a_volume_with_an_empty_part_is_refused() {
    let hint = "write `./data:/data`, `my-volume:/data` or `/data`";
    check_volume_error("", "it is empty", hint);
    for text in [":", ":/data", "/a:", "/a::ro", "/a:/b:"] {
        check_volume_error(text, "it has a `:` with nothing before or after it", hint);
    }
    check_volume_error(
        "/a:/b:ro:z",
        "it has too many `:`",
        "write `source:target:options`, with commas between the options",
    );
    check_volume_error(
        "/a:/b:ro,",
        "it has an empty option",
        "write one `,` between two options, and none at the end",
    );
}
