//! How much a container may use: as its control groups and its kernel tell inside of it.

use longshore::{ContainerRequest, Size};

use super::{idle, inspected, say, says};
use crate::client::shell;
use crate::support::{is_podman, TestResult};

/// A script that prints a setting of the control group, of whichever version there is.
fn group(v1: &str, v2: &str) -> String {
    format!("cat /sys/fs/cgroup/{v1} 2>/dev/null || cat /sys/fs/cgroup/{v2}")
}

#[tokio::test]
async fn memory_in_words_and_typed() -> TestResult {
    let limit = group("memory/memory.limit_in_bytes", "memory.max");
    for request in [
        idle().memory("64m"),
        idle().memory("65536k"),
        idle().memory(64 * 1024 * 1024_u64),
        idle().memory("67108864"),
    ] {
        assert_eq!(says(request, &limit).await?, "67108864");
    }
    Ok(())
}

/// Memory, memory with swap, and the reservation, as the engine has noted them.
async fn host(request: ContainerRequest) -> longshore::Result<(i64, i64, i64)> {
    let inspect = request.create().await?.inspect().await?;
    let number = |key: &str| inspect.raw()["HostConfig"][key].as_i64().unwrap_or_default();
    Ok((number("Memory"), number("MemorySwap"), number("MemoryReservation")))
}

#[tokio::test]
async fn memory_and_swap() -> TestResult {
    let memory = 64 << 20;
    let request = || idle().memory("64m");
    assert_eq!(host(request().memory_swap("128m")).await?, (memory, 2 * memory, 0));
    // Podman's imitation of the API passes over what is below zero, and doubles the memory.
    let unlimited = if is_podman() { 2 * memory } else { -1 };
    assert_eq!(host(request().memory_swap(Size::unlimited())).await?, (memory, unlimited, 0));
    assert_eq!(host(request().memory_swap("-1")).await?, (memory, unlimited, 0));
    let reserved = host(request().memory_reservation("32m")).await?;
    assert_eq!((reserved.0, reserved.2), (memory, memory / 2));
    Ok(())
}

#[tokio::test]
async fn processor_time() -> TestResult {
    let quota =
        "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us 2>/dev/null \
                 || tr ' ' '\\n' < /sys/fs/cgroup/cpu.max";
    for request in [idle().cpus(0.5), idle().cpus("0.5"), idle().cpus(".5")] {
        assert_eq!(says(request, quota).await?, "50000\n100000");
    }
    assert_eq!(says(idle().cpus(1), quota).await?, "100000\n100000");
    assert_eq!(says(idle().cpu_period(50_000).cpu_quota(25_000), quota).await?, "25000\n50000");
    Ok(())
}

#[tokio::test]
async fn processors_by_number() -> TestResult {
    let list = group("cpuset/cpuset.cpus", "cpuset.cpus");
    let container = idle().cpuset_cpus("0").start().await?;
    assert_eq!(say(&container, &list).await?, "0");
    assert_eq!(say(&container, "nproc").await?, "1");
    Ok(())
}

#[tokio::test]
async fn the_number_of_processes() -> TestResult {
    let container = idle().pids_limit(20).start().await?;
    assert_eq!(say(&container, &group("pids/pids.max", "pids.max")).await?, "20");
    let many = "for i in $(seq 40); do sleep 600 & done 2>&1; true";
    let output = container.exec(["sh", "-c", many]).await?;
    assert!(output.stdout_str()?.contains("can't fork") || !output.success(), "{output:?}");
    Ok(())
}

#[tokio::test]
async fn shared_memory() -> TestResult {
    let size = "df -k /dev/shm | tail -1 | awk '{ print $2 }'";
    assert_eq!(says(idle().shm_size("32m"), size).await?, "32768");
    assert_eq!(says(idle().shm_size(32 * 1024 * 1024_u64), size).await?, "32768");
    Ok(())
}

#[tokio::test]
async fn limits_of_the_shell() -> TestResult {
    let request = shell("ulimit -n; ulimit -Hn; ulimit -c; exec sleep 600")
        .ulimit("nofile=100:200")
        .ulimit("core=0")
        // Podman 4.3 sets one of its own else, which not every machine lets it set.
        .ulimit("nproc=500");
    let container = request.wait(longshore::Wait::log_matches("(?s)100.*200.*0")).start().await?;
    assert_eq!(container.logs().await?, "100\n200\n0\n");
    Ok(())
}

#[tokio::test]
async fn who_is_killed_first() -> TestResult {
    assert_eq!(says(idle().oom_score_adj(500), "cat /proc/1/oom_score_adj").await?, "500");
    Ok(())
}

#[tokio::test]
async fn weights_reach_the_engine() -> TestResult {
    let container = idle().cpu_shares(512).create().await?;
    assert_eq!(inspected(&container)["HostConfig"]["CpuShares"], 512);
    Ok(())
}
