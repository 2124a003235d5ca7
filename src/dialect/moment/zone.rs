//! The session's time zone, where functions find it while they run.

use crate::dialect::carried::{self, Carry};
use crate::text::zone::Zone;
use datafusion::common::config::ConfigOptions;

impl Carry for Zone {
    const NAME: &'static str = "session_zone";
}

/// The zone of a session by its configuration; UTC where none is set.
pub(crate) fn of(config: &ConfigOptions) -> &Zone {
    static UTC: Zone = Zone::UTC;
    carried::get(config).unwrap_or(&UTC)
}

/// Sets the zone of a session.
pub(crate) fn set(config: &mut ConfigOptions, zone: Zone) {
    carried::put(config, zone);
}
