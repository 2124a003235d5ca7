//! `tt quality`: what is doubtful in the lake and what was rejected, as `system.data_quality` and `system.rejected_rows` tell
//! it. No server is asked.

use super::configuration;
use super::query::{print, rows};
use crate::args::Common;
use crate::clock::Clock;
use crate::console::table::Format;
use crate::server::{self, Role};
use crate::shutdown;
use anyhow::Result;
use arrow::array::AsArray;
use std::process::ExitCode;

/// All that is told, the gravest first.
const QUERY: &str = "
SELECT dataset, symbol, severity, kind, count, last_seen, example
FROM (
    SELECT dataset, symbol, severity, kind, count, last_seen, example FROM system.data_quality
    UNION ALL
    SELECT dataset, symbol, 'warning', 'rejected', count, last_seen,
        location || coalesce(', line ' || line::text, '') || ': ' || reason
    FROM system.rejected_rows
) AS told
ORDER BY array_position(ARRAY['severe', 'warning', 'info'], severity), dataset, symbol, kind, example";

/// Prints a row for each doubt and each rejected row. Exit code 1 when one of them is severe.
///
/// # Errors
/// The configuration or the lake cannot be used.
pub async fn run(common: &Common, format: Format) -> Result<ExitCode> {
    let config = configuration(common)?;
    let shutdown = shutdown::on_signal();
    let server = server::start(&config, Role::ReadOnly, Clock::System, &shutdown).await?;
    let (schema, batches) = rows(&server.engine, QUERY).await?;
    shutdown.cancel();
    let severities = batches.iter().filter_map(|batch| batch.column_by_name("severity")?.as_string_opt::<i32>());
    let severe = severities.flat_map(|texts| texts.iter()).any(|severity| severity == Some("severe"));
    print(&schema, &batches, format)?;
    Ok(if severe { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
