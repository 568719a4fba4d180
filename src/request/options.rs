//! The builder methods, each with the long name of its `docker run` flag. They only write data down.

use std::time::Duration;

use serde_json::Value;

use super::container_request::{ContainerRequest, Health, PullPolicy, Size};
use super::copy::{CopyIn, CopySource};
use super::port_word::PortWord;
use crate::wait::Wait;

/// What is run, and as whom.
impl ContainerRequest {
    /// The command and its arguments, instead of the image's; what stands behind the image in `docker run`.
    pub fn cmd<I: IntoIterator<Item = S>, S: Into<String>>(mut self, words: I) -> Self {
        self.options.cmd = Some(words.into_iter().map(Into::into).collect());
        self
    }

    /// The entry point, instead of the image's (`--entrypoint`; several words are possible here). As with
    /// `docker run`, the image's own command is dropped then.
    pub fn entrypoint<I: IntoIterator<Item = S>, S: Into<String>>(mut self, words: I) -> Self {
        self.options.entrypoint = Some(words.into_iter().map(Into::into).collect());
        self
    }

    /// An environment variable (`--env`); the last value of a name counts.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.env.insert(name.into(), value.into());
        self
    }

    /// Several environment variables.
    pub fn envs<I, K, V>(mut self, variables: I) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<String>,
        V: Into<String>,
    {
        self.options
            .env
            .extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// User and group, by name or number: `"postgres"`, `"999:999"` (`--user`).
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.options.user = Some(user.into());
        self
    }

    /// The folder in which the command runs; an absolute path (`--workdir`).
    pub fn workdir(mut self, path: impl Into<String>) -> Self {
        self.options.workdir = Some(path.into());
        self
    }

    /// A terminal for the command (`--tty`); standard output and standard error are one then.
    pub fn tty(mut self) -> Self {
        self.options.tty = true;
        self
    }

    /// Keeps standard input open (`--interactive`).
    pub fn interactive(mut self) -> Self {
        self.options.interactive = true;
        self
    }

    /// An init process that reaps zombies and passes signals on (`--init`).
    pub fn init(mut self) -> Self {
        self.options.init = true;
        self
    }

    /// The signal that `stop` sends, such as `"SIGINT"` (`--stop-signal`).
    pub fn stop_signal(mut self, signal: impl Into<String>) -> Self {
        self.options.stop_signal = Some(signal.into());
        self
    }

    /// How long `stop` waits before it kills, in whole seconds, rounded up (`--stop-timeout`).
    pub fn stop_timeout(mut self, limit: Duration) -> Self {
        self.options.stop_timeout = Some(limit);
        self
    }
}

/// How it is called.
impl ContainerRequest {
    /// A fixed name (`--name`). Without one it gets a random name, and any number can run side by side.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// A label (`--label`). Names that begin with `org.longshore.` are the crate's own.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.labels.insert(name.into(), value.into());
        self
    }
}

/// How it is reached.
impl ContainerRequest {
    /// Publishes a port, as `docker run --publish`: `5432` or `"5432"` (a random host port), `"8080:80"`,
    /// `"8000-9000:80"` (a free one of these), `"8000-8009:5000-5009"`, `"127.0.0.1:8080:80"`, `"[::1]:8080:80"`,
    /// each with `/udp` or `/sctp` behind it if need be.
    ///
    /// A mapping that names no address is published on 127.0.0.1 only, unlike Docker's: a test's database is not
    /// for the office network. (On all addresses where the engine is remote or the test runs in a container.)
    pub fn publish(mut self, ports: impl Into<PortWord>) -> Self {
        self.options.publish.push(ports.into());
        self
    }

    /// Exposes a port: `"80"`, `"53/udp"`, `"5000-5005"` (`--expose`), and publishes it on a random host port, since
    /// a test cannot reach it otherwise.
    pub fn expose(mut self, ports: impl Into<PortWord>) -> Self {
        self.options.expose.push(ports.into());
        self
    }

    /// The network it is on: a network's name, `"bridge"`, `"host"`, `"none"` or `"container:ID"` (`--network`).
    pub fn network(mut self, network: impl Into<String>) -> Self {
        self.options.network = Some(network.into());
        self
    }

    /// A name under which the containers on its network find it (`--network-alias`); needs a network of your own.
    pub fn network_alias(mut self, alias: impl Into<String>) -> Self {
        self.options.network_alias.push(alias.into());
        self
    }

    /// Its host name (`--hostname`).
    pub fn hostname(mut self, name: impl Into<String>) -> Self {
        self.options.hostname = Some(name.into());
        self
    }

    /// A line for `/etc/hosts`: `"name:10.0.0.1"` or `"name:host-gateway"` (`--add-host`).
    pub fn add_host(mut self, line: impl Into<String>) -> Self {
        self.options.add_host.push(line.into());
        self
    }
}

/// What it finds in its file system.
impl ContainerRequest {
    /// Copies a file, a folder or bytes into the container before it starts, as `docker cp`.
    ///
    /// `source` is a path on this machine (`"tests/data/index.html"`, a folder too), or [`CopySource::bytes`]. The
    /// target is absolute and names the result; one that ends with `/` is the folder into which the source goes.
    /// Missing folders on the way are made.
    pub fn copy_to(self, source: impl Into<CopySource>, target: impl Into<String>) -> Self {
        self.copy(CopyIn::new(source, target))
    }

