//! Starting from a snapshot.

use crate::request::ContainerRequest;
use crate::wait::Wait;

/// Warm starts.
impl ContainerRequest {
    /// Starts it from a snapshot of its first start, which is made if there is none: so a database that takes seconds to make its
    /// data folder does so once, and not in each test.
    ///
    /// The first start is as always. When it is ready, the container is stopped politely and becomes an image on the engine, with
    /// the data in its anonymous volumes (`VOLUME` of the image, `--volume /data`). That start and all later ones, in this test run
    /// and in others, are from that image: with the same command, environment, ports and all else; what is copied in is in it
    /// already. What is mounted from elsewhere (named volumes, folders of the host, file systems in memory) is not in it and is
    /// left as it is.
    ///
    /// A snapshot is for one request and one image: it is found by the [fingerprint](ContainerRequest::fingerprint), with the
    /// contents of the files that it copies, and by the image's digest. Whatever changes has another one. Exactly one is made,
    /// however many tests ask at once, in threads and in processes of this user. If none can be made (the container has to be
    /// killed, the disk is full), that is told on standard error, and the container is started without it.
    ///
    /// When one is made, those go that were not used for 14 days, and the least used of more than 20 on the engine; never one that a
    /// container uses. `LONGSHORE_SNAPSHOTS` says another number, or `off`: then all starts are as without `.warm()`. By hand they
    /// are listed and removed by [`Snapshots`](crate::Snapshots), or with
    /// `docker rmi $(docker images -q localhost/longshore-snapshot)`.
    ///
    /// An image that is a test's own ([`commit`](crate::Container::commit)) has no snapshots, and is started as ever.
    ///
    /// What the first start reads in a mounted folder of this machine is in it, and the folder's contents are not in the key: copy such
    /// files in ([`copy_to`](ContainerRequest::copy_to)), or name their version by [`warm_key`](Self::warm_key).
    ///
    /// What a first start notes of itself is in the snapshot too: ids that are meant to be of one server alone, the time, and the
    /// host's name, unless a [`hostname`](ContainerRequest::hostname) is said. What the image has at a volume's path and the first
    /// start removes is there again. On Podman, whose copies lose owners, a container with data in anonymous volumes has no snapshot.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use longshore::{ContainerRequest, Wait};
    ///
    /// # async fn example() -> longshore::Result<()> {
    /// let search = ContainerRequest::new("elasticsearch:8.15.0")
    ///     .env("discovery.type", "single-node")
    ///     .publish("9200")
    ///     .wait(Wait::http("/_cluster/health").port(9200))
    ///     .warm()
    ///     .start()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn warm(mut self) -> Self {
        self.own.warm.get_or_insert_default();
        self
    }

    /// Waits for this when it is started from its snapshot, in place of the waits of the first start; several are awaited in the
    /// order in which they are written. Says [`warm`](Self::warm) too.
    ///
    /// For waits that a second start does not satisfy: a line that only an initialisation writes, or that is written once now and
    /// not twice.
    pub fn warm_wait(mut self, wait: impl Into<Wait>) -> Self {
        self.own.warm.get_or_insert_default().waits.push(wait.into());
        self
    }

    /// Tells snapshots apart whose difference is not in the request: that of [`Hooks`](crate::Hooks), whose waits may change a
    /// container. A request that is started with waits in its hooks needs one. Says [`warm`](Self::warm) too.
    pub fn warm_key(mut self, key: impl Into<String>) -> Self {
        self.own.warm.get_or_insert_default().key = Some(key.into());
        self
    }
}
