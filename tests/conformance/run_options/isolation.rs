//! What a container may do, and what it shares.

use super::{idle, say, says};
use crate::support::{is_podman, unique, TestResult};

/// The bit of `CAP_NET_ADMIN`.
const NET_ADMIN: u64 = 1 << 12;
/// The bit of `CAP_CHOWN`.
const CHOWN: u64 = 1;

/// The capabilities of the container's first process.
async fn capabilities(
    request: longshore::ContainerRequest,
) -> Result<u64, Box<dyn std::error::Error>> {
    let line = says(request, "grep CapEff /proc/1/status").await?;
    Ok(u64::from_str_radix(line.rsplit('\t').next().unwrap_or_default(), 16)?)
}

#[tokio::test]
async fn capabilities_more_and_less() -> TestResult {
    let usual = capabilities(idle()).await?;
    assert_eq!((usual & NET_ADMIN, usual & CHOWN), (0, CHOWN));
    assert_eq!(capabilities(idle().cap_add("NET_ADMIN")).await?, usual | NET_ADMIN);
    assert_eq!(capabilities(idle().cap_add("cap_net_admin")).await?, usual | NET_ADMIN);
    assert_eq!(capabilities(idle().cap_drop("CHOWN")).await?, usual & !CHOWN);
    assert_eq!(capabilities(idle().cap_drop("all").cap_add("chown")).await?, CHOWN);
    assert_eq!(capabilities(idle().cap_drop("ALL")).await?, 0);
    Ok(())
}

#[tokio::test]
async fn no_new_privileges_and_another_profile() -> TestResult {
    let flag = |name: &str| format!("sed -n 's/^{name}:\\s*//p' /proc/1/status");
    let request = || idle().security_opt("no-new-privileges");
    assert_eq!(says(request(), &flag("NoNewPrivs")).await?, "1");
    assert_eq!(says(idle(), &flag("NoNewPrivs")).await?, "0");
    assert_eq!(says(idle().security_opt("seccomp=unconfined"), &flag("Seccomp")).await?, "0");
    // A profile of a file: nobody may make folders.
    let profile = std::env::temp_dir().join(unique("longshore-seccomp"));
    std::fs::write(
        &profile,
        r#"{ "defaultAction": "SCMP_ACT_ALLOW",
             "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO" }] }"#,
    )?;
    let request = idle().security_opt(format!("seccomp={}", profile.display()));
    let outcome = says(request, "mkdir /x 2>&1 || true").await;
    std::fs::remove_file(&profile)?;
    assert!(outcome?.contains("Operation not permitted"));
    Ok(())
}

#[tokio::test]
async fn devices_of_the_host() -> TestResult {
    let container = idle().device("/dev/null:/dev/nothing:rw").start().await?;
    assert_eq!(
        say(&container, "echo x > /dev/nothing; test -c /dev/nothing && echo device").await?,
        "device"
    );
    Ok(())
}

#[tokio::test]
async fn settings_of_the_kernel() -> TestResult {
    let request = idle()
        .sysctl("net.core.somaxconn", "1234")
        .sysctl("net.ipv4.ip_unprivileged_port_start", "99");
    let script = "cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/ip_unprivileged_port_start";
    assert_eq!(says(request, script).await?, "1234\n99");
    Ok(())
}

#[tokio::test]
async fn processes_of_another_container_and_of_the_host() -> TestResult {
    let other = idle().start().await?;
    let container = idle().pid(format!("container:{}", other.name())).start().await?;
    let namespace = "readlink /proc/self/ns/pid";
    assert_eq!(say(&container, namespace).await?, say(&other, namespace).await?);
    let hosts = idle().pid("host").start().await?;
    let count = say(&hosts, "ls -d /proc/[0-9]* | wc -l").await?;
    assert!(count.parse::<usize>()? > 3, "{count}");
    Ok(())
}

#[tokio::test]
async fn shared_memory_of_another_container() -> TestResult {
    let owner = idle().ipc("shareable").start().await?;
    say(&owner, "echo hello > /dev/shm/x").await?;
    let guest = idle().ipc(format!("container:{}", owner.id())).start().await?;
    assert_eq!(say(&guest, "cat /dev/shm/x").await?, "hello");
    Ok(())
}

#[tokio::test]
async fn the_names_and_control_groups_of_the_host() -> TestResult {
    let here = |what: &str| std::fs::read_link(format!("/proc/self/ns/{what}"));
    let container = idle().uts("host").cgroupns("host").start().await?;
    for (what, option) in [("uts", "uts"), ("cgroup", "cgroupns")] {
        let inside = say(&container, &format!("readlink /proc/self/ns/{what}")).await?;
        // The engine of these tests runs in namespaces of its own, but for these two.
        assert_eq!(inside, here(what)?.to_string_lossy(), "{option}");
    }
    if is_podman() {
        // 4.3 passes it over with control groups of version 1.
        return Ok(());
    }
    let own = idle().cgroupns("private").start().await?;
    let inside = say(&own, "readlink /proc/self/ns/cgroup").await?;
    assert_ne!(inside, here("cgroup")?.to_string_lossy());
    Ok(())
}

#[tokio::test]
async fn another_runtime_by_its_name() -> TestResult {
    let runtime = if is_podman() { "crun" } else { "runc" };
    match idle().runtime(runtime).start().await {
        Ok(container) => assert_eq!(say(&container, "echo runs").await?, "runs"),
        // Podman may know one that is not installed.
        Err(error) => assert!(is_podman(), "{error}"),
    }
    Ok(())
}

#[tokio::test]
async fn what_is_protected_in_proc_is_open() -> TestResult {
    let protected = "grep -c ' /proc/sys ' /proc/mounts || true";
    assert_eq!(says(idle(), protected).await?, "1");
    assert_eq!(says(idle().security_opt("systempaths=unconfined"), protected).await?, "0");
    Ok(())
}

#[tokio::test]
async fn a_privileged_container_may_do_anything() -> TestResult {
    let usual = capabilities(idle()).await?;
    match idle().privileged().start().await {
        Ok(container) => {
            let line = say(&container, "grep CapEff /proc/1/status").await?;
            let all = u64::from_str_radix(line.rsplit('\t').next().unwrap_or_default(), 16)?;
            assert!(all & usual == usual && all & NET_ADMIN != 0, "{line}");
        }
        // Not every machine lets an engine give all that there is.
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("unable to apply caps: operation not permitted"), "{text}");
        }
    }
    Ok(())
}
