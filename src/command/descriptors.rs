//! File descriptors: as many as the system allows, and how many of them each part of a server may take, so that sockets
//! never take those that the lake needs.

use crate::serve::{http, strangers};

/// Descriptors for the lake, spills, the log and the sources.
const KEPT_BACK: usize = 256;

/// Places that a server gives to its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    /// Connections of the Postgres server, and as many of the Flight server.
    pub(super) connections: usize,
    /// Postgres clients that have not logged in.
    pub(super) strangers: usize,
}

/// Raises the limit of this process as far as it may, and divides what there is; `wanted` connections where there are
/// enough.
pub(super) fn divide(wanted: usize) -> Places {
    let files = rlimit::increase_nofile_limit(rlimit::INFINITY);
    let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let places = of(files, wanted);
    if places.connections < wanted {
        tracing::warn!(
            files,
            connections = places.connections,
            "limits.connections is lowered: the system allows this process too few open files"
        );
    }
    places
}

fn of(files: usize, wanted: usize) -> Places {
    let sockets = files.saturating_sub(KEPT_BACK).saturating_sub(http::SOCKETS_MAX);
    let strangers = strangers::ALL_MAX.min(sockets / 5);
    Places { connections: wanted.min((sockets - strangers) / 2).max(1), strangers: strangers.max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_places_together_leave_the_lake_its_files() {
        assert_eq!(of(usize::MAX, 500), Places { connections: 500, strangers: strangers::ALL_MAX });
        assert_eq!(of(10, 500), Places { connections: 1, strangers: 1 });
        for files in [512, 1_024, 1_500, 4_096, 65_536] {
            let Places { connections, strangers } = of(files, 500);
            assert!(2 * connections + strangers + http::SOCKETS_MAX + KEPT_BACK <= files, "{files}");
        }
    }
}