    /// As [`copy_to`](Self::copy_to), with mode and owner.
    pub fn copy(mut self, copy: CopyIn) -> Self {
        self.options.copies.push(copy);
        self
    }

    /// A bind mount or a volume: `"/on/host:/in/container"`, `"name:/data"`, `"/data"`, with `:ro` behind it if
    /// need be (`--volume`). Host paths are those of the engine's machine.
    pub fn volume(mut self, volume: impl Into<String>) -> Self {
        self.options.volume.push(volume.into());
        self
    }

    /// A file system in memory: `"/run"`, `"/run:size=64m,mode=1777"` (`--tmpfs`).
    pub fn tmpfs(mut self, mount: impl Into<String>) -> Self {
        let mount = mount.into();
        let (path, options) = mount.split_once(':').unwrap_or((&mount, ""));
        self.options.tmpfs.insert(path.to_owned(), options.to_owned());
        self
    }

    /// A root file system that cannot be written (`--read-only`).
    pub fn read_only(mut self) -> Self {
        self.options.read_only = true;
        self
    }
}

/// What it may use.
impl ContainerRequest {
    /// The most memory it may take: `"512m"`, or bytes as a number (`--memory`).
    pub fn memory(mut self, limit: impl Into<Size>) -> Self {
        self.options.memory = Some(limit.into());
        self
    }

    /// The size of `/dev/shm`: `"1g"`, or bytes as a number (`--shm-size`).
    pub fn shm_size(mut self, size: impl Into<Size>) -> Self {
        self.options.shm_size = Some(size.into());
        self
    }

    /// A capability more than the engine's usual ones, such as `"NET_ADMIN"` (`--cap-add`).
    pub fn cap_add(mut self, capability: impl Into<String>) -> Self {
        self.options.cap_add.push(capability.into());
        self
    }

    /// A capability less, or `"ALL"` (`--cap-drop`).
    pub fn cap_drop(mut self, capability: impl Into<String>) -> Self {
        self.options.cap_drop.push(capability.into());
        self
    }

    /// All capabilities and devices of the host (`--privileged`).
    pub fn privileged(mut self) -> Self {
        self.options.privileged = true;
        self
    }
}

/// When it is ready, and when it is gone.
impl ContainerRequest {
    /// Waits for this before the container counts as started; several are awaited in the order in which they are
    /// written.
    ///
    /// With none, the health check is awaited if the request or the image has one, else the published ports, else
    /// that the container runs.
    pub fn wait(mut self, wait: impl Into<Wait>) -> Self {
        self.options.waits.push(wait.into());
        self
    }

    /// The most time from creating the container to its last wait; 60 s if not said. Pulling the image is outside.
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.options.start_timeout = Some(limit);
        self
    }

    /// The health check's command, run by a shell in the container (`--health-cmd`).
    pub fn health_cmd(mut self, command: impl Into<String>) -> Self {
        self.health().test = Some(vec!["CMD-SHELL".into(), command.into()]);
        self
    }

    /// Time between health checks; Docker's default is 30 s (`--health-interval`).
    pub fn health_interval(mut self, interval: Duration) -> Self {
        self.health().interval = Some(interval);
        self
    }

    /// The most time for one health check; Docker's default is 30 s (`--health-timeout`).
    pub fn health_timeout(mut self, limit: Duration) -> Self {
        self.health().timeout = Some(limit);
        self
    }

    /// Time in which failed checks do not count; Docker's default is 0 (`--health-start-period`).
    pub fn health_start_period(mut self, period: Duration) -> Self {
        self.health().start_period = Some(period);
        self
    }

    /// How many failed checks in a row make it unhealthy; Docker's default is 3 (`--health-retries`).
    pub fn health_retries(mut self, retries: u32) -> Self {
        self.health().retries = Some(retries);
        self
    }

    /// Without the image's health check (`--no-healthcheck`).
    pub fn no_healthcheck(mut self) -> Self {
        self.options.health = Some(Health { test: Some(vec!["NONE".into()]), ..Health::default() });
        self
    }

    /// Has the engine remove the container when it ends by itself (`--rm`). Its last output and exit code are still
    /// told by the handle.
    pub fn rm(mut self, remove: bool) -> Self {
        self.options.rm = remove;
        self
    }

    /// When the image is pulled (`--pull`).
    pub fn pull(mut self, policy: PullPolicy) -> Self {
        self.options.pull = policy;
        self
    }

    /// How long a pull may make no progress before it is given up; 60 s if not said.
    pub fn pull_stall_timeout(mut self, limit: Duration) -> Self {
        self.options.pull_stall_timeout = Some(limit);
        self
    }

    /// The platform of the image, such as `"linux/amd64"` (`--platform`).
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        self.options.platform = Some(platform.into());
        self
    }

    /// What the Engine API has and this crate has not: an object that is merged into the body of
    /// `POST /containers/create`, after everything else. Objects are merged key by key, anything else replaces. What longshore
    /// itself goes by is refused: `Image`, `Labels`, `Tty` and `HostConfig.AutoRemove` have their own methods.
    pub fn raw(mut self, body: Value) -> Self {
        self.options.raw.push(body);
        self
    }

    fn health(&mut self) -> &mut Health {
        self.options.health.get_or_insert_default()
    }
}
