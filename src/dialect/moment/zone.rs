//! The session's time zone, where functions find it while they run: an extension of DataFusion's configuration.

use crate::text::zone::Zone;
use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::{Result, config_err};
use std::any::Any;

/// The extension, which no statement can set: the session does.
#[derive(Debug, Clone)]
struct SessionZone(Zone);

impl ConfigExtension for SessionZone {
    const PREFIX: &'static str = "session_zone";
}

impl ExtensionOptions for SessionZone {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, _: &str, _: &str) -> Result<()> {
        config_err!("the zone of a session is set by SET timezone")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// The zone of a session by its configuration; UTC where none is set.
pub(crate) fn of(config: &ConfigOptions) -> &Zone {
    static UTC: Zone = Zone::UTC;
    config.extensions.get::<SessionZone>().map_or(&UTC, |session| &session.0)
}

/// Sets the zone of a session.
pub(crate) fn set(config: &mut ConfigOptions, zone: Zone) {
    config.extensions.insert(SessionZone(zone));
}
