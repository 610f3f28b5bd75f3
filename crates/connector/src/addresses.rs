//! Finding the address of a server.

use std::net::{IpAddr, SocketAddr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Names are looked up as usual; an address that is written as numbers needs no look-up. `ureq`
/// starts a thread for each, which costs as much as the rest of a request to a server on the same
/// machine.
#[derive(Debug, Default)]
pub(crate) struct Addresses(DefaultResolver);

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().map(|host| host.trim_start_matches('[').trim_end_matches(']'));
        let port = uri.port_u16().or(match uri.scheme_str() {
            Some("http") => Some(80),
            Some("https") => Some(443),
            _ => None,
        });
        match (host.and_then(|host| host.parse::<IpAddr>().ok()), port) {
            (Some(address), Some(port)) => {
                let mut found = self.empty();
                found.push(SocketAddr::new(address, port));
                Ok(found)
            }
            _ => self.0.resolve(uri, config, timeout),
        }
    }
}
