//! The proxies that the configuration trusts.

use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// The networks of proxies whose word for a client's address is taken (`limits.trusted_proxies`). Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// The proxies in these networks.
    pub fn of(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Whether an address is that of a proxy.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}
