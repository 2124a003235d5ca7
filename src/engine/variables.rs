//! A session's settings and the running statements, as SQL functions see them.

use super::queries::Queries;
use super::settings::Settings;
use crate::table::function::{Activity, SessionVariables};
use datafusion::error::{DataFusionError, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What `current_setting`, `set_config` and `pg_stat_activity` read and write.
#[derive(Debug)]
pub(super) struct Variables {
    pub(super) settings: Arc<Mutex<Settings>>,
    pub(super) queries: Arc<Queries>,
}

impl Variables {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionVariables for Variables {
    fn show(&self, name: &str) -> Result<String> {
        self.settings().show(name).map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn set(&self, name: &str, value: &str) -> Result<()> {
        self.settings().set(name, value).map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn all(&self) -> Vec<(String, String)> {
        self.settings().all()
    }

    fn activity(&self) -> Vec<Activity> {
        let activity = |query: super::RunningQuery| Activity {
            pid: i32::try_from(query.session_id).unwrap_or(i32::MAX),
            user: query.user,
            front_end: query.front_end.to_owned(),
            started_at: query.started_at,
            sql: query.sql,
        };
        self.queries.running().into_iter().map(activity).collect()
    }
}
