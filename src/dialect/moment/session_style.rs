//! The style that a session wants texts in, where functions find it while they run: its zone, and how spans of time look.

use crate::dialect::carried::{self, Carry};
use crate::text::style::Style;
use crate::text::zone::Zone;
use datafusion::common::config::ConfigOptions;

impl Carry for Style {
    const NAME: &'static str = "session_style";
}

/// The style of a session by its configuration; the default where none is set.
pub(crate) fn of(config: &ConfigOptions) -> &Style {
    static DEFAULT: Style = Style::DEFAULT;
    carried::get(config).unwrap_or(&DEFAULT)
}

/// The zone of a session by its configuration; UTC where none is set.
pub(crate) fn zone_of(config: &ConfigOptions) -> &Zone {
    &of(config).zone
}

/// Sets the style of a session.
pub(crate) fn set(config: &mut ConfigOptions, style: Style) {
    carried::put(config, style);
}
