//! Values that a session or a statement hands to functions through DataFusion's configuration, where they and the
//! optimiser find them. No statement can set one.

use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::{Result, config_err};
use std::any::Any;
use std::fmt::Debug;

/// A value that the configuration carries, one of its type.
pub(crate) trait Carry: Debug + Clone + Send + Sync + 'static {
    /// The name of the extension, which no other has.
    const NAME: &'static str;
}

/// The extension of DataFusion's configuration around a value.
#[derive(Debug, Clone)]
struct Carried<T>(T);

impl<T: Carry> ConfigExtension for Carried<T> {
    const PREFIX: &'static str = T::NAME;
}

impl<T: Carry> ExtensionOptions for Carried<T> {
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
        config_err!("the server alone sets {}", T::NAME)
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// The value of a type that a configuration carries, if it does.
pub(crate) fn get<T: Carry>(config: &ConfigOptions) -> Option<&T> {
    config.extensions.get::<Carried<T>>().map(|carried| &carried.0)
}

/// Has a configuration carry a value, in the place of an earlier one of its type.
pub(crate) fn put<T: Carry>(config: &mut ConfigOptions, value: T) {
    config.extensions.insert(Carried(value));
}
