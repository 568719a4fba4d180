//! The data of a network that is to be made, and its builder methods, each with the long name of its flag of
//! `docker network create`. They only write data down; `plan` says what is wrong with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A network of one's own, in the words of `docker network create`.
///
/// A request is data: it can be cloned, compared, serialized and made any number of times. Building one never fails;
/// [`create`](NetworkRequest::create) reports everything that is wrong with it at once, before anything is made.
///
/// (`--config-from` is missing on purpose: an engine allows no labels on such a network, so that nobody would find it
/// again.)
///
/// # Examples
///
/// ```no_run
/// use longshore::{ContainerRequest, NetworkRequest};
///
/// # async fn example() -> longshore::Result<()> {
/// let backend = NetworkRequest::new().internal().subnet("10.5.0.0/24").create().await?;
/// let database = ContainerRequest::new("redis:7.0")
///     .network(&backend)
///     .network_alias("database")
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "a request does nothing until it is made by `create`"]
pub struct NetworkRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) driver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) internal: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) attachable: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) ingress: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) no_ipv4: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) ipv6: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) subnets: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) gateways: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ip_ranges: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) aux_addresses: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ipam_driver: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) ipam_opts: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) opts: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
}

/// What it is.
impl NetworkRequest {
    /// A network as `docker network create` makes it when no flag is given: a bridge with a free subnet.
    pub fn new() -> Self {
        NetworkRequest::default()
    }

    /// A fixed name; what stands behind the flags of `docker network create`. Without one it gets a random name, and any
    /// number can exist side by side.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Its driver, such as `"bridge"` (as if nothing is said), `"macvlan"` or `"ipvlan"` (`--driver`).
    pub fn driver(mut self, driver: impl Into<String>) -> Self {
        self.driver = Some(driver.into());
        self
    }

    /// An option of the driver, such as `com.docker.network.driver.mtu` (`--opt`).
    pub fn opt(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.opts.insert(name.into(), value.into());
        self
    }

    /// A label (`--label`). Names that begin with `org.longshore.` are the crate's own.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// No way out of it: its containers reach each other and nothing else (`--internal`).
    pub fn internal(mut self) -> Self {
        self.internal = true;
        self
    }

    /// Containers that are no part of a service may join it, where it spans a swarm (`--attachable`).
    pub fn attachable(mut self) -> Self {
        self.attachable = true;
        self
    }

    /// The network over which a swarm publishes ports (`--ingress`).
    pub fn ingress(mut self) -> Self {
        self.ingress = true;
        self
    }

    /// `"local"` or `"swarm"` (`--scope`).
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }
}

/// Its addresses.
impl NetworkRequest {
    /// Addresses of IPv6 too (`--ipv6`).
    ///
    /// Without a [`subnet`](Self::subnet) of IPv6 it gets a free one: before version 27 Docker has none to give, and a
    /// random one of RFC 4193 is taken.
    pub fn ipv6(mut self) -> Self {
        self.ipv6 = true;
        self
    }

    /// No addresses of IPv4 (`--ipv4=false`). Docker can do so since version 28.
    pub fn no_ipv4(mut self) -> Self {
        self.no_ipv4 = true;
        self
    }

    /// Which addresses it has: `"10.5.0.0/16"`, `"fd00:5::/64"` (`--subnet`). Call it again for the other family; a
    /// bridge takes one of each.
    pub fn subnet(mut self, subnet: impl ToString) -> Self {
        self.subnets.push(subnet.to_string());
        self
    }

    /// The engine's own address in one of the subnets, the way out (`--gateway`): text, or a
    /// [`std::net::IpAddr`].
    pub fn gateway(mut self, address: impl ToString) -> Self {
        self.gateways.push(address.to_string());
        self
    }

    /// The part of a subnet from which containers get their addresses: `"10.5.1.0/24"` (`--ip-range`).
    pub fn ip_range(mut self, range: impl ToString) -> Self {
        self.ip_ranges.push(range.to_string());
        self
    }

    /// An address that no container gets, since it is somebody else's, with a name for it (`--aux-address name=ip`).
    pub fn aux_address(mut self, name: impl Into<String>, address: impl ToString) -> Self {
        self.aux_addresses.insert(name.into(), address.to_string());
        self
    }

    /// Who gives out addresses (`--ipam-driver`).
    pub fn ipam_driver(mut self, driver: impl Into<String>) -> Self {
        self.ipam_driver = Some(driver.into());
        self
    }

    /// An option for whoever that is (`--ipam-opt`).
    pub fn ipam_opt(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.ipam_opts.insert(name.into(), value.into());
        self
    }
}
