//! The limit of connections that the Postgres and the Flight server have in common.

/// Connections that a server takes at once unless the configuration says otherwise (`limits.connections`). The Postgres
/// server refuses the next client with SQLSTATE 53300, the Flight server with RESOURCE_EXHAUSTED.
pub const CONNECTIONS_DEFAULT: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_has_the_same_default() {
        assert_eq!(crate::config::load(None, &Vec::new()).unwrap().limits.connections, CONNECTIONS_DEFAULT);
    }
}
